"""The readings of chapter `tensors`: torch is the referee, and every value is exact.

All numbers here are small whole numbers, which float32 holds exactly, so
results are compared with `==`: no test needs a tolerance.
"""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from torchbook.tensors import (
    box_number,
    boxes_of,
    broadcast_shape,
    contiguous_strides,
    expand_strides,
    shares_storage,
)

timeless = settings(deadline=None)  # torch's first call of a kind is slow

SIZES = st.integers(min_value=0, max_value=4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)


@st.composite
def stretched(draw):
    """A shape, and another to which it broadcasts."""
    target = draw(SHAPES)
    kept = target[draw(st.integers(0, len(target))) :]
    return tuple(draw(st.sampled_from([size, 1])) for size in kept), target


def numbered(shape, device="cpu"):
    """A tensor whose boxes hold 0, 1, 2 and so on."""
    count = int(np.prod(shape, dtype=int))
    return torch.arange(count, device=device).reshape(shape)


def views(t):
    """Readings of t, shape (2, 3, 4), with every kind of stride and offset, by name."""
    return {
        "itself": t,
        "transpose": t.transpose(0, 2),
        "permutation": t.permute(1, 2, 0),
        "row": t[1],
        "column": t[:, 1],
        "steps": t[:, ::2, 1::2],
        "element": t[1, 2, 3],
        "stretched": t[:, :1].expand(2, 5, 4),
        "new dimension": t[None, 1],
    }


CUBE = numbered((2, 3, 4))


# contiguous_strides


@timeless
@given(SHAPES)
def test_contiguous_strides_are_those_of_a_new_tensor(shape):
    assert contiguous_strides(shape) == torch.empty(shape).stride()


@timeless
@given(SHAPES.filter(lambda shape: 0 not in shape))
def test_contiguous_strides_are_numpys_in_boxes(shape):
    array = np.empty(shape, dtype=np.float32)
    assert tuple(4 * step for step in contiguous_strides(shape)) == array.strides


def test_contiguous_strides_take_a_torch_size():
    assert contiguous_strides(torch.Size([2, 3, 4])) == (12, 4, 1)


# box_number and boxes_of


@pytest.mark.parametrize("name", views(CUBE))
def test_box_number_finds_every_element(name, device):
    view = views(CUBE.to(device))[name]
    boxes = boxes_of(view)
    for index in product(*map(range, view.shape)):
        number = box_number(index, view.stride(), view.storage_offset())
        assert boxes[number] == view[index]


@timeless
@given(st.data())
def test_box_number_reads_what_as_strided_reads(data):
    shape = data.draw(SHAPES.filter(lambda shape: 0 not in shape))
    step = st.integers(min_value=0, max_value=3)
    strides = tuple(data.draw(step) for _ in shape)
    offset = data.draw(step)
    boxes = torch.arange(100)
    view = boxes.as_strided(shape, strides, offset)
    for index in product(*map(range, shape)):
        assert boxes[box_number(index, strides, offset)] == view[index]


def test_box_number_wants_an_index_for_every_stride():
    with pytest.raises(ValueError):
        box_number((1, 2), (3,))


@pytest.mark.parametrize("name", views(CUBE))
def test_boxes_of_a_view_are_all_boxes_in_order(name, device):
    assert boxes_of(views(CUBE.to(device))[name]).tolist() == list(range(24))


@pytest.mark.parametrize("dtype", [torch.bool, torch.bfloat16, torch.float64])
def test_boxes_of_counts_boxes_and_not_bytes(dtype, device):
    t = torch.ones(2, 3, dtype=dtype, device=device)
    assert boxes_of(t.T).shape == (6,)


def test_boxes_of_is_a_view(device):
    t = numbered((2, 3), device)
    boxes_of(t[1:])[0] = 99
    assert t[0, 0] == 99


# shares_storage


@pytest.mark.parametrize("name", views(CUBE))
def test_a_view_shares_storage(name, device):
    t = numbered((2, 3, 4), device)
    view = views(t)[name]
    assert shares_storage(t, view)
    assert shares_storage(view, t)
    assert not shares_storage(t.clone(), view)


@pytest.mark.parametrize(
    "copy",
    [
        lambda t: t + 0,
        lambda t: t.clone(),
        lambda t: t[[0, 1]],
        lambda t: t[t >= 0],
        lambda t: t.mT.contiguous(),
        lambda t: t.mT.reshape(24),
    ],
    ids=["sum", "clone", "list", "mask", "contiguous", "reshape"],
)
def test_a_copy_shares_nothing(copy, device):
    t = numbered((2, 3, 4), device)
    assert not shares_storage(t, copy(t))


def test_parts_that_do_not_overlap_share_a_storage(device):
    t = numbered((2, 3), device)
    assert shares_storage(t[0], t[1])


@pytest.mark.parametrize("empty", [torch.empty(0), torch.empty(2, device="meta")])
def test_tensors_without_boxes_share_none(empty):
    assert not shares_storage(empty, torch.empty_like(empty))


def test_numpy_shares_or_copies():
    array = np.array([1.0, 2.0])
    assert shares_storage(torch.from_numpy(array), torch.from_numpy(array))
    assert not shares_storage(torch.from_numpy(array), torch.tensor(array))


@pytest.mark.cuda
def test_another_device_is_another_storage():
    t = torch.ones(2, device="cuda")
    assert not shares_storage(t, t.cpu())


# broadcast_shape


@timeless
@given(st.lists(SHAPES, max_size=3))
def test_broadcast_shape_agrees_with_torch(shapes):
    try:
        expected = tuple(torch.broadcast_shapes(*shapes))
    except RuntimeError:
        with pytest.raises(ValueError, match="do not broadcast"):
            broadcast_shape(*shapes)
    else:
        assert broadcast_shape(*shapes) == expected


@timeless
@given(stretched(), st.data())
def test_broadcast_shape_is_that_of_a_sum(pair, data):
    shape, target = pair
    other = data.draw(st.sampled_from([target, (1, *target)]))
    assert broadcast_shape(shape, other) == (torch.ones(shape) + torch.ones(other)).shape


def test_a_broadcast_error_names_the_shapes():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2,\) do not broadcast"):
        broadcast_shape((2, 3), torch.Size([2]))


# expand_strides


@timeless
@given(stretched())
def test_expand_strides_reads_what_expand_reads(pair):
    shape, target = pair
    t = numbered(shape)
    strides = expand_strides(shape, t.stride(), target)
    assert torch.equal(t.as_strided(target, strides), t.expand(target))


@timeless
@given(stretched())
def test_expand_strides_keeps_or_stops(pair):
    """A stretched or new dimension has stride 0; the others keep theirs."""
    shape, target = pair
    assume(0 not in target)
    strides = expand_strides(shape, contiguous_strides(shape), target)
    new = len(target) - len(shape)
    assert strides[:new] == (0,) * new
    for size, wanted, old, step in zip(
        shape, target[new:], contiguous_strides(shape), strides[new:], strict=True
    ):
        assert step == (old if size == wanted else 0)


@pytest.mark.parametrize("name", ["transpose", "column", "steps"])
def test_expand_strides_of_a_view(name, device):
    view = views(CUBE.to(device))[name]
    target = (3, *view.shape)
    strides = expand_strides(view.shape, view.stride(), target)
    read = view.as_strided(target, strides, view.storage_offset())
    assert torch.equal(read, view.expand(target))


@pytest.mark.parametrize(
    ("shape", "target"),
    [((2,), (3,)), ((2, 1), (1,)), ((3,), (1,)), ((1, 3), (3,))],
)
def test_expand_strides_does_not_shrink_or_mix(shape, target):
    with pytest.raises(ValueError):
        expand_strides(shape, contiguous_strides(shape), target)
