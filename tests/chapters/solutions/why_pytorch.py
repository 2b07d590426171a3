# Generated from chapters/zh/03-why-pytorch.qmd: edit there.
# Checksum a8939adac00a: a change made here is refused, not lost.
# %% exr-why-pytorch-by-hand
def tree_by_hand() -> dict[str, int]:
    """Return "tanh", all "nodes", and "depth" in tanh nodes."""
    return {"tanh": 4, "nodes": 15, "depth": 3}


# %% exr-why-pytorch-lag
def lag_by_hand() -> dict[str, float]:
    """Return the derivative of the new value at a = 4.

    "flat": if x' = 0 before the step; "steep": if x' = 0.9.
    """
    return {"flat": 0.25, "steep": 0.25}


# %% exr-why-pytorch-power
import torch


def power(x: torch.Tensor, n: int) -> torch.Tensor:
    """Return x to the power n, elementwise, by multiplication alone.

    n is a whole number. For n from 1 up the graph holds at most
    2 * log2(n) multiplications; for n = 1, none. Raises ValueError if
    n is negative.
    """
    if n < 0:
        raise ValueError(f"n is {n}, and must not be negative")
    result = None
    while n:
        if n % 2:
            result = x if result is None else result * x
        n //= 2
        if n:
            x = x * x
    return torch.ones_like(x) if result is None else result


# %% exr-why-pytorch-longest
from typing import Any


def longest_path(node: Any) -> int:
    """Return the number of nodes on the longest path from node on.

    node is a grad_fn, or None for a tensor without one (then 0). A
    path goes from a node to one of the nodes in its next_functions,
    and counts both its ends. Where paths meet again there may be
    2**60 of them, and a path may have thousands of nodes.
    """
    length = 0
    level = {node} - {None}
    while level:
        length += 1
        level = {
            earlier for fn in level for earlier, _ in fn.next_functions
        } - {None}
    return length
