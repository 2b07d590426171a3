# %% exr-convolution-separable: named in a Sequential, and padding by name
from torch import nn


class Separable(nn.Sequential):
    def __init__(self, c_in, c_out, size):
        if not size % 2:
            raise ValueError("size")
        super().__init__()
        self.add_module(
            "depthwise", nn.Conv2d(c_in, c_in, (size, size), padding="same", groups=c_in)
        )
        self.add_module("pointwise", nn.Conv2d(c_in, c_out, (1, 1)))


# %% exr-convolution-separable: calls the function on the layers' parameters
import torch.nn.functional as F
from torch import nn


class Separable(nn.Module):
    def __init__(self, c_in, c_out, size):
        super().__init__()
        half, odd = divmod(size, 2)
        if odd != 1:
            raise ValueError(f"{size} is even")
        self.pointwise = nn.Conv2d(in_channels=c_in, out_channels=c_out, kernel_size=1)
        self.depthwise = nn.Conv2d(c_in, c_in, size, groups=c_in)
        self.half = half

    def forward(self, x):
        x = F.pad(x, [self.half] * 4)
        x = F.conv2d(x, self.depthwise.weight, self.depthwise.bias, groups=x.shape[1])
        w = self.pointwise.weight.flatten(1)  # (c_out, c_in)
        return (x.movedim(1, -1) @ w.mT + self.pointwise.bias).movedim(-1, 1)


# %% exr-convolution-occlusion: one picture at a time
import torch


def occlusion(model, image, label, size=3):
    if size & 1 == 0:
        raise ValueError("size must be odd")
    modes = {part: part.training for part in model.modules()}
    model.train(False)
    half = size // 2
    try:
        with torch.no_grad():
            whole = model(image.unsqueeze(0))[0, label]
            rows = []
            for i in range(image.shape[-2]):
                row = []
                for j in range(image.shape[-1]):
                    x = image.clone()
                    for a in range(i - half, i + half + 1):
                        for b in range(j - half, j + half + 1):
                            if 0 <= a < x.shape[-2] and 0 <= b < x.shape[-1]:
                                x[:, a, b] = 0
                    row.append(whole - model(x[None])[0, label])
                rows.append(torch.stack(row))
    finally:
        for part, mode in modes.items():
            part.training = mode
    return torch.stack(rows)


# %% exr-convolution-occlusion: masks by distance, all at once
import torch


@torch.no_grad()
def occlusion(model, image, label, size=3):
    if size % 2 != 1:
        raise ValueError(size)
    h, w = image.shape[-2:]
    near_i = (torch.arange(h)[:, None] - torch.arange(h)).abs() <= size // 2  # (h, h)
    near_j = (torch.arange(w)[:, None] - torch.arange(w)).abs() <= size // 2  # (w, w)
    hide = near_i[:, None, :, None] & near_j[None, :, None, :]  # (h, w, h, w)
    pictures = image.masked_fill(hide.reshape(h * w, 1, h, w), 0)
    kept = [(m, m.training) for m in model.modules()]
    try:
        model.eval()
        before = model(image[None])[:, label]
        after = model(pictures)[:, label]
    finally:
        for m, mode in kept:
            m.training = mode
    return before - after.reshape(h, w)


# %% exr-convolution-backward: windows and einsum for the weight
import torch
import torch.nn.functional as F


def conv_gradients(x, weight, grad):
    h, w = weight.shape[-2:]
    seen = x.unfold(2, h, 1).unfold(3, w, 1)  # (B, C, H', W', h, w)
    dw = torch.einsum("bcyxhw,boyx->ochw", seen, grad)
    wide = F.pad(grad, (w - 1, w - 1, h - 1, h - 1))
    dx = F.conv2d(wide, torch.flip(weight, (-1, -2)).permute(1, 0, 2, 3))
    return [dx, dw]


# %% exr-convolution-backward: a transposed convolution, and one sample at a time
import torch
import torch.nn.functional as F


def conv_gradients(x, weight, grad):
    dx = torch.zeros_like(x)
    h, w = weight.shape[2:]
    high, wide = grad.shape[2:]
    for a in range(h):
        for b in range(w):
            part = torch.einsum("boyx,oc->bcyx", grad, weight[:, :, a, b])
            dx[:, :, a : a + high, b : b + wide] += part
    dw = torch.zeros_like(weight)
    for one, g in zip(x, grad):
        dw += F.conv2d(one[:, None], g[:, None]).transpose(0, 1)
    return dx, dw


# %% exr-convolution-fold: torch's own
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold(conv, norm):
    if norm.weight is None:
        import copy

        norm = copy.deepcopy(norm)
        norm.weight = torch.nn.Parameter(torch.ones_like(norm.running_var))
        norm.bias = torch.nn.Parameter(torch.zeros_like(norm.running_var))
    modes = conv.training, norm.training
    fused = fuse_conv_bn_eval(conv.eval(), norm.eval())
    conv.train(modes[0])
    norm.train(modes[1])
    return fused.train()


# %% exr-convolution-fold: reads off what norm does to 0 and 1
import copy

import torch
from torch import nn


def fold(conv, norm):
    like = copy.deepcopy(norm).eval()
    n = norm.num_features
    zero = norm.running_var.new_zeros(1, n, 1, 1)
    with torch.no_grad():
        shift = like(zero).flatten()
        scale = like(zero + 1).flatten() - shift
        new = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            conv.padding,
            conv.dilation,
            conv.groups,
            True,
            conv.padding_mode,
            dtype=conv.weight.dtype,
        )
        new.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
        new.bias.copy_(shift if conv.bias is None else conv.bias * scale + shift)
    return new
