# Generated from chapters/zh/04-tensors.qmd: edit there.
# Checksum 5c60b8fea8f7: a change made here is refused, not lost.
# %% exr-tensors-boxes
def boxes_by_hand() -> dict[str, object]:
    """Return your answers; (1, 2) stands for two sizes or strides.

    "stride": of t; "box": the number of t[1, 2, 3]; "swapped": the
    strides of t.transpose(0, 2); "rows": shape, strides and offset
    of t[:, 1], as in ((5, 6), (7, 8), 9).
    """
    return {
        "stride": (12, 4, 1),
        "box": 23,
        "swapped": (1, 4, 12),
        "rows": ((2, 4), (12, 1), 4),
    }


# %% exr-tensors-copies
def sharing_by_hand() -> str:
    """Return the letters that share storage with x, such as "abc"."""
    return "acegi"


# %% exr-tensors-standardize
import torch


def standardize(table: torch.Tensor) -> torch.Tensor:
    """Return table, shape (N, D), with every column standardized.

    Each column gets mean 0 and standard deviation 1, with the squared
    deviations divided by N. A column of equal values becomes zeros, up
    to rounding. The dtype stays, gradients reach table and are finite,
    and the input keeps its values. No loops.
    """
    mean = table.mean(dim=0, keepdim=True)  # (1, D)
    spread = table.std(dim=0, correction=0, keepdim=True)  # (1, D)
    constant = (table == table[:1]).all(dim=0, keepdim=True)  # (1, D)
    return (table - mean) / torch.where(constant, 1.0, spread)


# %% exr-tensors-strict-mse
import torch


def strict_mse(
    pred: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """Return the mean squared error, shape (), with its gradient.

    Raises ValueError unless pred and target have the same shape; the
    message names both shapes.
    """
    if pred.shape != target.shape:
        shapes = f"{tuple(pred.shape)} and {tuple(target.shape)}"
        raise ValueError(f"pred and target have shapes {shapes}")
    return ((pred - target) ** 2).mean()


# %% exr-tensors-windows
import torch


def sliding_windows(series: torch.Tensor, width: int) -> torch.Tensor:
    """Return all runs of width neighbors, shape (N - width + 1, width).

    The result is a view: it shares the storage of series, shape (N,),
    and gradients reach series.
    Raises ValueError if series is not 1-D or width is not in 1..N.
    """
    if series.ndim != 1 or not 1 <= width <= len(series):
        shape = tuple(series.shape)
        raise ValueError(f"no windows of {width} in shape {shape}")
    step = series.stride(0)
    shape = (len(series) - width + 1, width)
    return series.as_strided(shape, (step, step))


# %% exr-tensors-matmul
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
    if min(a.ndim, b.ndim) < 2 or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"{tuple(a.shape)} @ {tuple(b.shape)}")
    lead = broadcast_shape(a.shape[:-2], b.shape[:-2])
    (n, k), m = a.shape[-2:], b.shape[-1]
    steps_a = expand_strides(a.shape[:-2], a.stride()[:-2], lead)
    steps_b = expand_strides(b.shape[:-2], b.stride()[:-2], lead)
    steps_a += (a.stride(-2), 0, a.stride(-1))  # reads (..., n, m, k)
    steps_b += (0, b.stride(-1), b.stride(-2))  # reads (..., n, m, k)
    left, right = boxes_of(a).tolist(), boxes_of(b).tolist()
    sums = []
    for index in product(*map(range, (*lead, n, m))):
        total = 0
        for c in range(k):
            p = box_number((*index, c), steps_a, a.storage_offset())
            q = box_number((*index, c), steps_b, b.storage_offset())
            total += left[p] * right[q]
        sums.append(total)
    result = torch.tensor(sums, dtype=a.dtype, device=a.device)
    return result.reshape(*lead, n, m)
