"""Exercises: 生成模型 · Generative models

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try generation

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 7e991675ed5e: untouched so far.

# %% exr-generation-code
# 手算一个编码 ★
# A code by hand ★
def one_code() -> dict[str, float]:
    """Return both numbers of the code and the divergence, in nats.

    "first", "second": what is drawn; "divergence": from N(0, 1).
    """
    raise NotImplementedError("exr-generation-code")


# %% exr-generation-jump
# 走两步，再回来 ★★
# Two steps and back ★★
def two_steps() -> dict[str, float]:
    """Return what two steps of noise do to a pixel.

    "kept": alpha-bar after both; "noisy": x_2; "clean": the picture
    that the guess of the noise amounts to.
    """
    raise NotImplementedError("exr-generation-jump")


# %% exr-generation-between
# 任意两个分布的散度 ★★
# Divergence between any two ★★
from torch import Tensor


def kl_between(
    mean: Tensor, log_var: Tensor, mean_p: Tensor, log_var_p: Tensor
) -> Tensor:
    """Return KL(q || p) of normal distributions: (B, d) -> (B,).

    q: mean, log_var; p: mean_p, log_var_p; all (B, d). Right for
    variances too large for float32 as well, and differentiable.
    """
    raise NotImplementedError("exr-generation-between")


# %% exr-generation-ddim
# 步数更少，也不抽随机数 ★★
# Fewer steps, and no dice ★★
from torch import Tensor


def ddim(x: Tensor, noise: Tensor, kept: float, after: float) -> Tensor:
    """Go from alpha-bar = kept to after, without drawing anything.

    x: (B, ...), the picture at kept; noise: (B, ...), the guess of
    its noise. 0 < kept < 1, 0 < after <= 1. Differentiable in both.
    """
    raise NotImplementedError("exr-generation-ddim")


# %% exr-generation-frechet
# 还是只用一个数 ★★★
# One number after all ★★★
import torch
from torch import Tensor


def frechet(a: Tensor, b: Tensor) -> float:
    """Return the squared Frechet distance of two sets of features.

    a: (n, d), b: (m, d), n and m at least 2, maybe below d. As if both
    came from normal distributions with their means and covariances
    (n - 1 in the denominator).
    """
    raise NotImplementedError("exr-generation-frechet")
