"""The module of the chapter on data, with torch, NumPy and plain Python as referees."""

import gzip
import random
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import (
    DataLoader,
    RandomSampler,
    TensorDataset,
    default_collate,
    get_worker_info,
    random_split,
)

from torchbook import datasets
from torchbook.datasets import (
    Batches,
    RandomShift,
    Rows,
    Standardize,
    Stream,
    Transformed,
    data_folder,
    digit_sheets,
    load_digits,
    load_poems,
    load_sonnets,
    load_sunspots,
    pad,
    padding_mask,
    shift,
    split,
    stack_examples,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# What the book comes with.


def test_the_digits_are_those_of_the_file():
    images, labels = load_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == torch.float32
    assert labels.shape == (1797,)
    assert labels.dtype == torch.int64
    assert (images.min(), images.max()) == (0, 16)
    with gzip.open(data_folder() / "digits.csv.gz", "rt") as file:
        lines = [[int(v) for v in line.split(",")] for line in file]
    for row in (0, 1, 900, 1796):
        assert images[row].flatten().tolist() == lines[row][:-1]
        assert labels[row] == lines[row][-1]


def test_the_digits_are_another_copy_each_time():
    images, labels = load_digits()
    images.zero_()
    labels.zero_()
    assert load_digits()[0].sum() > 0
    assert load_digits()[1].sum() > 0


def test_the_sunspots_are_yearly():
    years, numbers = load_sunspots()
    assert years.tolist() == list(range(1700, 2009))
    assert years.dtype == torch.int64
    assert numbers.dtype == torch.float32
    assert numbers.shape == years.shape
    assert numbers[:3].tolist() == [5.0, 11.0, 16.0]
    assert (numbers >= 0).all()


def test_the_poems_have_lines_and_no_titles():
    poems = load_poems()
    assert len(poems) == 308
    assert poems[0] == "寥落古行宫，宫花寂寞红。\n白头宫女在，闲坐说玄宗。"
    text = "".join(poems)
    assert not set("/\t") & set(text)
    assert all(poem.strip() == poem for poem in poems)


def test_the_sonnets_have_fourteen_lines_but_for_one():
    sonnets = load_sonnets()
    assert len(sonnets) == 154
    lines = [len(sonnet.split("\n")) for sonnet in sonnets]
    assert {i + 1: n for i, n in enumerate(lines) if n != 14} == {99: 15}
    assert sonnets[0].startswith("From fairest creatures")


def test_the_folder_is_found_from_below_and_from_elsewhere(tmp_path, monkeypatch):
    here = data_folder()
    monkeypatch.chdir(here)
    assert data_folder() == here
    monkeypatch.chdir(tmp_path)
    assert data_folder().samefile(here)
    (tmp_path / "chapters" / "data").mkdir(parents=True)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert data_folder() == tmp_path / "chapters" / "data"


def test_no_folder_is_a_clear_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.torchbook, "__file__", str(tmp_path / "x" / "__init__.py"))
    with pytest.raises(FileNotFoundError, match="chapters/data"):
        data_folder()


def test_a_file_cut_short_is_a_clear_error(tmp_path, monkeypatch):
    folder = tmp_path / "chapters" / "data"
    folder.mkdir(parents=True)
    with gzip.open(folder / "digits.csv.gz", "wt") as file:
        file.write("1,2,3\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"digits\.csv\.gz"):
        load_digits()


def test_the_sheets_begin_where_the_text_of_the_form_does():
    _, labels = load_digits()
    sheet = digit_sheets(labels)
    assert sheet.shape == labels.shape
    assert (sheet.diff() >= 0).all() and set(sheet.tolist()) == set(range(14))
    assert sheet.bincount().min() >= 122 and sheet.bincount().max() <= 130
    heads = {tuple(labels[sheet == k][1:10].tolist()) for k in range(14)}
    assert heads == {(1, 2, 3, 4, 5, 6, 7, 8, 9)}


@pytest.mark.parametrize("spoil", [lambda y: y[5:], lambda y: y.flip(0), lambda y: y[:0]])
def test_other_labels_have_no_sheets(spoil):
    with pytest.raises(ValueError, match="labels"):
        digit_sheets(spoil(load_digits()[1]))


# Datasets and loaders.


@pytest.mark.parametrize("n", [1, 7, 12])
def test_rows_are_those_of_tensor_dataset(n):
    x, y = torch.randn(n, 2, 3), torch.arange(n)
    ours, theirs = Rows(x, y), TensorDataset(x, y)
    assert len(ours) == len(theirs)
    for i in (*range(n), -1):
        for a, b in zip(ours[i], theirs[i], strict=True):
            assert torch.equal(a, b)
    with pytest.raises(IndexError):
        ours[n]


@pytest.mark.parametrize("tensors", [(), (torch.zeros(2), torch.zeros(3))])
def test_rows_refuses_tensors_that_do_not_agree(tensors):
    with pytest.raises(ValueError, match="tensors"):
        Rows(*tensors)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_stack_examples_is_default_collate(dtype):
    rows = Rows(torch.arange(12).view(4, 3).to(dtype), torch.arange(4))
    examples = [rows[i] for i in range(4)]
    for a, b in zip(stack_examples(examples), default_collate(examples), strict=True):
        assert torch.equal(a, b) and a.dtype == b.dtype


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="examples"):
        stack_examples([])


def test_examples_of_several_kinds_are_refused():
    with pytest.raises(ValueError, match="examples"):
        stack_examples([(torch.zeros(1),), (torch.zeros(1), torch.zeros(1))])


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 20), size=st.integers(1, 25), drop=st.booleans(), mix=st.booleans())
def test_batches_are_those_of_data_loader(n, size, drop, mix):
    rows = Rows(torch.arange(n), torch.arange(n) * 10)
    sampler = RandomSampler(rows, generator=seeded(n)) if mix else None
    theirs = DataLoader(rows, size, sampler=sampler, drop_last=drop)
    ours = Batches(rows, size, seeded(n) if mix else None, drop)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])


def test_each_pass_has_a_new_order_and_all_examples():
    batches = Batches(Rows(torch.arange(50)), 7, seeded())
    passes = [torch.cat([x for (x,) in batches]).tolist() for _ in range(3)]
    assert len({tuple(order) for order in passes}) == 3
    assert all(sorted(order) == list(range(50)) for order in passes)


def test_a_collate_function_of_ones_own():
    lists = [torch.arange(n) for n in (3, 1, 2)]
    ((batch, lengths),) = Batches(lists, 3, collate=pad)
    assert lengths.tolist() == [3, 1, 2] and batch.shape == (3, 3)


@pytest.mark.parametrize(("rows", "size", "name"), [([], 2, "dataset"), ([1], 0, "batch_size")])
def test_batches_refuses(rows, size, name):
    with pytest.raises(ValueError, match=name):
        Batches(rows, size)


def test_transformed_changes_the_first_part_only():
    data = Transformed(Rows(torch.arange(4.0), torch.arange(4)), lambda x: x * 2)
    assert len(data) == 4
    assert data[3] == (6.0, 3)


# Splits.


@pytest.mark.filterwarnings("ignore:Length of split")
@settings(deadline=None)
@given(n=st.integers(3, 400), seed=st.integers(0, 99), a=st.integers(1, 8), b=st.integers(1, 8))
def test_split_is_random_split(n, seed, a, b):
    fractions = [a / (a + b + 3), b / (a + b + 3), 3 / (a + b + 3)]
    theirs = random_split(range(n), fractions, generator=seeded(seed))
    if min(len(part) for part in theirs) == 0:
        with pytest.raises(ValueError, match="count"):
            split(n, fractions, generator=seeded(seed))
        return
    ours = split(n, fractions, generator=seeded(seed))
    assert [part.tolist() for part in ours] == [list(part.indices) for part in theirs]
    assert all(part.dtype == torch.int64 for part in ours)
    assert torch.cat(ours).sort().values.tolist() == list(range(n))


@pytest.mark.parametrize("count", [0, -4, 1])
def test_split_refuses_a_count(count):
    with pytest.raises(ValueError, match="count"):
        split(count, [0.5, 0.5], generator=seeded())


@pytest.mark.parametrize("fractions", [[], [0.5, 0.6], [1.2, -0.2], [1.0, 0.0], [float("nan")]])
def test_split_refuses_fractions(fractions):
    with pytest.raises(ValueError, match="fractions"):
        split(10, fractions, generator=seeded())


# One scale.


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("shape", "dim"), [((20, 3), 0), ((20,), 0), ((9, 2, 4, 4), (0, 2, 3)), ((9, 2, 4, 4), 0)]
)
def test_standardize_against_batch_norm_and_the_formula(shape, dim, dtype, device):
    rows = torch.randn(shape, dtype=dtype, device=device) * 3 + 5
    scale = Standardize(rows, dim)
    z = scale(rows)
    assert z.shape == rows.shape and z.dtype == dtype
    spread, mean = torch.std_mean(rows, dim, correction=0, keepdim=True)
    torch.testing.assert_close(z, (rows - mean) / spread)
    torch.testing.assert_close(scale.inverse(z), rows)
    if shape == (20, 3):
        norm = torch.nn.functional.batch_norm
        torch.testing.assert_close(z, norm(rows, None, None, training=True, eps=1e-12))
    one = scale(rows[3])
    assert one.shape == rows[3].shape
    torch.testing.assert_close(one, z[3])


def test_standardize_learns_nothing_after_it_was_fitted():
    rows = torch.randn(30, 4)
    scale = Standardize(rows)
    mean, std = scale.mean.clone(), scale.std.clone()
    scale(torch.randn(9, 4) + 100)
    rows.zero_()
    assert torch.equal(scale.mean, mean) and torch.equal(scale.std, std)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e8, 3.3e7])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_a_constant_column_becomes_zero(n, value):
    rows = torch.stack([torch.full((n,), value), torch.arange(float(n))], dim=1)
    z = Standardize(rows)(rows)
    assert (z[:, 0] == 0).all() and z.isfinite().all()


def test_standardize_passes_gradients_and_keeps_none():
    rows = torch.randn(8, 3, dtype=torch.float64, requires_grad=True)
    scale = Standardize(rows)
    assert not scale.mean.requires_grad and not scale.std.requires_grad
    assert torch.autograd.gradcheck(scale, torch.randn_like(rows).requires_grad_())


def test_standardize_refuses_rows():
    with pytest.raises(TypeError, match="rows"):
        Standardize(torch.arange(4))
    for bad in (torch.zeros(0, 3), torch.ones(3) / 0, torch.zeros(3) / 0):
        with pytest.raises(ValueError, match="rows"):
            Standardize(bad)


@pytest.mark.parametrize("shape", [(4,), (5, 1), (3, 4), ()])
def test_standardize_refuses_other_columns(shape):
    with pytest.raises(ValueError, match="x: "):
        Standardize(torch.randn(6, 3))(torch.zeros(shape))
    with pytest.raises(ValueError, match="z: "):
        Standardize(torch.randn(6, 3)).inverse(torch.zeros(shape))


# Ragged batches.


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    rest=st.sampled_from([(), (2,), (3, 1)]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.int64]),
    value=st.sampled_from([0, -1, 7]),
)
def test_pad_is_pad_sequence(lengths, rest, dtype, value):
    sequences = [(torch.rand(n, *rest) * 50).to(dtype) for n in lengths]
    held = [s.clone() for s in sequences]
    batch, found = pad(sequences, value)
    wanted = pad_sequence(sequences, batch_first=True, padding_value=value)
    assert torch.equal(batch, wanted) and batch.dtype == dtype
    assert found.tolist() == lengths and found.dtype == torch.int64
    assert all(map(torch.equal, sequences, held))
    mask = padding_mask(found)
    assert mask.shape == batch.shape[:2] and mask.dtype == torch.bool
    assert mask.sum(dim=1).tolist() == lengths
    torch.testing.assert_close(batch[mask], torch.cat(sequences))


def test_pad_passes_gradients():
    a, b = (torch.randn(n, 2, requires_grad=True) for n in (3, 1))
    batch, _ = pad([a, b])
    weights = torch.randn_like(batch)
    (batch * weights).sum().backward()
    assert torch.equal(a.grad, weights[0])
    assert torch.equal(b.grad, weights[1, :1])


def test_pad_and_mask_on_a_device(device):
    batch, lengths = pad([torch.ones(2, device=device), torch.ones(3, device=device)])
    assert batch.device.type == lengths.device.type == device.type
    assert padding_mask(lengths).device.type == device.type


@pytest.mark.parametrize("kind", ["rnn", "attention", "mean"])
def test_a_sequence_in_a_batch_gives_what_it_gives_alone(kind):
    torch.manual_seed(0)
    sequences = [torch.randn(n, 4) for n in (5, 2, 7)]
    batch, lengths = pad(sequences, value=9.0)
    mask = padding_mask(lengths)
    rnn = torch.nn.GRU(4, 4, batch_first=True)
    for i, alone in enumerate(sequences):
        n = len(alone)
        if kind == "rnn":
            found, wanted = rnn(batch)[0][i, :n], rnn(alone[None])[0][0]
        elif kind == "attention":
            look = torch.nn.functional.scaled_dot_product_attention
            found = look(batch, batch, batch, attn_mask=mask[:, None])[i, :n]
            wanted = look(alone[None], alone[None], alone[None])[0]
        else:
            real = batch * mask[..., None]
            found, wanted = (real.sum(1) / lengths[:, None])[i], alone.mean(0)
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(
    "sequences",
    [
        [],
        [torch.zeros(0), torch.zeros(2)],
        [torch.tensor(1.0)],
        [torch.zeros(2, 3), torch.zeros(2, 4)],
        [torch.zeros(2), torch.zeros(2, 1)],
        [torch.zeros(2), torch.zeros(2, dtype=torch.int64)],
    ],
)
def test_pad_refuses(sequences):
    with pytest.raises(ValueError, match="sequences"):
        pad(sequences)


def test_a_mask_of_a_given_size():
    found = padding_mask(torch.tensor([1, 3]), 5).int().tolist()
    assert found == [[1, 0, 0, 0, 0], [1, 1, 1, 0, 0]]
    with pytest.raises(ValueError, match="size"):
        padding_mask(torch.tensor([1, 3]), 2)


@pytest.mark.parametrize("lengths", [[], [0, 2], [-1], [1.0], [[1, 2]]])
def test_a_mask_refuses_lengths(lengths):
    with pytest.raises(ValueError, match="lengths"):
        padding_mask(torch.tensor(lengths))


# Augmentation.


@pytest.mark.parametrize("down", [-9, -2, -1, 0, 1, 3, 8])
@pytest.mark.parametrize("right", [-8, -1, 0, 2, 9])
def test_shift_moves_and_fills_with_zeros(down, right):
    images = torch.rand(2, 1, 5, 6) + 1
    held = images.clone()
    found = shift(images, down, right)
    assert torch.equal(images, held) and found.shape == images.shape
    wanted = torch.zeros_like(images)
    for i in range(5):
        for j in range(6):
            if 0 <= i - down < 5 and 0 <= j - right < 6:
                wanted[..., i, j] = images[..., i - down, j - right]
    assert torch.equal(found, wanted)
    assert found.data_ptr() != images.data_ptr()


def test_random_shift_makes_all_moves_equally_often():
    dot = torch.zeros(1, 5, 5)
    dot[0, 2, 2] = 1
    move = RandomShift(1, seeded())
    places = Counter(int(move(dot).flatten().argmax()) for _ in range(1800))
    assert set(places) == {6, 7, 8, 11, 12, 13, 16, 17, 18}
    assert min(places.values()) > 150


def test_random_shift_draws_from_its_generator_or_the_global_one():
    image = torch.rand(1, 8, 8)
    before = torch.get_rng_state()
    own = [RandomShift(3, seeded(5))(image) for _ in range(2)]
    assert torch.equal(*own) and torch.equal(torch.get_rng_state(), before)
    RandomShift(3)(image)
    assert not torch.equal(torch.get_rng_state(), before)


def test_shift_refuses_what_is_no_image():
    with pytest.raises(ValueError, match="images"):
        shift(torch.zeros(3), 1, 1)


def test_random_shift_refuses_to_move_by_less_than_nothing():
    with pytest.raises(ValueError, match="most"):
        RandomShift(-1)
    image = torch.rand(1, 4, 4)
    assert torch.equal(RandomShift(0)(image), image)


# Streams and workers.


def numbers():
    return range(11)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("share", [True, False])
def test_a_stream_is_shared_among_workers_or_repeated(workers, share):
    loader = DataLoader(Stream(numbers, share), 4, num_workers=workers)
    for _ in range(2):
        found = Counter(torch.cat(list(loader)).tolist())
        assert found == Counter(dict.fromkeys(range(11), 1 if share else max(workers, 1)))


def test_a_stream_opens_its_source_anew():
    stream = Stream(load_sonnets)
    assert list(stream) == list(stream) == load_sonnets()


class Draws:
    """Each example has three draws from global generators and the worker's number."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index >= 4:
            raise IndexError
        worker = get_worker_info().id
        return worker, torch.rand(()).item(), random.random(), float(np.random.rand())


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_are_seeded_apart_for_each_pass_and_by_the_generator():
    def passes(seed):
        loader = DataLoader(Draws(), 2, num_workers=2, generator=seeded(seed), collate_fn=list)
        return [[row for batch in loader for row in batch] for _ in range(2)]

    found = passes(1)
    assert {row[0] for row in found[0]} == {0, 1}
    for column in (1, 2, 3):
        assert len({row[column] for rows in found for row in rows}) == 8
    assert passes(1) == found
    assert passes(2) != found


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("stay", [False, True])
def test_a_generator_in_the_dataset_is_copied_into_each_worker(stay):
    dot = torch.zeros(8, 1, 9, 9)
    dot[..., 4, 4] = 1
    data = Transformed(Rows(dot), RandomShift(4, seeded()))
    loader = DataLoader(data, 4, num_workers=2, persistent_workers=stay)
    first, second = ([x for (x,) in loader] for _ in range(2))
    assert torch.equal(*first) and torch.equal(*second)
    assert torch.equal(first[0], second[0]) is not stay
