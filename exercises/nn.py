"""Exercises: nn 模块 · The nn module

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try nn

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 7e7602835ef0: untouched so far.

# %% exr-nn-one-step
# 两个隐藏单元走一步 ★
# One step for two hidden units ★
def one_step_by_hand() -> dict[str, tuple[float, ...]]:
    """Return your numbers, units in order: one tuple for each name.

    "hidden": h; "w2_grad", "w1_grad": gradients of v and of w;
    "w1_new": w after the step; "losses": before and after the step.
    """
    raise NotImplementedError("exr-nn-one-step")


# %% exr-nn-gradients
# 四个梯度，不用 autograd ★★
# Four gradients without autograd ★★
import torch
from torch import Tensor


def gradients_by_hand(
    x: Tensor, y: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of the mean squared error, autograd unused.

    Shapes: x (n, d), y (n, o), w1 (h, d), b1 (h,), w2 (o, h), b2 (o,).
    The net is relu(x @ w1.mT + b1) @ w2.mT + b2. The gradients come in
    the order w1, b1, w2, b2, each with the shape of its parameter.
    """
    raise NotImplementedError("exr-nn-gradients")


# %% exr-nn-evaluate
# 数据集上的平均损失 ★★
# The mean loss over a data set ★★
import torch
from torch import Tensor, nn


def mean_loss(
    model: nn.Module, x: Tensor, y: Tensor, size: int
) -> float:
    """Return the mean squared error over all elements of y.

    model sees every row once, in evaluation mode, at most `size` rows
    at a time; the last batch may be smaller. Nothing is recorded.
    Afterwards weights, gradients, and the mode of every module are
    what they were.
    """
    raise NotImplementedError("exr-nn-evaluate")


# %% exr-nn-scale
# 二十层以后还剩多少 ★★
# What is left after twenty layers ★★
def scales_by_hand() -> dict[str, float]:
    """Return your two numbers.

    "default": by what factor one default Linear without bias and the
    ReLU after it multiply the mean square. "keep": the k for which
    bounds of sqrt(k / fan_in) leave the mean square as it was.
    """
    raise NotImplementedError("exr-nn-scale")


# %% exr-nn-batches
# 分批训练 ★★★
# Real batches ★★★
import torch
from torch import Tensor, nn


def train_in_batches(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    size: int,
    epochs: int,
    generator: torch.Generator,
) -> list[float]:
    """Train on shuffled batches; return one loss for each epoch.

    In an epoch every row is used once, in an order that generator (on
    the CPU) draws anew, `size` rows at a time; the last batch may be
    smaller. After each batch the weights take one plain step along the
    batch's mean squared error. An epoch's loss is the mean over all
    elements of y of what the batches measured. But for the weights
    and their .grad, the model stays as it was, in its mode too.
    """
    raise NotImplementedError("exr-nn-batches")
