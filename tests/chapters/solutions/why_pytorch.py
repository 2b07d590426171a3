# Generated from chapters/zh/03-why-pytorch.qmd: edit there.
# Checksum a22c2b210ca5: a change made here is refused, not lost.
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


# %% exr-why-pytorch-traffic
def traffic_by_hand() -> dict[str, float]:
    """Return "apart" and "fused", in units of n.

    "share" is (3), a number below 1.
    """
    return {"apart": 8, "fused": 4, "share": 0.1}


# %% exr-why-pytorch-whole
import torch


def choose_whole(x: torch.Tensor) -> torch.Tensor:
    """Return x.relu() if the sum of x is positive, else -x.

    Written so that torch.compile captures it in one graph.
    """
    return torch.where(x.sum() > 0, x.relu(), -x)


# %% exr-why-pytorch-merge
from collections.abc import Collection

from torch.fx import GraphModule


def merge_duplicates(
    traced: GraphModule, never: Collection[object] = ()
) -> GraphModule:
    """Compute equal expressions of traced once; return traced.

    Two calls are equal if they have the same op, target, args and
    kwargs. Calls whose target is in never are left alone.
    """
    first = {}
    for node in list(traced.graph.nodes):
        if not node.op.startswith("call_") or node.op == "call_module":
            continue
        if node.target in never:
            continue
        key = node.op, node.target, repr(node.args), repr(node.kwargs)
        if key in first:
            node.replace_all_uses_with(first[key])
            traced.graph.erase_node(node)
        else:
            first[key] = node
    traced.recompile()
    return traced
