# Generated from chapters/zh/16-generation.qmd: edit there.
# Checksum bc0d0139d1cc: a change made here is refused, not lost.
# %% exr-generation-code
def one_code() -> dict[str, float]:
    """Return both numbers of the code and the divergence, in nats.

    "first", "second": what is drawn; "divergence": from N(0, 1).
    """
    from math import log

    return {
        "first": 2 + 1 * -1,
        "second": 0 + 2 * 0.5,
        "divergence": (4 + 1 - 1 - 0) / 2 + (0 + 4 - 1 - log(4)) / 2,
    }


# %% exr-generation-jump
def two_steps() -> dict[str, float]:
    """Return what two steps of noise do to a pixel.

    "kept": alpha-bar after both; "noisy": x_2; "clean": the picture
    that the guess of the noise amounts to.
    """
    return {
        "kept": 0.8 * 0.8,
        "noisy": 0.8 * 0.5 + 0.6 * -0.5,
        "clean": (0.1 - 0.6 * -0.2) / 0.8,
    }


# %% exr-generation-between
from torch import Tensor


def kl_between(
    mean: Tensor, log_var: Tensor, mean_p: Tensor, log_var_p: Tensor
) -> Tensor:
    """Return KL(q || p) of normal distributions: (B, d) -> (B,).

    q: mean, log_var; p: mean_p, log_var_p; all (B, d). Right for
    variances too large for float32 as well, and differentiable.
    """
    ratio = (log_var - log_var_p).exp()
    apart = (mean - mean_p).square() * (-log_var_p).exp()
    terms = apart + ratio - 1 - (log_var - log_var_p)
    return terms.sum(dim=-1) / 2


# %% exr-generation-ddim
from torch import Tensor


def ddim(x: Tensor, noise: Tensor, kept: float, after: float) -> Tensor:
    """Go from alpha-bar = kept to after, without drawing anything.

    x: (B, ...), the picture at kept; noise: (B, ...), the guess of
    its noise. 0 < kept < 1, 0 < after <= 1. Differentiable in both.
    """
    clean = (x - (1 - kept) ** 0.5 * noise) / kept**0.5
    return after**0.5 * clean + (1 - after) ** 0.5 * noise


# %% exr-generation-frechet
import torch
from torch import Tensor


def frechet(a: Tensor, b: Tensor) -> float:
    """Return the squared Frechet distance of two sets of features.

    a: (n, d), b: (m, d), n and m at least 2, maybe below d. As if both
    came from normal distributions with their means and covariances
    (n - 1 in the denominator).
    """
    a, b = a.detach().double(), b.detach().double()
    mean = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    a, b = ((x - x.mean(dim=0)) / (len(x) - 1) ** 0.5 for x in (a, b))
    spread = a.square().sum() + b.square().sum()  # both traces
    shared = torch.linalg.svdvals(a @ b.T).sum()
    return (mean + spread - 2 * shared).item()
