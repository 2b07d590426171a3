# %% exr-meet-pytorch-slope: autograd.grad, and None for what isn't used
import torch


def slope(f, x):
    point = torch.tensor(float(x), dtype=torch.float64).requires_grad_()
    y = f(point)
    if not y.requires_grad:
        return 0.0
    (found,) = torch.autograd.grad(y, point, allow_unused=True)
    return 0.0 if found is None else float(found)


# %% exr-meet-pytorch-slope: zero times the point is added, so there is always a path
import torch


def slope(f, x):
    point = torch.zeros((), dtype=torch.float64).fill_(x).requires_grad_()
    (f(point) + 0 * point).backward()
    return point.grad.item()


# %% exr-meet-pytorch-slope: forward mode, with a dual number
import torch
from torch.autograd import forward_ad


def slope(f, x):
    with forward_ad.dual_level():
        point = torch.tensor(float(x), dtype=torch.float64)
        y = f(forward_ad.make_dual(point, torch.ones_like(point)))
        tangent = forward_ad.unpack_dual(y).tangent
        return 0.0 if tangent is None else tangent.item()


# %% exr-meet-pytorch-slope: difference quotients, improved five times (Richardson)
from itertools import pairwise

import torch


def slope(f, x):
    point = torch.tensor(float(x), dtype=torch.float64)

    def quotient(h):
        return ((f(point + h) - f(point - h)) / (2 * h)).item()

    row = [quotient(0.2 / 2**level) for level in range(6)]
    for order in range(1, len(row)):
        pairs = pairwise(row)
        row = [b + (b - a) / (4**order - 1) for a, b in pairs]
    return row[0]


# %% exr-meet-pytorch-choose: next() over those that fit, None if there are none
def choose_device(wanted, found):
    fitting = (d for d in found if wanted == "auto" or wanted == d.type)
    device = next(fitting, None)
    if device is None:
        raise RuntimeError(f"{wanted} isn't among {[d.type for d in found]}")
    return device


# %% exr-meet-pytorch-choose: the index of the type in a list of types
def choose_device(wanted, found):
    types = [device.type for device in found]
    if wanted == "auto" and types:
        return found[0]
    try:
        return found[types.index(wanted)]
    except ValueError:
        raise RuntimeError(f"wanted {wanted}, found {', '.join(types)}") from None


# %% exr-meet-pytorch-choose: a dictionary filled from the back
def choose_device(wanted, found):
    first = {device.type: device for device in reversed(found)}
    if wanted == "auto" and found:
        return found[0]
    if wanted not in first:
        raise RuntimeError(f"no {wanted}; there are {found}")
    return first[wanted]


# %% exr-meet-pytorch-fit: a copy at each step, as the hint says
import torch


def slopes(a, r, t, gaps):
    a = a.detach().clone().requires_grad_()
    r = r.detach().clone().requires_grad_()
    ((a * 2 ** (-r * t) - gaps) ** 2).mean().backward()
    return a.grad, r.grad


def fit_cooling(minutes, degrees, room):
    whole = minutes[-1]
    gaps = degrees - room
    scale = gaps.abs().max()
    a, r = torch.tensor(0.5), torch.tensor(1.0)
    for _ in range(1500):
        down_a, down_r = slopes(a, r, minutes / whole, gaps / scale)
        a, r = a - 0.5 * down_a, r - 0.5 * down_r
    return float(a * scale), float(whole / r)


# %% exr-meet-pytorch-fit: momentum by hand, in float64, with autograd.grad
import torch


def fit_cooling(minutes, degrees, room):
    t, gaps = minutes.double(), degrees.double() - room
    t, gaps = t / t.max(), gaps / gaps[0]
    at = torch.ones(2, dtype=torch.float64, requires_grad=True)
    speed = torch.zeros_like(at)
    for _ in range(600):
        errors = at[0] * torch.exp2(-at[1] * t) - gaps
        (slope,) = torch.autograd.grad(errors.square().mean(), at)
        speed = 0.8 * speed - 0.2 * slope
        at = (at + speed).detach().requires_grad_()
    first = (degrees.double() - room)[0]
    return [(at[0] * first).item(), (minutes.max() / at[1]).item()]


# %% exr-meet-pytorch-fit: only k is walked; the best a follows from it
import math

import torch


def fit_cooling(minutes, degrees, room):
    t, gaps = minutes / minutes.max(), degrees - room
    target = gaps / gaps.abs().max()

    def best_a(r, gaps):
        shape = torch.exp(-math.log(2) * r * t)
        return (shape @ gaps) / (shape @ shape), shape

    r = torch.tensor(1.0, requires_grad=True)
    for _ in range(400):
        a, shape = best_a(r, target)
        (a * shape - target).square().mean().backward()
        with torch.no_grad():
            r -= 4 * r.grad
            r.grad.zero_()
    return best_a(r, gaps)[0].item(), (minutes.max() / r).item()
