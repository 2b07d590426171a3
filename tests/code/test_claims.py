"""What the claims ledger asserts about torch and no chapter's test shows."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import Variable
from torch.testing import assert_close

N, D_IN, H, D_OUT = 64, 1000, 100, 10  # the article's sizes


def two_layers(device=None):
    """The article's network, small enough for a test."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)).to(device)


def batch(device=None, n=8):
    torch.manual_seed(1)
    return torch.randn(n, 5).to(device), torch.randn(n, 2).to(device)


# --- what is deep learning? ------------------------------------------------------------


def test_a_network_is_a_function_of_its_parameters(device):
    """The same network with other parameters is another function, and nothing was trained."""
    model, (x, _) = two_layers(device), batch(device)
    ours = dict(model.named_parameters())
    others = {name: values + 1 for name, values in ours.items()}
    result, other = (torch.func.functional_call(model, p, (x,)) for p in (ours, others))
    assert_close(result, model(x))
    assert not torch.allclose(result, other)
    assert all(values.grad is None for values in model.parameters())


# --- why PyTorch -----------------------------------------------------------------------


def test_depth_may_depend_on_the_input(device):
    layer = nn.Linear(3, 3, device=device)

    def run(x):
        depth = 0
        while x.norm() > 1:
            x, depth = layer(x) / 10, depth + 1
        return x, depth

    near, far = (run(torch.full((3,), size, device=device)) for size in (1.0, 1e6))
    assert 0 < near[1] < far[1]
    far[0].sum().backward()
    assert layer.weight.grad is not None


# --- tensors ---------------------------------------------------------------------------


def test_one_class_serves_every_device(device):
    here = torch.tensor([1.0], device=device)
    shape_only = torch.tensor([1.0], device="meta")
    assert type(here) is type(shape_only) is torch.Tensor
    assert here.device.type == device.type
    assert (shape_only + shape_only).shape == (1,)


def test_floats_default_to_float32_and_integers_to_int64():
    assert torch.get_default_dtype() is torch.float32
    assert torch.tensor([1.0]).dtype is torch.float32
    assert torch.tensor([1]).dtype is torch.int64
    assert torch.FloatTensor([1]).dtype is torch.float32
    assert torch.from_numpy(np.array([1.0])).dtype is torch.float64


def test_tensors_come_from_lists():
    rows = [[1.0, 2.0], [3.0, 4.0]]
    x = torch.tensor(rows)
    rows[0][0] = 9.0
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(ValueError, match="expected sequence of length 2"):
        torch.tensor([[1.0, 2.0], [3.0]])


def test_adding_and_subtracting_are_elementwise(device):
    a, b = torch.tensor([[1, 2], [3, 4]], device=device), torch.tensor([10, 20], device=device)
    assert (a + b).tolist() == [[11, 22], [13, 24]]
    assert (a - b).tolist() == [[-9, -18], [-7, -16]]
    with pytest.raises(RuntimeError, match="must match the size"):
        a + torch.ones(3, device=device)


def test_a_transpose_is_a_view(device):
    x = torch.zeros(2, 3, device=device)
    x.T[2, 0] = 1
    assert x.tolist() == [[0, 0, 1], [0, 0, 0]]


# --- autograd --------------------------------------------------------------------------


def test_backward_agrees_with_the_formulas_by_hand(device):
    model, (x, y) = two_layers(device).double(), (t.double() for t in batch(device))
    first, _, second = model
    hidden = first(x)
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    with torch.no_grad():
        d_out = 2 * (model(x) - y) / y.numel()
        d_hidden = d_out @ second.weight * (hidden > 0)
    assert_close(second.weight.grad, d_out.T @ hidden.relu().detach())
    assert_close(first.weight.grad, d_hidden.T @ x)
    assert_close(first.bias.grad, d_hidden.sum(0))


def test_linear_starts_within_one_over_root_fan_in(device):
    torch.manual_seed(0)
    layer = nn.Linear(400, 1000, device=device)
    bound = 400**-0.5
    for values in (layer.weight, layer.bias):
        assert 0.99 * bound < values.abs().max() <= bound
        assert (values != 0).all()
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)


def test_units_that_start_alike_get_the_same_gradient(device):
    model, (x, y) = two_layers(device), batch(device)
    for values in model.parameters():
        nn.init.constant_(values, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        for rows in (model[0].weight.grad, model[0].weight):
            assert (rows[0] != 0.1).any()
            assert_close(rows, rows[:1].expand_as(rows))


def test_what_has_no_derivative_leaves_no_history(device):
    x = torch.tensor([1.0, -2.0], device=device, requires_grad=True)
    for result in (x > 0, x.argmax(), x.long()):
        assert not result.requires_grad
    assert (2 * x).requires_grad


def test_variables_are_tensors():
    assert type(Variable(torch.ones(2))) is torch.Tensor


def test_only_what_comes_later_is_recorded(device):
    x = torch.ones(2, device=device)
    before = 2 * x
    x.requires_grad = True
    assert (before.requires_grad, (2 * x).requires_grad) == (False, True)
    with pytest.raises(RuntimeError, match="floating point and complex"):
        torch.ones(2, dtype=torch.int64, device=device, requires_grad=True)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_only_leaves_keep_their_gradient(device):
    x = torch.tensor(3.0, device=device, requires_grad=True)
    plain, kept = x**2, x**2
    kept.retain_grad()
    (plain + kept).backward()
    assert (x.grad, plain.grad, kept.grad) == (12, None, 1)


def test_detach_leaves_the_original_connected(device):
    x = torch.tensor(3.0, device=device, requires_grad=True)
    y = x**2
    loose = y.detach()
    assert ((loose * x).grad_fn is not None, (loose * 2).requires_grad) == (True, False)
    (y * 2).backward()
    assert x.grad == 12


def test_no_grad_records_nothing(device):
    x = torch.ones(2, device=device, requires_grad=True)

    @torch.no_grad()
    def double(t):
        return 2 * t

    with torch.no_grad():
        inside = 2 * x
    assert not (inside.requires_grad or double(x).requires_grad)
    assert (2 * x).requires_grad


def test_the_graph_has_no_cycle_and_is_used_once(device):
    x = torch.tensor(2.0, device=device, requires_grad=True)
    y = (x * x + x) * torch.tensor(3.0, device=device)

    def below(fn, above=()):
        assert fn not in above
        earlier = [f for f, _ in fn.next_functions if f]
        return {fn}.union(*(below(f, (*above, fn)) for f in earlier))

    names = sorted(type(fn).__name__ for fn in below(y.grad_fn))
    assert names == ["AccumulateGrad", "AddBackward0", "MulBackward0", "MulBackward0"]
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_grad_fn_names_the_operation(device):
    x = torch.ones(2, device=device, requires_grad=True)
    assert x.grad_fn is None
    assert type(x.sum().grad_fn).__name__ == "SumBackward0"


def test_one_element_needs_no_argument(device):
    x = torch.tensor([[3.0]], device=device, requires_grad=True)
    (x**2).backward()
    with_weight = torch.tensor([[3.0]], device=device, requires_grad=True)
    (with_weight**2).backward(torch.ones(1, 1, device=device))
    assert x.grad.item() == with_weight.grad.item() == 6


# --- the nn module ---------------------------------------------------------------------


def test_a_module_runs_without_autograd(device):
    model, (x, _) = two_layers(device), batch(device)
    with torch.no_grad():
        quiet = model(x)
    assert not quiet.requires_grad
    assert_close(quiet, model(x).detach())


def test_the_six_steps_lower_the_loss_once_gradients_are_cleared(device):
    model, (x, y) = two_layers(device), batch(device)
    losses = []
    for _ in range(50):
        loss = nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for values in model.parameters():
                values -= 0.1 * values.grad
    assert losses[-1] < 0.7 * losses[0]
    assert losses == sorted(losses, reverse=True)


def test_the_update_rule_needs_no_grad(device):
    weight = torch.tensor(2.0, device=device, requires_grad=True)
    (weight**2).backward()
    typed_in = weight - 0.1 * weight.grad
    assert (typed_in.item(), typed_in.is_leaf) == (pytest.approx(1.6), False)
    with torch.no_grad():
        weight -= 0.1 * weight.grad
    assert (weight.item(), weight.is_leaf) == (pytest.approx(1.6), True)


def test_the_articles_network_has_the_shapes_it_names(device):
    model = nn.Sequential(nn.Linear(D_IN, H), nn.ReLU(), nn.Linear(H, D_OUT)).to(device)
    x = torch.randn(N, D_IN, device=device)
    assert (model[0](x).shape, model(x).shape) == ((N, H), (N, D_OUT))
    assert sum(values.numel() for values in model.parameters()) == 101_110


def test_gradients_of_two_batches_add_up_to_that_of_both(device):
    model, (x, y) = two_layers(device).double(), (t.double() for t in batch(device))
    whole = copy.deepcopy(model)
    loss = nn.MSELoss(reduction="sum")
    for part in (slice(0, 3), slice(3, None)):
        loss(model(x[part]), y[part]).backward()
    loss(whole(x), y).backward()
    for ours, theirs in zip(model.parameters(), whole.parameters(), strict=True):
        assert_close(ours.grad, theirs.grad)


def test_randn_draws_from_the_standard_normal_in_any_shape(device):
    torch.manual_seed(0)
    assert torch.randn(2, 3, 4, device=device).shape == (2, 3, 4)
    sample = torch.randn(100_000, device=device)
    assert sample.mean().item() == pytest.approx(0, abs=0.02)
    assert sample.std().item() == pytest.approx(1, abs=0.02)
    assert (sample.abs() < 1).double().mean().item() == pytest.approx(0.6827, abs=0.01)


def test_sequential_applies_its_layers_in_turn(device):
    model, (x, _) = two_layers(device), batch(device)
    first, middle, last = model
    assert_close(model(x), last(middle(first(x))))


def test_linear_is_affine(device):
    x, (layer, straight) = batch(device)[0], (nn.Linear(5, 4), nn.Linear(5, 4, bias=False))
    layer, straight = layer.to(device), straight.to(device)
    assert_close(layer(x), x @ layer.weight.T + layer.bias)
    assert not torch.allclose(layer(2 * x), 2 * layer(x))
    assert_close(straight(2 * x), 2 * straight(x))


def test_relu_is_elementwise(device):
    x = torch.tensor([[-2.0, 0.0], [3.0, -0.5]], device=device)
    assert nn.ReLU()(x).tolist() == [[0, 0], [3, 0]]


def test_mse_is_a_mean_over_elements(device):
    x = torch.ones(4, 3, device=device, requires_grad=True)
    y = torch.zeros(4, 3, device=device)
    mean, total = nn.MSELoss()(2 * x, y), nn.MSELoss(reduction="sum")(2 * x, y)
    assert (mean, total) == (4, 4 * 12)
    [small], [large] = (torch.autograd.grad(loss, x) for loss in (mean, total))
    assert_close(large, 12 * small)


# --- the optim package -----------------------------------------------------------------


def test_only_step_changes_the_weights(device):
    model, (x, y) = two_layers(device), batch(device)
    start = copy.deepcopy(model.state_dict())
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters())
    nn.functional.mse_loss(model(x), y).backward()
    assert all(torch.equal(start[name], v) for name, v in model.state_dict().items())
    optimizer.step()
    same = [name for name, v in model.state_dict().items() if torch.equal(start[name], v)]
    assert same == ["0.bias"]


@pytest.mark.parametrize("name", ["Adagrad", "RMSprop", "Adam"])
def test_the_named_optimizers_share_one_interface(name, device):
    model, (x, y) = two_layers(device), batch(device)
    optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.01)
    assert isinstance(optimizer, torch.optim.Optimizer)
    losses = []
    for _ in range(20):
        loss = nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_some_optimizers_ask_for_more(device):
    parameters = list(two_layers(device).parameters())
    with pytest.raises(TypeError, match="closure"):
        torch.optim.LBFGS(parameters).step()
    with pytest.raises(ValueError, match="2D"):
        torch.optim.Muon(parameters)
    torch.optim.Muon([values for values in parameters if values.ndim == 2])


def test_an_optimizer_takes_tensors_or_groups():
    model = two_layers()
    groups = [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[2].parameters()}]
    assert [g["lr"] for g in torch.optim.SGD(groups, lr=0.1).param_groups] == [0.5, 0.1]
    [group] = torch.optim.SGD(model.parameters(), lr=0.1).param_groups
    assert list(map(id, group["params"])) == list(map(id, model.parameters()))


def test_calling_the_model_runs_its_hooks(device):
    model, (x, _) = two_layers(device), batch(device)
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    model.forward(x)
    assert calls == []
    model(x)
    assert calls == [1]


def test_zero_grad_sets_none_wherever_it_stands(device):
    def train(clear_first):
        model, (x, y) = two_layers(device), batch(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            loss = nn.functional.mse_loss(model(x), y)
            if clear_first:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if not clear_first:
                optimizer.zero_grad()
                assert all(values.grad is None for values in model.parameters())
        return model.state_dict()

    before, after = train(True), train(False)
    assert_close(before, after, rtol=0, atol=0)


# --- custom modules, summary -----------------------------------------------------------


class TwoLayers(nn.Module):
    """The article's network as a class."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 4), nn.Linear(4, 2)
        self.hidden = [nn.Linear(1, 1)]  # in a list: not registered

    def forward(self, x):
        return self.second(self.first(x).clamp(min=0))


def test_a_subclass_registers_what_it_stores(device):
    model = TwoLayers().to(device)
    names = ["first.weight", "first.bias", "second.weight", "second.bias"]
    assert [name for name, _ in model.named_parameters()] == names
    assert model(batch(device)[0]).shape == (8, 2)

    class Forgetful(nn.Module):
        def __init__(self):
            self.first = nn.Linear(5, 4)

    with pytest.raises(AttributeError, match=r"before Module.__init__"):
        Forgetful()


def test_a_module_without_parameters_needs_no_init(device):
    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

    x = torch.ones(3, device=device)
    assert_close(Double()(x), 2 * x)
    assert list(Double().parameters()) == []


def test_sequential_is_a_module(device):
    assert issubclass(nn.Sequential, nn.Module)
    sequential, own = two_layers(device), TwoLayers().to(device)
    own.first, own.second = sequential[0], sequential[2]
    x, _ = batch(device)
    assert_close(own(x), sequential(x))


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize("make", [two_layers, TwoLayers])
def test_either_optimizer_takes_either_model(make, optimizer, device):
    torch.manual_seed(0)
    model, (x, y) = make().to(device), batch(device)
    stepper = optimizer(model.parameters(), lr=0.01)
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    stepper.step()
    assert nn.functional.mse_loss(model(x), y) < loss


def test_convolution_recurrence_attention_and_linear_layers(device):
    image, sequence = torch.randn(2, 3, 8, 8), torch.randn(2, 5, 6)
    image, sequence = image.to(device), sequence.to(device)
    assert nn.Conv2d(3, 4, 3).to(device)(image).shape == (2, 4, 6, 6)
    assert nn.RNN(6, 7, batch_first=True).to(device)(sequence)[0].shape == (2, 5, 7)
    assert nn.Linear(6, 9).to(device)(sequence).shape == (2, 5, 9)
    attention = nn.MultiheadAttention(6, 2, batch_first=True).to(device)
    assert attention(sequence, sequence, sequence)[0].shape == (2, 5, 6)
