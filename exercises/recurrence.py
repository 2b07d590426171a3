"""Exercises: 循环网络 · Recurrent networks

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try recurrence

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum c4a323b86476: untouched so far.

# %% exr-recurrence-by-hand
# 往回走三步 ★
# Three steps back ★
def three_steps() -> dict[str, float]:
    """Return gradients of L = (h3 - y)**2 / 2 and one that is cut.

    h_t = w * x_t + u * h_{t-1}; w = 2, u = 0.5, x = 1, 2, -1, h0 = 0,
    y = -1.5. "u", "w", "x1": dL/du, dL/dw, dL/dx1; "cut": dL/du when
    h2 is detached before the third step.
    """
    raise NotImplementedError("exr-recurrence-by-hand")


# %% exr-recurrence-forget
# 门能记住多久 ★★
# How long a gate remembers ★★
def forgetting() -> dict[str, float]:
    """Return how a state c is kept by a gate that doesn't change.

    c_t = f * c_{t-1}. "steps": the least whole number of steps after
    which less than 1% is left, for f = 0.9; "plain": the same for a
    factor of 1 / sqrt(3); "gate": the f of which half is left after
    100 steps, to four decimals; "bias": the b with sigmoid(b) = f for
    this f, to two decimals.
    """
    raise NotImplementedError("exr-recurrence-forget")


# %% exr-recurrence-reverse
# 倒过来读，填充不动 ★★
# Back to front, padding aside ★★
import torch
from torch import Tensor


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x with each sequence back to front, its padding in place.

    x: (B, T, ...), lengths: (B,), int64, each of 1..T. Entries after a
    sequence's end stay where they are. A new tensor, with x's shape and
    type; the gradient goes back to the entries it came from.
    """
    raise NotImplementedError("exr-recurrence-reverse")


# %% exr-recurrence-free-run
# 提前十年 ★★
# Ten years ahead ★★
import torch
from torch import Tensor, nn


def free_run(model: nn.Module, window: Tensor, steps: int) -> Tensor:
    """Forecast several steps ahead: (B, T) -> (B, steps).

    model maps a window, (B, T), to what follows it, (B,). Each forecast
    reads the last T entries, of which the newest may be forecasts
    themselves. Computed in evaluation mode and without a graph; then
    the model has its old mode again. steps is 1 or more.
    """
    raise NotImplementedError("exr-recurrence-free-run")


# %% exr-recurrence-stream
# 分段训练长流 ★★★
# A stream in pieces ★★★
import torch
from torch import Tensor, nn


def train_stream(
    layer: nn.RNNBase, head: nn.Module, x: Tensor, y: Tensor,
    size: int, optimizer: torch.optim.Optimizer,
) -> list[float]:
    """Go along x in pieces of size steps, one update for each.

    layer: an nn.RNN, nn.GRU or nn.LSTM with batch_first; head maps its
    outputs, (B, t, H), to (B, t, K). x: (B, T, F), y: (B, T, K). The
    state goes on from piece to piece, beginning with zeros; gradients
    don't. The last piece may be shorter. Returns the mean squared
    error of each piece, before its update.
    """
    raise NotImplementedError("exr-recurrence-stream")
