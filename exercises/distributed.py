"""Exercises: 多设备训练 · Training on many devices

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try distributed

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 2c0bbe6bab15: untouched so far.

# %% exr-distributed-bytes
# 环上传送多少 ★
# How much goes through the ring ★
def bytes_by_hand() -> dict[str, float]:
    """Return your four numbers.

    "sent": GB that each rank sends in the ring; "steps": how many
    steps the ring takes; "seconds": how long they take; "central": GB
    that rank 0 receives if it alone adds up.
    """
    raise NotImplementedError("exr-distributed-bytes")


# %% exr-distributed-mean
# 算错的平均 ★
# The wrong mean ★
def means_by_hand() -> dict[str, float]:
    """Return your four numbers.

    "whole": the gradient of the whole batch; "ddp": what DDP has;
    "large", "small": the factor for the losses of ranks 0 and 2.
    """
    raise NotImplementedError("exr-distributed-mean")


# %% exr-distributed-sample
# 自己的采样器 ★★
# A sampler of your own ★★
import math

import torch


def own_samples(
    count: int, rank: int, world: int, *, epoch: int, seed: int = 0,
    drop: bool = False,
) -> list[int]:
    """Return the indices that a shuffling sampler gives to a rank.

    Filled up from the beginning, or with drop cut off, so that all
    ranks have equally many. The global generator stays as it is.
    """
    raise NotImplementedError("exr-distributed-sample")


# %% exr-distributed-combine
# 大小不等的几部分 ★★
# Means of unequal parts ★★
from torch import Tensor


def combine(
    gradients: list[list[Tensor | None]], counts: list[int],
) -> list[Tensor | None]:
    """Return the gradients of the whole batch from those of its parts.

    gradients[r][k]: rank r's mean over its counts[r] samples, for
    parameter k. None counts as zero, and where all are None the
    result is. A rank without samples doesn't count, whatever it has.
    """
    raise NotImplementedError("exr-distributed-combine")


# %% exr-distributed-pieces
# 各读哪一段 ★★
# Who reads what ★★
import math


def pieces(
    rows: int, old: int, new: int, rank: int,
) -> list[tuple[int, int, int]]:
    """Say what rank reads when `new` ranks load what `old` saved.

    A list of (file, start, stop) in the order of the rows: rows start
    to stop of the shard in that file. No piece is empty. Shards are
    those of torch.chunk, and empty where it gives too few.
    """
    raise NotImplementedError("exr-distributed-pieces")


# %% exr-distributed-zero
# 拆开的优化器 ★★★
# An optimizer in parts ★★★
import torch


class ShardedOptimizer:
    """Step equal replicas; a parameter's state is on one rank only.

    replicas[r][k]: parameter k of rank r. owner[k]: the rank with the
    fewest numbers so far, the lowest of several. optimizers[r]:
    make(rank r's own parameters), or None if it has none.
    """

    def __init__(self, replicas, make):
        raise NotImplementedError("exr-distributed-zero")

    @torch.no_grad()
    def step(self):
        """Step with mean gradients, None being zero; copy to all."""
        raise NotImplementedError("exr-distributed-zero")
