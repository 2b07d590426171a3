# Generated from chapters/zh/06-nn.qmd: edit there.
# Checksum 964923125ddb: a change made here is refused, not lost.
# %% nn-net
"""The two-layer net: its data, its layers, and training by hand."""

import torch
from torch import Tensor, nn

N, D_IN, H, D_OUT = 64, 1000, 100, 10


def make_data(
    seed: int = 0, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Return x, shape (N, D_IN), and y, shape (N, D_OUT).

    Both are standard normal and independent of each other. A seed
    gives the same numbers on every device.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(N, D_IN, generator=generator)
    y = torch.randn(N, D_OUT, generator=generator)
    return x.to(device), y.to(device)


def two_layer_net(
    d_in: int = D_IN, h: int = H, d_out: int = D_OUT
) -> nn.Sequential:
    """Return Linear, ReLU, Linear: shapes (*, d_in) -> (*, d_out)."""
    return nn.Sequential(
        nn.Linear(d_in, h),
        nn.ReLU(),
        nn.Linear(h, d_out),
    )


# %% nn-train
def train_by_hand(
    model: nn.Module, x: Tensor, y: Tensor, lr: float, steps: int
) -> list[float]:
    """Train model on one batch by plain steps; return the losses.

    Every step computes the mean squared error over all elements of y,
    then moves each parameter by -lr times its gradient. The loss in
    place k was measured before step k changed the weights.
    """
    mse = nn.MSELoss()
    losses = []
    for _ in range(steps):
        loss = mse(model(x), y)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= lr * p.grad
        losses.append(loss.item())
    return losses
