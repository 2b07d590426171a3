"""Exercises: optim 包 · The optim package

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try optim

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum e4ebb18794fa: untouched so far.

# %% exr-optim-by-hand
# 纸上走两步 ★
# Two steps on paper ★
def two_steps() -> dict[str, tuple[float, float]]:
    """Return w after one step and after two, for each rule.

    w = 1 at first; the gradients are 4, then -4; lr = 0.3, eps = 0.
    "sgd": plain; "momentum": 0.5; "adagrad"; "adam": both betas 0.5.
    Two decimals will do.
    """
    raise NotImplementedError("exr-optim-by-hand")


# %% exr-optim-largest-rate
# 最大的学习率 ★★
# The largest learning rate ★★
def largest_lr(h: float, momentum: float = 0.0) -> float:
    """Return the lr above which SGD on h * w**2 / 2 diverges.

    h > 0 is the curvature and 0 <= momentum < 1.
    """
    raise NotImplementedError("exr-optim-largest-rate")


# %% exr-optim-accumulate
# 内存放不下的一批数据 ★★
# A batch too large for memory ★★
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
    raise NotImplementedError("exr-optim-accumulate")


# %% exr-optim-clip
# 裁剪梯度 ★★
# Clipping gradients ★★
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
    raise NotImplementedError("exr-optim-clip")


# %% exr-optim-adamw
# 从 Adam 到 AdamW ★★
# From Adam to AdamW ★★
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
        raise NotImplementedError("exr-optim-adamw")


# %% exr-optim-warmup
# 预热加余弦 ★★
# Warmup, then a cosine ★★
import math


def warmup_cosine(t: int, warmup: int, total: int) -> float:
    """Return the factor of the learning rate at step t = 0, 1, 2, ...

    It climbs by equal amounts to 1 over the first warmup steps, of
    which the first has 1 / warmup; then it follows half a cosine from
    1 at t = warmup to 0 at t = total, and stays 0. 0 <= warmup < total.
    """
    raise NotImplementedError("exr-optim-warmup")


# %% exr-optim-amsgrad
# 让 Adam 走错方向的一道题 ★★★
# Where Adam goes the wrong way ★★★
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
        raise NotImplementedError("exr-optim-amsgrad")
