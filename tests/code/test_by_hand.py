"""Every gradient written by hand stands before gradcheck; both two-layer nets learn.

`torch.autograd.gradcheck` compares a rule with central differences in float64, eps 1e-6 and
tolerances of 1e-5 absolute and 1e-3 relative (its defaults).
"""

import pytest
import torch
from torch.autograd import Function, gradcheck

from torchbook.autograd_engine import Value
from torchbook.custom_modules import TwoLayerNet
from torchbook.neurons import Network, Neuron, sigmoid, slopes
from torchbook.optimizers import SGD, Adam
from torchbook.two_layer_net import make_data, train_by_hand, two_layer_net

POINT, TARGET = (0.7, -1.2), 1.0


def network(weights, biases, last, bias):
    """The plain-Python network with these numbers: two inputs, one output."""
    hidden = [
        Neuron(w.tolist(), b.item(), sigmoid) for w, b in zip(weights, biases, strict=True)
    ]
    return Network(hidden, Neuron(last.tolist(), bias.item(), sigmoid))


class SquaredError(Function):
    """The loss of the neurons' network; its backward is `slopes`, scaled by `factor`."""

    factor = 1.0

    @staticmethod
    def forward(ctx, weights, biases, last, bias):
        ctx.save_for_backward(weights, biases, last, bias)
        net = network(weights, biases, last, bias)
        return weights.new_tensor((net(POINT) - TARGET) ** 2)

    @classmethod
    def backward(cls, ctx, grad_output):
        net = network(*ctx.saved_tensors)
        out, back = slopes(net, POINT, TARGET)
        scale = grad_output * cls.factor
        deltas = scale * grad_output.new_tensor(back)
        h = grad_output.new_tensor(net.features(POINT))
        x = grad_output.new_tensor(POINT)
        return deltas[:, None] * x, deltas, scale * out * h, (scale * out).reshape(1)


class OnePercentOff(SquaredError):
    """A wrong rule, to see that the referee would notice."""

    factor = 1.01


def numbers():
    generator = torch.Generator().manual_seed(0)
    shapes = (3, 2), (3,), (3,), (1,)
    return [
        torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_()
        for s in shapes
    ]


def test_the_neurons_slopes_pass_gradcheck():
    assert gradcheck(SquaredError.apply, numbers())


def test_slopes_one_percent_off_do_not_pass():
    assert not gradcheck(OnePercentOff.apply, numbers(), raise_exception=False)


class Engine(Function):
    """(a b + tanh(a)) / (1 + b²) by the scalar engine, forward and backward."""

    @staticmethod
    def forward(ctx, ab):
        a, b = Value(ab[0].item()), Value(ab[1].item())
        result = (a * b + a.tanh()) / (1 + b**2)
        result.backward()
        ctx.slopes = ab.new_tensor([a.grad, b.grad])
        return ab.new_tensor(result.data)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.slopes


@pytest.mark.parametrize("point", [(0.5, -1.5), (-2.0, 0.25), (0.0, 0.0)])
def test_the_scalar_engine_passes_gradcheck(point):
    assert gradcheck(Engine.apply, torch.tensor(point, dtype=torch.float64, requires_grad=True))


def test_the_sequential_net_trained_by_hand_loses_all_but_a_hundredth(device):
    torch.manual_seed(0)
    losses = train_by_hand(two_layer_net().to(device), *make_data(device=device), 0.1, 100)
    assert losses[-1] < losses[0] / 100


RULES = [(Adam, {"lr": 1e-3}), (SGD, {"lr": 0.1}), (SGD, {"lr": 0.01, "momentum": 0.9})]


@pytest.mark.parametrize(("rule", "options"), RULES)
@pytest.mark.parametrize("make", [two_layer_net, TwoLayerNet])
def test_either_net_loses_all_but_a_hundredth(make, rule, options, device):
    torch.manual_seed(0)
    model = make().to(device)
    x, y = make_data(device=device)
    optimizer, losses = rule(model.parameters(), **options), []
    for _ in range(100):
        loss = torch.nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 100
