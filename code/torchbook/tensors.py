# Generated from chapters/zh/04-tensors.qmd: edit there.
# Checksum 76732a63e056: a change made here is refused, not lost.
# %% tensors-strides
from collections.abc import Sequence

import torch


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides, in boxes, of a tensor laid out row by row.

    The last dimension moves fastest. As in torch, size 0 counts as 1.
    """
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def box_number(
    index: Sequence[int], strides: Sequence[int], offset: int = 0
) -> int:
    """Return the number of the box that holds the element at index."""
    steps = zip(index, strides, strict=True)
    return offset + sum(i * stride for i, stride in steps)


def boxes_of(x: torch.Tensor) -> torch.Tensor:
    """Return all boxes of x's storage, in order, as a 1-D view."""
    count = x.untyped_storage().nbytes() // x.element_size()
    return x.as_strided((count,), (1,), 0)


# %% tensors-sharing
def shares_storage(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Return whether a and b read the same row of boxes.

    They need not overlap: x[0] and x[1] share a storage too. Tensors
    that have no boxes, empty or on the meta device, share none. Tensors
    made from slices of one NumPy array may overlap and yet have two
    storages.
    """
    one, other = a.untyped_storage(), b.untyped_storage()
    return (
        a.device == b.device
        and one.data_ptr() == other.data_ptr()
        and one.data_ptr() != 0
    )


# %% tensors-broadcast-shape
def broadcast_shape(*shapes: Sequence[int]) -> tuple[int, ...]:
    """Return the shape to which the shapes broadcast.

    Raises ValueError if in some dimension two sizes differ, neither 1.
    Source: https://docs.pytorch.org/docs/stable/notes/broadcasting.html
    """
    ndim = max((len(shape) for shape in shapes), default=0)
    padded = [(1,) * (ndim - len(s)) + tuple(s) for s in shapes]
    result = []
    for sizes in zip(*padded, strict=True):
        others = {size for size in sizes if size != 1}
        if len(others) > 1:
            shown = " and ".join(str(tuple(shape)) for shape in shapes)
            raise ValueError(f"{shown} do not broadcast")
        result.append(others.pop() if others else 1)
    return tuple(result)


def expand_strides(
    shape: Sequence[int], strides: Sequence[int], target: Sequence[int]
) -> tuple[int, ...]:
    """Return strides that read target out of boxes laid out as shape.

    A dimension that is new or stretched gets stride 0. Raises
    ValueError if shape does not broadcast to target.
    """
    if broadcast_shape(shape, target) != tuple(target):
        raise ValueError(f"{tuple(shape)} does not fit {tuple(target)}")
    new = len(target) - len(shape)
    sizes = zip(shape, target[new:], strides, strict=True)
    kept = [step if old == size else 0 for old, size, step in sizes]
    return (0,) * new + tuple(kept)
