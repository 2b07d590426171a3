# Generated from chapters/zh/02-meet-pytorch.qmd: edit there.
# Checksum b797fc033573: a change made here is refused, not lost.
# %% exr-meet-pytorch-by-hand
def candle_by_hand() -> dict[str, float]:
    """Return "slope", dE/dk at k = 1, and "best", the best k."""
    return {"slope": -6.0, "best": 2.8}


# %% exr-meet-pytorch-slope
from collections.abc import Callable

import torch


def slope(f: Callable[[torch.Tensor], torch.Tensor], x: float) -> float:
    """Return the derivative of f at x, right to ten decimal places.

    f takes and returns a tensor of one number, shape (). If its result
    does not depend on x, the derivative is 0. Raises what f or
    backward() raises.
    """
    point = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = f(point)
    if y.requires_grad:
        y.backward()
    return 0.0 if point.grad is None else point.grad.item()


# %% exr-meet-pytorch-choose
from collections.abc import Sequence

import torch


def choose_device(
    wanted: str, found: Sequence[torch.device]
) -> torch.device:
    """Return the first device of found that wanted asks for.

    wanted is "auto", for any, or a type such as "cuda". If there is
    none, raises RuntimeError, naming wanted, all types found, and no
    others; found may be empty.
    """
    for device in found:
        if wanted in ("auto", device.type):
            return device
    types = [device.type for device in found]
    raise RuntimeError(f"no device {wanted!r} here, only {types}")


# %% exr-meet-pytorch-work
def work_by_hand() -> dict[str, float]:
    """Return your four numbers for n = 1000.

    "multiplications", "numbers" read or written, "each": the first
    divided by the second; "adding": the same ratio for a sum.
    """
    return {
        "multiplications": 1e9,
        "numbers": 3e6,
        "each": 1e9 / 3e6,
        "adding": 1 / 3,
    }


# %% exr-meet-pytorch-fit
import torch


def fit_cooling(
    minutes: torch.Tensor, degrees: torch.Tensor, room: float
) -> tuple[float, float]:
    """Return a and k of degrees = room + a * 2 ** (-minutes / k).

    Both tensors have shape (N,); minutes rises from 0, in whatever
    steps, to less than 3 * k. a and k make the mean squared gap
    smallest, right to 1 percent. Uses backward() and gradient descent.
    """
    span, gaps = minutes.max(), degrees - room
    tallest = gaps.abs().max()
    t, gaps = minutes / span, gaps / tallest  # all within [-1, 1]
    found = torch.ones_like(t[:2])  # a and 1 / k in the new units
    found.requires_grad_()
    for _ in range(500):
        loss = ((found[0] * 2 ** (-found[1] * t) - gaps) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            found -= found.grad  # a rate of 1
        found.grad = None
    a, r = found
    return (a * tallest).item(), (span / r).item()
