# %% exr-tensors-standardize: sums, and equal columns found by their extremes
import torch


def standardize(table):
    gap = table - table.sum(0) / table.size(0)
    flat = table.amax(0) == table.amin(0)
    power = gap.pow(2).sum(0).div(table.size(0))
    return gap / power.masked_fill(flat, 1.0).sqrt()


# %% exr-tensors-standardize: column by column without a loop, by vmap
import torch


def one(column):
    spread, mean = torch.std_mean(column, correction=0)
    same = (column == column[0]).all()
    return torch.where(same, 0.0, column - mean) / torch.where(same, 1.0, spread)


def standardize(table):
    return torch.vmap(one, in_dims=1, out_dims=1)(table)


# %% exr-tensors-strict-mse: torch's own loss behind the comparison
import torch


def strict_mse(pred, target):
    if pred.size() != target.size():
        raise ValueError(f"{[*pred.shape]} does not fit {[*target.shape]}")
    return torch.nn.functional.mse_loss(pred, target)


# %% exr-tensors-strict-mse: a dot product of the flattened gaps
import torch


def strict_mse(pred, target):
    one, other = list(pred.shape), list(target.shape)
    same = len(one) == len(other)
    for a, b in zip(one, other):
        same = same and a == b
    if not same:
        raise ValueError("shapes " + str(pred.shape) + str(target.shape))
    gap = torch.sub(pred, target).reshape(-1)
    return gap.dot(gap) / gap.numel()


# %% exr-tensors-windows: unfold does the reading
import torch


def sliding_windows(series, width):
    if series.dim() != 1:
        raise ValueError("one dimension, please")
    if width < 1 or width > series.numel():
        raise ValueError(f"width is {width}")
    return series.unfold(0, width, 1)


# %% exr-tensors-windows: torch.as_strided with the offset written out
import torch


def sliding_windows(series, width):
    if series.ndim == 1 and width in range(1, series.shape[0] + 1):
        (step,) = series.stride()
        rows = series.shape[0] + 1 - width
        return torch.as_strided(series, [rows, width], [step, step], series.storage_offset())
    raise ValueError("no such windows")


# %% exr-tensors-matmul: one matrix after another, then put in a list
import itertools

import torch

from torchbook.tensors import boxes_of


def matmul_boxes(a, b):
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError("two dimensions at least")
    *_, n, k = a.shape
    *_, other, m = b.shape
    if k != other:
        raise ValueError(f"{k} meets {other}")
    try:
        lead = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except RuntimeError as error:
        raise ValueError(str(error)) from None
    a, b = a.expand(*lead, n, k), b.expand(*lead, k, m)
    left, right = boxes_of(a).tolist(), boxes_of(b).tolist()
    numbers = []
    for at in itertools.product(*[range(size) for size in lead]):
        p = a.storage_offset() + sum(map(int.__mul__, at, a.stride()))
        q = b.storage_offset() + sum(map(int.__mul__, at, b.stride()))
        for i in range(n):
            for j in range(m):
                row = [left[p + i * a.stride(-2) + r * a.stride(-1)] for r in range(k)]
                col = [right[q + r * b.stride(-2) + j * b.stride(-1)] for r in range(k)]
                numbers.append(sum(x * y for x, y in zip(row, col)))
    return a.new_tensor(numbers).view(*lead, n, m)


# %% exr-tensors-matmul: recursion over the leading dimensions
import torch

from torchbook.tensors import box_number, boxes_of


def plain(a, b):
    left, right = boxes_of(a).tolist(), boxes_of(b).tolist()
    at = a.storage_offset(), b.storage_offset()
    result = a.new_zeros(a.shape[0], b.shape[1])
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            for r in range(a.shape[1]):
                x = left[box_number((i, r), a.stride(), at[0])]
                y = right[box_number((r, j), b.stride(), at[1])]
                result[i, j] += x * y
    return result


def matmul_boxes(a, b):
    if a.ndim < 2 or b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise ValueError("these do not multiply")
    if a.ndim == b.ndim == 2:
        return plain(a, b)
    while a.ndim < b.ndim:
        a = a.unsqueeze(0)
    while b.ndim < a.ndim:
        b = b.unsqueeze(0)
    size = max(len(a), len(b))
    if {len(a), len(b)} - {1, size}:
        raise ValueError("leading dimensions differ")
    parts = [matmul_boxes(a[i % len(a)], b[i % len(b)]) for i in range(size)]
    return torch.stack(parts)
