# %% exr-debugging-regression: mse_loss on two columns
import torch


def train_step(model, optimizer, x, y):
    optimizer.zero_grad(set_to_none=False)
    loss = torch.nn.functional.mse_loss(model(x), y.reshape(-1, 1))
    loss.backward()
    optimizer.step()
    return float(loss.detach())


# %% exr-debugging-regression: gradients handed over one by one
import torch


def train_step(model, optimizer, x, y):
    params = list(model.parameters())
    gap = model(x)[:, 0] - y.view(-1)
    loss = gap.dot(gap) / gap.numel()
    for p, g in zip(params, torch.autograd.grad(loss, params)):
        p.grad = g
    optimizer.step()
    return loss.detach().numpy().item()


# %% exr-debugging-evaluate: a loop in inference mode, modes in a list
import torch
from torch import nn


def validate(model, batches):
    parts = list(model.modules())
    modes = [part.training for part in parts]
    losses = []
    with torch.inference_mode():
        for x, y in batches:
            model.train(False)
            losses.append(float(nn.CrossEntropyLoss()(model(x), y)))
    for part, mode in zip(parts, modes):
        part.training = mode
    return losses


# %% exr-debugging-evaluate: only those that train are put to sleep, and woken
import torch


@torch.no_grad()
def validate(model, batches):
    awake = [part for part in model.modules() if part.training]
    for part in awake:
        part.training = False
    losses = []
    try:
        for x, y in batches:
            chances = model(x).log_softmax(dim=1)
            losses.append(-chances[range(len(y)), y].mean().item())
    finally:
        for part in awake:
            part.training = True
    return tuple(losses)


# %% exr-debugging-shuffle: the gradient by its formula
import torch


@torch.no_grad()
def epoch_by_hand(w, x, y, lr, generator):
    order = torch.randperm(len(x), generator=generator)
    x, y = x[order], y[order]
    for start in range(0, len(x), 32):
        rows, classes = x[start : start + 32], y[start : start + 32]
        target = torch.nn.functional.one_hot(classes, w.shape[1])
        gap = rows @ w - target
        w.sub_(2 * lr / len(rows) * rows.T @ gap)


# %% exr-debugging-shuffle: by an optimizer
import torch


def epoch_by_hand(w, x, y, lr, generator):
    sgd = torch.optim.SGD([w], lr=lr)
    order = torch.randperm(x.shape[0], generator=generator)
    for rows, classes in zip(x[order].split(32), y[order].split(32)):
        scores = rows @ w
        columns = torch.arange(scores.shape[1], device=w.device)
        target = (classes[:, None] == columns).to(w.dtype)
        sgd.zero_grad()
        ((scores - target) ** 2).sum(1).mean(0).backward()
        sgd.step()
    sgd.zero_grad()


# %% exr-debugging-diagnose: backward on a copy, outputs kept in a list
import copy

import torch
from torch import nn


def diagnose(model, loss, x, y, lr):
    twin = copy.deepcopy(model)
    twin.zero_grad()
    seen = []
    for part in twin.modules():
        if type(part) is nn.ReLU:
            part.register_forward_hook(lambda m, a, out: seen.append(out))
    value = loss(twin(x), y)
    value.backward()
    params = [p for p in twin.parameters() if p.grad is not None]
    total = value.detach().abs() + sum(p.grad.abs().sum() for p in params)
    if not torch.isfinite(total):
        return ["nan"]
    findings = []
    for out in seen:
        alive = out.flatten(1).amax(0) > 0
        if 2 * int(alive.sum()) < alive.numel():
            findings.append("dead")
    for p in params:
        if p.ndim >= 2 and (lr * p.grad).norm() / p.norm() > 0.1:
            findings.append("rate")
    return findings


# %% exr-debugging-diagnose: functional_call with copies, and the step taken
import copy

import torch
from torch import nn


def diagnose(model, loss, x, y, lr):
    other = copy.deepcopy(model)
    weights = {
        name: p.detach().clone().requires_grad_(p.requires_grad)
        for name, p in other.named_parameters()
    }
    shares = []

    def count(module, args, output):
        zero = (output <= 0).sum(dim=0) == len(output)
        shares.append(zero.double().mean().item())

    for part in other.modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_hook(count)
    value = loss(torch.func.functional_call(other, weights, (x,)), y)
    value.backward()
    names = set()
    if any(share > 0.5 for share in shares):
        names.add("dead")
    for w in weights.values():
        if w.grad is None:
            continue
        if w.grad.isnan().any() or w.grad.isinf().any():
            return frozenset({"nan"})
        if w.dim() > 1 and (lr * w.grad).norm() > w.norm() / 10:
            names.add("rate")
    if value.isnan() or value.isinf():
        return {"nan"}
    return names
