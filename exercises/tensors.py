"""Exercises: 张量 · Tensors

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try tensors

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 07e431e6a3d8: untouched so far.

# %% exr-tensors-boxes
# 用铅笔找格子 ★
# Find the box with a pencil ★
def boxes_by_hand() -> dict[str, object]:
    """Return your answers; (1, 2) stands for two sizes or strides.

    "stride": of t; "box": the number of t[1, 2, 3]; "swapped": the
    strides of t.transpose(0, 2); "rows": shape, strides and offset
    of t[:, 1], as in ((5, 6), (7, 8), 9).
    """
    raise NotImplementedError("exr-tensors-boxes")


# %% exr-tensors-copies
# 共用还是不共用 ★
# Shared or not ★
def sharing_by_hand() -> str:
    """Return the letters that share storage with x, such as "abc"."""
    raise NotImplementedError("exr-tensors-copies")


# %% exr-tensors-standardize
# 标准化每一列 ★★
# Standardize every column ★★
import torch


def standardize(table: torch.Tensor) -> torch.Tensor:
    """Return table, shape (N, D), with every column standardized.

    Each column gets mean 0 and standard deviation 1, with the squared
    deviations divided by N. A column of equal values becomes zeros, up
    to rounding. The dtype stays, gradients reach table and are finite,
    and the input keeps its values. No loops.
    """
    raise NotImplementedError("exr-tensors-standardize")


# %% exr-tensors-strict-mse
# 不声不响的错误 ★★
# An error that says nothing ★★
import torch


def strict_mse(
    pred: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """Return the mean squared error, shape (), with its gradient.

    Raises ValueError unless pred and target have the same shape; the
    message names both shapes.
    """
    raise NotImplementedError("exr-tensors-strict-mse")


# %% exr-tensors-windows
# 一个数都不抄的滑动窗口 ★★
# Sliding windows without a copy ★★
import torch


def sliding_windows(series: torch.Tensor, width: int) -> torch.Tensor:
    """Return all runs of width neighbors, shape (N - width + 1, width).

    The result is a view: it shares the storage of series, shape (N,),
    and gradients reach series.
    Raises ValueError if series is not 1-D or width is not in 1..N.
    """
    raise NotImplementedError("exr-tensors-windows")


# %% exr-tensors-matmul
# 用格子里的数做矩阵乘法 ★★★
# Matrix multiplication out of boxes ★★★
from itertools import product

import torch

from torchbook.tensors import (
    box_number,
    boxes_of,
    broadcast_shape,
    expand_strides,
)


def matmul_boxes(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return a @ b, reading boxes one by one and copying no input.

    Shapes (..., n, k) @ (..., k, m) -> (..., n, m); leading dimensions
    broadcast. The result has a's dtype and device. Raises ValueError
    where torch cannot multiply, or where ndim < 2.
    """
    raise NotImplementedError("exr-tensors-matmul")
