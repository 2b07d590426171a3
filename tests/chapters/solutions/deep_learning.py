# Generated from chapters/zh/01-deep-learning.qmd: edit there.
# Checksum ecd114e62f16: a change made here is refused, not lost.
# %% exr-deep-learning-by-hand
def by_hand() -> dict[str, tuple[list[float], float]]:
    """Return (weights, bias) of two step neurons.

    "majority": three inputs, 1 if at least two of them are 1.
    "first": two inputs, 1 if the first is 1 and the second is 0.
    """
    return {
        "majority": ([1, 1, 1], -1.5),
        "first": ([1, -1], -0.5),
    }


# %% exr-deep-learning-one-step
def one_step() -> dict[str, object]:
    """Return your answers.

    "p": the output; "delta": dE/dz; "weights", "bias": after the
    move with lr = 2, as in [1.5, 2.5] and 3.5; "z": the new total.
    """
    return {
        "p": 0.5,
        "delta": -0.25,
        "weights": [1.0, 0.75],
        "bias": 0.5,
        "z": 3.0,
    }


# %% exr-deep-learning-collapse
from torchbook.neurons import Network, Neuron


def collapse(net: Network) -> Neuron:
    """Return one neuron that does what net does without hidden steps.

    For every x its total equals that of net.output, when this reads
    the totals of the hidden neurons in place of their outputs. It has
    the activation of net.output. net has at least one hidden neuron.
    """
    hidden, output = net.hidden, net.output
    weights = [
        sum(v * w for v, w in zip(output.weights, column))
        for column in zip(*(neuron.weights for neuron in hidden))
    ]
    biases = [neuron.bias for neuron in hidden]
    return Neuron(weights, output.total(biases), output.activation)


# %% exr-deep-learning-three-switches
from torchbook.neurons import Network, Neuron


def odd_lamp(n: int) -> Network:
    """Return a network of step neurons for n switches and one lamp.

    Its output is 1 if an odd number of the n inputs are 1, else 0. It
    has at most n hidden neurons; n is at least 1.
    """
    at_least = [Neuron([1] * n, 0.5 - k) for k in range(1, n + 1)]
    signs = [(-1) ** k for k in range(n)]  # 1, -1, 1, ...
    return Network(at_least, Neuron(signs, -0.5))


# %% exr-deep-learning-perceptron
from collections.abc import Sequence

from torchbook.neurons import Neuron


def perceptron(
    points: Sequence[Sequence[float]],
    targets: Sequence[int],
    rounds: int,
) -> Neuron | None:
    """Train a step neuron by the perceptron rule, from all zeros.

    Take the points in order. Return the neuron after the first round
    without a mistake; return None if no such round came. Targets are
    0 or 1; there is at least one point.
    """
    neuron = Neuron([0.0] * len(points[0]), 0.0)
    for _ in range(rounds):
        mistakes = 0
        for x, target in zip(points, targets, strict=True):
            miss = target - neuron(x)  # 1, 0 or -1
            if miss:
                mistakes += 1
                pairs = zip(neuron.weights, x, strict=True)
                neuron.weights = [w + miss * x_i for w, x_i in pairs]
                neuron.bias += miss
        if not mistakes:
            return neuron
    return None


# %% exr-deep-learning-triangle
from torchbook.neurons import Network, Neuron, Point


def inside_triangle(p: Point, q: Point, r: Point) -> Network:
    """Return a network of step neurons: 1 inside the triangle, else 0.

    Three hidden neurons, one for each side. The corners may be given
    in either direction of turning; they are not on one line.
    """
    sides = []
    for (x0, y0), (x1, y1), corner in [(p, q, r), (q, r, p), (r, p, q)]:
        w = [y0 - y1, x1 - x0]
        side = Neuron(w, -(w[0] * x0 + w[1] * y0))
        if side.total(corner) < 0:
            side = Neuron([-w[0], -w[1]], -side.bias)
        sides.append(side)
    return Network(sides, Neuron([1, 1, 1], -2.5))
