# Generated from chapters/zh/08-custom-modules.qmd: edit there.
# Checksum 378b7855a589: a change made here is refused, not lost.
# %% custom-modules-two-layer
"""Modules of our own, and a look at how nn.Module keeps its books."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from torchbook.two_layer_net import D_IN, D_OUT, H


class TwoLayerNet(nn.Module):
    """Linear, ReLU, Linear: shapes (*, d_in) -> (*, d_out)."""

    def __init__(
        self, d_in: int = D_IN, h: int = H, d_out: int = D_OUT
    ) -> None:
        super().__init__()
        self.hidden = nn.Linear(d_in, h)
        self.output = nn.Linear(h, d_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.hidden(x).relu())


# %% custom-modules-mini
class MiniModule:
    """The bookkeeping of nn.Module, and nothing else.

    A Parameter or a MiniModule assigned to an attribute is a member.
    Assigning anything else over a member raises TypeError, as in
    torch, where only None is allowed.
    """

    def __init__(self) -> None:
        object.__setattr__(self, "members", {})

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, nn.Parameter | MiniModule):
            self.members[name] = value
        elif name in self.members:
            raise TypeError(f"{name} is a member; cannot replace it")
        object.__setattr__(self, name, value)

    def named_parameters(
        self, prefix: str = ""
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield names and parameters: its own, then its children's.

        A parameter with several names comes once for each of them.
        """
        children = []
        for name, member in self.members.items():
            if isinstance(member, nn.Parameter):
                yield prefix + name, member
            else:
                children.append((f"{prefix}{name}.", member))
        for longer, child in children:
            yield from child.named_parameters(longer)

    def __call__(self, *inputs: object) -> object:
        return self.forward(*inputs)


# %% custom-modules-running
class RunningStandardize(nn.Module):
    """Standardize each column of x, shape (n, features).

    In training by the batch's own mean and variance, which also move
    the remembered ones by `momentum`; in evaluation by the remembered
    ones. In training, fewer than two rows raise ValueError. Source:
    torch.nn.BatchNorm1d with affine=False computes the same.
    """

    mean: Tensor  # for type checkers; made in __init__
    var: Tensor

    def __init__(
        self, features: int, momentum: float = 0.1, eps: float = 1e-5
    ) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        mean, var = self.mean, self.var
        if self.training:
            if len(x) < 2:
                raise ValueError("training needs two rows or more")
            mean = x.mean(dim=0)  # (features,)
            var = x.var(dim=0, correction=0)  # (features,)
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.var.lerp_(x.var(dim=0), self.momentum)
        return (x - mean) * torch.rsqrt(var + self.eps)


# %% custom-modules-hooks
def output_scales(model: nn.Module, x: Tensor) -> dict[str, float]:
    """Run model(x); return the root mean square of each layer's output.

    A layer is a module without children; one that runs twice keeps its
    later value. The hooks are gone afterwards, whatever happens.
    """
    scales: dict[str, float] = {}
    handles = []
    for name, module in model.named_modules():
        if next(module.children(), None) is not None:
            continue

        def note(module, args, output, name=name):
            scales[name] = output.square().mean().sqrt().item()

        handles.append(module.register_forward_hook(note))
    try:
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return scales


# %% custom-modules-residual-block
class ResidualBlock(nn.Module):
    """x plus what two linear layers make of it: (*, d) -> (*, d).

    shortcut=False leaves x out and puts a ReLU in its place, so that
    blocks in a row are a plain net. Source: He et al. (2016), with
    linear layers for convolutions, and no ReLU after the sum.
    """

    def __init__(self, d: int, shortcut: bool = True) -> None:
        super().__init__()
        self.first = nn.Linear(d, d)
        self.second = nn.Linear(d, d)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        change = self.second(self.first(x).relu())  # (*, d)
        return x + change if self.shortcut else change.relu()


# %% custom-modules-settling
class SettlingNet(nn.Module):
    """One layer, turn, applied until its output settles.

    h starts at zero and becomes tanh(enter(x) + turn(h)), until no
    element moves by tol or more, or `most` turns are done. Shapes
    (n, d_in) -> (n, d_out). After a call, changes holds the largest
    move of each turn. most below 1 raises ValueError.
    """

    def __init__(
        self, d_in: int, h: int, d_out: int,
        tol: float = 1e-3, most: int = 50,
    ) -> None:
        super().__init__()
        if most < 1:
            raise ValueError(f"most is {most}, not 1 or more")
        self.enter = nn.Linear(d_in, h)
        self.turn = nn.Linear(h, h, bias=False)
        self.leave = nn.Linear(h, d_out)
        self.tol, self.most = tol, most
        self.changes: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        drive = self.enter(x)  # (n, d_in) -> (n, h)
        h = torch.zeros_like(drive)
        self.changes = []
        while len(self.changes) < self.most:
            before, h = h, torch.tanh(drive + self.turn(h))
            self.changes.append((h - before).abs().max().item())
            if self.changes[-1] < self.tol:
                break
        return self.leave(h)  # (n, h) -> (n, d_out)
