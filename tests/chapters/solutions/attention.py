# Generated from chapters/zh/14-attention.qmd: edit there.
# Checksum 16113efaf602: a change made here is refused, not lost.
# %% exr-attention-by-hand
def rows() -> dict[str, float]:
    """Return what place 2 and place 3 find, with the causal mask.

    "second": the second output; "third": the third one.
    """
    return {"second": 14.0, "third": 27.0}


# %% exr-attention-count
def sizes() -> dict[str, int]:
    """Return what was counted.

    "parameters": of the whole model; "cache": bytes of the keys and
    values of 1024 tokens, two bytes for each number.
    """
    block = 12 * 768**2 + 13 * 768
    tables = (50257 + 1024) * 768
    return {
        "parameters": tables + 12 * block + 2 * 768,
        "cache": 2 * 12 * 1024 * 768 * 2,
    }


# %% exr-attention-top-p
import torch
from torch import Tensor


def top_p(chances: Tensor, p: float) -> Tensor:
    """Keep the fewest largest chances that add up to p or more.

    chances: (..., V), each row adds up to 1. The others become 0, and
    each row again adds up to 1; the order stays. Of equal chances, any
    may be kept. Raises ValueError unless 0 < p <= 1.
    """
    if not 0 < p <= 1:
        raise ValueError(f"p: {p}, not in 0..1")
    ordered, places = chances.sort(dim=-1, descending=True)
    before = ordered.cumsum(dim=-1) - ordered
    ordered = ordered.masked_fill(before >= p, 0.0)
    kept = torch.zeros_like(chances).scatter(-1, places, ordered)
    return kept / kept.sum(dim=-1, keepdim=True)


# %% exr-attention-window
import torch
from torch import Tensor


def window_mask(lengths: Tensor, window: int) -> Tensor:
    """Return (B, T, T), bool: True where a query may look.

    A query sees its own place and the window - 1 before it, if they
    are real: place t of row b is, if t < lengths[b]. A padded place
    sees itself alone, so that no row is empty. T is the greatest
    length. Raises ValueError for a window below 1.
    """
    if window < 1:
        raise ValueError(f"window: {window} is below 1")
    place = torch.arange(int(lengths.max()), device=lengths.device)
    back = place[:, None] - place  # (T, T): how far back
    near = (0 <= back) & (back < window)
    real = place < lengths[:, None]  # (B, T)
    both = real[:, :, None] & real[:, None, :]  # (B, T, T)
    return near & both | (back == 0)


# %% exr-attention-streaming
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
    scale = math.sqrt(query.shape[-1])
    top = query.new_full((len(query), 1), -math.inf)
    total = torch.zeros_like(top)
    found = query.new_zeros(len(query), value.shape[-1])
    for some, theirs in zip(key.split(size), value.split(size)):
        scores = query @ some.mT / scale  # (n, size)
        new = torch.maximum(top, scores.amax(dim=-1, keepdim=True))
        old, parts = (top - new).exp(), (scores - new).exp()
        total = total * old + parts.sum(dim=-1, keepdim=True)
        found = found * old + parts @ theirs
        top = new
    return found / total
