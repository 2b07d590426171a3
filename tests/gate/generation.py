# %% exr-generation-between: torch.distributions
import torch
from torch.distributions import Normal, kl_divergence


def kl_between(mean, log_var, mean_p, log_var_p):
    first = Normal(mean, torch.exp(log_var / 2))
    second = Normal(mean_p, torch.exp(log_var_p / 2))
    return kl_divergence(first, second).sum(1)


# %% exr-generation-between: standard deviations, one picture after another
import torch


def kl_between(mean, log_var, mean_p, log_var_p):
    rows = []
    for m, a, n, b in zip(mean, log_var, mean_p, log_var_p):
        r = ((a - b) / 2).exp()
        d = (m - n) / (b / 2).exp()
        rows.append((0.5 * (r * r + d * d - 1) - r.log()).sum())
    return torch.stack(rows)


# %% exr-generation-between: expm1 and einsum
import torch


def kl_between(mean, log_var, mean_p, log_var_p):
    gap = log_var - log_var_p
    far = (mean - mean_p) * torch.exp(-0.5 * log_var_p)
    return torch.einsum("bd->b", 0.5 * (torch.expm1(gap) - gap + far**2))


# %% exr-generation-ddim: one combination of x and noise
import math


def ddim(x, noise, kept, after):
    scale = math.sqrt(after / kept)
    rest = math.sqrt(1 - after) - scale * math.sqrt(1 - kept)
    return scale * x + rest * noise


# %% exr-generation-ddim: angles, as of a cosine schedule
import math


def ddim(x, noise, kept, after):
    here, there = math.acos(math.sqrt(kept)), math.acos(math.sqrt(after))
    clean = (x - math.sin(here) * noise).div(math.cos(here))
    return clean.mul(math.cos(there)).add(noise, alpha=math.sin(there))


# %% exr-generation-frechet: eigenvalues of the product
import torch


def frechet(a, b):
    a, b = a.double(), b.double()
    p, q = (torch.atleast_2d(torch.cov(x.T)) for x in (a, b))
    roots = torch.linalg.eigvals(p @ q).real.clamp(min=0).sqrt()
    far = (a.mean(0) - b.mean(0)).square().sum()
    return far + p.trace() + q.trace() - 2 * roots.sum()


# %% exr-generation-frechet: the root of one covariance, by NumPy
import numpy as np


def frechet(a, b):
    a, b = (x.detach().double().numpy() for x in (a, b))
    p, q = (np.cov(x, rowvar=False).reshape(x.shape[1], -1) for x in (a, b))
    values, vectors = np.linalg.eigh(p)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ q @ root), 0))
    return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(p + q) - 2 * roots.sum())


# %% exr-generation-frechet: eigenvalues of the product, in the dtype given
import torch


def frechet(a, b):
    p, q = (torch.atleast_2d(torch.cov(x.T)) for x in (a, b))
    roots = torch.linalg.eigvals(p @ q).sqrt().real
    far = (a.mean(0) - b.mean(0)).square().sum()
    return (far + p.trace() + q.trace() - 2 * roots.sum()).item()


# %% exr-generation-between: the divergence from N(0, 1) in units of the second
from torchbook.generation import kl_to_normal


def kl_between(mean, log_var, mean_p, log_var_p):
    scaled = (mean - mean_p) * (-log_var_p / 2).exp()
    return kl_to_normal(scaled, log_var - log_var_p)
