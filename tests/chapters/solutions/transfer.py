# Generated from chapters/zh/15-transfer.qmd: edit there.
# Checksum 63aec7d602a5: a change made here is refused, not lost.
# %% exr-transfer-count
def sizes() -> dict[str, int]:
    """Return what was counted.

    "trained": numbers that are trained; "state": bytes kept for them
    besides the weights.
    """
    trained = 32 * 2 * 8 * (4096 + 4096)
    return {"trained": trained, "state": trained * 3 * 4}


# %% exr-transfer-first-step
def step() -> dict[str, float]:
    """Return "a" and "b" after a step, and "merged", the weight."""
    a, b = 3.0, 0.0 - 0.001 * (10 - 4) * 3 * 5
    return {"a": a, "b": b, "merged": 2 + b * a}


# %% exr-transfer-still
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
    asked = [(p, p.requires_grad) for p in part.parameters()]
    modes = [(module, module.training) for module in part.modules()]
    part.requires_grad_(False).eval()
    try:
        yield part
    finally:
        for p, asks in asked:
            p.requires_grad_(asks)
        for module, training in modes:
            module.training = training


# %% exr-transfer-layered
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
    if not 0 < factor <= 1:
        raise ValueError(f"factor: {factor}, not in 0..1")
    groups: list[dict[str, Any]] = []
    for part in reversed(model):
        held = [p for p in part.parameters() if p.requires_grad]
        if held:
            groups.append({"params": held, "lr": lr})
            lr = lr * factor
    return groups


# %% exr-transfer-blend
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
    if not 0 <= share <= 1:
        raise ValueError(f"share: {share}, not in 0..1")
    if before.keys() != after.keys():
        raise ValueError(f"names: {before.keys() ^ after.keys()}")
    mixed = {}
    for name, new in after.items():
        old = before[name]
        if old.shape != new.shape:
            raise ValueError(f"{name}: {old.shape}, {new.shape}")
        mixed[name] = new.clone()
        if new.is_floating_point():
            mixed[name] = torch.lerp(old, new, share)
    return mixed


# %% exr-transfer-fisher
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
    modes = [(module, module.training) for module in model.modules()]
    named = {n: p for n, p in model.named_parameters()
             if p.requires_grad}
    total = {n: torch.zeros_like(p) for n, p in named.items()}
    model.eval()
    for x, y in zip(inputs.split(1), targets.split(1)):
        loss = F.cross_entropy(model(x), y)
        grads = torch.autograd.grad(loss, list(named.values()))
        for name, grad in zip(named, grads):
            total[name] += grad.square() / len(inputs)
    for module, training in modes:
        module.training = training
    return total
