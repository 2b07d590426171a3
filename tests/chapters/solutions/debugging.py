# Generated from chapters/zh/20-debugging.qmd: edit there.
# Checksum e8b1fa093b78: a change made here is refused, not lost.
# %% exr-debugging-by-hand
def four_symptoms() -> dict[str, float]:
    """Return four numbers that are symptoms.

    "loss": of predictions that are right but have shape (3, 1);
    "weight": after four steps; "rate": for a sum over 50 rows;
    "ratio": of the first step. Two digits will do.
    """
    return {"loss": 9.33, "weight": 3.0, "rate": 0.002, "ratio": 0.173}


# %% exr-debugging-ledger
def kept_bytes() -> dict[str, int]:
    """Return how many bytes graphs keep, without the weights.

    "hidden": the output of the ReLU; "batch": all of one batch;
    "hundred": of a hundred batches whose losses are kept; "after":
    of the same, if backward() was called on all but the last.
    """
    batch = 8192 + 16384 + 1280 + 256
    return {"hidden": 16384, "batch": batch,
            "hundred": 100 * batch, "after": batch}


# %% exr-debugging-regression
def train_step(model, optimizer, x, y) -> float:
    """Take one step on a batch; return its mean squared error.

    model(x): (n, 1); y: (n,) or (n, 1). The error is a plain number,
    the mean over the rows, measured before the step.
    """
    loss = (model(x).squeeze(-1) - y.reshape(len(y))).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# %% exr-debugging-evaluate
import torch
from torch.nn import functional as F


def validate(model, batches) -> list[float]:
    """Return the mean cross-entropy of each batch (x, y).

    Plain numbers. Computes in evaluation mode and builds no graph;
    then each module is in the mode that it was in.
    """
    modes = {part: part.training for part in model.modules()}
    model.eval()
    with torch.no_grad():
        losses = [F.cross_entropy(model(x), y).item()
                  for x, y in batches]
    for part, mode in modes.items():
        part.training = mode
    return losses


# %% exr-debugging-shuffle
import torch
from torch import Tensor


def epoch_by_hand(
    w: Tensor, x: Tensor, y: Tensor, lr: float,
    generator: torch.Generator,
) -> None:
    """Train w on each row once, in batches of 32, in place.

    w: (d, K), a leaf; x: (n, d); y: (n,), classes. The order is one
    torch.randperm(n, generator=generator), drawn on the CPU. w, x, y
    are on one device, any. No gradient is left in w.
    """
    order = torch.randperm(len(x), generator=generator).to(x.device)
    eye = torch.eye(w.shape[1], device=w.device)
    for rows in order.split(32):
        loss = (x[rows] @ w - eye[y[rows]]).square().sum(dim=1).mean()
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None


# %% exr-debugging-diagnose
import copy

import torch
from torch import nn


def diagnose(model, loss, x, y, lr) -> set[str]:
    """Return what a step of plain gradient descent would suffer from.

    "nan": the loss or a gradient isn't finite (then nothing else is
    reported); "dead": of some nn.ReLU, more than half of the units
    are 0 on every row; "rate": a parameter of two or more dimensions
    would move by more than a tenth of its length. loss(output, y) is
    one number. Computes in the model's own mode. Changes nothing:
    model, gradients, hooks, modes.
    """
    found, twin = set(), copy.deepcopy(model)

    def look(module, args, output):
        if (output == 0).all(dim=0).float().mean() > 0.5:
            found.add("dead")

    for part in twin.modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_hook(look)
    value = loss(twin(x), y)
    params = [p for p in twin.parameters() if p.requires_grad]
    grads = torch.autograd.grad(value, params, allow_unused=True)
    known = [value, *(g for g in grads if g is not None)]
    if not all(t.isfinite().all() for t in known):
        return {"nan"}
    for p, g in zip(params, grads):
        moves = g is not None and lr * g.norm() > 0.1 * p.norm()
        if moves and p.dim() > 1:
            found.add("rate")
    return found
