"""Exercises: 为何选择 PyTorch？ · Why PyTorch?

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try why-pytorch

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 7ef37b8050ed: untouched so far.

# %% exr-why-pytorch-by-hand
# 画一棵树的图 ★
# Draw the graph of a tree ★
def tree_by_hand() -> dict[str, int]:
    """Return "tanh", all "nodes", and "depth" in tanh nodes."""
    raise NotImplementedError("exr-why-pytorch-by-hand")


# %% exr-why-pytorch-lag
# 导数慢一步 ★★
# The derivative is a step behind ★★
def lag_by_hand() -> dict[str, float]:
    """Return the derivative of the new value at a = 4.

    "flat": if x' = 0 before the step; "steep": if x' = 0.9.
    """
    raise NotImplementedError("exr-why-pytorch-lag")


# %% exr-why-pytorch-power
# 图越小越好 ★★
# The smaller graph ★★
import torch


def power(x: torch.Tensor, n: int) -> torch.Tensor:
    """Return x to the power n, elementwise, by multiplication alone.

    n is a whole number. For n from 1 up the graph holds at most
    2 * log2(n) multiplications; for n = 1, none. Raises ValueError if
    n is negative.
    """
    raise NotImplementedError("exr-why-pytorch-power")


# %% exr-why-pytorch-traffic
# 融合省下多少 ★★
# What fusion saves ★★
def traffic_by_hand() -> dict[str, float]:
    """Return "apart" and "fused", in units of n.

    "share" is (3), a number below 1.
    """
    raise NotImplementedError("exr-why-pytorch-traffic")


# %% exr-why-pytorch-whole
# 补好断口 ★★
# Mend the break ★★
import torch


def choose_whole(x: torch.Tensor) -> torch.Tensor:
    """Return x.relu() if the sum of x is positive, else -x.

    Written so that torch.compile captures it in one graph.
    """
    raise NotImplementedError("exr-why-pytorch-whole")


# %% exr-why-pytorch-merge
# 写一个优化 ★★★
# Write an optimization ★★★
from collections.abc import Collection

from torch.fx import GraphModule


def merge_duplicates(
    traced: GraphModule, never: Collection[object] = ()
) -> GraphModule:
    """Compute equal expressions of traced once; return traced.

    Two calls are equal if they have the same op, target, args and
    kwargs. Calls whose target is in never are left alone.
    """
    raise NotImplementedError("exr-why-pytorch-merge")
