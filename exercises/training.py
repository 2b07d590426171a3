"""Exercises: 训练循环 · The training loop

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try training

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 865dab3624c8: untouched so far.

# %% exr-training-by-hand
# 三个分数 ★
# Three scores ★
def three_scores() -> dict[str, float | tuple[float, ...]]:
    """Return what comes out for scores 0, ln 2, ln 3; class 2 is right.

    "p": three probabilities; "loss"; "gradient": three numbers;
    "floor": the smallest loss with two softmaxes and three classes.
    Two decimals will do.
    """
    raise NotImplementedError("exr-training-by-hand")


# %% exr-training-table
# 一张不平衡的表 ★
# An unbalanced table ★
def table() -> dict[str, float]:
    """Return "accuracy", and "precision", "recall", "f1" of class 1.

    And "lazy", the accuracy of always answering 2. Two decimals will
    do.
    """
    raise NotImplementedError("exr-training-table")


# %% exr-training-mistakes
# 一轮里的五个错误 ★★
# Five mistakes in one epoch ★★
from torch.nn import functional as F


def one_epoch(model, batches, optimizer) -> float:
    """Train on each batch (x, y) once; return the mean loss.

    The loss is cross-entropy, measured before each step; its mean is
    over all examples. Trains in training mode. Raises ValueError if
    there are no batches.
    """
    raise NotImplementedError("exr-training-mistakes")


# %% exr-training-binary
# 只有一个分数 ★★
# A single score ★★
import torch
from torch import Tensor


def binary_loss(z: Tensor, t: Tensor) -> Tensor:
    """Return the mean cross-entropy of scores z for class 1.

    z, t: the same shape, t of 0. and 1. Right for scores of any size,
    and so is its gradient, at z = 0 too.
    """
    raise NotImplementedError("exr-training-binary")


# %% exr-training-scores
# 每一类的三个数 ★★
# Three numbers for each class ★★
from torch import Tensor


def per_class(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return precision, recall and F1 score of each class.

    matrix: (K, K), counts; row: true class, column: predicted. Three
    float64 tensors (K,); 0 where a denominator is 0.
    """
    raise NotImplementedError("exr-training-scores")


# %% exr-training-temperature
# 过于自信的网络 ★★★
# A net that is too sure ★★★
import math

from torch import Tensor


def fit_temperature(logits: Tensor, target: Tensor) -> float:
    """Return the T with the smallest cross-entropy of logits / T.

    logits: (n, K), target: (n,). 0.05 <= T <= 20, right to one part
    in a thousand.
    """
    raise NotImplementedError("exr-training-temperature")
