"""Exercises: 何为深度学习？ · What is deep learning?

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try deep-learning

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum b2715bf1dc6b: untouched so far.

# %% exr-deep-learning-by-hand
# 两个神经元 ★
# Two neurons ★
def by_hand() -> dict[str, tuple[list[float], float]]:
    """Return (weights, bias) of two step neurons.

    "majority": three inputs, 1 if at least two of them are 1.
    "first": two inputs, 1 if the first is 1 and the second is 0.
    """
    raise NotImplementedError("exr-deep-learning-by-hand")


# %% exr-deep-learning-one-step
# 在纸上训练一步 ★
# One step of training, on paper ★
def one_step() -> dict[str, object]:
    """Return your answers.

    "p": the output; "delta": dE/dz; "weights", "bias": after the
    move with lr = 2, as in [1.5, 2.5] and 3.5; "z": the new total.
    """
    raise NotImplementedError("exr-deep-learning-one-step")


# %% exr-deep-learning-collapse
# 两层压成一层 ★★
# Two layers pressed into one ★★
from torchbook.neurons import Network, Neuron


def collapse(net: Network) -> Neuron:
    """Return one neuron that does what net does without hidden steps.

    For every x its total equals that of net.output, when this reads
    the totals of the hidden neurons in place of their outputs. It has
    the activation of net.output. net has at least one hidden neuron.
    """
    raise NotImplementedError("exr-deep-learning-collapse")


# %% exr-deep-learning-three-switches
# 三个开关一盏灯 ★★
# Three switches, one lamp ★★
from torchbook.neurons import Network, Neuron


def odd_lamp(n: int) -> Network:
    """Return a network of step neurons for n switches and one lamp.

    Its output is 1 if an odd number of the n inputs are 1, else 0. It
    has at most n hidden neurons; n is at least 1.
    """
    raise NotImplementedError("exr-deep-learning-three-switches")


# %% exr-deep-learning-perceptron
# 感知机的规则 ★★
# The perceptron rule ★★
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
    raise NotImplementedError("exr-deep-learning-perceptron")


# %% exr-deep-learning-triangle
# 用三条直线围一块地 ★★★
# Fencing in with three lines ★★★
from torchbook.neurons import Network, Neuron, Point


def inside_triangle(p: Point, q: Point, r: Point) -> Network:
    """Return a network of step neurons: 1 inside the triangle, else 0.

    Three hidden neurons, one for each side. The corners may be given
    in either direction of turning; they are not on one line.
    """
    raise NotImplementedError("exr-deep-learning-triangle")
