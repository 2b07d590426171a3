"""Exercises: 加速器 · Accelerators

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try accelerators

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum cbacc6889732: untouched so far.

# %% exr-accelerators-move
# 全部搬走 ★
# Move everything ★
from typing import Any

import torch


def move(batch: Any, device: torch.device | str) -> Any:
    """Return the batch with every tensor in it on a device.

    Lists, tuples (those with named fields too) and dictionaries may be
    in one another, and stay what they are. What is neither comes back
    as it is: strings, numbers, None. The batch itself isn't changed.
    """
    raise NotImplementedError("exr-accelerators-move")


# %% exr-accelerators-bill
# 放得下吗 ★
# Will it fit? ★
def gigabytes_by_hand() -> dict[str, float]:
    """Return your five numbers, in GB (10**9 bytes)."""
    raise NotImplementedError("exr-accelerators-bill")


# %% exr-accelerators-ridge
# 批量要多大 ★★
# How large a batch ★★
def ridge_by_hand() -> dict[str, float]:
    """Return your four numbers.

    "ridge" and "one" in FLOP/byte, "batch" a whole number, "time" in
    microseconds.
    """
    raise NotImplementedError("exr-accelerators-ridge")


# %% exr-accelerators-waits
# 只问一次 ★★
# Ask once ★★
import torch


def train_quietly(model, batches, loss, optimizer) -> float:
    """Train on all batches once; return the mean loss per example.

    batches: an iterable of (input, target) pairs, not all of one size.
    loss: a mean over the batch. The value of the losses is asked for
    only once, at the end: until then nothing waits for the device.
    Graphs of batches that are done with aren't kept. ValueError for no
    batches.
    """
    raise NotImplementedError("exr-accelerators-waits")


# %% exr-accelerators-scaling
# 自己调整的倍数 ★★
# A scale that adjusts itself ★★
import torch


class Scaler:
    """Steps with a scale that adjusts itself."""

    def __init__(self, scale: float = 2.0**16, interval: int = 2000):
        self.scale, self.interval, self.good = scale, interval, 0

    def step(self, loss, optimizer) -> bool:
        """Backward of loss * scale, gradients divided by scale, a step.

        With an inf or nan in a gradient: no step, and the scale is
        halved. After `interval` steps in a row the scale is doubled,
        and counting begins anew. Returns whether there was a step.
        Parameters without a gradient are passed over.
        """
        raise NotImplementedError("exr-accelerators-scaling")


# %% exr-accelerators-cuts
# 切在哪里 ★★★
# Where to cut ★★★
def best_cuts(inputs: list[int], inside: list[int]) -> list[int]:
    """Return where the segments begin that take the fewest bytes.

    Layer i has an input of inputs[i] bytes and keeps inside[i] bytes
    more. A segment keeps the input of its first layer all the time,
    and while it runs again all that its layers keep inside. So cuts
    take the inputs of all segments, and the largest inside sum of a
    segment. The first segment begins at 0, and the list is ascending.
    Of cuts that take equally few bytes any will do. For no layers, [].
    """
    raise NotImplementedError("exr-accelerators-cuts")
