# Generated from chapters/zh/13-recurrence.qmd: edit there.
# Checksum c0274582484a: a change made here is refused, not lost.
# %% exr-recurrence-by-hand
def three_steps() -> dict[str, float]:
    """Return gradients of L = (h3 - y)**2 / 2 and one that is cut.

    h_t = w * x_t + u * h_{t-1}; w = 2, u = 0.5, x = 1, 2, -1, h0 = 0,
    y = -1.5. "u", "w", "x1": dL/du, dL/dw, dL/dx1; "cut": dL/du when
    h2 is detached before the third step.
    """
    return {"u": 12.0, "w": 0.5, "x1": 1.0, "cut": 10.0}


# %% exr-recurrence-forget
def forgetting() -> dict[str, float]:
    """Return how a state c is kept by a gate that doesn't change.

    c_t = f * c_{t-1}. "steps": the least whole number of steps after
    which less than 1% is left, for f = 0.9; "plain": the same for a
    factor of 1 / sqrt(3); "gate": the f of which half is left after
    100 steps, to four decimals; "bias": the b with sigmoid(b) = f for
    this f, to two decimals.
    """
    return {"steps": 44, "plain": 9, "gate": 0.9931, "bias": 4.97}


# %% exr-recurrence-reverse
import torch
from torch import Tensor


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x with each sequence back to front, its padding in place.

    x: (B, T, ...), lengths: (B,), int64, each of 1..T. Entries after a
    sequence's end stay where they are. A new tensor, with x's shape and
    type; the gradient goes back to the entries it came from.
    """
    places = torch.arange(x.shape[1], device=x.device)  # (T,)
    mirror = lengths[:, None] - 1 - places  # (B, T)
    source = torch.where(mirror >= 0, mirror, places)
    rows = torch.arange(len(x), device=x.device)[:, None]  # (B, 1)
    return x[rows, source]


# %% exr-recurrence-free-run
import torch
from torch import Tensor, nn


def free_run(model: nn.Module, window: Tensor, steps: int) -> Tensor:
    """Forecast several steps ahead: (B, T) -> (B, steps).

    model maps a window, (B, T), to what follows it, (B,). Each forecast
    reads the last T entries, of which the newest may be forecasts
    themselves. Computed in evaluation mode and without a graph; then
    the model has its old mode again. steps is 1 or more.
    """
    before, size = model.training, window.shape[1]
    model.eval()
    with torch.no_grad():
        for _ in range(steps):
            new = model(window[:, -size:])  # (B,)
            window = torch.cat([window, new[:, None]], dim=1)
    model.train(before)
    return window[:, size:]


# %% exr-recurrence-stream
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
    losses, state = [], None
    for part, target in zip(x.split(size, 1), y.split(size, 1)):
        outputs, state = layer(part, state)
        loss = nn.functional.mse_loss(head(outputs), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if isinstance(state, tuple):
            state = tuple(s.detach() for s in state)
        else:
            state = state.detach()
    return losses
