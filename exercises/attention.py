"""Exercises: 注意力 · Attention

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try attention

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 0cac63173ad7: untouched so far.

# %% exr-attention-by-hand
# 手算三个位置 ★
# Three places by hand ★
def rows() -> dict[str, float]:
    """Return what place 2 and place 3 find, with the causal mask.

    "second": the second output; "third": the third one.
    """
    raise NotImplementedError("exr-attention-by-hand")


# %% exr-attention-count
# 一亿两千四百万从哪里来 ★★
# Where 124 million come from ★★
def sizes() -> dict[str, int]:
    """Return what was counted.

    "parameters": of the whole model; "cache": bytes of the keys and
    values of 1024 tokens, two bytes for each number.
    """
    raise NotImplementedError("exr-attention-count")


# %% exr-attention-top-p
# 够用即可 ★★
# As many as are needed ★★
import torch
from torch import Tensor


def top_p(chances: Tensor, p: float) -> Tensor:
    """Keep the fewest largest chances that add up to p or more.

    chances: (..., V), each row adds up to 1. The others become 0, and
    each row again adds up to 1; the order stays. Of equal chances, any
    may be kept. Raises ValueError unless 0 < p <= 1.
    """
    raise NotImplementedError("exr-attention-top-p")


# %% exr-attention-window
# 滑动窗口 ★★
# A window ★★
import torch
from torch import Tensor


def window_mask(lengths: Tensor, window: int) -> Tensor:
    """Return (B, T, T), bool: True where a query may look.

    A query sees its own place and the window - 1 before it, if they
    are real: place t of row b is, if t < lengths[b]. A padded place
    sees itself alone, so that no row is empty. T is the greatest
    length. Raises ValueError for a window below 1.
    """
    raise NotImplementedError("exr-attention-window")


# %% exr-attention-streaming
# 一遍读完的注意力 ★★★
# Attention in one pass ★★★
import math

import torch
from torch import Tensor


def streaming(
    query: Tensor, key: Tensor, value: Tensor, size: int
) -> Tensor:
    """Return softmax(Q K^T / sqrt(d)) V from size keys at a time.

    query: (n, d), key: (m, d), value: (m, e); the result: (n, e).
    Never makes a tensor with a number for each query and key, unless
    size >= m. Scores may be large. size >= 1.
    """
    raise NotImplementedError("exr-attention-streaming")
