"""custom_modules against torch.nn, and the chapter's claims about torch itself.

Values in float64 agree to 1e-12 unless a test says otherwise.
"""

import copy
import io
import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from torchbook.custom_modules import (
    MiniModule,
    ResidualBlock,
    RunningStandardize,
    SettlingNet,
    TwoLayerNet,
    output_scales,
)
from torchbook.two_layer_net import make_data, train_by_hand, two_layer_net

# A device does not change between the examples of one test.
with_device = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def normal(*shape, device="cpu", seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=g, dtype=torch.float64).to(device)


# TwoLayerNet


def test_class_and_sequential_start_and_train_alike(device):
    """The article's second difference, SGD, has nothing to do with the module."""
    x, y = make_data(device=device)
    torch.manual_seed(0)
    net = TwoLayerNet().to(device)
    torch.manual_seed(0)
    line = two_layer_net().to(device)
    assert all(map(torch.equal, net.parameters(), line.parameters()))
    expected = train_by_hand(line, x, y, 0.1, 20)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for loss_by_hand in expected:
        loss = nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(loss_by_hand, rel=1e-4)  # float32


def test_two_layer_net_names_and_shapes():
    net = TwoLayerNet(4, 3, 2)
    assert {k: tuple(p.shape) for k, p in net.named_parameters()} == {
        "hidden.weight": (3, 4),
        "hidden.bias": (3,),
        "output.weight": (2, 3),
        "output.bias": (2,),
    }
    assert net(torch.zeros(5, 6, 4)).shape == (5, 6, 2)
    assert isinstance(two_layer_net(), nn.Module)


# MiniModule: one description of a tree, built twice

trees = st.recursive(
    st.just("parameter"),
    lambda inner: st.dictionaries(
        st.sampled_from("abcde"),
        st.one_of(inner, st.sampled_from(["parameter", "tensor", "number", "list"])),
        max_size=4,
    ),
    max_leaves=12,
).filter(lambda tree: tree != "parameter")


def grow(tree, base):
    module = base()
    for name, value in tree.items():
        made = {
            "parameter": nn.Parameter(torch.zeros(1)),
            "tensor": torch.zeros(1),
            "number": 3,
            "list": [nn.Parameter(torch.zeros(1))],
        }
        setattr(module, name, grow(value, base) if isinstance(value, dict) else made[value])
    return module


@given(trees)
def test_mini_module_finds_the_names_that_torch_finds(tree):
    ours = [name for name, _ in grow(tree, MiniModule).named_parameters()]
    assert ours == [name for name, _ in grow(tree, nn.Module).named_parameters()]


def test_mini_module_refuses_to_replace_a_member_as_torch_does():
    for base in (MiniModule, nn.Module):
        module = base()
        module.w = nn.Parameter(torch.zeros(2))
        module.w = nn.Parameter(torch.ones(2))
        with pytest.raises(TypeError):
            module.w = torch.zeros(2)
        (found,) = module.named_parameters()
        assert torch.equal(found[1], torch.ones(2))


def test_mini_module_needs_its_init_first():
    class Late(MiniModule):
        def __init__(self):
            self.w = nn.Parameter(torch.zeros(1))

    with pytest.raises(AttributeError):
        Late()


def test_mini_module_calls_forward_and_repeats_shared_names():
    class Double(MiniModule):
        def forward(self, x):
            return 2 * x

    module = Double()
    module.a = module.b = nn.Parameter(torch.zeros(1))
    assert module(21) == 42
    assert [name for name, _ in module.named_parameters()] == ["a", "b"]


# RunningStandardize


@with_device
@given(
    st.integers(2, 8), st.integers(1, 4), st.sampled_from([0.1, 0.5, 1.0]), st.integers(0, 99)
)
def test_running_standardize_is_batch_norm_without_affine(device, n, features, momentum, seed):
    ours = RunningStandardize(features, momentum).to(device, torch.float64)
    theirs = nn.BatchNorm1d(features, momentum=momentum, affine=False).to(device, torch.float64)
    for step in range(3):
        x = normal(n, features, device=device, seed=seed + step) * 3 + 1
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(ours.mean, theirs.running_mean, **CLOSE)
    torch.testing.assert_close(ours.var, theirs.running_var, **CLOSE)
    x = normal(1, features, device=device)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=1e-8, atol=1e-8)


def test_evaluation_remembers_and_does_not_learn(device):
    layer = RunningStandardize(2).to(device, torch.float64).eval()
    before = copy.deepcopy(layer.state_dict())
    layer(normal(5, 2, device=device))
    assert all(torch.equal(before[k], v) for k, v in layer.state_dict().items())


def test_one_row_cannot_be_standardized_in_training(device):
    for layer in (RunningStandardize(2), nn.BatchNorm1d(2)):
        layer.to(device)
        with pytest.raises(ValueError):
            layer(torch.zeros(1, 2, device=device))


def test_memory_is_buffers_and_keeps_no_graph(device):
    layer = RunningStandardize(2).to(device, torch.float64)
    x = normal(5, 2, device=device).requires_grad_()
    layer(x)
    assert list(layer.state_dict()) == ["mean", "var"] and not list(layer.parameters())
    assert not layer.mean.requires_grad and not layer.var.requires_grad
    assert layer.mean.device.type == device.type and layer.mean.dtype == torch.float64


def test_the_gradient_passes_through_the_batch_statistics():
    layer = RunningStandardize(2).double()
    x = normal(4, 2).requires_grad_()
    assert torch.autograd.gradcheck(layer, x)


# output_scales


def test_scales_are_root_mean_squares_by_full_name(device):
    net = nn.Sequential(TwoLayerNet(4, 3, 2), nn.Identity()).to(device, torch.float64)
    x = normal(5, 4, device=device)
    hidden = net[0].hidden(x)
    expected = {"0.hidden": hidden, "0.output": net(x), "1": net(x)}
    found = output_scales(net, x)
    assert list(found) == list(expected)
    for name, output in expected.items():
        assert found[name] == pytest.approx(output.square().mean().sqrt().item(), rel=1e-12)


def test_hooks_are_gone_even_after_an_error():
    net = TwoLayerNet(4, 3, 2)
    output_scales(net, torch.zeros(1, 4))
    with pytest.raises(RuntimeError):
        output_scales(net, torch.zeros(1, 5))
    assert not any(module._forward_hooks for module in net.modules())


def test_a_layer_that_runs_twice_keeps_its_later_value():
    double = nn.Linear(2, 2, bias=False)
    nn.init.constant_(double.weight, 1.0)  # (1, 1) -> (2, 2) -> (4, 4)
    found = output_scales(nn.Sequential(double, double), torch.ones(1, 2))
    assert found == {"0": 4.0}


# ResidualBlock


def test_a_block_adds_its_input_or_leaves_it_out(device):
    x = normal(3, 5, 4, device=device)
    for shortcut in (True, False):
        block = ResidualBlock(4, shortcut).to(device, torch.float64)
        first, second = block.first, block.second
        h = (x @ first.weight.mT + first.bias).clamp(min=0)
        change = h @ second.weight.mT + second.bias
        expected = x + change if shortcut else change.clamp(min=0)
        torch.testing.assert_close(block(x), expected, **CLOSE)


def test_a_shortcut_alone_passes_input_and_gradient(device):
    block = ResidualBlock(4).to(device, torch.float64)
    for p in block.parameters():
        nn.init.zeros_(p)
    x = normal(3, 4, device=device).requires_grad_()
    out = block(x)
    out.sum().backward()
    assert torch.equal(out, x) and torch.equal(x.grad, torch.ones_like(x))


@pytest.mark.parametrize("seed", range(5))
def test_twenty_layers_learn_with_shortcuts_and_not_without(seed):
    x, y = make_data()
    last, first_gradient = [], []
    for shortcut in (True, False):
        torch.manual_seed(seed)
        net = nn.Sequential(
            *(ResidualBlock(32, shortcut) for _ in range(10)), nn.Linear(32, 10)
        )
        nn.functional.mse_loss(net(x[:, :32]), y).backward()
        first_gradient.append(net[0].first.weight.grad.norm().item())
        last.append(train_by_hand(net, x[:, :32], y, lr=0.1, steps=100)[-1])
    constant = (y - y.mean(dim=0)).square().mean().item()
    assert last[1] == pytest.approx(constant, abs=0.005)
    assert last[0] < 0.25 * constant
    assert first_gradient[0] > 1e6 * first_gradient[1]


# SettlingNet


def settling(device="cpu", **options):
    torch.manual_seed(0)
    return SettlingNet(4, 16, 2, **options).to(device, torch.float64)


def test_settling_stops_at_tol_near_a_fixed_point(device):
    net, x = settling(device, tol=1e-6, most=200), normal(3, 4, device=device)
    out = net(x)
    *earlier, last = net.changes
    assert last < 1e-6 <= min(earlier) and len(net.changes) < 200
    h = torch.zeros(3, 16, dtype=torch.float64, device=device)
    for _ in range(300):
        h = torch.tanh(net.enter(x) + net.turn(h))
    torch.testing.assert_close(out, net.leave(h), rtol=0, atol=1e-4)


def test_settling_never_exceeds_most_and_depends_on_the_input():
    net = settling()
    x = torch.ones(1, 4, dtype=torch.float64)
    turns = []
    for size in (0.1, 1, 10, 100):
        net(size * x)
        turns.append(len(net.changes))
    assert turns == sorted(turns, reverse=True) and len(set(turns)) > 2
    capped = settling(most=3)
    capped(x)
    assert len(capped.changes) == 3
    with pytest.raises(ValueError):
        SettlingNet(4, 16, 2, most=0)


def test_a_shared_weight_gets_the_sum_over_its_turns(device):
    net, x = settling(device), normal(3, 4, device=device)
    net(x).sum().backward()
    copies = [copy.deepcopy(net.turn) for _ in net.changes]
    h = torch.zeros(3, 16, dtype=torch.float64, device=device)
    for own in copies:
        h = torch.tanh(net.enter(x) + own(h))
    net.leave(h).sum().backward()
    total = sum(own.weight.grad for own in copies)
    torch.testing.assert_close(net.turn.weight.grad, total, **CLOSE)


def test_settling_passes_gradcheck():
    net = settling(tol=0.0, most=4)  # a fixed number of turns, so smooth
    assert torch.autograd.gradcheck(net, normal(2, 4).requires_grad_())


# What the chapter says of torch


def test_a_list_hides_modules_and_a_module_list_does_not():
    for keep, count in ((list, 0), (nn.ModuleList, 2)):
        module = nn.Module()
        module.blocks = keep([nn.Linear(3, 3)])
        assert len(list(module.parameters())) == count
        assert len(module.state_dict()) == count


def test_what_is_registered_where():
    """The chapter's table."""
    module = nn.Module()
    module.w = nn.Parameter(torch.zeros(1))
    module.register_buffer("m", torch.zeros(1))
    module.register_buffer("p", torch.zeros(1), persistent=False)
    module.t = torch.zeros(1)
    assert [name for name, _ in module.named_parameters()] == ["w"]
    assert list(module.state_dict()) == ["w", "m"]
    module.to(torch.float64)
    moved = {name: getattr(module, name).dtype == torch.float64 for name in "wmpt"}
    assert moved == {"w": True, "m": True, "p": True, "t": False}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("record", [True, False])
def test_eval_and_no_grad_are_two_switches(device, training, record):
    net = nn.Sequential(nn.Linear(100, 100), nn.Dropout(0.5)).to(device).train(training)
    with torch.set_grad_enabled(record):
        out = net(torch.ones(4, 100, device=device))
    assert (out == 0).any().item() is training and out.requires_grad is record


def test_forward_goes_past_the_hooks():
    net, seen = nn.Linear(2, 2), []
    net.register_forward_hook(lambda *_: seen.append(1))
    net.forward(torch.zeros(1, 2))
    assert seen == []
    net(torch.zeros(1, 2))
    assert seen == [1]


def test_a_hooks_result_replaces_the_output():
    net = nn.Linear(2, 2)
    net.register_forward_hook(lambda module, args, output: output * 0 + 7)
    assert net(torch.ones(1, 2)).tolist() == [[7.0, 7.0]]


def test_sharing_a_weight_and_its_transpose():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    a.weight = b.weight
    pair = nn.ModuleList([a, b])
    assert len(list(pair.parameters())) == 3 and len(pair.state_dict()) == 4
    with pytest.raises(TypeError, match="cannot assign"):
        a.weight = b.weight.mT
    wrapped = nn.Parameter(b.weight.mT)
    assert wrapped.data_ptr() == b.weight.data_ptr()
    module = nn.Module()
    module.w, module.again = b.weight, wrapped
    clone = copy.deepcopy(module)
    assert clone.w.data_ptr() != clone.again.data_ptr()
    module.again = None
    module.view = b.weight.mT
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(module)


def test_two_parameters_on_one_storage_step_rightly_under_plain_sgd():
    x = normal(5, 4)
    w = normal(3, 4).requires_grad_()
    tied = nn.Parameter(w.detach().clone())
    wrapped = nn.Parameter(tied.mT)
    for params, decode in (([w], lambda: w.mT), ([tied, wrapped], lambda: wrapped)):
        loss = (x @ params[0].mT @ decode().mT - x).square().mean()
        loss.backward()
        torch.optim.SGD(params, lr=0.1).step()
    torch.testing.assert_close(tied.detach(), w.detach(), **CLOSE)


def test_averaged_model_copies_first_then_averages_and_copies_buffers():
    """What the last exercise says of torch.optim.swa_utils."""
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.75))
    averaged.update_parameters(model)
    start = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight += 1
    model(torch.randn(4, 2))
    averaged.update_parameters(model)
    torch.testing.assert_close(averaged.module[0].weight.detach(), start + 0.25)
    assert torch.equal(averaged.module[1].running_mean, model[1].running_mean)


def test_loading_restores_and_a_name_too_few_or_too_many_is_told():
    net, fresh = (nn.Sequential(RunningStandardize(2), nn.Linear(2, 2)) for _ in range(2))
    net(normal(5, 2).float())
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    fresh.load_state_dict(state)
    x = normal(5, 2).float()
    assert torch.equal(fresh.eval()(x), net.eval()(x))
    del state["0.var"]
    state["2.scale"] = torch.ones(1)
    fresh = nn.Sequential(RunningStandardize(2), nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match=r"(?s)Missing.*0\.var.*Unexpected.*2\.scale"):
        fresh.load_state_dict(state)
    found = fresh.load_state_dict(state, strict=False)
    assert (found.missing_keys, found.unexpected_keys) == (["0.var"], ["2.scale"])
    assert torch.equal(fresh[0].var, torch.ones(2))
    state["1.bias"] = torch.zeros(3)
    with pytest.raises(RuntimeError, match="size mismatch"):
        fresh.load_state_dict(state, strict=False)


class Harmful:
    def __reduce__(self):
        return print, ("run by a file",)


def test_weights_only_refuses_code_and_is_the_default(capsys):
    file = io.BytesIO()
    torch.save(Harmful(), file)
    for options in ({"weights_only": True}, {}):
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError):
            torch.load(file, **options)
    assert capsys.readouterr().out == ""
    file.seek(0)
    torch.load(file, weights_only=False)
    assert capsys.readouterr().out == "run by a file\n"


def test_a_state_dict_is_no_copy():
    net = nn.Linear(2, 2)
    state, copied = net.state_dict(), copy.deepcopy(net.state_dict())
    with torch.no_grad():
        net.weight += 1
    assert torch.equal(state["weight"], net.weight)
    assert not torch.equal(copied["weight"], net.weight)


@pytest.mark.parametrize("way", ["requires_grad_", "eval", "no_grad"])
def test_three_ways_to_hold_a_part_still(way):
    """The chapter's table of freezing."""
    before = nn.Linear(3, 3)
    part = nn.Sequential(nn.Linear(3, 3), RunningStandardize(3))
    nn.ModuleList([before, part]).train()
    mean = part[1].mean.clone()
    if way == "requires_grad_":
        part.requires_grad_(False)
    if way == "eval":
        part.eval()
    with torch.set_grad_enabled(way != "no_grad"):
        out = part(before(normal(5, 3).float()))
        if way == "no_grad":
            out.requires_grad_()
    out.square().sum().backward()
    assert (part[0].weight.grad is None) is (way != "eval")
    assert (before.weight.grad is None) is (way == "no_grad")
    assert torch.equal(part[1].mean, mean) is (way == "eval")


def test_freezing_leaves_old_gradients_and_train_reaches_frozen_parts():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net(torch.ones(1, 2)).sum().backward()
    net[0].requires_grad_(False).eval()
    held = net[0].weight.clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer.step()
    assert not torch.equal(net[0].weight, held)
    held = net[0].weight.clone()
    net[0].zero_grad()
    optimizer.step()
    assert torch.equal(net[0].weight, held)
    net.train()
    assert net[0].training and not net[0].weight.requires_grad


def test_the_others_in_the_batch_decide_when_it_settles_and_it_need_not():
    net = settling()
    x = torch.ones(1, 4, dtype=torch.float64)
    alone, turns = net(x), len(net.changes)
    both = net(torch.cat([x, 0.1 * x]))
    assert len(net.changes) > turns
    assert 0 < (both[:1] - alone).abs().max().item() < net.tol
    with torch.no_grad():
        net.turn.weight *= 4
    net(x)
    assert len(net.changes) == 50 and net.changes[-1] > 0.5


def test_zero_weights_of_a_tied_autoencoder_get_no_gradient():
    w, b, c = (torch.zeros(shape, requires_grad=True) for shape in ((3, 4), 3, 4))
    x = normal(5, 4).float()
    out = (x @ w.mT + b).relu() @ w + c
    nn.functional.mse_loss(out, x).backward()
    assert not w.grad.any() and not b.grad.any() and c.grad.any()
