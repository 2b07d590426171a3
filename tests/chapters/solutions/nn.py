# Generated from chapters/zh/06-nn.qmd: edit there.
# Checksum 7657d563dd8a: a change made here is refused, not lost.
# %% exr-nn-one-step
def one_step_by_hand() -> dict[str, tuple[float, ...]]:
    """Return your numbers, units in order: one tuple for each name.

    "hidden": h; "w2_grad", "w1_grad": gradients of v and of w;
    "w1_new": w after the step; "losses": before and after the step.
    """
    return {
        "hidden": (1.0, 0.0),
        "w2_grad": (2.0, 0.0),
        "w1_grad": (8.0, 0.0),
        "w1_new": (-0.3, -1.0),
        "losses": (1.0, 1.0),
    }


# %% exr-nn-gradients
import torch
from torch import Tensor


def gradients_by_hand(
    x: Tensor, y: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients of the mean squared error, autograd unused.

    Shapes: x (n, d), y (n, o), w1 (h, d), b1 (h,), w2 (o, h), b2 (o,).
    The net is relu(x @ w1.mT + b1) @ w2.mT + b2. The gradients come in
    the order w1, b1, w2, b2, each with the shape of its parameter.
    """
    z = x @ w1.mT + b1  # (n, h)
    hidden = z.relu()  # (n, h)
    y_hat = hidden @ w2.mT + b2  # (n, o)
    dy = 2 * (y_hat - y) / y.numel()  # (n, o)
    dw2 = dy.mT @ hidden  # (o, n) @ (n, h)
    dz = (dy @ w2) * (z > 0)  # (n, h)
    dw1 = dz.mT @ x  # (h, n) @ (n, d)
    return dw1, dz.sum(dim=0), dw2, dy.sum(dim=0)


# %% exr-nn-evaluate
import torch
from torch import Tensor, nn


def mean_loss(
    model: nn.Module, x: Tensor, y: Tensor, size: int
) -> float:
    """Return the mean squared error over all elements of y.

    model sees every row once, in evaluation mode, at most `size` rows
    at a time; the last batch may be smaller. Nothing is recorded.
    Afterwards weights, gradients, and the mode of every module are
    what they were.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    total = 0.0
    try:
        with torch.no_grad():
            for rows, targets in zip(x.split(size), y.split(size)):
                total += (model(rows) - targets).square().sum().item()
    finally:
        for module, training in modes:
            module.training = training
    return total / y.numel()


# %% exr-nn-scale
def scales_by_hand() -> dict[str, float]:
    """Return your two numbers.

    "default": by what factor one default Linear without bias and the
    ReLU after it multiply the mean square. "keep": the k for which
    bounds of sqrt(k / fan_in) leave the mean square as it was.
    """
    return {"default": 1 / 6, "keep": 6.0}


# %% exr-nn-batches
import torch
from torch import Tensor, nn


def train_in_batches(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    size: int,
    epochs: int,
    generator: torch.Generator,
) -> list[float]:
    """Train on shuffled batches; return one loss for each epoch.

    In an epoch every row is used once, in an order that generator (on
    the CPU) draws anew, `size` rows at a time; the last batch may be
    smaller. After each batch the weights take one plain step along the
    batch's mean squared error. An epoch's loss is the mean over all
    elements of y of what the batches measured. But for the weights
    and their .grad, the model stays as it was, in its mode too.
    """
    mse = nn.MSELoss()
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator).to(x.device)
        total = 0.0
        for rows in order.split(size):
            loss = mse(model(x[rows]), y[rows])
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    p -= lr * p.grad
            total += loss.item() * len(rows)
        losses.append(total / len(x))
    return losses
