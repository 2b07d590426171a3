# Generated from chapters/zh/03-why-pytorch.qmd: edit there.
# Checksum 923c3014754a: a change made here is refused, not lost.
# %% why-pytorch-newton
"""Models whose graph depends on their input, and ways to see it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def newton_sqrt(a: Tensor) -> tuple[Tensor, int]:
    """Return the square root of a, shape (), and the steps it took.

    Heron's method: replace x by the mean of x and a / x until the two
    are equal, up to rounding. One more step brings the derivative up
    to date.
    Raises ValueError unless a is positive and finite.
    """
    if not 0 < a < float("inf"):
        raise ValueError(f"no square root of {a.item()} by this method")
    x, steps = torch.ones_like(a), 0
    while (x - a / x).abs() > 8 * torch.finfo(a.dtype).eps * x:
        x = (x + a / x) / 2
        steps += 1
    return (x + a / x) / 2, steps


# %% why-pytorch-nodes
def nodes_of(y: Tensor) -> list[Any]:
    """Return the nodes of the graph that made y, each once."""
    found: dict[Any, None] = {}
    todo = [y.grad_fn]
    while todo:
        fn = todo.pop()
        if fn is not None and fn not in found:
            found[fn] = None
            todo += [earlier for earlier, _ in fn.next_functions]
    return list(found)


def count_operations(y: Tensor) -> Counter[str]:
    """Return how many nodes of each kind made y."""
    return Counter(type(fn).__name__ for fn in nodes_of(y))


# %% why-pytorch-tree
Tree = str | tuple["Tree", "Tree"]


def encode(
    tree: Tree, vectors: Mapping[str, Tensor], weight: Tensor
) -> Tensor:
    """Return one vector, shape (D,), for a whole tree.

    A leaf is a key of vectors, each of shape (D,). A pair becomes
    tanh(weight @ [left, right]), with weight of shape (D, 2 * D).
    """
    if isinstance(tree, str):
        return vectors[tree]
    left, right = (encode(part, vectors, weight) for part in tree)
    return torch.tanh(weight @ torch.cat([left, right]))
