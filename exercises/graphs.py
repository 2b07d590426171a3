"""Exercises: 计算图与编译 · Graphs and compilers

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try graphs

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 84f83c8fa92e: untouched so far.

# %% exr-graphs-count
# 数一数有几张图 ★
# Count the graphs ★
def count_by_hand() -> dict[str, int]:
    """Return how many graphs there are after each of the calls.

    The keys are "ones", "again", "minus" and "longer".
    """
    raise NotImplementedError("exr-graphs-count")


# %% exr-graphs-traffic
# 融合省下多少 ★★
# What fusion saves ★★
def traffic_by_hand() -> dict[str, float]:
    """Return "apart" and "fused", in units of n.

    "share" is (3), a number below 1.
    """
    raise NotImplementedError("exr-graphs-traffic")


# %% exr-graphs-whole
# 补好断口 ★★
# Mend the break ★★
import torch


def choose_whole(x: torch.Tensor) -> torch.Tensor:
    """Return x.relu() if the sum of all of x is positive, else -x.

    x has any shape and any dtype of real numbers, and is left as it
    was. Written so that torch.compile captures it in one graph.
    """
    raise NotImplementedError("exr-graphs-whole")


# %% exr-graphs-export
# 准备交付 ★★
# Ready to ship ★★
import torch
from torch import nn


def ship(
    model: nn.Module, example: torch.Tensor
) -> torch.export.ExportedProgram:
    """Export model for predicting, its first size left open.

    example has shape (B, ...), with B from 2 up. What comes out has
    model in evaluation mode. Afterwards every module of model is in
    the mode that it was in before, also where export fails.
    """
    raise NotImplementedError("exr-graphs-export")


# %% exr-graphs-merge
# 写一个优化 ★★★
# Write an optimization ★★★
from collections.abc import Collection

from torch.fx import GraphModule


def merge_duplicates(
    traced: GraphModule, never: Collection[object] = ()
) -> GraphModule:
    """Compute equal expressions of traced once; return traced.

    Two calls of functions or methods are equal if they have the same
    target, args and kwargs. Those whose target is in never are left
    alone, and so is every call of a module. The names of the nodes
    that stay, and their order, don't change.
    """
    raise NotImplementedError("exr-graphs-merge")
