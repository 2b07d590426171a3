# Generated from chapters/zh/05-autograd.qmd: edit there.
# Checksum def45da226fa: a change made here is refused, not lost.
# %% autograd-central-difference
"""Derivatives, two ways: finite differences and reverse mode."""

import itertools
import math
from collections.abc import Callable, Sequence


def central_difference(
    f: Callable[..., float], x: Sequence[float], h: float = 1e-5
) -> list[float]:
    """Estimate the partial derivatives of f at x by nudging each input.

    f takes len(x) numbers and is called 2 * len(x) times. The error is
    of order h**2 (truncation) plus 1e-16 / h (rounding).
    """
    slopes = []
    for i, x_i in enumerate(x):
        up = f(*x[:i], x_i + h, *x[i + 1 :])
        down = f(*x[:i], x_i - h, *x[i + 1 :])
        slopes.append((up - down) / (2 * h))
    return slopes


# %% autograd-node
class Node:
    """A number that remembers what it was computed from.

    edges holds a pair (parent, slope) for each input, where slope is
    the derivative of this number with respect to that parent. grad
    starts at zero; every backward() through this node adds to it.
    """

    _births = itertools.count()

    def __init__(
        self,
        data: float,
        edges: Sequence[tuple["Node", float]] = (),
        op: str = "",
    ) -> None:
        self.data, self.edges, self.op = float(data), edges, op
        self.grad = 0.0
        self.born = next(Node._births)

    def history(self) -> list["Node"]:
        """Return this node and all that it came from, newest first."""
        found, todo = {self}, [self]
        while todo:
            new = {parent for parent, _ in todo.pop().edges} - found
            found |= new
            todo += new
        return sorted(found, key=lambda node: node.born, reverse=True)

    def backward(self, seed: float = 1.0) -> None:
        """Add seed * d(self)/d(node) to each grad in history()."""
        order = self.history()
        flow = dict.fromkeys(order, 0.0) | {self: seed}
        for node in order:
            node.grad += flow[node]
            for parent, slope in node.edges:
                flow[parent] += slope * flow[node]


# %% autograd-value
class Value(Node):
    """A Node with arithmetic; the other operand may be a plain number.

    Exponents are plain numbers. Dividing by zero, or a negative power
    of zero, raises ZeroDivisionError, where torch returns inf.
    """

    def __add__(self, other: "Value | float") -> "Value":
        b = other if isinstance(other, Value) else Value(other)
        return Value(self.data + b.data, [(self, 1.0), (b, 1.0)], "+")

    def __mul__(self, other: "Value | float") -> "Value":
        b = other if isinstance(other, Value) else Value(other)
        edges = [(self, b.data), (b, self.data)]
        return Value(self.data * b.data, edges, "*")

    def __pow__(self, n: float) -> "Value":
        slope = n * self.data ** (n - 1) if n else 0.0
        return Value(self.data**n, [(self, slope)], "**")

    def tanh(self) -> "Value":
        y = math.tanh(self.data)
        return Value(y, [(self, 1.0 - y * y)], "tanh")

    def __neg__(self) -> "Value":
        return self * -1.0

    def __sub__(self, other: "Value | float") -> "Value":
        return self + -other

    def __rsub__(self, other: float) -> "Value":
        return -self + other

    def __truediv__(self, other: "Value | float") -> "Value":
        return self * other**-1.0

    def __rtruediv__(self, other: float) -> "Value":
        return self**-1.0 * other

    __radd__, __rmul__ = __add__, __mul__
