# Generated from chapters/zh/10-data.qmd: edit there.
# Checksum afe95ed36ecf: a change made here is refused, not lost.
# %% data-load
"""Data of the book, and what stands between it and a model."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import floor, isclose
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import IterableDataset, get_worker_info

import torchbook


def data_folder() -> Path:
    """Return chapters/data above the working directory.

    If there is none, look above the book's own code. Raises
    FileNotFoundError if it isn't there either.
    """
    for start in (Path.cwd(), Path(str(torchbook.__file__))):
        for folder in (start, *start.parents):
            if (folder / "chapters" / "data").is_dir():
                return folder / "chapters" / "data"
    raise FileNotFoundError("no folder chapters/data up from here")


# %% data-digits
def load_digits() -> tuple[Tensor, Tensor]:
    """Return images (1797, 1, 8, 8), float32 of 0..16, and labels.

    Labels: (1797,), int64. Source: UCI Machine Learning Repository,
    Optical Recognition of Handwritten Digits, CC BY 4.0.
    """
    path = data_folder() / "digits.csv.gz"
    rows = np.loadtxt(path, delimiter=",", dtype=np.int64)
    if rows.shape != (1797, 65):
        raise ValueError(f"digits.csv.gz: {rows.shape}, not (1797, 65)")
    table = torch.from_numpy(rows)
    images = table[:, :64].float().view(-1, 1, 8, 8)
    return images, table[:, 64].clone()


# %% data-sheets
def digit_sheets(labels: Tensor) -> Tensor:
    """Number the form that each row of the digits was cut from.

    labels, (1797,), in the order of the file. The same text comes back
    14 times in them, each time with 122 to 130 digits that were kept:
    it is taken for one filled-in form. Returns (1797,) of 0..13.
    Raises ValueError for labels in which that text isn't found.
    """
    text = "".join(str(label) for label in labels.tolist())
    head = r"\d123456789\d{8,10}0123456789(?=0955650)"
    begins = [match.start() for match in re.finditer(head, text)]
    if len(begins) != 14 or begins[0] != 0:
        raise ValueError("labels: not those of the digits, in order")
    firsts = torch.zeros(len(labels), dtype=torch.int64)
    firsts[begins[1:]] = 1
    return firsts.cumsum(0)


# %% data-dataset
class MapStyle(Protocol):
    """Whatever knows its length and gives an example by its number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class Rows:
    """A map-style dataset: example i is row i of each tensor.

    Raises ValueError for no tensors or tensors of several lengths,
    IndexError for a row that isn't there.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if len({len(t) for t in tensors}) != 1:
            lengths = [len(t) for t in tensors]
            raise ValueError(f"tensors: lengths {lengths} must agree")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)


def stack_examples(
    examples: Sequence[Sequence[Tensor]],
) -> tuple[Tensor, ...]:
    """Stack B examples of k tensors each: k tensors of (B, ...)."""
    if not examples:
        raise ValueError("examples: an empty batch")
    if len({len(example) for example in examples}) > 1:
        raise ValueError("examples: not all of as many tensors")
    columns = zip(*examples, strict=True)
    return tuple(torch.stack(column) for column in columns)


# %% data-batches
class Batches:
    """A loader from nothing: batches of a map-style dataset.

    With a generator, each pass draws a new order from it; without, the
    rows keep theirs. Raises ValueError for an empty dataset and for a
    batch_size below 1. torch.utils.data.DataLoader does the same.
    """

    def __init__(
        self,
        dataset: MapStyle,
        batch_size: int,
        generator: torch.Generator | None = None,
        drop_last: bool = False,
        collate: Callable[[list[Any]], Any] = stack_examples,
    ) -> None:
        if len(dataset) < 1:
            raise ValueError("dataset: no examples")
        if batch_size < 1:
            raise ValueError(f"batch_size: {batch_size} is below 1")
        self.dataset, self.batch_size = dataset, batch_size
        self.generator, self.drop_last = generator, drop_last
        self.collate = collate

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        order = torch.arange(len(self.dataset))
        if self.generator is not None:
            order = torch.randperm(len(order), generator=self.generator)
        for number in range(len(self)):
            start = number * self.batch_size
            some = order[start : start + self.batch_size].tolist()
            yield self.collate([self.dataset[i] for i in some])


# %% data-stream
class Stream(IterableDataset[Any]):
    """An iterable-style dataset: items come one after another.

    `source` opens the stream anew for each pass. Of n workers, each
    takes every n-th item if `share` is set, and otherwise all.
    """

    def __init__(
        self, source: Callable[[], Iterable[Any]], share: bool = True
    ) -> None:
        self.source, self.share = source, share

    def __iter__(self) -> Iterator[Any]:
        me = get_worker_info()
        if me is None or not self.share:
            return iter(self.source())
        return islice(self.source(), me.id, None, me.num_workers)


# %% data-others
def load_sunspots() -> tuple[Tensor, Tensor]:
    """Return years, int64, and sunspot numbers, float32, both (309,).

    Source: NOAA, yearly means from 1700 to 2008, public domain.
    """
    path = data_folder() / "sunspots.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    years, numbers = torch.from_numpy(table).unbind(dim=1)
    return years.long(), numbers.float()


def load_poems() -> list[str]:
    """Return 308 of the Three Hundred Tang Poems, without titles.

    The lines of a poem are joined by "\\n". Poems: public domain.
    """
    path = data_folder() / "tang300.tsv"
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    return [row.split("\t")[3].replace("/", "\n") for row in rows]


def load_sonnets() -> list[str]:
    """Return Shakespeare's 154 sonnets, their lines joined by "\\n".

    Source: the text of 1609 in modern spelling, public domain.
    """
    text = (data_folder() / "sonnets.txt").read_text(encoding="utf-8")
    return [sonnet.strip() for sonnet in text.strip().split("\n\n")]


# %% data-pad
def pad(
    sequences: Sequence[Tensor], value: float = 0
) -> tuple[Tensor, Tensor]:
    """Put B sequences, each (length, ...), into one batch (B, T, ...).

    T is the greatest length; what is missing at an end is `value`.
    Also returns the lengths, (B,), int64. Raises ValueError for no
    sequences, an empty one, or ones that differ in anything but their
    length.
    """
    if len(sequences) == 0:
        raise ValueError("sequences: an empty batch")
    kinds = {(s.shape[1:], s.dtype, s.device) for s in sequences}
    if len(kinds) > 1:
        raise ValueError("sequences: several shapes, dtypes or devices")
    lengths = [len(s) if s.ndim > 0 else 0 for s in sequences]
    if min(lengths) < 1:
        raise ValueError("sequences: one has length 0")
    first = sequences[0]
    size = len(sequences), max(lengths), *first.shape[1:]
    batch = first.new_full(size, value)  # (B, T, ...)
    for i, sequence in enumerate(sequences):
        batch[i, : len(sequence)] = sequence
    return batch, torch.tensor(lengths, device=first.device)


# %% data-mask
def padding_mask(lengths: Tensor, size: int | None = None) -> Tensor:
    """Return (B, T), bool: True where an item is real, not padding.

    T is `size`, or else the greatest length. Raises ValueError unless
    lengths is (B,), whole numbers of 1 to T.
    """
    if lengths.ndim != 1 or len(lengths) == 0:
        raise ValueError(f"lengths: shape {tuple(lengths.shape)}")
    if lengths.is_floating_point() or lengths.min() < 1:
        raise ValueError("lengths: must be whole numbers from 1 on")
    size = int(lengths.max()) if size is None else size
    if size < lengths.max():
        raise ValueError(f"size: {size} is below the greatest length")
    return torch.arange(size, device=lengths.device) < lengths[:, None]


# %% data-split
def split(
    count: int,
    fractions: Sequence[float],
    *,
    generator: torch.Generator,
) -> list[Tensor]:
    """Deal the rows 0..count-1 out at random: one part per fraction.

    Sizes are rounded down, and rows left over go one to each part from
    the first on, as in torch.utils.data.random_split. Raises
    ValueError for fractions that aren't positive or don't add up to 1,
    and for a part that would be empty.
    """
    if not fractions or min(fractions) <= 0:
        raise ValueError(f"fractions: {fractions} must be positive")
    if not isclose(sum(fractions), 1):
        raise ValueError(f"fractions: {fractions} must add up to 1")
    sizes = [floor(count * fraction) for fraction in fractions]
    for i in range(count - sum(sizes)):
        sizes[i % len(sizes)] += 1
    if min(sizes) < 1:
        raise ValueError(f"count: {count} rows leave a part empty")
    order = torch.randperm(count, generator=generator)
    return list(order.split(sizes))


# %% data-standardize
class Standardize:
    """Take off the mean and divide by the standard deviation.

    Both come from `rows` alone, along `dim`, and stay as they are:
    pass the training rows. A constant column is divided by 1. Raises
    ValueError for rows that are empty or not all finite, TypeError for
    a dtype that isn't floating point.
    """

    def __init__(
        self, rows: Tensor, dim: int | tuple[int, ...] = 0
    ) -> None:
        if not rows.is_floating_point():
            raise TypeError(f"rows: {rows.dtype} isn't floating point")
        if rows.numel() == 0 or not rows.isfinite().all():
            raise ValueError("rows: empty, or not all finite")
        rows = rows.detach()
        low, high = rows.amin(dim, True), rows.amax(dim, True)
        mean = torch.where(low == high, low, rows.mean(dim, True))
        std = rows.std(dim, correction=0, keepdim=True)
        std[low == high] = 1
        self.mean, self.std = mean.squeeze(0), std.squeeze(0)

    def check(self, name: str, x: Tensor) -> None:
        """Raise ValueError unless x is one row or several."""
        want, tail = self.mean.shape, x.shape[x.ndim - self.mean.ndim :]
        pairs = zip(want, tail, strict=False)
        fits = all(m in (1, n) for m, n in pairs)
        if len(tail) != len(want) or not fits:
            raise ValueError(f"{name}: {tuple(x.shape)}, not as rows")

    def __call__(self, x: Tensor) -> Tensor:
        """Standardize x: one row, or several, of the size of rows'."""
        self.check("x", x)
        return (x - self.mean) / self.std

    def inverse(self, z: Tensor) -> Tensor:
        """Give back the x that was standardized to z."""
        self.check("z", z)
        return z * self.std + self.mean


# %% data-shift
def shift(images: Tensor, down: int, right: int) -> Tensor:
    """Move images (..., H, W) by whole pixels; zeros come in.

    Negative numbers move up and left. Returns a new tensor. Raises
    ValueError for fewer than two dimensions.
    """
    if images.ndim < 2:
        raise ValueError(f"images: {tuple(images.shape)}, not (H, W)")
    height, width = images.shape[-2:]
    down = max(-height, min(down, height))
    right = max(-width, min(right, width))
    return F.pad(images, (right, -right, down, -down))


class RandomShift:
    """Move an image by up to `most` pixels down or up, right or left.

    All (2 * most + 1)**2 moves are equally likely; they are drawn from
    `generator`, or from torch's own. Raises ValueError for most < 0.
    """

    def __init__(
        self, most: int, generator: torch.Generator | None = None
    ) -> None:
        if most < 0:
            raise ValueError(f"most: {most} is below 0")
        self.most, self.generator = most, generator

    def __call__(self, image: Tensor) -> Tensor:
        down, right = torch.randint(
            -self.most, self.most + 1, (2,), generator=self.generator
        ).tolist()
        return shift(image, down, right)


# %% data-transformed
class Transformed:
    """A map-style dataset whose inputs pass through `transform`.

    An example is a tuple; only its first part is transformed.
    """

    def __init__(
        self, dataset: MapStyle, transform: Callable[[Any], Any]
    ) -> None:
        self.dataset, self.transform = dataset, transform

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        first, *rest = self.dataset[index]
        return self.transform(first), *rest
