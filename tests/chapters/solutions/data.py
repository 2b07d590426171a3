# Generated from chapters/zh/10-data.qmd: edit there.
# Checksum a25be10265a8: a change made here is refused, not lost.
# %% exr-data-count
def count_by_hand() -> dict[str, float]:
    """Return your numbers; two decimals will do.

    "updates": steps of training in three epochs; "unseen": training
    rows that one epoch leaves out; "last": rows of the last batch in
    validation; "padding": the share of padding in the batch of four;
    "mean": the mean over the whole row of the third sequence.
    """
    return {
        "updates": 30,
        "unseen": 60,
        "last": 8,
        "padding": 0.43,
        "mean": 4.0,
    }


# %% exr-data-twins
def twins_by_hand() -> dict[str, float]:
    """Return the reported accuracies, as in 0.123.

    "twins": two copies of each row, 0.8 of all rows in training;
    "half": two copies, half of the rows in training; "triplets":
    three copies, 0.8 in training.
    """
    return {
        "twins": 0.8 + 0.2 * 0.1,
        "half": 0.5 + 0.5 * 0.1,
        "triplets": 0.96 + 0.04 * 0.1,
    }


# %% exr-data-masked
import torch
from torch import Tensor


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the real positions, (B, T, D) -> (B, D).

    mask: (B, T), bool, True where a position is real; real positions
    may stand anywhere. What x holds elsewhere must not matter, not
    even if it is nan or inf, and gets a gradient of 0. A real nan, a
    sign of a fault, shows in the mean of its row. Works in the dtype
    of x. Raises ValueError if a row has no real position.
    """
    if not mask.any(dim=1).all():
        raise ValueError("mask: a row with no real position")
    real = torch.where(mask[..., None], x, 0)  # (B, T, D)
    return real.sum(dim=1) / mask.sum(dim=1, keepdim=True)


# %% exr-data-stratified
import torch
from torch import Tensor


def stratified(
    labels: Tensor, fraction: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Split the rows 0..n-1 into (train, test), each class alike.

    labels: (n,), int64, any numbers in any order; stays as it is. Of
    the c rows of a class, fraction * c are in the test part, give or
    take less than one. Which ones is random, drawn from generator and
    nothing else. Both parts are int64, in an order of your choice.
    """
    train, test = [], []
    for label in labels.unique():
        rows = (labels == label).nonzero()[:, 0]
        order = torch.randperm(len(rows), generator=generator)
        count = round(fraction * len(rows))
        test.append(rows[order[:count]])
        train.append(rows[order[count:]])
    return torch.cat(train), torch.cat(test)


# %% exr-data-buffer
from collections.abc import Iterable, Iterator
from typing import Any

import torch


def shuffled(
    source: Iterable[Any], size: int, generator: torch.Generator
) -> Iterator[Any]:
    """Yield the items of source, shuffled through a buffer.

    Items are read one by one, and up to size of them are held. Once
    size are held, one of them, each as likely as the others, comes
    out, and the next is read. When source has ended, those that are
    left come out in a random order. Random numbers are drawn from
    generator and nothing else. Raises ValueError for size below 1.
    """
    if size < 1:
        raise ValueError(f"size: {size} is below 1")
    held = []
    for item in source:
        held.append(item)
        if len(held) == size:
            i = int(torch.randint(size, (1,), generator=generator))
            held[i], held[-1] = held[-1], held[i]
            yield held.pop()
    for i in torch.randperm(len(held), generator=generator).tolist():
        yield held[i]


# %% exr-data-buckets
import torch
from torch import Tensor


def buckets(
    lengths: Tensor, size: int, generator: torch.Generator
) -> list[list[int]]:
    """Put the numbers 0..n-1 of n sequences into batches by length.

    lengths: (n,), int64; stays as it is. Each number is in one batch,
    and all batches but one have size numbers. Put in order of length,
    the batches don't overlap: none has a sequence that is longer than
    one of the next. The order in which they are returned is random,
    and so is which sequences of one length come together; both are
    drawn from generator and nothing else.
    """
    order = torch.randperm(len(lengths), generator=generator)
    order = order[lengths[order].argsort(stable=True)]
    batches = [batch.tolist() for batch in order.split(size)]
    turn = torch.randperm(len(batches), generator=generator)
    return [batches[i] for i in turn.tolist()]
