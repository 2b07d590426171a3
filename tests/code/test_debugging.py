"""debugging: each instrument against torch, or against a fault made on purpose."""

import copy
import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from torchbook.datasets import load_digits
from torchbook.debugging import (
    Probe,
    SavedBytes,
    blame,
    dead_units,
    examine,
    first_bad,
    last_line,
    neighbor_agreement,
    trace,
    update_ratios,
)


def net(last=(), width=16, dtype=torch.float32, device="cpu"):
    """A small classifier, the same each time."""
    torch.manual_seed(0)
    layers = nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 4), *last
    return nn.Sequential(*layers).to(device, dtype)


def batch(n=32, dtype=torch.float32, device="cpu"):
    g = torch.Generator().manual_seed(1)
    x, y = torch.randn(n, 6, generator=g), torch.randint(4, (n,), generator=g)
    return x.to(device, dtype), y.to(device)


# --- Probe -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_probe_keeps_each_layers_output_and_its_gradient(dtype, device):
    model = net(dtype=dtype, device=device)
    x, y = batch(dtype=dtype, device=device)
    with Probe(model) as probe:
        F.cross_entropy(model(x), y).backward()
    steps = [x]
    for layer in model:
        steps.append(layer(steps[-1]))
    gradients = torch.autograd.grad(F.cross_entropy(steps[-1], y), steps[1:])
    assert list(probe.outputs) == ["0", "1", "2"]
    for name, step, gradient in zip("012", steps[1:], gradients, strict=True):
        torch.testing.assert_close(probe.outputs[name], step.detach())
        torch.testing.assert_close(probe.gradients[name], gradient)
        assert not probe.outputs[name].requires_grad


def test_a_probe_is_gone_afterwards_even_after_an_error():
    model = net()
    probe = Probe(model)
    with pytest.raises(RuntimeError), probe:
        model(torch.ones(2, 5))
    assert not any(part._forward_hooks for part in model.modules())
    assert probe.handles == []


def test_a_probe_changes_nothing_that_is_computed():
    x, y = batch()
    model, other = net(), net()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    with Probe(other):
        seen = F.cross_entropy(other(x), y)
        seen.backward()
    assert torch.equal(loss, seen)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)


def test_a_probe_keeps_an_output_that_is_overwritten_later():
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
    x = torch.randn(5, 3)
    with Probe(model) as probe:
        model(x)
    torch.testing.assert_close(probe.outputs["0"], model[0](x).detach())
    assert (probe.outputs["0"] < 0).any()


class Twice(nn.Module):
    """Calls one layer two times, and the ReLU in place."""

    def __init__(self):
        super().__init__()
        self.linear, self.relu = nn.Linear(3, 3), nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.linear(self.relu(self.linear(x))))


def test_of_a_layer_called_twice_a_probe_keeps_the_latest_call():
    """Its output and its gradient belong together; a new pass replaces both."""
    torch.manual_seed(0)
    model, x = Twice(), torch.randn(5, 3)
    with Probe(model) as probe:
        for weight in (1.0, 2.0):
            (weight * model(x)).sum().backward()
            assert torch.equal(probe.gradients["relu"], torch.full((5, 3), weight))
            positive = (probe.outputs["linear"] > 0) * weight
            torch.testing.assert_close(probe.gradients["linear"], positive)
    torch.testing.assert_close(probe.outputs["relu"], model(x).detach())


def test_a_probe_passes_over_layers_that_give_no_tensor_and_no_gradient():
    model = nn.Sequential(nn.GRU(3, 2))
    with Probe(model) as probe:
        model(torch.ones(4, 3))
    assert probe.outputs == {}
    model = net()
    with Probe(model) as probe, torch.no_grad():
        model(batch()[0])
    assert len(probe.outputs) == 3
    assert probe.gradients == {}


# --- dead units, what isn't finite, and the line to blame ------------------------------


def test_a_dead_unit_is_zero_on_every_row():
    output = torch.tensor([[0.0, 0.0, 1.0], [0.0, 2.0, 0.0]])
    assert dead_units(output).tolist() == [True, False, False]
    assert dead_units(torch.zeros(5, 2, 3)).shape == (2, 3)


@pytest.mark.parametrize("shape", [(), (0, 3)])
def test_dead_units_need_rows(shape):
    with pytest.raises(ValueError, match="output"):
        dead_units(torch.zeros(shape))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_that_is_not_finite_is_named(bad):
    fine, broken = torch.ones(2), torch.tensor([0.0, bad])
    assert first_bad({"a": fine, "b": broken, "c": broken}) == "b"
    assert first_bad({"a": fine}) is None
    assert first_bad({}) is None


def log_of_nothing():
    x = torch.tensor([0.0, 2.0], requires_grad=True)
    return torch.where(x > 0, x.log(), x).sum()


def test_the_line_that_makes_nan_is_blamed():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        operation, line = blame(log_of_nothing)
    assert operation == "LogBackward0"
    assert line == "return torch.where(x > 0, x.log(), x).sum()"
    assert not torch.is_anomaly_enabled()


def test_nobody_is_blamed_without_a_nan_and_other_errors_pass():
    w = torch.ones(3, requires_grad=True)
    assert blame(lambda: (w * 2).sum()) is None
    assert w.grad.tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="does not require grad"):
        blame(lambda: torch.ones(()))


def test_a_traceback_without_source_has_no_line():
    assert last_line("") == ""
    assert last_line('  File "x", line 3, in f') == ""
    assert last_line('  File "x", line 3, in f\n    a = b\n    ~~^~\n') == "a = b"


# --- updates and labels ----------------------------------------------------------------


@given(st.floats(1e-4, 1), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_update_ratios_are_those_of_plain_descent(lr, seed):
    torch.manual_seed(seed)
    model = nn.Linear(3, 2, dtype=torch.float64)
    optimizer = torch.optim.SGD(model.parameters(), lr)
    model(torch.randn(4, 3, dtype=torch.float64)).square().sum().backward()
    want = {n: lr * (p.grad.norm() / p.norm()).item() for n, p in model.named_parameters()}
    assert update_ratios(model, optimizer.step) == pytest.approx(want, rel=1e-6)


def test_update_ratios_of_zeros_and_of_what_is_frozen():
    model = nn.Linear(2, 2)
    nn.init.zeros_(model.bias)
    model.weight.requires_grad_(False)

    def move():
        with torch.no_grad():
            model.bias.add_(1)

    assert update_ratios(model, lambda: None) == {"bias": 0}
    assert update_ratios(model, move) == {"bias": math.inf}


def test_neighbors_agree_on_digits_and_not_on_shuffled_labels():
    images, labels = load_digits()
    assert neighbor_agreement(images, labels) > 0.95
    g = torch.Generator().manual_seed(0)
    shuffled = labels[torch.randperm(len(labels), generator=g)]
    assert 0.05 < neighbor_agreement(images, shuffled) < 0.15


def test_neighbors_are_counted_as_by_hand():
    x = torch.tensor([0, 1, 3, 10])
    assert neighbor_agreement(x[:, None], torch.tensor([0, 0, 1, 1])) == 0.75


@pytest.mark.parametrize(
    ("inputs", "target", "name"),
    [
        (torch.ones(1, 2), torch.ones(1), "inputs"),
        (torch.ones(3, 2), torch.ones(3, 1), "target"),
        (torch.ones(3, 2), torch.ones(2), "target"),
    ],
)
def test_neighbors_name_a_bad_argument(inputs, target, name):
    with pytest.raises(ValueError, match=name):
        neighbor_agreement(inputs, target)


# --- examine ---------------------------------------------------------------------------


def kinds(findings):
    return {finding.split(":")[0] for finding in findings}


def test_nothing_is_found_where_nothing_is_wrong(device):
    x, y = batch(device=device)
    assert examine(net(device=device), x, y, F.cross_entropy) == []
    target = torch.randn(32, 1, device=device)
    layers = nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1)
    assert examine(nn.Sequential(*layers).to(device), x, target, F.mse_loss) == []


def broken(kind):
    """A model, a batch and a loss with a fault of this kind."""
    model, (x, y), loss = net(), batch(), F.cross_entropy
    if kind == "device":
        x = x.to("meta")
    elif kind == "shape":
        model, y = nn.Linear(6, 1), torch.randn(32)

        def loss(output, target):
            return (output - target).square().mean()
    elif kind == "probabilities":
        model = net(last=(nn.Softmax(dim=-1),))
    elif kind == "nonfinite":
        x[3, 2] = math.nan
    elif kind == "reduction":

        def loss(output, target):
            return F.cross_entropy(output, target, reduction="sum") / 32
    elif kind == "start":
        with torch.no_grad():
            model[2].weight.mul_(50)
    elif kind == "dead":
        nn.init.constant_(model[0].bias, -9)
    elif kind == "gradient":
        model.append(nn.Linear(4, 4))
        model.forward = lambda x: model[2](model[1](model[0](x)))
    return model, x, y, loss


FAULTS = "device", "shape", "probabilities", "nonfinite", "reduction", "start", "dead"


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_found(kind):
    found = kinds(examine(*broken(kind)))
    assert kind in found
    follows = {"dead": {"gradient"}, "nonfinite": {"nonfinite"}}
    assert found <= {kind} | follows.get(kind, set())


def test_parameters_without_gradients_are_found():
    model, (x, y) = net(), batch()
    model.register_parameter("extra", nn.Parameter(torch.ones(2)))
    assert examine(model, x, y, F.cross_entropy) == ["gradient: extra has none"]
    model.requires_grad_(False)
    assert examine(model, x, y, F.cross_entropy) == ["gradient: the loss has no graph"]


def test_tensors_that_have_no_numbers_are_not_examined():
    with torch.device("meta"):
        model, x, y = nn.Linear(6, 4), torch.ones(2, 6), torch.ones(2).long()
    assert examine(model, x, y, F.cross_entropy) == ["device: meta"]


def test_examine_leaves_everything_as_it_was():
    model, (x, y) = net(last=(nn.BatchNorm1d(4), nn.Dropout())), batch()
    model.eval()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    examine(model, x, y, F.cross_entropy)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(part.training for part in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not any(part._forward_hooks for part in model.modules())


def test_examine_draws_no_random_numbers_for_a_loss_that_does():
    def noisy(z, y):
        return F.cross_entropy(F.dropout(z, 0.1), y)

    state = torch.get_rng_state()
    examine(net(), *batch(), noisy)
    assert torch.equal(torch.get_rng_state(), state)


def test_examine_refuses_a_loss_of_many_numbers():
    with pytest.raises(ValueError, match="loss"):
        examine(net(), *batch(), lambda z, y: F.cross_entropy(z, y, reduction="none"))


# --- what graphs hold, and the trace ---------------------------------------------------


def test_saved_bytes_are_those_that_the_operations_need():
    x = torch.randn(8, 4, requires_grad=True)
    with SavedBytes().watch() as saved:
        y = x.exp()  # keeps its output
        assert saved.now == 8 * 4 * 4
        z = y * x  # keeps y, which counts already, and x
        assert saved.now == 2 * 8 * 4 * 4
        z.sum().backward()
        assert saved.now == 0
    torch.testing.assert_close(x.grad, (x.exp() * (1 + x)).detach())


def test_saved_bytes_fall_when_a_graph_goes():
    model, (x, y) = net(), batch()
    with SavedBytes().watch() as saved:
        kept = [F.cross_entropy(model(x), y) for _ in range(3)]
        three = saved.now
        del kept[1:]
        one = saved.now
        kept.clear()
    weights = model[2].weight.nbytes  # saved by each, counted once
    shared = x.nbytes + y.nbytes + weights
    assert three - shared == 3 * (one - shared) > 0
    assert saved.now == 0


def test_a_kept_loss_holds_nothing_after_backward():
    model, (x, y) = net(), batch()
    with SavedBytes().watch() as saved:
        kept = []
        for _ in range(3):
            kept.append(F.cross_entropy(model(x), y))
            kept[-1].backward()
    assert saved.now == 0


def test_a_trace_repeats_and_nests():
    model, (x, y) = net(), batch()

    def step():
        F.cross_entropy(model(x), y).backward()

    step()
    spans = trace(step)
    assert spans == trace(step)
    ticks = sorted(t for span in spans for t in (span.start, span.end))
    assert ticks == list(range(2 * len(spans)))
    assert [s.start for s in spans] == sorted(s.start for s in spans)
    for span in spans:
        around = [s for s in spans if s.start < span.start and span.end < s.end]
        assert len(around) == span.depth
    names = [span.name for span in spans]
    assert names.count("aten::addmm") == 2
    assert names.count("aten::relu") == 1


def test_a_trace_names_the_readers_own_part():
    def run():
        with torch.profiler.record_function("mine"):
            torch.ones(3).add(1)

    spans = trace(run)
    assert spans[0].name == "mine"
    assert {s.depth for s in spans[1:]} >= {1}


# --- what the chapter says of torch ----------------------------------------------------


def test_meta_finds_a_sum_with_a_tensor_left_behind_but_not_a_product():
    """Where a GPU would refuse both: a sieve with holes."""
    far, near = torch.zeros(3, 3, device="meta"), torch.zeros(3, 3)
    with pytest.raises(RuntimeError, match="device"):
        far + near
    assert (far @ near).shape == (3, 3)


def test_a_nan_passes_through_clamp_but_not_past_it_in_probabilities():
    assert torch.tensor(math.nan).clamp(0, 1).isnan()
    z = torch.tensor([200.0, 0, 0], requires_grad=True)
    z.softmax(0).clamp(min=1e-8).log()[0].backward()
    assert z.grad.isfinite().all()


def test_after_a_step_with_nan_only_units_that_were_silent_keep_their_weights():
    model, (x, y) = net(), batch()
    model[0].bias.data[:3] = -99
    silent = (model[:2](x) == 0).all(dim=0)
    (F.cross_entropy(model(x), y) * math.nan).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert silent.any()
    assert torch.equal(model[0].weight.isnan().all(dim=1), ~silent)
    assert model[2].weight.isnan().all()


@pytest.mark.parametrize(("optimizer", "grows"), [("SGD", True), ("Adam", False)])
def test_without_zero_grad_the_ratio_grows_with_sgd_alone(optimizer, grows):
    model, (x, y) = net(), batch()
    rule = getattr(torch.optim, optimizer)(model.parameters(), lr=0.001)
    ratios = []
    for _ in range(10):
        F.cross_entropy(model(x), y).backward()
        ratios.append(update_ratios(model, rule.step)["0.weight"])
    assert (ratios[-1] > 5 * ratios[0]) == grows


def test_twice_the_rows_ask_for_a_quarter_of_the_rate_with_both_mistakes():
    """The gradient of the sum over all pairs has four times the length."""
    torch.manual_seed(0)
    model, x = nn.Linear(3, 1), torch.randn(16, 3)
    y = x.sum(dim=1)
    lengths = []
    for k in (1, 2):
        error = model(x.repeat(k, 1)) - y.repeat(k)
        g = torch.autograd.grad(error.square().sum(), model.weight)[0]
        lengths.append(g.norm().item())
    assert lengths[1] == pytest.approx(4 * lengths[0], rel=1e-4)
