# Generated from chapters/zh/19-distributed.qmd: edit there.
# Checksum f099436146f2: a change made here is refused, not lost.
# %% exr-distributed-bytes
def bytes_by_hand() -> dict[str, float]:
    """Return your four numbers.

    "sent": GB that each rank sends in the ring; "steps": how many
    steps the ring takes; "seconds": how long they take; "central": GB
    that rank 0 receives if it alone adds up.
    """
    return {"sent": 7.0, "steps": 14, "seconds": 0.7, "central": 28.0}


# %% exr-distributed-mean
def means_by_hand() -> dict[str, float]:
    """Return your four numbers.

    "whole": the gradient of the whole batch; "ddp": what DDP has;
    "large", "small": the factor for the losses of ranks 0 and 2.
    """
    return {"whole": 2.4, "ddp": 3.0, "large": 1.2, "small": 0.6}


# %% exr-distributed-sample
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
    generator = torch.Generator().manual_seed(seed + epoch)
    order = torch.randperm(count, generator=generator).tolist()
    share = count // world if drop else math.ceil(count / world)
    total = share * world
    order = order * math.ceil(total / count)
    return order[:total][rank::world]


# %% exr-distributed-combine
from torch import Tensor


def combine(
    gradients: list[list[Tensor | None]], counts: list[int],
) -> list[Tensor | None]:
    """Return the gradients of the whole batch from those of its parts.

    gradients[r][k]: rank r's mean over its counts[r] samples, for
    parameter k. None counts as zero, and where all are None the
    result is. A rank without samples doesn't count, whatever it has.
    """
    total = sum(counts)
    whole = []
    for column in zip(*gradients, strict=True):
        parts = [
            g * (n / total) for g, n in zip(column, counts, strict=True)
            if g is not None and n
        ]
        whole.append(sum(parts[1:], parts[0]) if parts else None)
    return whole


# %% exr-distributed-pieces
import math


def pieces(
    rows: int, old: int, new: int, rank: int,
) -> list[tuple[int, int, int]]:
    """Say what rank reads when `new` ranks load what `old` saved.

    A list of (file, start, stop) in the order of the rows: rows start
    to stop of the shard in that file. No piece is empty. Shards are
    those of torch.chunk, and empty where it gives too few.
    """
    size, wanted = math.ceil(rows / old), math.ceil(rows / new)
    begin, end = rank * wanted, min((rank + 1) * wanted, rows)
    found = []
    while begin < end:
        file = begin // size
        stop = min(end, (file + 1) * size)
        found.append((file, begin - file * size, stop - file * size))
        begin = stop
    return found


# %% exr-distributed-zero
import torch


class ShardedOptimizer:
    """Step equal replicas; a parameter's state is on one rank only.

    replicas[r][k]: parameter k of rank r. owner[k]: the rank with the
    fewest numbers so far, the lowest of several. optimizers[r]:
    make(rank r's own parameters), or None if it has none.
    """

    def __init__(self, replicas, make):
        self.replicas, self.owner = replicas, []
        load, own = [0] * len(replicas), [[] for _ in replicas]
        for column in zip(*replicas, strict=True):
            rank = load.index(min(load))
            load[rank] += column[rank].numel()
            own[rank].append(column[rank])
            self.owner.append(rank)
        self.optimizers = [make(row) if row else None for row in own]

    @torch.no_grad()
    def step(self):
        """Step with mean gradients, None being zero; copy to all."""
        columns = zip(*self.replicas, strict=True)
        pairs = list(zip(columns, self.owner, strict=True))
        for column, rank in pairs:
            found = [p.grad for p in column if p.grad is not None]
            if found:
                column[rank].grad = sum(found) / len(column)
        for optimizer in self.optimizers:
            if optimizer is not None:
                optimizer.step()
        for column, rank in pairs:
            for p in column:
                p.copy_(column[rank])
