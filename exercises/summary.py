"""Exercises: 总结与延伸阅读 · Summary and further reading

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try summary

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 25c5d2ebd5b0: untouched so far.

# %% exr-summary-count
# 在纸上数参数 ★
# Counting parameters on paper ★
def counts_by_hand() -> dict[str, int]:
    """Return the number of parameters of each layer, biases included.

    "linear": nn.Linear(30, 20); "conv": nn.Conv2d(3, 16, 5);
    "rnn": nn.RNN(30, 20); "attention": nn.MultiheadAttention(12, 3).
    """
    raise NotImplementedError("exr-summary-count")


# %% exr-summary-conv-matrix
# 卷积是一个矩阵 ★★
# Convolution is a matrix ★★
import torch
from torch import Tensor


def conv_matrix(kernel: Tensor, n: int) -> Tensor:
    """Return the matrix of nn.Conv1d on a signal of n numbers.

    kernel has shape (k,), the result (n - k + 1, n), with the dtype of
    kernel; conv_matrix(kernel, n) @ x is what the convolution, without
    padding or bias, makes of x, shape (n,). Raises ValueError unless
    1 <= k <= n.
    """
    raise NotImplementedError("exr-summary-conv-matrix")


# %% exr-summary-set
# 第五种层：集合 ★★
# A fifth layer, for sets ★★
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
        raise NotImplementedError("exr-summary-set")

    def forward(self, x: Tensor) -> Tensor:
        """Return one answer for each set, shape (B, d_out)."""
        raise NotImplementedError("exr-summary-set")


# %% exr-summary-attend
# 自己写一遍注意力 ★★★
# Attention, written out ★★★
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
    raise NotImplementedError("exr-summary-attend")
