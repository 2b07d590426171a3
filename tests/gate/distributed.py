# %% exr-distributed-sample: one index after another, the order read around a circle
import itertools

import torch


def own_samples(count, rank, world, *, epoch, seed=0, drop=False):
    generator = torch.Generator()
    generator.manual_seed(epoch + seed)
    order = torch.randperm(count, generator=generator).tolist()
    share, rest = divmod(count, world)
    if rest and not drop:
        share += 1
    around = itertools.cycle(order)
    dealt = list(itertools.islice(around, share * world))
    return [dealt[rank + turn * world] for turn in range(share)]


# %% exr-distributed-sample: a table with a column for each rank, as a tensor
import torch


def own_samples(count, rank, world, *, epoch, seed=0, drop=False):
    generator = torch.Generator().manual_seed(seed + epoch)
    order = torch.randperm(count, generator=generator)
    share = count // world if drop else -(-count // world)
    places = torch.arange(share * world) % count
    return order[places].reshape(share, world)[:, rank]


# %% exr-distributed-combine: one sum for each parameter that grows rank by rank
import torch


def combine(gradients, counts):
    whole = [None] * len(gradients[0])
    for own, count in zip(gradients, counts):
        if count == 0:
            continue
        for k, gradient in enumerate(own):
            if gradient is None:
                continue
            part = gradient * count
            whole[k] = part if whole[k] is None else whole[k] + part
    return [None if g is None else g / sum(counts) for g in whole]


# %% exr-distributed-combine: a matrix product of weights and stacked gradients
import torch


def combine(gradients, counts):
    ranks = [r for r, n in enumerate(counts) if n > 0]
    total = sum(counts)
    whole = []
    for k in range(len(gradients[0])):
        some = [r for r in ranks if gradients[r][k] is not None]
        if not some:
            whole.append(None)
            continue
        stack = torch.stack([gradients[r][k] for r in some])
        weights = torch.tensor([counts[r] for r in some], dtype=stack.dtype)
        whole.append(torch.tensordot(weights, stack, dims=1) / total)
    return whole


# %% exr-distributed-pieces: rows looked up one by one, then grouped by file
from itertools import groupby


def pieces(rows, old, new, rank):
    size, own = -(-rows // old), -(-rows // new)
    places = [(row // size, row % size) for row in range(rows)]
    mine = places[rank * own : (rank + 1) * own]
    found = []
    for file, group in groupby(mine, key=lambda place: place[0]):
        inside = [at for _, at in group]
        found.append((file, inside[0], inside[-1] + 1))
    return found


# %% exr-distributed-pieces: the overlap with each file, where there is one
def pieces(rows, old, new, rank):
    size = (rows + old - 1) // old
    own = (rows + new - 1) // new
    begin, end = rank * own, min(rows, rank * own + own)
    found = ()
    for file in range(old):
        first = file * size
        start, stop = max(begin, first), min(end, first + size)
        if start < stop:
            found += ([file, start - first, stop - first],)
    return found


# %% exr-distributed-zero: gradients kept for the step only, weights copied by data
import torch


class ShardedOptimizer:
    def __init__(self, replicas, make):
        self.world = len(replicas)
        self.replicas = replicas
        held = {rank: 0 for rank in range(self.world)}
        self.owner = []
        for p in replicas[0]:
            best = min(held, key=held.get)
            held[best] += p.numel()
            self.owner.append(best)
        self.optimizers = []
        for rank in range(self.world):
            own = [replicas[rank][k] for k, o in enumerate(self.owner) if o == rank]
            self.optimizers += [make(own)] if own else [None]

    def step(self):
        for k, rank in enumerate(self.owner):
            total = None
            for row in self.replicas:
                g = row[k].grad
                if g is not None:
                    total = g.clone() if total is None else total + g
            self.replicas[rank][k].grad = None if total is None else total.div(self.world)
        for optimizer in filter(None, self.optimizers):
            optimizer.step()
        for k, rank in enumerate(self.owner):
            for r, row in enumerate(self.replicas):
                if r != rank:
                    row[k].data.copy_(self.replicas[rank][k].data)


# %% exr-distributed-zero: numpy for the loads, new zeros for what is missing
import numpy as np
import torch


class ShardedOptimizer:
    def __init__(self, replicas, make):
        self.replicas, self.owner = replicas, []
        loads = np.zeros(len(replicas), dtype=int)
        parts = {}
        for column in zip(*replicas):
            rank = int(loads.argmin())
            loads[rank] += len(column[rank])
            parts.setdefault(rank, []).append(column[rank])
            self.owner.append(rank)
        self.optimizers = [make(parts[r]) if r in parts else None for r in range(len(loads))]

    def step(self):
        with torch.no_grad():
            for column, rank in zip(zip(*self.replicas), self.owner):
                if all(p.grad is None for p in column):
                    continue
                every = [torch.zeros_like(p) if p.grad is None else p.grad for p in column]
                column[rank].grad = torch.stack(every).mean(dim=0)
            for optimizer in self.optimizers:
                if optimizer:
                    optimizer.step()
            for column, rank in zip(zip(*self.replicas), self.owner):
                new = column[rank].detach().clone()
                for p in column:
                    p.copy_(new)
