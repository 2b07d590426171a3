# Generated from chapters/zh/01-deep-learning.qmd: edit there.
# Checksum dd87f27e9675: a change made here is refused, not lost.
# %% deep-learning-neuron
"""Neurons, and small networks of them, in plain Python."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass


def step(z: float) -> float:
    """Return 1 if z is above 0, else 0."""
    return 1.0 if z > 0 else 0.0


@dataclass
class Neuron:
    """A weighted sum of its inputs, and a function of that sum."""

    weights: list[float]
    bias: float
    activation: Callable[[float], float] = step

    def total(self, x: Sequence[float]) -> float:
        """Return the weighted sum of the inputs x, plus the bias.

        Raises ValueError unless there is one weight per input.
        """
        pairs = zip(self.weights, x, strict=True)
        return sum(w * x_i for w, x_i in pairs) + self.bias

    def __call__(self, x: Sequence[float]) -> float:
        """Return the neuron's output for the inputs x."""
        return self.activation(self.total(x))


# %% deep-learning-count
def count_right(
    model: Callable[[Sequence[float]], float],
    points: Sequence[Sequence[float]],
    targets: Sequence[float],
) -> int:
    """Return for how many points the model gives the right answer.

    Targets are 0 or 1; an output above 0.5 counts as 1.
    """
    pairs = zip(points, targets, strict=True)
    return sum((model(x) > 0.5) == (t > 0.5) for x, t in pairs)


def random_neuron(
    inputs: int,
    rng: random.Random,
    activation: Callable[[float], float] = step,
) -> Neuron:
    """Return a neuron; weights and bias are even draws from [-1, 1]."""
    weights = [rng.uniform(-1, 1) for _ in range(inputs)]
    return Neuron(weights, rng.uniform(-1, 1), activation)


# %% deep-learning-crossing
Point = tuple[float, float]


def crossing(a: Point, b: Point, c: Point, d: Point) -> Point | None:
    """Return where the segments ab and cd cross, or None.

    Solves a + s (b - a) = c + t (d - c) by Cramer's rule. Parallel
    segments count as not crossing.
    """
    ux, uy = b[0] - a[0], b[1] - a[1]
    vx, vy = d[0] - c[0], d[1] - c[1]
    wx, wy = c[0] - a[0], c[1] - a[1]
    area = ux * vy - uy * vx
    if area == 0:
        return None
    s = (wx * vy - wy * vx) / area
    t = (wx * uy - wy * ux) / area
    if not (0 <= s <= 1 and 0 <= t <= 1):
        return None
    return a[0] + s * ux, a[1] + s * uy


# %% deep-learning-moons
def two_moons(
    count: int, noise: float = 0.15, seed: int = 0
) -> tuple[list[Point], list[int]]:
    """Return points on two half circles, by turns, and their sides.

    Side 0 is the upper moon, side 1 the lower; each coordinate is
    moved by an even draw from [-noise, noise].
    """
    rng, points = random.Random(seed), []
    for i in range(count):
        angle = math.pi * rng.random()
        x, y = math.cos(angle), math.sin(angle)
        x, y = (1 - x, 0.5 - y) if i % 2 else (x, y)
        dx, dy = (rng.uniform(-noise, noise) for _ in range(2))
        points.append((x + dx, y + dy))
    return points, [i % 2 for i in range(count)]


# %% deep-learning-network
@dataclass
class Network:
    """A hidden layer of neurons, read by one output neuron.

    With an empty hidden layer the output neuron reads the inputs.
    """

    hidden: list[Neuron]
    output: Neuron

    def features(self, x: Sequence[float]) -> list[float]:
        """Return what the output neuron reads."""
        return [neuron(x) for neuron in self.hidden] or list(x)

    def __call__(self, x: Sequence[float]) -> float:
        """Return the network's output for the inputs x."""
        return self.output(self.features(x))


# %% deep-learning-slopes
def sigmoid(z: float) -> float:
    """Return 1 / (1 + exp(-z)), in a form that cannot overflow.

    Its absolute error is about 1e-16, so at z = -40 it gives 0.
    """
    return 0.5 * (1.0 + math.tanh(z / 2))


def slopes(
    net: Network, x: Sequence[float], target: float
) -> tuple[float, list[float]]:
    """Return dE/dz for the output neuron, and for each hidden one.

    E = (net(x) - target)**2, and z is a neuron's total. Every neuron
    has to be a sigmoid; otherwise raises ValueError.
    """
    neurons = [*net.hidden, net.output]
    if any(neuron.activation is not sigmoid for neuron in neurons):
        raise ValueError("slopes() knows the slope of sigmoid only")
    h = net.features(x)
    p = net.output(h)
    out = 2 * (p - target) * p * (1 - p)
    read = zip(net.output.weights, h, strict=True)
    back = [out * v * h_j * (1 - h_j) for v, h_j in read]
    return out, back[: len(net.hidden)]


# %% deep-learning-train
def move(
    neuron: Neuron, x: Sequence[float], slope: float, lr: float
) -> None:
    """Move weights and bias downhill, given x and slope = dE/dz."""
    pairs = zip(neuron.weights, x, strict=True)
    neuron.weights = [w - lr * slope * x_i for w, x_i in pairs]
    neuron.bias -= lr * slope


def train(
    net: Network,
    points: Sequence[Sequence[float]],
    targets: Sequence[float],
    lr: float,
    rounds: int,
) -> None:
    """Fit net in place: slopes, then a move, for each point in turn."""
    for _ in range(rounds):
        for x, target in zip(points, targets, strict=True):
            h = net.features(x)
            out, back = slopes(net, x, target)
            move(net.output, h, out, lr)
            for neuron, slope in zip(net.hidden, back, strict=True):
                move(neuron, x, slope, lr)


# %% deep-learning-sharing
def slide(x: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the weighted sums of all runs of len(weights) neighbors.

    One set of weights serves every run, as in a convolutional layer
    with one channel and no bias. Raises ValueError if x is too short.
    """
    width = len(weights)
    if not 1 <= width <= len(x):
        raise ValueError(f"no runs of {width} in {len(x)} numbers")
    runs = [x[i : i + width] for i in range(len(x) - width + 1)]
    neuron = Neuron(list(weights), 0.0)
    return [neuron.total(run) for run in runs]


def read_on(x: Sequence[float], w: float, u: float) -> list[float]:
    """Return the states h = tanh(w * x_t + u * h), from h = 0 on.

    One w and one u serve every step, as in a recurrent layer with one
    unit and no bias [Elman 1990].
    """
    states, h = [], 0.0
    for x_t in x:
        h = math.tanh(w * x_t + u * h)
        states.append(h)
    return states
