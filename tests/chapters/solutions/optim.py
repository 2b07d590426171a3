# Generated from chapters/zh/07-optim.qmd: edit there.
# Checksum 80cd67155077: a change made here is refused, not lost.
# %% exr-optim-by-hand
def two_steps() -> dict[str, tuple[float, float]]:
    """Return w after one step and after two, for each rule.

    w = 1 at first; the gradients are 4, then -4; lr = 0.3, eps = 0.
    "sgd": plain; "momentum": 0.5; "adagrad"; "adam": both betas 0.5.
    Two decimals will do.
    """
    return {
        "sgd": (-0.2, 1.0),
        "momentum": (-0.2, 0.4),
        "adagrad": (0.7, 0.91),
        "adam": (0.7, 0.8),
    }


# %% exr-optim-largest-rate
def largest_lr(h: float, momentum: float = 0.0) -> float:
    """Return the lr above which SGD on h * w**2 / 2 diverges.

    h > 0 is the curvature and 0 <= momentum < 1.
    """
    return 2 * (1 + momentum) / h


# %% exr-optim-accumulate
import torch
from torch import Tensor, nn


def accumulate(
    model: nn.Module, x: Tensor, y: Tensor, size: int
) -> None:
    """Leave in .grad the gradients of nn.MSELoss() on all of (x, y).

    The model sees at most size rows at a time, each row once; the last
    part may be smaller. What the graph of a part keeps for going
    backward is gone before the next is computed. Gradients that were
    there before are dropped; the model stays as it is otherwise.
    """
    model.zero_grad()
    for part, target in zip(x.split(size), y.split(size), strict=True):
        loss = nn.functional.mse_loss(model(part), target)
        (loss * len(part) / len(x)).backward()


# %% exr-optim-clip
from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def clip_gradients(params: Iterable[Tensor], limit: float) -> float:
    """Shorten the gradients to a joint length of at most limit.

    The length is the root of the sum of all their elements squared. If
    it is over limit > 0, all are multiplied by one factor; else they
    stay. A parameter without a gradient is skipped, and params may be
    an iterator. Returns the length before, 0 without any gradient.
    """
    grads = [p.grad for p in params if p.grad is not None]
    length = sum(g.square().sum().item() for g in grads) ** 0.5
    if length > limit:
        for g in grads:
            g *= limit / length
    return length


# %% exr-optim-adamw
from collections.abc import Iterable

import torch
from torch import Tensor

from torchbook.optimizers import Adam


class AdamW(Adam):
    """Adam with decoupled weight decay, as torch.optim.AdamW.

    Before the step of Adam, each parameter that has a gradient is
    multiplied by 1 - lr * weight_decay, with the lr of this step.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps)
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self) -> None:
        """Shrink, then move, each parameter that has a gradient."""
        for p in self.params:
            if p.grad is not None:
                p *= 1 - self.lr * self.weight_decay
        super().step()


# %% exr-optim-warmup
import math


def warmup_cosine(t: int, warmup: int, total: int) -> float:
    """Return the factor of the learning rate at step t = 0, 1, 2, ...

    It climbs by equal amounts to 1 over the first warmup steps, of
    which the first has 1 / warmup; then it follows half a cosine from
    1 at t = warmup to 0 at t = total, and stays 0. 0 <= warmup < total.
    """
    if t < warmup:
        return (t + 1) / warmup
    done = min((t - warmup) / (total - warmup), 1.0)
    return (1 + math.cos(math.pi * done)) / 2


# %% exr-optim-amsgrad
import torch
from torch import Tensor

from torchbook.optimizers import Adam, Memory


class AMSGrad(Adam):
    """Adam that divides by the root of the largest v so far.

    As in torch.optim.Adam(amsgrad=True): the largest is taken over v
    before its bias correction, elementwise, and corrected afterward.
    """

    def change(self, g: Tensor, memory: Memory) -> Tensor:
        """Return what to subtract, in the shape of the gradient g."""
        b1, b2 = self.betas
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = b1 * memory.get("m", 0) + (1 - b1) * g
        v = memory["v"] = b2 * memory.get("v", 0) + (1 - b2) * g * g
        top = memory["top"] = torch.maximum(v, memory.get("top", v))
        root = (top / (1 - b2**t)).sqrt()
        return self.lr * m / (1 - b1**t) / (root + self.eps)
