# %% exr-optim-largest-rate: simulate the two-step recursion and halve the interval
def largest_lr(h: float, momentum: float = 0.0) -> float:
    low, high = 0.0, 10 / h
    for _ in range(40):
        lr = (low + high) / 2
        a = 1 + momentum - lr * h
        disc = complex(a * a - 4 * momentum) ** 0.5
        if max(abs(a + disc), abs(a - disc)) / 2 <= 1:
            low = lr
        else:
            high = lr
    return low


# %% exr-optim-largest-rate: from the limit without momentum
def largest_lr(h: float, momentum: float = 0.0) -> float:
    plain = 2 / h
    return plain + momentum * plain


# %% exr-optim-accumulate: autograd.grad on sums, divided once by the number of elements
import torch
from torch import nn


def accumulate(model, x, y, size):
    weights = list(model.parameters())
    totals = [torch.zeros_like(p) for p in weights]
    for start in range(0, len(x), size):
        out = model(x[start : start + size])
        loss = nn.functional.mse_loss(out, y[start : start + size], reduction="sum")
        for total, g in zip(
            totals, torch.autograd.grad(loss / y.numel(), weights), strict=True
        ):
            total += g
    for p, total in zip(weights, totals, strict=True):
        p.grad = total


# %% exr-optim-accumulate: a while loop, gradients set to zero by hand, backward with a weight
from torch import nn


def accumulate(model, x, y, size):
    for p in model.parameters():
        p.grad = None
    loss_fn, done = nn.MSELoss(), 0
    while done < len(x):
        rows = slice(done, min(done + size, len(x)))
        loss = loss_fn(model(x[rows]), y[rows])
        loss.backward(gradient=loss.new_tensor((rows.stop - rows.start) / len(x)))
        done = rows.stop


# %% exr-optim-accumulate: torch.func, which leaves no graph behind
import torch
from torch import nn


def accumulate(model, x, y, size):
    named = {k: p.detach() for k, p in model.named_parameters()}

    def share(weights, part, target):
        out = torch.func.functional_call(model, weights, (part,))
        return (out - target).square().sum() / y.numel()

    slope = torch.func.grad(share)
    total = {k: torch.zeros_like(p) for k, p in named.items()}
    for part, target in zip(x.split(size), y.split(size), strict=True):
        for k, g in slope(named, part, target).items():
            total[k] = total[k] + g
    for k, p in model.named_parameters():
        p.grad = total[k]


# %% exr-optim-clip: the length of the lengths, and torch's clamped factor
import torch


def clip_gradients(params, limit):
    grads = [p.grad for p in params if p.grad is not None]
    if not grads:
        return 0.0
    lengths = torch.stack([torch.linalg.vector_norm(g) for g in grads])
    length = torch.linalg.vector_norm(lengths)
    factor = (limit / (length + 1e-6)).clamp(max=1.0)
    for g in grads:
        g.mul_(factor)
    return length


# %% exr-optim-clip: one long vector, and new tensors in .grad
import torch


def clip_gradients(params, limit):
    params = [p for p in params if p.grad is not None]
    if not params:
        return 0.0
    length = torch.cat([p.grad.reshape(-1) for p in params]).norm().item()
    if length > limit:
        for p in params:
            p.grad = p.grad * (limit / length)
    return length


# %% exr-optim-clip: what PyTorch has
import torch


def clip_gradients(params, limit):
    return torch.nn.utils.clip_grad_norm_(params, limit).item()


# %% exr-optim-adamw: without a loop of multiplications, by foreach
import torch

from torchbook.optimizers import Adam


class AdamW(Adam):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps)
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self):
        moving = [p for p in self.params if p.grad is not None]
        torch._foreach_mul_(moving, 1 - self.lr * self.weight_decay)
        super().step()


# %% exr-optim-adamw: take off a share of the weights from before, after Adam's step
import torch

from torchbook.optimizers import Adam


class AdamW(Adam):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps)
        self.weight_decay = weight_decay

    def step(self):
        old = [p.detach().clone() for p in self.params]
        super().step()
        with torch.no_grad():
            for p, was in zip(self.params, old, strict=True):
                if p.grad is not None:
                    p.sub_(was, alpha=self.lr * self.weight_decay)


# %% exr-optim-warmup: one expression of two clamped ramps
import math


def warmup_cosine(t, warmup, total):
    climb = min((t + 1) / max(warmup, 1), 1)
    done = min(max((t - warmup) / (total - warmup), 0), 1)
    return climb * (1 + math.cos(math.pi * done)) / 2


# %% exr-optim-warmup: torch's cosine by half-angle, on tensors
import torch


def warmup_cosine(t, warmup, total):
    if t < warmup:
        return torch.linspace(1 / warmup, 1, warmup, dtype=torch.float64)[t].item()
    if t >= total:
        return 0
    angle = torch.tensor((t - warmup) / (total - warmup) * torch.pi / 2).double()
    return angle.cos().square().item()


# %% exr-optim-amsgrad: torch.where, and zeros to begin with
import torch

from torchbook.optimizers import Adam


class AMSGrad(Adam):
    def change(self, g, memory):
        if not memory:
            memory.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
            memory["most"] = torch.zeros_like(g)
        b1, b2 = self.betas
        memory["t"] += 1
        memory["m"] = torch.lerp(memory["m"], g, 1 - b1)
        memory["v"] = torch.lerp(memory["v"], g.square(), 1 - b2)
        larger = memory["v"] > memory["most"]
        memory["most"] = torch.where(larger, memory["v"], memory["most"])
        step = self.lr / (1 - b1 ** memory["t"])
        root = memory["most"].sqrt() / (1 - b2 ** memory["t"]) ** 0.5
        return step * memory["m"] / (root + self.eps)


# %% exr-optim-amsgrad: Adam's own change, rescaled from its v to the largest
import torch

from torchbook.optimizers import Adam


class AMSGrad(Adam):
    def change(self, g, memory):
        moved = super().change(g, memory)
        c = 1 - self.betas[1] ** memory["t"]
        most = memory.get("most")
        v = memory["v"]
        memory["most"] = v if most is None else torch.maximum(most, v)
        now, top = (v / c).sqrt(), (memory["most"] / c).sqrt()
        return moved * (now + self.eps) / (top + self.eps)
