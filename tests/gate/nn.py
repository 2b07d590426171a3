"""Other right answers to the exercises of chapter "nn"."""

# %% exr-nn-gradients: einsum, and the square taken apart into row sums
import torch
from torch import Tensor


def gradients_by_hand(
    x: Tensor, y: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    hidden = torch.clamp(torch.addmm(b1, x, w1.T), min=0)
    error = torch.addmm(b2, hidden, w2.T) - y
    share = 2 / error.numel()
    back = torch.einsum("no,oh->nh", error, w2) * torch.sign(hidden)
    w1_grad = torch.einsum("nh,nd->hd", back, x)
    w2_grad = torch.einsum("no,nh->oh", error, hidden)
    grads = w1_grad, back.sum(0), w2_grad, error.sum(0)
    return tuple(share * grad for grad in grads)


# %% exr-nn-gradients: sample by sample, with outer products
import torch


def gradients_by_hand(x, y, w1, b1, w2, b2):
    grads = [torch.zeros_like(p) for p in (w1, b1, w2, b2)]
    for row, target in zip(x, y, strict=True):
        z = w1 @ row + b1
        hidden = torch.where(z > 0, z, 0.0)
        slope = (w2 @ hidden + b2 - target) * 2 / y.numel()
        back = torch.where(z > 0, slope @ w2, 0.0)
        grads[0] += torch.outer(back, row)
        grads[1] += back
        grads[2] += torch.outer(slope, hidden)
        grads[3] += slope
    return grads


# %% exr-nn-gradients: biases as one more column of the weights
import torch
from torch import nn


def gradients_by_hand(x, y, w1, b1, w2, b2):
    ones = x.new_ones(len(x), 1)
    x1 = torch.cat([x, ones], dim=1)
    z = nn.functional.linear(x, w1, b1)
    hidden = z.maximum(torch.zeros_like(z))
    hidden1 = torch.cat([hidden, ones], dim=1)
    dy = (hidden1 @ torch.cat([w2.mT, b2[None]]) - y) / (y.numel() / 2)
    second = dy.mT @ hidden1
    first = (dy @ w2).masked_fill(z <= 0, 0).mT @ x1
    return first[:, :-1], first[:, -1], second[:, :-1], second[:, -1]


# %% exr-nn-evaluate: inference mode, slices, and the modes set by train()
import torch
from torch import nn


def mean_loss(model: nn.Module, x, y, size: int) -> float:
    training = {name: m.training for name, m in model.named_modules()}
    model.train(False)
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            loss = nn.functional.mse_loss(model(x[rows]), y[rows], reduction="sum")
            total += float(loss)
    for name, module in model.named_modules():
        module.train(training[name])  # parents come before children
    return total / y.numel()


# %% exr-nn-evaluate: predictions first, weighted means of what a decorator leaves unrecorded
import torch
from torch import nn


@torch.no_grad()
def mean_loss(model, x, y, size):
    was_training = [m for m in model.modules() if m.training]
    predictions = [model.eval()(part) for part in x.split(size)]
    for m in was_training:
        m.training = True
    return nn.MSELoss()(torch.cat(predictions), y)


# %% exr-nn-evaluate: chunks of rows from a data loader, batches' means weighted by rows
import torch
from torch.utils.data import DataLoader, TensorDataset


def mean_loss(model, x, y, size):
    modes = [m.training for m in model.modules()]
    weighted = []
    try:
        model.eval()
        for rows, targets in DataLoader(TensorDataset(x, y), batch_size=size):
            with torch.no_grad():
                error = torch.nn.functional.mse_loss(model(rows), targets)
            weighted.append(error.item() * len(rows))
    finally:
        for m, training in zip(model.modules(), modes, strict=True):
            m.training = training
    return sum(weighted) / len(x)


# %% exr-nn-batches: torch.autograd.grad in place of backward, batches by slices
import torch
from torch import nn


def train_in_batches(model, x, y, lr, size, epochs, generator):
    weights, losses = list(model.parameters()), []
    for _ in range(epochs):
        order = torch.randperm(x.shape[0], generator=generator)
        parts = []
        for start in range(0, x.shape[0], size):
            rows = order[start : start + size].to(x.device)
            loss = (model(x[rows]) - y[rows]).square().mean()
            for p, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                p.data.add_(g, alpha=-lr)
            parts += [loss.item()] * len(rows)
        losses.append(sum(parts) / len(parts))
    return losses


# %% exr-nn-batches: shuffled copies, a sum of squares, and torch.optim
import torch
from torch import nn


def train_in_batches(model, x, y, lr, size, epochs, generator):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        total = torch.zeros((), dtype=y.dtype)
        batches = zip(x[order].split(size), y[order].split(size), strict=True)
        for inputs, targets in batches:
            squares = nn.functional.mse_loss(model(inputs), targets, reduction="none")
            optimizer.zero_grad()
            squares.mean().backward()
            optimizer.step()
            total += squares.detach().sum()
        losses.append((total / y.numel()).item())
    return tuple(losses)


# %% exr-nn-batches: a data loader that shuffles by random keys
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train_in_batches(model, x, y, lr, size, epochs, generator):
    data, losses = TensorDataset(x, y), []
    for _ in range(epochs):
        order = torch.rand(len(x), generator=generator).argsort().tolist()
        loader = DataLoader(data, batch_size=size, sampler=order)
        sums = 0.0
        for inputs, targets in loader:
            model.zero_grad(set_to_none=False)
            loss = nn.MSELoss()(model(inputs), targets)
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p.sub_(lr * p.grad)
            sums += loss.item() * targets.numel()
        losses.append(sums / y.numel())
    return losses


# %% exr-nn-batches: new tensors for the weights' data, grads set to None by hand
import torch


def train_in_batches(model, x, y, lr, size, epochs, generator):
    losses = []
    for _ in range(epochs):
        keys = torch.rand(len(x), generator=generator).tolist()
        order = torch.tensor(sorted(range(len(x)), key=keys.__getitem__))
        squares = 0.0
        for k in range(0, len(x), size):
            for p in model.parameters():
                p.grad = None
            rows = order[k : k + size]
            gaps = model(x[rows]) - y[rows]
            gaps.pow(2).mean().backward()
            for p in model.parameters():
                p.data = p.data - lr * p.grad
            squares += gaps.detach().pow(2).sum().item()
        losses.append(squares / y.numel())
    return losses


# %% exr-nn-evaluate: a copy is evaluated, the model itself stays untouched
import copy
import torch


def mean_loss(model, x, y, size):
    twin = copy.deepcopy(model).eval().requires_grad_(False)
    gaps = [(twin(a) - b).flatten() for a, b in zip(x.split(size), y.split(size))]
    return torch.cat(gaps).pow(2).mean().item()
