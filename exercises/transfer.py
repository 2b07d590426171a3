"""Exercises: 迁移与微调 · Transfer and fine-tuning

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try transfer

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum cb2c1e1de419: untouched so far.

# %% exr-transfer-count
# 一份改动有多大 ★
# What a change costs ★
def sizes() -> dict[str, int]:
    """Return what was counted.

    "trained": numbers that are trained; "state": bytes kept for them
    besides the weights.
    """
    raise NotImplementedError("exr-transfer-count")


# %% exr-transfer-first-step
# 手算第一步 ★
# The first step by hand ★
def step() -> dict[str, float]:
    """Return "a" and "b" after a step, and "merged", the weight."""
    raise NotImplementedError("exr-transfer-first-step")


# %% exr-transfer-still
# 暂时不动 ★★
# Still for a while ★★
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def still(part: nn.Module) -> Iterator[nn.Module]:
    """Hold part still inside a `with`; give part to `as`.

    Its parameters ask for no gradients, its modules are in evaluation
    mode, and gradients pass through. Afterward both are as before,
    each for itself, and errors from inside are passed on.
    """
    raise NotImplementedError("exr-transfer-still")


# %% exr-transfer-layered
# 越靠近输入，步子越小 ★★
# The deeper, the smaller ★★
from typing import Any

from torch import nn


def layered(
    model: nn.Sequential, lr: float, factor: float
) -> list[dict[str, Any]]:
    """Return a group for each part with something to train.

    The last has the rate lr, each before it `factor` times the next.
    Only parameters that ask for gradients are in a group. Raises
    ValueError unless 0 < factor <= 1.
    """
    raise NotImplementedError("exr-transfer-layered")


# %% exr-transfer-blend
# 一半旧，一半新 ★★
# Half old, half new ★★
from collections.abc import Mapping

import torch
from torch import Tensor


def blend(
    before: Mapping[str, Tensor], after: Mapping[str, Tensor],
    share: float,
) -> dict[str, Tensor]:
    """Return (1 - share) of before and share of after, as new tensors.

    Tensors that hold whole numbers are those of after. Raises
    ValueError for names or shapes that differ, and unless
    0 <= share <= 1.
    """
    raise NotImplementedError("exr-transfer-blend")


# %% exr-transfer-fisher
# 哪些权重重要 ★★★
# Which weights matter? ★★★
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def fisher(
    model: nn.Module, inputs: Tensor, targets: Tensor
) -> dict[str, Tensor]:
    """Return the mean square gradient of each parameter, by name.

    Of the cross-entropy of each single example, (1, ...) and (1,), in
    evaluation mode; only for parameters that ask for gradients. The
    model is left as it was.
    """
    raise NotImplementedError("exr-transfer-fisher")
