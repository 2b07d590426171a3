"""Exercises: 认识 PyTorch · Meet PyTorch

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try meet-pytorch

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 67cd1a057c69: untouched so far.

# %% exr-meet-pytorch-by-hand
# 用铅笔下山 ★
# Downhill by pencil ★
def candle_by_hand() -> dict[str, float]:
    """Return "slope", dE/dk at k = 1, and "best", the best k."""
    raise NotImplementedError("exr-meet-pytorch-by-hand")


# %% exr-meet-pytorch-slope
# 求导机 ★
# A derivative machine ★
from collections.abc import Callable

import torch


def slope(f: Callable[[torch.Tensor], torch.Tensor], x: float) -> float:
    """Return the derivative of f at x, right to ten decimal places.

    f takes and returns a tensor of one number, shape (). If its result
    does not depend on x, the derivative is 0. Raises what f or
    backward() raises.
    """
    raise NotImplementedError("exr-meet-pytorch-slope")


# %% exr-meet-pytorch-choose
# 不许悄悄换设备 ★★
# No quiet change of device ★★
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
    raise NotImplementedError("exr-meet-pytorch-choose")


# %% exr-meet-pytorch-work
# 每个数能用几次 ★★
# How often is each number used? ★★
def work_by_hand() -> dict[str, float]:
    """Return your four numbers for n = 1000.

    "multiplications", "numbers" read or written, "each": the first
    divided by the second; "adding": the same ratio for a sum.
    """
    raise NotImplementedError("exr-meet-pytorch-work")


# %% exr-meet-pytorch-fit
# 两个未知数 ★★★
# Two unknowns ★★★
import torch


def fit_cooling(
    minutes: torch.Tensor, degrees: torch.Tensor, room: float
) -> tuple[float, float]:
    """Return a and k of degrees = room + a * 2 ** (-minutes / k).

    Both tensors have shape (N,); minutes rises from 0, in whatever
    steps, to less than 3 * k. a and k make the mean squared gap
    smallest, right to 1 percent. Uses backward() and gradient descent.
    """
    raise NotImplementedError("exr-meet-pytorch-fit")
