"""The neurons of chapter `deep-learning`: torch and NumPy are the referees.

Steps, signs and whole numbers are compared with `==`. The rest is float64
arithmetic in another order than the referee's, so it agrees to 1e-9.
"""

import copy
import math
import random
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from torchbook.neurons import (
    Network,
    Neuron,
    count_right,
    crossing,
    move,
    random_neuron,
    read_on,
    sigmoid,
    slide,
    slopes,
    step,
    train,
    two_moons,
)

timeless = settings(deadline=None)  # torch's first call of a kind is slow

CORNERS = list(product((0, 1), repeat=2))
EXCLUSIVE_OR = [0, 1, 1, 0]

REALS = st.floats(-1e6, 1e6)
WHOLE = st.integers(-9, 9)
POINTS = st.tuples(WHOLE, WHOLE)
STEPS = st.integers(1, 5)


def close(ours, theirs):
    """Whether numbers of ours agree with a tensor or an array."""
    wanted = torch.as_tensor(theirs, dtype=torch.float64, device="cpu")
    found = torch.as_tensor(ours, dtype=torch.float64).reshape(wanted.shape)
    return torch.allclose(found, wanted, rtol=1e-9, atol=1e-9)


def soft_network(inputs, width, seed):
    """A network of sigmoid neurons with random weights."""
    rng = random.Random(seed)
    hidden = [random_neuron(inputs, rng, sigmoid) for _ in range(width)]
    return Network(hidden, random_neuron(width or inputs, rng, sigmoid))


def as_module(net, device):
    """The same network, with the same weights, made by torch."""
    layers = []
    for neurons in filter(None, (net.hidden, [net.output])):
        layer = torch.nn.Linear(len(neurons[0].weights), len(neurons))
        weights = torch.tensor([n.weights for n in neurons])
        layer.weight.data, layer.bias.data = weights, torch.tensor([n.bias for n in neurons])
        layers += [layer, torch.nn.Sigmoid()]
    return torch.nn.Sequential(*layers).to(device)


@pytest.fixture(autouse=True)
def double():
    """Let torch work in float64, as Python does."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


# Neuron


@timeless
@given(st.lists(st.tuples(REALS, REALS), max_size=5), REALS)
def test_total_is_the_weighted_sum_plus_the_bias(pairs, bias):
    weights, x = [w for w, _ in pairs], [x_i for _, x_i in pairs]
    size = sum(abs(w * x_i) for w, x_i in pairs) + abs(bias)
    wanted = np.dot(weights, x) + bias
    assert Neuron(weights, bias).total(x) == pytest.approx(wanted, abs=1e-12 * size)


def test_a_neuron_applies_its_activation():
    assert Neuron([2.0], 1.0, math.exp)([3.0]) == math.exp(7.0)


def test_a_neuron_steps_unless_told_otherwise():
    assert [Neuron([1], 0)([x]) for x in (-1, 1)] == [0, 1]


@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0, 3.0]])
def test_a_neuron_wants_one_weight_per_input(x):
    with pytest.raises(ValueError):
        Neuron([1.0, 1.0], 0.0)(x)


def test_step_is_1_only_above_0():
    assert [step(z) for z in (-1.0, -0.0, 0.0, 5e-324, 1.0)] == [0, 0, 0, 1, 1]


# What one neuron cannot do


@timeless
@given(REALS, REALS, REALS)
@example(1.0, 1.0, -0.5)
def test_no_neuron_computes_exclusive_or(w1, w2, b):
    assert count_right(Neuron([w1, w2], b), CORNERS, EXCLUSIVE_OR) in (1, 2, 3)


@timeless
@given(POINTS, POINTS, POINTS, st.tuples(STEPS, STEPS), st.tuples(STEPS, STEPS), POINTS, WHOLE)
def test_crossing_segments_are_a_certificate(middle, u, v, one, other, weights, bias):
    assume(u[0] * v[1] != u[1] * v[0])
    a, b = (tuple(np.add(middle, np.multiply(u, i)).tolist()) for i in (one[0], -one[1]))
    c, d = (tuple(np.add(middle, np.multiply(v, i)).tolist()) for i in (other[0], -other[1]))
    assert crossing(a, b, c, d) == pytest.approx(middle)
    neuron = Neuron(list(weights), bias)
    assert count_right(neuron, [a, b, c, d], [1, 1, 0, 0]) < 4


def test_two_moons_hold_a_certificate():
    points, _ = two_moons(200)
    upper, lower = points[::2], points[1::2]
    a, b = (max(upper, key=key) for key in (lambda p: p[1], lambda p: p[0] - p[1]))
    c, d = (max(lower, key=key) for key in (lambda p: p[1] - p[0], sum))
    assert crossing(a, b, c, d) is not None


@timeless
@given(POINTS, POINTS, POINTS, POINTS)
@example((0, 0), (2, 2), (0, 2), (2, 0))
@example((0, 0), (2, 0), (2, 0), (3, 5))
def test_crossing_solves_the_two_equations(a, b, c, d):
    u, v, w = np.subtract(b, a), np.subtract(d, c), np.subtract(c, a)
    found = crossing(a, b, c, d)
    if u[0] * v[1] == u[1] * v[0]:
        assert found is None
        return
    s, t = np.linalg.solve(np.column_stack([u, -v]), w)
    assume(all(abs(share - end) > 1e-9 for share in (s, t) for end in (0, 1)))
    if 0 < s < 1 and 0 < t < 1:
        assert close(found, a + s * u)
    else:
        assert found is None


def test_segments_that_touch_do_cross():
    assert crossing((0, 0), (2, 0), (2, 0), (3, 5)) == (2, 0)
    assert crossing((0, 0), (2, 0), (1, 0), (1, 4)) == (1, 0)


# count_right, random_neuron, two_moons


def test_count_right_wants_more_than_a_half_for_1():
    outputs = [0.0, 0.5, 0.51, 1.0]
    assert count_right(lambda x: x[0], [[p] for p in outputs], [1, 1, 1, 1]) == 2
    assert count_right(lambda x: x[0], [[p] for p in outputs], [0, 0, 0, 0]) == 2


def test_count_right_wants_one_target_per_point():
    with pytest.raises(ValueError):
        count_right(lambda x: 0, [[1], [2]], [0])


def test_random_neuron_draws_evenly_from_minus_1_to_1():
    rng = random.Random(1)
    neurons = [random_neuron(3, rng, sigmoid) for _ in range(2000)]
    assert {neuron.activation for neuron in neurons} == {sigmoid}
    draws = np.array([[*neuron.weights, neuron.bias] for neuron in neurons])
    assert draws.shape == (2000, 4)
    assert np.abs(draws).max() <= 1
    # Five standard errors of a mean of 2000 even draws.
    assert np.abs(draws.mean(axis=0)).max() < 5 * math.sqrt(1 / 3 / 2000)
    assert np.abs(draws.std(axis=0) - math.sqrt(1 / 3)).max() < 0.03


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_two_moons_lie_on_half_circles(noise):
    points, sides = two_moons(101, noise=noise)
    assert len(points) == 101
    assert sides == [i % 2 for i in range(101)]
    for (x, y), side in zip(points, sides, strict=True):
        x, y = (1 - x, 0.5 - y) if side else (x, y)
        assert abs(math.hypot(x, y) - 1) <= noise * math.sqrt(2) + 1e-12
        assert y >= -noise


def test_two_moons_depend_on_the_seed_alone():
    assert two_moons(20) == two_moons(20, seed=0) != two_moons(20, seed=1)


# Network


def test_a_hidden_layer_computes_exclusive_or():
    hidden = [Neuron([1, 1], -0.5), Neuron([1, 1], -1.5)]
    net = Network(hidden, Neuron([1, -1], -0.5))
    assert [net(x) for x in CORNERS] == EXCLUSIVE_OR
    assert [net.features(x) for x in CORNERS] == [[0, 0], [1, 0], [1, 0], [1, 1]]


@pytest.mark.parametrize(("inputs", "width"), [(2, 0), (1, 1), (2, 4), (5, 3)])
def test_a_network_is_torchs_network(inputs, width, device):
    net = soft_network(inputs, width, seed=3)
    module = as_module(net, device)
    x = np.linspace(-2, 3, inputs).tolist()
    assert close([net(x)], module(torch.tensor(x, device=device)).detach())


# sigmoid, slopes, move, train


@pytest.mark.parametrize("z", [-1e4, -40.0, -1.0, 0.0, 0.3, 1.0, 40.0, 1e4])
def test_sigmoid_is_torchs(z, device):
    assert close([sigmoid(z)], torch.sigmoid(torch.tensor([z], device=device)))


@pytest.mark.parametrize(("inputs", "width"), [(2, 0), (1, 1), (2, 4), (5, 3)])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_slopes_are_torchs(inputs, width, target, device):
    net = soft_network(inputs, width, seed=4)
    module = as_module(net, device)
    x = np.linspace(-1, 2, inputs).tolist()
    out, back = slopes(net, x, target)
    ((module(torch.tensor(x, device=device)) - target) ** 2).sum().backward()
    *hidden, last = (layer for layer in module if isinstance(layer, torch.nn.Linear))
    assert close([out], last.bias.grad)
    assert close(np.outer([out], net.features(x)), last.weight.grad)
    assert len(back) == width
    for layer in hidden:
        assert close(back, layer.bias.grad)
        assert close(np.outer(back, x), layer.weight.grad)


def test_slopes_leave_the_network_alone():
    net = soft_network(2, 3, seed=5)
    before = copy.deepcopy(net)
    slopes(net, [0.5, -1.0], 1.0)
    assert net == before


@pytest.mark.parametrize("hidden", [True, False])
def test_slopes_refuse_a_step(hidden):
    net = soft_network(2, 3, seed=5)
    (net.hidden[1] if hidden else net.output).activation = step
    with pytest.raises(ValueError, match="sigmoid"):
        slopes(net, [0.5, -1.0], 1.0)


def test_move_goes_downhill():
    neuron = Neuron([1.0, 2.0], 3.0)
    move(neuron, [10.0, -20.0], slope=0.5, lr=0.25)
    assert neuron == Neuron([-0.25, 4.5], 2.875)


@pytest.mark.parametrize("width", [0, 3])
def test_train_takes_the_steps_of_sgd(width, device):
    net = soft_network(2, width, seed=6)
    module = as_module(net, device)
    points, targets = two_moons(6, seed=2)
    train(net, points, targets, lr=0.7, rounds=3)
    sgd = torch.optim.SGD(module.parameters(), lr=0.7)
    for _ in range(3):
        for x, target in zip(points, targets, strict=True):
            sgd.zero_grad()
            ((module(torch.tensor(x, device=device)) - target) ** 2).sum().backward()
            sgd.step()
    wanted = module.state_dict().values()
    found = as_module(net, device).state_dict().values()
    assert all(close(ours, theirs) for ours, theirs in zip(found, wanted, strict=True))


def test_four_hidden_neurons_learn_the_moons_and_one_neuron_cannot():
    points, sides = two_moons(200)
    single, net = soft_network(2, 0, seed=0), soft_network(2, 4, seed=0)
    for model in (single, net):
        train(model, points, sides, lr=1.0, rounds=300)
    assert 160 < count_right(single, points, sides) < 200
    assert count_right(net, points, sides) == 200
    assert count_right(net, *two_moons(1000, seed=1)) > 990


# slide, read_on


@timeless
@given(st.lists(WHOLE, min_size=1, max_size=8), st.lists(WHOLE, min_size=1, max_size=8))
def test_slide_is_conv1d(x, weights):
    assume(len(weights) <= len(x))
    wanted = torch.nn.functional.conv1d(
        torch.tensor([[x]], dtype=torch.float64), torch.tensor([[weights]], dtype=torch.float64)
    )
    assert slide(x, weights) == wanted.flatten().tolist()


@pytest.mark.parametrize("weights", [[], [1, 2, 3, 4]])
def test_slide_wants_a_run_that_fits(weights):
    with pytest.raises(ValueError, match="3 numbers"):
        slide([1, 2, 3], weights)


@pytest.mark.parametrize("x", [[], [2.0], [0.0, 0.5, -1.0, 3.0, 0.0]])
def test_read_on_is_an_elman_network_with_one_unit(x, device):
    states = read_on(x, w=0.8, u=-1.3)
    assert len(states) == len(x)
    if x:
        rnn = torch.nn.RNN(1, 1, bias=False, device=device)
        with torch.no_grad():
            rnn.weight_ih_l0.fill_(0.8)
            rnn.weight_hh_l0.fill_(-1.3)
            wanted, _ = rnn(torch.tensor(x, device=device)[:, None])
        assert close(states, wanted.flatten())
