# %% exr-training-mistakes: torch.autograd.grad and the sum of the losses
import torch
from torch import nn


def one_epoch(model, batches, optimizer):
    model.train(True)
    params = [p for group in optimizer.param_groups for p in group["params"]]
    sums, sizes = [], []
    for x, y in batches:
        total = nn.functional.cross_entropy(model(x), y, reduction="sum")
        grads = torch.autograd.grad(total / len(x), params)
        for p, g in zip(params, grads):
            p.grad = g
        optimizer.step()
        sums.append(float(total.detach()))
        sizes.append(len(x))
    if not sizes:
        raise ValueError("no batches")
    return sum(sums) / sum(sizes)


# %% exr-training-mistakes: cleared after the step, the loss from log_softmax
import torch


def one_epoch(model, batches, optimizer):
    batches = list(batches)
    if len(batches) == 0:
        raise ValueError("batches is empty")
    model.train()
    optimizer.zero_grad(set_to_none=False)
    losses = []
    for x, y in batches:
        rows = -model(x).log_softmax(-1)[torch.arange(len(y)), y]
        rows.mean().backward()
        optimizer.step()
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = None
        losses.extend(rows.tolist())
    return sum(losses) / len(losses)


# %% exr-training-mistakes: gives the model its mode back
from torch.nn import functional as F


def one_epoch(model, batches, optimizer):
    before, losses, sizes = model.training, [], []
    model.train()
    try:
        for x, y in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach() * len(y))
            sizes.append(len(y))
    finally:
        model.train(before)
    if not sizes:
        raise ValueError("batches: none came")
    return float(sum(losses)) / sum(sizes)


# %% exr-training-binary: softplus
import torch


def binary_loss(z, t):
    return (torch.nn.functional.softplus(z) - t * z).mean()


# %% exr-training-binary: two scores, one of them 0, and their log_softmax
import torch


def binary_loss(z, t):
    both = torch.stack([torch.zeros_like(z), z], dim=-1).log_softmax(dim=-1)
    return -(t * both[..., 1] + (1 - t) * both[..., 0]).mean()


# %% exr-training-binary: logsigmoid of either sign
import torch
from torch.nn.functional import logsigmoid


def binary_loss(z, t):
    rows = t * logsigmoid(z) + (1 - t) * logsigmoid(-z)
    return rows.sum() / -rows.numel()


# %% exr-training-scores: nan_to_num after dividing
import torch


def per_class(matrix):
    m = matrix.to(torch.float64)
    hits = m.diag()
    three = hits / m.sum(0), hits / m.sum(1), 2 * hits / (m.sum(0) + m.sum(1))
    return tuple(x.nan_to_num(0.0) for x in three)


# %% exr-training-scores: F1 from precision and recall, with where
import torch


def per_class(matrix):
    m = matrix.double()
    hits, said, real = m.diagonal(), m.sum(dim=-2), m.sum(dim=-1)
    none = torch.zeros_like(hits)
    p = torch.where(said > 0, hits / said, none)
    r = torch.where(real > 0, hits / real, none)
    f = torch.where(p + r > 0, 2 * p * r / (p + r), none)
    return [p, r, f]


# %% exr-training-temperature: autograd's derivative along 1 / T, halved
import torch
from torch.nn import functional as F


def fit_temperature(logits, target):
    z = logits.detach().to(torch.float64)
    low, high = 1 / 20, 1 / 0.05
    for _ in range(60):
        s = torch.tensor((low + high) / 2, dtype=torch.float64, requires_grad=True)
        (g,) = torch.autograd.grad(F.cross_entropy(z * s, target), s)
        if g > 0:
            high = s.item()
        else:
            low = s.item()
    return 2 / (low + high)


# %% exr-training-temperature: a search by golden section on log T
import math

import torch
from torch.nn import functional as F


def fit_temperature(logits, target):
    with torch.no_grad():
        z = logits.double()

        def loss(u):
            return F.cross_entropy(z / math.exp(u), target).item()

        a, b = math.log(0.05), math.log(20)
        ratio = (math.sqrt(5) - 1) / 2
        while b - a > 1e-6:
            c, d = b - ratio * (b - a), a + ratio * (b - a)
            if loss(c) < loss(d):
                b = d
            else:
                a = c
    return math.exp((a + b) / 2)
