"""two_layer_net against NumPy and torch, and the chapter's claims about torch itself.

Values in float64 agree to 1e-12 relative: the same sums, perhaps in another order. float32
is compared to 1e-5. Random shapes come from hypothesis.
"""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from torchbook.two_layer_net import D_IN, D_OUT, H, N, make_data, train_by_hand, two_layer_net

# A device does not change between the examples of one test.
with_device = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
sizes = st.integers(1, 7)
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def small(d, h, o, device, seed=0):
    """A small net in float64 with data of n = 5 rows."""
    torch.manual_seed(seed)
    net = two_layer_net(d, h, o).to(device, torch.float64)
    x = torch.randn(5, d, dtype=torch.float64).to(device)
    y = torch.randn(5, o, dtype=torch.float64).to(device)
    return net, x, y


def arrays(net):
    return [p.detach().cpu().numpy().copy() for p in net.parameters()]


def numpy_step(params, x, y, lr):
    """The loss before and the parameters after one step, by NumPy alone."""
    w1, b1, w2, b2 = params
    z = x @ w1.T + b1
    h = np.maximum(z, 0)
    error = h @ w2.T + b2 - y
    d = 2 * error / error.size
    dz = (d @ w2) * (z > 0)
    grads = [dz.T @ x, dz.sum(0), d.T @ h, d.sum(0)]
    return (error**2).mean(), [p - lr * g for p, g in zip(params, grads, strict=True)]


def test_data_have_the_articles_sizes_and_are_standard_normal(device):
    x, y = make_data(device=device)
    assert (N, D_IN, H, D_OUT) == (64, 1000, 100, 10)
    assert x.shape == (64, 1000) and y.shape == (64, 10)
    assert x.dtype == y.dtype == torch.float32 and x.device.type == device.type
    assert abs(x.mean().item()) < 5 / 64000**0.5  # five standard errors
    assert abs(x.var().item() - 1) < 5 * (2 / 64000) ** 0.5


def test_a_seed_gives_the_same_data_everywhere_and_leaves_the_global_generator(device):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    x, y = make_data(3, device)
    assert torch.equal(torch.get_rng_state(), before)
    again = make_data(3)
    assert torch.equal(x.cpu(), again[0]) and torch.equal(y.cpu(), again[1])
    assert not torch.equal(make_data(4)[0], again[0])


def test_the_net_is_linear_relu_linear():
    net = two_layer_net()
    assert [type(layer) for layer in net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert [tuple(p.shape) for p in net.parameters()] == [(100, 1000), (100,), (10, 100), (10,)]
    assert sum(p.numel() for p in net.parameters()) == 101110


@with_device
@given(sizes, sizes, sizes)
def test_forward_agrees_with_numpy(device, d, h, o):
    net, x, _ = small(d, h, o, device)
    w1, b1, w2, b2 = arrays(net)
    expected = np.maximum(x.cpu().numpy() @ w1.T + b1, 0) @ w2.T + b2
    np.testing.assert_allclose(net(x).detach().cpu().numpy(), expected, **EXACT)


@with_device
@given(sizes, sizes, sizes, st.sampled_from([0.01, 0.1, 0.5]))
def test_training_agrees_with_numpy_step_for_step(device, d, h, o, lr):
    net, x, y = small(d, h, o, device)
    params, expected = arrays(net), []
    for _ in range(3):
        loss, params = numpy_step(params, x.cpu().numpy(), y.cpu().numpy(), lr)
        expected.append(loss)
    losses = train_by_hand(net, x, y, lr, 3)
    np.testing.assert_allclose(losses, expected, **EXACT)
    for ours, theirs in zip(arrays(net), params, strict=True):
        np.testing.assert_allclose(ours, theirs, **EXACT)


def test_training_agrees_with_torch_sgd(device):
    nets = []
    for _ in range(2):
        net, x, y = small(6, 5, 3, device)
        nets.append(net)
    losses = train_by_hand(nets[0], x, y, 0.1, 20)
    optimizer = torch.optim.SGD(nets[1].parameters(), lr=0.1)
    for expected in losses:
        loss = nn.functional.mse_loss(nets[1](x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(expected, rel=1e-10)


def test_old_gradients_do_not_count_and_parameters_stay_leaves(device):
    net, x, y = small(4, 3, 2, device)
    fresh, _, _ = small(4, 3, 2, device)
    for p in net.parameters():
        p.grad = torch.full_like(p, 100.0)
    kept = list(net.parameters())
    assert train_by_hand(net, x, y, 0.1, 2) == train_by_hand(fresh, x, y, 0.1, 2)
    assert all(a is b for a, b in zip(kept, net.parameters(), strict=True))
    assert all(p.is_leaf and p.requires_grad for p in kept)


def test_two_runs_are_one_longer_run(device):
    once, x, y = small(4, 3, 2, device)
    twice, _, _ = small(4, 3, 2, device)
    whole = train_by_hand(once, x, y, 0.1, 6)
    assert train_by_hand(twice, x, y, 0.1, 2) + train_by_hand(twice, x, y, 0.1, 4) == whole


def test_no_steps_change_nothing(device):
    net, x, y = small(4, 3, 2, device)
    before = arrays(net)
    assert train_by_hand(net, x, y, 0.1, 0) == []
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(net), strict=True))


def test_noise_is_learned_by_heart(device):
    """Losses near 0 on the batch, and worse than silence on new data."""
    torch.manual_seed(0)
    net = two_layer_net().to(device)
    x, y = make_data(device=device)
    assert train_by_hand(net, x, y, 0.1, 200)[-1] < 1e-4
    x, y = make_data(1, device)
    with torch.no_grad():
        assert nn.functional.mse_loss(net(x), y) > y.square().mean()


def test_wrong_pairs_are_learned_by_heart_just_as_well(device):
    """A loss near 0 doesn't say that x and y belong together."""
    torch.manual_seed(0)
    net = two_layer_net().to(device)
    x, y = make_data(device=device)
    order = torch.randperm(N).to(device)
    assert train_by_hand(net, x, y[order], 0.1, 200)[-1] < 1e-4
    with torch.no_grad():
        assert nn.functional.mse_loss(net(x), y) > 1.5 * y.square().mean()


def test_a_rate_copied_without_its_reduction_does_nothing_or_too_much(device):
    x, y = make_data(device=device)
    torch.manual_seed(0)
    losses = train_by_hand(two_layer_net().to(device), x, y, 1e-4, 100)
    assert losses[-1] > 0.95 * losses[0]
    torch.manual_seed(0)
    losses = train_by_hand(two_layer_net().to(device), x, y, 0.1 * y.numel(), 10)
    assert np.isnan(losses[-1])


# What the chapter says of torch, where the source article says otherwise or the same.


def test_reassigning_a_weight_makes_a_non_leaf(device):
    """weight = weight - lr * gradient: right as a formula, wrong as code."""
    w = torch.ones((), device=device, requires_grad=True)
    (w * 3).backward()
    w = w - 0.1 * w.grad
    assert not w.is_leaf
    (w * 3).backward()
    with pytest.warns(UserWarning, match="not a leaf"):
        assert w.grad is None


def test_reassigning_off_the_record_stops_asking_for_a_gradient(device):
    w = torch.ones((), device=device, requires_grad=True)
    (w * 3).backward()
    with torch.no_grad():
        w = w - 0.1 * w.grad
    assert w.is_leaf and not w.requires_grad
    with pytest.raises(RuntimeError, match="does not require grad"):
        (w * 3).backward()


def test_reassigning_a_loop_variable_moves_no_weight(device):
    net, x, y = small(4, 3, 2, device)
    before = arrays(net)
    nn.functional.mse_loss(net(x), y).backward()
    with torch.no_grad():
        for p in net.parameters():
            p = p - 0.1 * p.grad
    assert all(np.array_equal(a, b) for a, b in zip(before, arrays(net), strict=True))


@with_device
@given(st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_mse_averages_over_all_elements(device, shape):
    """n counts elements, not rows; sum is n times mean, and so is its gradient."""
    g = torch.Generator().manual_seed(0)
    pred = torch.randn(shape, generator=g, dtype=torch.float64).to(device).requires_grad_()
    target = torch.randn(shape, generator=g, dtype=torch.float64).to(device)
    mean, total = (nn.MSELoss(reduction=r)(pred, target) for r in ("mean", "sum"))
    torch.testing.assert_close(total, mean * target.numel())
    grads = [torch.autograd.grad(loss, pred)[0] for loss in (mean, total)]
    torch.testing.assert_close(grads[1], grads[0] * target.numel())
    expected = np.mean((pred.detach().cpu().numpy() - target.cpu().numpy()) ** 2)
    assert mean.item() == pytest.approx(expected, rel=1e-12)


def test_sum_with_the_rate_divided_takes_the_same_steps(device):
    by_mean, x, y = small(4, 3, 2, device)
    by_sum, _, _ = small(4, 3, 2, device)
    train_by_hand(by_mean, x, y, 0.1, 10)
    optimizer = torch.optim.SGD(by_sum.parameters(), lr=0.1 / y.numel())
    for _ in range(10):
        optimizer.zero_grad()
        nn.MSELoss(reduction="sum")(by_sum(x), y).backward()
        optimizer.step()
    for a, b in zip(arrays(by_mean), arrays(by_sum), strict=True):
        np.testing.assert_allclose(a, b, **EXACT)


@pytest.mark.parametrize("fan_in", [4, 100, 1000])
def test_default_weights_lie_within_one_over_the_root_of_fan_in(fan_in):
    """Not "near zero": uniform up to the bound, which depends on fan-in."""
    torch.manual_seed(0)
    layer = nn.Linear(fan_in, 2000)
    bound = fan_in**-0.5
    for p in (layer.weight, layer.bias):
        assert bound * 0.98 < p.abs().max().item() <= bound * (1 + 1e-6)
        assert p.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_the_default_is_kaiming_uniform_with_root_five():
    torch.manual_seed(0)
    layer = nn.Linear(50, 20)
    torch.manual_seed(0)
    kaiming = nn.init.kaiming_uniform_(torch.empty(20, 50), a=5**0.5)
    torch.testing.assert_close(layer.weight.detach(), kaiming)
    relu = nn.init.kaiming_uniform_(torch.empty(2000, 50), nonlinearity="relu")
    assert relu.abs().max().item() == pytest.approx((6 / 50) ** 0.5, rel=0.01)


def test_from_all_zeros_only_the_last_biases_learn(device):
    net, x, y = small(4, 3, 2, device)
    for p in net.parameters():
        nn.init.zeros_(p)
    losses = train_by_hand(net, x, y, 0.3, 200)
    w1, b1, w2, b2 = arrays(net)
    assert not w1.any() and not b1.any() and not w2.any()
    np.testing.assert_allclose(b2, y.mean(0).cpu().numpy(), rtol=1e-6)
    assert losses[-1] == pytest.approx(y.var(dim=0, correction=0).mean().item(), rel=1e-6)


def test_from_a_constant_all_units_stay_alike(device):
    net, x, y = small(4, 6, 2, device)
    for p in net.parameters():
        nn.init.constant_(p, 0.01)
    train_by_hand(net, x, y, 0.3, 100)
    w1, _, w2, _ = arrays(net)
    assert np.ptp(w1, axis=0).max() < 1e-12 and np.ptp(w2, axis=1).max() < 1e-12
    assert np.ptp(w1, axis=1).max() > 1e-3  # it did learn


def test_a_zero_last_layer_learns_all_the_same(device):
    torch.manual_seed(0)
    net = two_layer_net().to(device)
    nn.init.zeros_(net[2].weight)
    x, y = make_data(device=device)
    assert train_by_hand(net, x, y, 0.3, 100)[-1] < 1e-3


def test_zero_biases_learn_all_the_same(device):
    torch.manual_seed(0)
    net = two_layer_net().to(device)
    nn.init.zeros_(net[0].bias)
    nn.init.zeros_(net[2].bias)
    x, y = make_data(device=device)
    assert train_by_hand(net, x, y, 0.3, 100)[-1] < 1e-3


@pytest.mark.parametrize("slope", [0.0, 0.1, 5**0.5])
def test_a_of_kaiming_is_the_slope_for_negative_inputs(slope):
    """Bounds of sqrt(6 / ((1 + a²) n)) keep the mean square through that activation."""
    torch.manual_seed(0)
    x = torch.randn(500, 400, dtype=torch.float64)
    weight = nn.init.kaiming_uniform_(torch.empty(2000, 400, dtype=torch.float64), a=slope)
    assert weight.abs().max().item() == pytest.approx(
        (6 / ((1 + slope**2) * 400)) ** 0.5, rel=1e-3
    )
    out = nn.functional.leaky_relu(x @ weight.mT, slope)
    assert out.square().mean().item() == pytest.approx(1, rel=0.03)
