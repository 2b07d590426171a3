# Generated from chapters/zh/12-convolution.qmd: edit there.
# Checksum 831075341a86: a change made here is refused, not lost.
# %% convolution-correlate
"""Convolution written out: windows, weighted sums, what they see."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pair = int | tuple[int, int]


def cross_correlate(x: Tensor, kernel: Tensor) -> Tensor:
    """Slide a kernel over a picture: (H, W), (h, w) -> (H', W').

    Each output is the sum of a window times the kernel, H' = H - h + 1
    and W' = W - w + 1. Raises ValueError for other shapes, and for a
    kernel that is empty or larger than x.
    """
    if x.dim() != 2 or kernel.dim() != 2:
        raise ValueError("x, kernel: must have two dimensions each")
    h, w = kernel.shape
    down, right = x.shape[0] - h + 1, x.shape[1] - w + 1
    if min(h, w, down, right) < 1:
        raise ValueError(f"kernel: {h} x {w} has no place in x")
    sums = [
        (x[i : i + h, j : j + w] * kernel).sum()
        for i in range(down) for j in range(right)
    ]
    return torch.stack(sums).view(down, right)


# %% convolution-size
def output_size(
    size: int, kernel: int, stride: int = 1,
    padding: int = 0, dilation: int = 1,
) -> int:
    """Return at how many places a kernel fits, along one dimension.

    Raises ValueError if there is none, and for a number that is too
    small. Source: the documentation of torch.nn.Conv2d.
    """
    given = {"kernel": kernel, "stride": stride, "dilation": dilation}
    for name, value in given.items():
        if value < 1:
            raise ValueError(f"{name}: {value} is below 1")
    if padding < 0:
        raise ValueError(f"padding: {padding} is below 0")
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    if room < 0:
        raise ValueError(
            f"kernel: spans {span}, more than {size} + 2 * {padding}"
        )
    return room // stride + 1


# %% convolution-windows
def as_pair(value: Pair) -> tuple[int, int]:
    """Return (value, value), or value itself if it is a pair."""
    return (value, value) if isinstance(value, int) else value


def windows2d(
    x: Tensor, size: Pair, stride: Pair = 1, padding: Pair = 0,
    dilation: Pair = 1, fill: float = 0,
) -> Tensor:
    """List what a kernel meets: (B, C, H, W) -> (B, C, H', W', h, w).

    x first gets `padding` rows and columns of `fill` on every side;
    the result is a view of that. Raises ValueError for another shape
    of x, or as output_size does.
    """
    if x.dim() != 4:
        raise ValueError(f"x: shape {tuple(x.shape)}, not (B, C, H, W)")
    (h, w), (s, t) = as_pair(size), as_pair(stride)
    (p, q), (d, e) = as_pair(padding), as_pair(dilation)
    output_size(x.shape[2], h, s, p, d)
    output_size(x.shape[3], w, t, q, e)
    x = F.pad(x, (q, q, p, p), value=fill)
    x = x.unfold(2, d * (h - 1) + 1, s)  # (B, C, H', W + 2q, span)
    x = x.unfold(3, e * (w - 1) + 1, t)  # (B, C, H', W', span, span)
    return x[..., ::d, ::e]


# %% convolution-layer
class Conv2d(nn.Module):
    """nn.Conv2d written out: (B, c_in, H, W) -> (B, c_out, H', W').

    Same parameters, names and initialization; an option is a number
    or a pair. Raises ValueError for channels or a size below 1, groups
    that don't divide c_in and c_out, or x of another shape; TypeError
    for x of another dtype.
    """

    def __init__(
        self, c_in: int, c_out: int, size: Pair, stride: Pair = 1,
        padding: Pair = 0, dilation: Pair = 1, groups: int = 1,
    ) -> None:
        super().__init__()
        if min(c_in, c_out, *as_pair(size)) < 1:
            raise ValueError("c_in, c_out, size: one is below 1")
        if groups < 1 or c_in % groups or c_out % groups:
            raise ValueError(f"groups: {groups} must divide channels")
        self.options, self.groups = (stride, padding, dilation), groups
        shape = c_out, c_in // groups, *as_pair(size)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(c_out))
        bound = self.weight[0].numel() ** -0.5
        for p in self.parameters():
            nn.init.uniform_(p, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        c, *size = self.weight.shape[1:]
        shape, channels = tuple(x.shape), c * self.groups
        if x.dim() != 4 or x.shape[1] != channels:
            raise ValueError(f"x: {shape}, not (B, {channels}, H, W)")
        if x.dtype != self.weight.dtype:
            raise TypeError(f"x: {x.dtype}, not {self.weight.dtype}")
        seen = windows2d(x, tuple(size), *self.options)
        seen = seen.unflatten(1, (self.groups, c))
        weight = self.weight.unflatten(0, (self.groups, -1))
        y = torch.einsum("ngcyxhw,gochw->ngoyx", seen, weight)
        return y.flatten(1, 2) + self.bias[:, None, None]


# %% convolution-receptive
def receptive_field(
    layers: Iterable[tuple[int, int, int]]
) -> tuple[int, int]:
    """Return how wide an output sees, and how far apart neighbors do.

    layers: (kernel, stride, dilation) of each, from the input on; both
    results are in pixels of the input. Raises ValueError for a number
    below 1. Source: Araujo, Norris and Sim (2019).
    """
    width, step = 1, 1
    for i, (kernel, stride, dilation) in enumerate(layers):
        if min(kernel, stride, dilation) < 1:
            raise ValueError(f"layers: number {i} has one below 1")
        width += dilation * (kernel - 1) * step
        step *= stride
    return width, step


# %% convolution-cnn
def digit_cnn(channels: int = 16) -> nn.Sequential:
    """A net for the digits: (B, 1, 8, 8) -> scores (B, 10).

    Two convolutions, the second with twice the channels, pooling and a
    linear layer. Raises ValueError for channels below 1.
    """
    if channels < 1:
        raise ValueError(f"channels: {channels} is below 1")
    c, d = channels, 2 * channels
    return nn.Sequential(
        nn.Conv2d(1, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU(),
        nn.Conv2d(c, d, 3, padding=1), nn.BatchNorm2d(d), nn.ReLU(),
        nn.MaxPool2d(2),  # (B, d, 8, 8) -> (B, d, 4, 4)
        nn.Flatten(), nn.Linear(16 * d, 10),
    )


# %% convolution-block
class ConvBlock(nn.Module):
    """Two convolutions and a shortcut: (B, C, H, W) -> the same.

    ReLU(x + change), where change is convolution, normalization, ReLU,
    convolution, normalization. shortcut=False leaves out x, norm=False
    both normalizations. Raises ValueError for channels below 1.
    Source: He et al. (2016), figure 2.
    """

    def __init__(
        self, channels: int, shortcut: bool = True, norm: bool = True
    ) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels: {channels} is below 1")
        layers: list[nn.Module] = []
        for _ in range(2):
            layers.append(nn.Conv2d(channels, channels, 3, padding=1))
            if norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU())
        self.change = nn.Sequential(*layers[:-1])
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        change = self.change(x)  # (B, C, H, W)
        return (x + change if self.shortcut else change).relu()
