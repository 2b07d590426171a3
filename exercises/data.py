"""Exercises: 数据 · Data

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try data

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 0cdefaa778eb: untouched so far.

# %% exr-data-count
# 数一数有多少批 ★
# Counting batches ★
def count_by_hand() -> dict[str, float]:
    """Return your numbers; two decimals will do.

    "updates": steps of training in three epochs; "unseen": training
    rows that one epoch leaves out; "last": rows of the last batch in
    validation; "padding": the share of padding in the batch of four;
    "mean": the mean over the whole row of the third sequence.
    """
    raise NotImplementedError("exr-data-count")


# %% exr-data-twins
# 副本使分数高出多少 ★★
# What copies are worth ★★
def twins_by_hand() -> dict[str, float]:
    """Return the reported accuracies, as in 0.123.

    "twins": two copies of each row, 0.8 of all rows in training;
    "half": two copies, half of the rows in training; "triplets":
    three copies, 0.8 in training.
    """
    raise NotImplementedError("exr-data-twins")


# %% exr-data-masked
# 不受填充影响的平均值 ★★
# A mean that padding can't touch ★★
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
    raise NotImplementedError("exr-data-masked")


# %% exr-data-stratified
# 训练集和测试集都有每一类 ★★
# Every class on both sides ★★
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
    raise NotImplementedError("exr-data-stratified")


# %% exr-data-buffer
# 打乱一个流 ★★
# Shuffling a stream ★★
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
    raise NotImplementedError("exr-data-buffer")


# %% exr-data-buckets
# 长度相近的放在一起 ★★★
# Similar lengths together ★★★
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
    raise NotImplementedError("exr-data-buckets")
