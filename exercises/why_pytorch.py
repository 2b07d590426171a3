"""Exercises: 为何选择 PyTorch？ · Why PyTorch?

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try why-pytorch

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum f5446c34ba54: untouched so far.

# %% exr-why-pytorch-by-hand
# 画一棵树的图 ★
# Draw the graph of a tree ★
def tree_by_hand() -> dict[str, int]:
    """Return "tanh", all "nodes", and "depth" in tanh nodes."""
    raise NotImplementedError("exr-why-pytorch-by-hand")


# %% exr-why-pytorch-lag
# 循环之后的一步 ★★
# The step after the loop ★★
def lag_by_hand() -> dict[str, float]:
    """Return the derivative of the new value at a = 4.

    "flat": if x' = 0 before the step; "steep": if x' = 0.9.
    """
    raise NotImplementedError("exr-why-pytorch-lag")


# %% exr-why-pytorch-power
# 更小的图 ★★
# The smaller graph ★★
import torch


def power(x: torch.Tensor, n: int) -> torch.Tensor:
    """Return x to the power n, elementwise, by multiplication alone.

    n is a whole number. For n from 1 up the graph holds at most
    2 * log2(n) multiplications; for n = 1, none. Raises ValueError if
    n is negative.
    """
    raise NotImplementedError("exr-why-pytorch-power")


# %% exr-why-pytorch-longest
# 最长的路径 ★★★
# The longest way down ★★★
from typing import Any


def longest_path(node: Any) -> int:
    """Return the number of nodes on the longest path from node on.

    node is a grad_fn, or None for a tensor without one (then 0). A
    path goes from a node to one of the nodes in its next_functions,
    and counts both its ends. Where paths meet again there may be
    2**60 of them, and a path may have thousands of nodes.
    """
    raise NotImplementedError("exr-why-pytorch-longest")
