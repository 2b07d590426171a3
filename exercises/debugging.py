"""Exercises: 调试与剖析 · Debugging and profiling

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try debugging

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 2640130fe21f: untouched so far.

# %% exr-debugging-by-hand
# 用铅笔算四种症状 ★
# Four symptoms with a pencil ★
def four_symptoms() -> dict[str, float]:
    """Return four numbers that are symptoms.

    "loss": of predictions that are right but have shape (3, 1);
    "weight": after four steps; "rate": for a sum over 50 rows;
    "ratio": of the first step. Two digits will do.
    """
    raise NotImplementedError("exr-debugging-by-hand")


# %% exr-debugging-ledger
# 内存的账 ★★
# A ledger of memory ★★
def kept_bytes() -> dict[str, int]:
    """Return how many bytes graphs keep, without the weights.

    "hidden": the output of the ReLU; "batch": all of one batch;
    "hundred": of a hundred batches whose losses are kept; "after":
    of the same, if backward() was called on all but the last.
    """
    raise NotImplementedError("exr-debugging-ledger")


# %% exr-debugging-regression
# 三个错误：预测都是平均值 ★★
# Three bugs: it predicts the mean ★★
def train_step(model, optimizer, x, y) -> float:
    """Take one step on a batch; return its mean squared error.

    model(x): (n, 1); y: (n,) or (n, 1). The error is a plain number,
    the mean over the rows, measured before the step.
    """
    raise NotImplementedError("exr-debugging-regression")


# %% exr-debugging-evaluate
# 三个错误：靠不住的评估 ★★
# Three bugs: an evaluation that can't be trusted ★★
import torch
from torch.nn import functional as F


def validate(model, batches) -> list[float]:
    """Return the mean cross-entropy of each batch (x, y).

    Plain numbers. Computes in evaluation mode and builds no graph;
    then each module is in the mode that it was in.
    """
    raise NotImplementedError("exr-debugging-evaluate")


# %% exr-debugging-shuffle
# 三个错误：手写的一轮训练 ★★
# Three bugs: an epoch by hand ★★
import torch
from torch import Tensor


def epoch_by_hand(
    w: Tensor, x: Tensor, y: Tensor, lr: float,
    generator: torch.Generator,
) -> None:
    """Train w on each row once, in batches of 32, in place.

    w: (d, K), a leaf; x: (n, d); y: (n,), classes. The order is one
    torch.randperm(n, generator=generator), drawn on the CPU. w, x, y
    are on one device, any. No gradient is left in w.
    """
    raise NotImplementedError("exr-debugging-shuffle")


# %% exr-debugging-diagnose
# 三个病人，一件工具 ★★★
# Three patients, one instrument ★★★
import copy

import torch
from torch import nn


def diagnose(model, loss, x, y, lr) -> set[str]:
    """Return what a step of plain gradient descent would suffer from.

    "nan": the loss or a gradient isn't finite (then nothing else is
    reported); "dead": of some nn.ReLU, more than half of the units
    are 0 on every row; "rate": a parameter of two or more dimensions
    would move by more than a tenth of its length. loss(output, y) is
    one number. Computes in the model's own mode. Changes nothing:
    model, gradients, hooks, modes.
    """
    raise NotImplementedError("exr-debugging-diagnose")
