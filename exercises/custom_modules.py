"""Exercises: 自定义 nn 模块 · Custom modules

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try custom-modules

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 74369fce5718: untouched so far.

# %% exr-custom-modules-count
# 登记了哪些 ★
# What is registered ★
def count_by_hand() -> dict[str, int]:
    """Return your three numbers.

    "parameters": how many tensors parameters() yields; "numbers": how
    many numbers they hold; "keys": how many keys state_dict() has.
    """
    raise NotImplementedError("exr-custom-modules-count")


# %% exr-custom-modules-dropout
# 自己写 Dropout ★★
# Your own Dropout ★★
import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """In training, set each element to 0 with probability p.

    The survivors are multiplied by 1 / (1 - p); in evaluation x comes
    back as it is. Any shape. Raises ValueError unless 0 <= p < 1.
    """

    def __init__(self, p: float) -> None:
        raise NotImplementedError("exr-custom-modules-dropout")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("exr-custom-modules-dropout")


# %% exr-custom-modules-shapes
# 每层的形状 ★★
# The shape of every layer ★★
import torch
from torch import Tensor, nn


def shapes_of(
    model: nn.Module, x: Tensor
) -> dict[str, tuple[int, ...]]:
    """Run model(x); return each layer's output shape, in running order.

    A layer is a module without children, under its full name. No hook
    of this function stays behind, even if model(x) raises an error,
    which goes on to the caller. Nothing else of the model changes.
    """
    raise NotImplementedError("exr-custom-modules-shapes")


# %% exr-custom-modules-tied
# 一份权重，编码与解码共用 ★★
# One weight, both ways ★★
import torch
from torch import Tensor, nn


class TiedAutoencoder(nn.Module):
    """Encode (n, d) to (n, h) and back, with one weight matrix.

    encode(x) is relu(x @ w.mT + b), decode(z) is z @ w + c, and
    forward(x) is decode(encode(x)). The parameters are w (h, d),
    b (h,) and c (d,), and no others. w starts random, about as
    large as in nn.Linear; b and c start random or at zero.
    """

    def __init__(self, d: int, h: int) -> None:
        raise NotImplementedError("exr-custom-modules-tied")

    def encode(self, x: Tensor) -> Tensor:
        raise NotImplementedError("exr-custom-modules-tied")

    def decode(self, z: Tensor) -> Tensor:
        raise NotImplementedError("exr-custom-modules-tied")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("exr-custom-modules-tied")


# %% exr-custom-modules-averaged
# 权重的指数移动平均 ★★★
# An average that trails behind ★★★
import copy

import torch
from torch import Tensor, nn


class Averaged(nn.Module):
    """A copy of model whose weights trail behind those of model.

    It starts equal. update(model) makes each parameter of the copy
    decay * its own + (1 - decay) * model's, and copies the buffers.
    forward runs the copy, which no gradient ever reaches. model itself
    stays as it is.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        raise NotImplementedError("exr-custom-modules-averaged")

    def update(self, model: nn.Module) -> None:
        raise NotImplementedError("exr-custom-modules-averaged")

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("exr-custom-modules-averaged")
