# Generated from chapters/zh/12-convolution.qmd: edit there.
# Checksum 0fe744fb6f2d: a change made here is refused, not lost.
# %% exr-convolution-sizes
def sizes_by_hand() -> dict[str, int]:
    """Return your five numbers.

    "width": of the maps after the second pooling; "inputs": of Linear;
    "parameters": of the two convolutions; "receptive": how wide an
    output of the second pooling sees; "apart": how far from each other
    two neighbors there look.
    """
    return {
        "width": 5, "inputs": 400, "parameters": 2572,
        "receptive": 16, "apart": 4,
    }


# %% exr-convolution-gradient
def gradient_by_hand() -> dict[str, tuple[float, ...]]:
    """Return your three results, each row by row.

    "y": four numbers; "dk": four, the derivatives of the loss with
    respect to k; "dx": nine, those with respect to x.
    """
    return {
        "y": (1, 8, 1, 0),
        "dk": (3, 8, 2, 3),
        "dx": (1, -1, 0, 0, 4, -2, 0, 0, 4),
    }


# %% exr-convolution-separable
from torch import Tensor, nn


class Separable(nn.Module):
    """(B, c_in, H, W) -> (B, c_out, H, W), in two convolutions.

    depthwise, size x size, treats each channel by itself and pads with
    zeros so that H and W stay; pointwise, 1 x 1, mixes the channels.
    Both have biases. Raises ValueError for an even size.
    """

    def __init__(self, c_in: int, c_out: int, size: int) -> None:
        super().__init__()
        if size % 2 == 0:
            raise ValueError(f"size: {size} is even")
        self.depthwise = nn.Conv2d(
            c_in, c_in, size, padding=size // 2, groups=c_in
        )
        self.pointwise = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


# %% exr-convolution-occlusion
import torch
from torch import Tensor, nn


def occlusion(
    model: nn.Module, image: Tensor, label: int, size: int = 3
) -> Tensor:
    """How much covering each place lowers the score of label: (H, W).

    image: (C, H, W); model takes (B, C, H, W) and gives scores (B, K).
    Element (i, j) is the score for the image, minus that for the image
    whose size x size square around (i, j), as far as it lies inside,
    is 0. Computed in evaluation mode without a graph; all modes are as
    before afterwards. Raises ValueError for an even size.
    """
    if size % 2 == 0:
        raise ValueError(f"size: {size} is even")
    height, width = image.shape[1:]
    covered = image.repeat(height * width, 1, 1, 1)
    r = size // 2
    for n in range(height * width):
        i, j = divmod(n, width)
        rows = slice(max(i - r, 0), i + r + 1)
        covered[n, :, rows, max(j - r, 0) : j + r + 1] = 0
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            scores = model(torch.cat([image[None], covered]))[:, label]
    finally:
        for part, training in modes:
            part.training = training
    return (scores[0] - scores[1:]).view(height, width)


# %% exr-convolution-backward
import torch.nn.functional as F
from torch import Tensor


def conv_gradients(
    x: Tensor, weight: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and weight for F.conv2d(x, weight).

    x (B, C, H, W); weight (O, C, h, w); grad, that of the output,
    (B, O, H - h + 1, W - w + 1). Stride 1, no padding.
    """
    h, w = weight.shape[2:]
    turned = weight.flip(2, 3).transpose(0, 1)  # (C, O, h, w)
    of_x = F.conv2d(grad, turned, padding=(h - 1, w - 1))
    of_weight = F.conv2d(x.transpose(0, 1), grad.transpose(0, 1))
    return of_x, of_weight.transpose(0, 1)


# %% exr-convolution-fold
import copy

import torch
from torch import nn


def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one layer that computes norm(conv(x)) of evaluation mode.

    It has the options of conv, and always a bias. conv may have none;
    norm may lack weight and bias (affine=False). Neither is changed,
    and the new layer shares no tensor with them.
    """
    folded = copy.deepcopy(conv)
    with torch.no_grad():
        scale = torch.rsqrt(norm.running_var + norm.eps)
        offset = -norm.running_mean
        if conv.bias is not None:
            offset = offset + conv.bias
        offset = offset * scale
        if norm.affine:
            scale = scale * norm.weight
            offset = offset * norm.weight + norm.bias
        weight = conv.weight * scale[:, None, None, None]
    folded.weight = nn.Parameter(weight)
    folded.bias = nn.Parameter(offset)
    return folded
