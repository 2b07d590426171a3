# %% exr-data-masked: a product with the mask, after junk has been filled
import torch


def masked_mean(x, mask):
    hidden = (~mask).all(-1)
    if hidden.any():
        raise ValueError(f"nothing is real in rows {hidden.nonzero().flatten().tolist()}")
    weights = mask.to(x.dtype)
    weights = weights / weights.sum(1, keepdim=True)
    return torch.einsum("bt,btd->bd", weights, x.masked_fill(~mask.unsqueeze(2), 0.0))


# %% exr-data-masked: row by row, by a boolean index
import torch


def masked_mean(x, mask):
    means = []
    for row, real in zip(x, mask):
        if not bool(real.any()):
            raise ValueError("a row is all padding")
        means.append(row[real].mean(0))
    return torch.stack(means)


# %% exr-data-masked: all real vectors at once, added up where they belong
import torch


def masked_mean(x, mask):
    counts = mask.sum(1)
    if (counts == 0).any():
        raise ValueError("mask")
    rows, places = mask.nonzero(as_tuple=True)
    total = x.new_zeros(len(x), x.shape[-1]).index_add(0, rows, x[rows, places])
    return total / counts.unsqueeze(1)


# %% exr-data-stratified: one random order, sorted by class, cut by rank
import torch


def stratified(labels, fraction, generator):
    order = torch.randperm(labels.numel(), generator=generator)
    order = order[labels[order].argsort(stable=True)]
    sizes = labels.unique(return_counts=True)[1].tolist()
    train, test = [], []
    for rows in order.split(sizes):
        cut = int(fraction * len(rows) + 0.5)
        train.extend(rows[cut:].tolist())
        test.extend(rows[:cut].tolist())
    return torch.tensor(train), torch.tensor(test)


# %% exr-data-stratified: plain Python lists by class, sizes rounded down
import torch


def stratified(labels, fraction, generator):
    classes = {}
    for row, label in enumerate(labels.tolist()):
        classes.setdefault(label, []).append(row)
    inside = torch.zeros(len(labels), dtype=torch.bool)
    for rows in classes.values():
        keys = torch.rand(len(rows), generator=generator).tolist()
        ranked = [row for _, row in sorted(zip(keys, rows))]
        inside[ranked[: int(len(rows) * fraction)]] = True
    return [(~inside).nonzero().flatten(), inside.nonzero().flatten()]


# %% exr-data-buffer: the first ones by islice, then each is replaced
import itertools

import torch


def shuffled(source, size, generator):
    if size <= 0:
        raise ValueError("a buffer has room for one at least")
    stream = iter(source)
    held = list(itertools.islice(stream, size))
    if len(held) == size:
        while True:
            i = torch.randint(0, size, (), generator=generator).item()
            yield held[i]
            try:
                held[i] = next(stream)
            except StopIteration:
                del held[i]
                break
    while held:
        yield held.pop(torch.randint(0, len(held), (), generator=generator).item())


# %% exr-data-buffer: an ordinary function that returns an iterator object
import torch


class Reader:
    def __init__(self, source, size, generator):
        self.stream, self.size, self.generator = iter(source), size, generator
        self.held = []

    def __iter__(self):
        return self

    def __next__(self):
        for item in self.stream:
            self.held.append(item)
            if len(self.held) == self.size:
                break
        if not self.held:
            raise StopIteration
        keys = torch.rand(len(self.held), generator=self.generator)
        return self.held.pop(int(keys.argmax()))


def shuffled(source, size, generator):
    if size < 1:
        raise ValueError("size must be positive")
    return Reader(source, size, generator)


# %% exr-data-buckets: sorted by length and a random key, in plain Python
import torch


def buckets(lengths, size, generator):
    keys = torch.rand(len(lengths), generator=generator).tolist()
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i].item(), keys[i]))
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    turn = torch.rand(len(batches), generator=generator).argsort().tolist()
    return [batches[i] for i in turn]


# %% exr-data-buckets: from the longest to the shortest, tensors for batches
import torch


def buckets(lengths, size, generator):
    mixed = torch.randperm(lengths.numel(), generator=generator)
    falling = mixed.gather(0, lengths[mixed].sort(descending=True, stable=True).indices)
    parts = falling.split(size)
    return tuple(parts[i] for i in torch.randperm(len(parts), generator=generator))


# %% exr-data-buckets: noise below one breaks the ties
import torch


def buckets(lengths, size, generator):
    noise = torch.rand(len(lengths), generator=generator, dtype=torch.float64)
    order = (lengths + noise).argsort().tolist()
    batches = []
    while order:
        batches.append(order[:size])
        order = order[size:]
    for last in range(len(batches) - 1, 0, -1):
        other = int(torch.randint(last + 1, (1,), generator=generator))
        batches[last], batches[other] = batches[other], batches[last]
    return batches
