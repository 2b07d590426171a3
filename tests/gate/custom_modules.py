# %% exr-custom-modules-dropout: a factor drawn by Bernoulli, without rand
import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        if p < 0 or p >= 1:
            raise ValueError("p")
        self.keep = 1.0 - p

    def forward(self, x: Tensor) -> Tensor:
        if self.training and self.keep < 1:
            return torch.bernoulli(torch.full_like(x, self.keep)) * x / self.keep
        return x


# %% exr-custom-modules-dropout: where chooses, and the mask is drawn in place
import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    def __init__(self, p: float) -> None:
        if not (p >= 0 and p < 1):
            raise ValueError(p)
        super().__init__()
        self.register_buffer("p", torch.tensor(p, dtype=torch.float64), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training is False:
            return x.clone()
        dropped = torch.empty_like(x, dtype=torch.bool).bernoulli_(float(self.p))
        return torch.where(dropped, torch.zeros_like(x), x / (1 - float(self.p)))


# %% exr-custom-modules-dropout: a masked copy is filled, out of place
import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    def __init__(self, p: float) -> None:
        super().__init__()
        assert isinstance(p, (int, float))
        if p != min(max(p, 0.0), 0.9999999):
            raise ValueError("p is outside [0, 1)")
        self.rate = p

    def forward(self, x: Tensor) -> Tensor:
        scale = 1 / (1 - self.rate)
        u = torch.rand(x.shape, dtype=torch.float32, device=x.device)
        return (x * scale).masked_fill(u < self.rate, 0) if self.training else x


# %% exr-custom-modules-shapes: one global hook and names looked up by the module
import torch
from torch import nn


def shapes_of(model, x):
    names = {module: name for name, module in model.named_modules()}
    shapes = {}

    def note(module, args, output):
        if module in names and not any(True for _ in module.children()):
            shapes[names[module]] = list(output.shape)

    handle = nn.modules.module.register_module_forward_hook(note)
    try:
        model(x)
    finally:
        handle.remove()
    return shapes


# %% exr-custom-modules-shapes: handles as context managers, partial for the name
from contextlib import ExitStack
from functools import partial


def shapes_of(model, x):
    noted = []

    def note(name, module, args, output):
        noted.append((name, output.size()))

    with ExitStack() as stack:
        for name, module in model.named_modules():
            if len(list(module.modules())) == 1:
                stack.enter_context(module.register_forward_hook(partial(note, name)))
        model(x)
    return dict(noted)


# %% exr-custom-modules-shapes: walks the children by recursion
def shapes_of(model, x):
    shapes, handles = {}, []

    def hook_for(path):
        def note(module, args, output):
            shapes[path] = tuple(map(int, output.shape))

        return note

    def walk(module, path):
        children = list(module.named_children())
        if not children:
            handles.append(module.register_forward_hook(hook_for(path)))
        for name, child in children:
            walk(child, f"{path}.{name}" if path else name)

    walk(model, "")
    try:
        model(x)
    finally:
        while handles:
            handles.pop().remove()
    return shapes


# %% exr-custom-modules-tied: three bare parameters and functional linear
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TiedAutoencoder(nn.Module):
    def __init__(self, d: int, h: int) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(h, d) / d**0.5)
        self.b = nn.Parameter(torch.zeros(h))
        self.c = nn.Parameter(torch.zeros(d))

    def encode(self, x: Tensor) -> Tensor:
        return F.relu(F.linear(x, self.w, self.b))

    def decode(self, z: Tensor) -> Tensor:
        return F.linear(z, self.w.mT, self.c)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


# %% exr-custom-modules-tied: a property makes the transpose, and c starts random
import torch
from torch import Tensor, nn


class TiedAutoencoder(nn.Module):
    def __init__(self, d: int, h: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(d, h), nn.ReLU())
        nn.init.xavier_uniform_(self.layers[0].weight)
        self.shift = nn.Parameter(torch.empty(d).uniform_(-0.1, 0.1))

    @property
    def turned(self) -> Tensor:
        return self.layers[0].weight.transpose(0, 1)

    def encode(self, x: Tensor) -> Tensor:
        return self.layers(x)

    def decode(self, z: Tensor) -> Tensor:
        return torch.addmm(self.shift, z, self.turned.T)

    def forward(self, x: Tensor) -> Tensor:
        z = torch.clamp(x @ self.turned + self.layers[0].bias, min=0)
        return self.decode(z)


# %% exr-custom-modules-averaged: by the state dict, floating point or not
import copy

import torch
from torch import Tensor, nn


class Averaged(nn.Module):
    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.trailing = copy.deepcopy(model)
        for p in self.trailing.parameters():
            p.requires_grad = False

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        names = {name for name, _ in model.named_parameters()}
        new = {}
        old = self.trailing.state_dict()
        for name, value in model.state_dict().items():
            d = self.decay if name in names else 0
            new[name] = d * old[name] + (1 - d) * value if d else value.clone()
        self.trailing.load_state_dict(new)

    def forward(self, x: Tensor) -> Tensor:
        return self.trailing(x)


# %% exr-custom-modules-averaged: foreach over detached lists, in forward no graph
import copy

import torch
from torch import Tensor, nn


class Averaged(nn.Module):
    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__()
        self.keep = decay
        self.net = copy.deepcopy(model)
        self.net.requires_grad_(False)

    def update(self, model: nn.Module) -> None:
        old = [p.detach() for p in self.net.parameters()]
        new = [p.detach() for p in model.parameters()]
        torch._foreach_mul_(old, self.keep)
        torch._foreach_add_(old, new, alpha=1 - self.keep)
        for (_, mine), (_, its) in zip(
            self.net.named_buffers(), model.named_buffers(), strict=True
        ):
            mine.data = its.detach().clone()

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.net(x)
