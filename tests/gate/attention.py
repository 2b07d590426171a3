# %% exr-attention-top-p: count how many, then keep those by their rank
import torch


def top_p(chances, p):
    if p <= 0 or p > 1:
        raise ValueError("p must be above 0 and at most 1")
    order = chances.argsort(dim=-1, descending=True)
    summed = chances.gather(-1, order).cumsum(dim=-1)
    count = (summed < p).sum(dim=-1, keepdim=True) + 1
    rank = order.argsort(dim=-1)
    kept = torch.where(rank < count, chances, 0)
    return kept / kept.sum(dim=-1, keepdim=True)


# %% exr-attention-top-p: a loop over rows, stacked again
import torch


def top_p(chances, p):
    if not 0 < p <= 1:
        raise ValueError(p)
    rows = []
    for row in chances.reshape(-1, chances.shape[-1]):
        total, keep = 0.0, torch.zeros_like(row)
        for i in row.argsort(descending=True).tolist():
            keep[i] = 1
            total += row[i].item()
            if total >= p:
                break
        rows.append(row * keep / (row * keep).sum())
    return torch.stack(rows).reshape(chances.shape)


# %% exr-attention-window: a band by triu and tril, then a matrix of real places
import torch


def window_mask(lengths, window):
    if window < 1:
        raise ValueError(window)
    t = lengths.max().item()
    band = torch.ones(t, t).tril().triu(1 - window)
    real = (torch.arange(t) < lengths.unsqueeze(1)).float()
    both = real.unsqueeze(2) * real.unsqueeze(1)
    return (band * both + torch.eye(t)) > 0


# %% exr-attention-window: fill the rows one by one
import torch


def window_mask(lengths, window):
    if window <= 0:
        raise ValueError("window")
    sizes = lengths.tolist()
    mask = torch.eye(max(sizes), dtype=torch.bool).repeat(len(sizes), 1, 1)
    for b, size in enumerate(sizes):
        for i in range(size):
            mask[b, i, max(0, i - window + 1) : i + 1] = True
    return mask


# %% exr-attention-streaming: keep the logarithm of the sum, and mix two results
import math

import torch


def streaming(query, key, value, size):
    found, log_sum = None, None
    for at in range(0, len(key), size):
        scores = query @ key[at : at + size].T / math.sqrt(query.shape[1])
        part = scores.softmax(dim=1) @ value[at : at + size]
        mass = scores.logsumexp(dim=1, keepdim=True)
        if found is None:
            found, log_sum = part, mass
            continue
        both = torch.logaddexp(log_sum, mass)
        found = found * (log_sum - both).exp() + part * (mass - both).exp()
        log_sum = both
    return found


# %% exr-attention-streaming: two passes, the first for the largest score alone
import torch


def streaming(query, key, value, size):
    query = query * query.shape[-1] ** -0.5
    parts = range(0, key.shape[0], size)
    top = query.new_full((len(query), 1), float("-inf"))
    for i in parts:
        mass = query @ key[i : i + size].mT
        top = torch.where(mass.amax(1, True) > top, mass.amax(1, True), top)
    total, found = 0, 0
    for i in parts:
        mass = (query @ key[i : i + size].mT - top).exp()
        total = total + mass.sum(dim=1, keepdim=True)
        found = found + mass @ value[i : i + size]
    return found / total
