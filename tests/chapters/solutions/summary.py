# Generated from chapters/zh/21-summary.qmd: edit there.
# Checksum b57b468d076e: a change made here is refused, not lost.
# %% exr-summary-count
def counts_by_hand() -> dict[str, int]:
    """Return the number of parameters of each layer, biases included.

    "linear": nn.Linear(30, 20); "conv": nn.Conv2d(3, 16, 5);
    "rnn": nn.RNN(30, 20); "attention": nn.MultiheadAttention(12, 3).
    """
    return {
        "linear": 620,
        "conv": 1216,
        "rnn": 1040,
        "attention": 624,
    }


# %% exr-summary-conv-matrix
import torch
from torch import Tensor


def conv_matrix(kernel: Tensor, n: int) -> Tensor:
    """Return the matrix of nn.Conv1d on a signal of n numbers.

    kernel has shape (k,), the result (n - k + 1, n), with the dtype of
    kernel; conv_matrix(kernel, n) @ x is what the convolution, without
    padding or bias, makes of x, shape (n,). Raises ValueError unless
    1 <= k <= n.
    """
    k = len(kernel)
    if not 1 <= k <= n:
        raise ValueError(f"a kernel of {k} on a signal of {n}")
    matrix = kernel.new_zeros(n - k + 1, n)
    for i in range(n - k + 1):
        matrix[i, i : i + k] = kernel
    return matrix


# %% exr-summary-set
import torch
from torch import Tensor, nn


class SetNet(nn.Module):
    """A network on sets: the order of the elements does not matter.

    x of shape (B, n, d_in), for any n, gives (B, d_out). Every element
    goes through the same net to h numbers; these are added over the
    set; another net makes d_out numbers of the sums. Each of the two
    is Linear, ReLU, Linear.
    """

    def __init__(self, d_in: int, h: int, d_out: int) -> None:
        super().__init__()
        self.each = nn.Sequential(
            nn.Linear(d_in, h), nn.ReLU(), nn.Linear(h, h)
        )
        self.whole = nn.Sequential(
            nn.Linear(h, h), nn.ReLU(), nn.Linear(h, d_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return one answer for each set, shape (B, d_out)."""
        return self.whole(self.each(x).sum(dim=1))


# %% exr-summary-attend
import math

import torch
from torch import Tensor


def attend(
    query: Tensor, keys: Tensor, values: Tensor, causal: bool = False
) -> Tensor:
    """Return softmax(Q K^T / sqrt(d)) V, what each query finds.

    query has shape (..., n, d), keys (..., m, d), values (..., m, e),
    the result (..., n, e). With causal=True query i sees only the keys
    j <= i. Raises ValueError if queries and keys differ in d, or there
    are not as many values as keys.
    """
    d = query.shape[-1]
    if d != keys.shape[-1] or keys.shape[-2] != values.shape[-2]:
        raise ValueError(f"{query.shape}, {keys.shape}, {values.shape}")
    scores = query @ keys.mT / math.sqrt(d)  # (..., n, m)
    if causal:
        seen = torch.ones_like(scores).tril()  # 1 where j <= i
        scores = scores.masked_fill(seen == 0, -math.inf)
    return scores.softmax(dim=-1) @ values
