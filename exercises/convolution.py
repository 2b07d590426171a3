"""Exercises: 卷积网络 · Convolutional networks

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try convolution

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum ae6b9fad4ce5: untouched so far.

# %% exr-convolution-sizes
# 逐层算下去 ★
# Layer by layer ★
def sizes_by_hand() -> dict[str, int]:
    """Return your five numbers.

    "width": of the maps after the second pooling; "inputs": of Linear;
    "parameters": of the two convolutions; "receptive": how wide an
    output of the second pooling sees; "apart": how far from each other
    two neighbors there look.
    """
    raise NotImplementedError("exr-convolution-sizes")


# %% exr-convolution-gradient
# 纸上的前向与反向 ★★
# Forward and backward on paper ★★
def gradient_by_hand() -> dict[str, tuple[float, ...]]:
    """Return your three results, each row by row.

    "y": four numbers; "dk": four, the derivatives of the loss with
    respect to k; "dx": nine, those with respect to x.
    """
    raise NotImplementedError("exr-convolution-gradient")


# %% exr-convolution-separable
# 深度可分离卷积 ★★
# Depth by itself, then a mixture ★★
from torch import Tensor, nn


class Separable(nn.Module):
    """(B, c_in, H, W) -> (B, c_out, H, W), in two convolutions.

    depthwise, size x size, treats each channel by itself and pads with
    zeros so that H and W stay; pointwise, 1 x 1, mixes the channels.
    Both have biases. Raises ValueError for an even size.
    """

    def __init__(self, c_in: int, c_out: int, size: int) -> None:
        raise NotImplementedError("exr-convolution-separable")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("exr-convolution-separable")


# %% exr-convolution-occlusion
# 遮住哪里最要紧 ★★
# Cover it up ★★
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
    raise NotImplementedError("exr-convolution-occlusion")


# %% exr-convolution-backward
# 卷积的梯度也是卷积 ★★★
# The gradient of a convolution is a convolution ★★★
import torch.nn.functional as F
from torch import Tensor


def conv_gradients(
    x: Tensor, weight: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of x and weight for F.conv2d(x, weight).

    x (B, C, H, W); weight (O, C, h, w); grad, that of the output,
    (B, O, H - h + 1, W - w + 1). Stride 1, no padding.
    """
    raise NotImplementedError("exr-convolution-backward")


# %% exr-convolution-fold
# 把批归一化并进卷积 ★★★
# Fold the normalization into the convolution ★★★
import copy

import torch
from torch import nn


def fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one layer that computes norm(conv(x)) of evaluation mode.

    It has the options of conv, and always a bias. conv may have none;
    norm may lack weight and bias (affine=False). Neither is changed,
    and the new layer shares no tensor with them.
    """
    raise NotImplementedError("exr-convolution-fold")
