# Generated from chapters/zh/02-meet-pytorch.qmd: edit there.
# Checksum b911408f2106: a change made here is refused, not lost.
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
    does not depend on x, the derivative is 0.
    """
    point = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = f(point)
    if not y.requires_grad:
        return 0.0
    y.backward()
    return point.grad.item()


# %% exr-meet-pytorch-choose
from collections.abc import Sequence

import torch


def choose_device(
    wanted: str, found: Sequence[torch.device]
) -> torch.device:
    """Return the device of found that wanted asks for.

    wanted is "auto", for the first, or a type such as "cuda". Raises
    RuntimeError, naming wanted and all types found, if there is none.
    """
    if wanted == "auto":
        return found[0]
    for device in found:
        if device.type == wanted:
            return device
    types = ", ".join(device.type for device in found)
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

    Both tensors have shape (N,); minutes starts at 0. Uses backward()
    and gradient descent; a and k come out right to 1 percent.
    """
    span, gaps = minutes.max(), degrees - room
    tallest = gaps.abs().max()
    t, gaps = minutes / span, gaps / tallest  # all within [-1, 1]
    found = torch.stack([gaps[0], torch.tensor(1.0)])
    found.requires_grad_()
    for _ in range(2000):
        loss = ((found[0] * 2 ** (-found[1] * t) - gaps) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            found -= 0.5 * found.grad
        found.grad = None
    a, r = found.detach()
    return (a * tallest).item(), (span / r).item()
