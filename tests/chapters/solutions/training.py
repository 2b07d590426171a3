# Generated from chapters/zh/11-training.qmd: edit there.
# Checksum 7bb2b62801ae: a change made here is refused, not lost.
# %% exr-training-by-hand
def three_scores() -> dict[str, float | tuple[float, ...]]:
    """Return what comes out for scores 0, ln 2, ln 3; class 2 is right.

    "p": three probabilities; "loss"; "gradient": three numbers;
    "floor": the smallest loss with two softmaxes and three classes.
    Two decimals will do.
    """
    return {
        "p": (0.17, 0.33, 0.5),
        "loss": 1.1,
        "gradient": (0.17, -0.67, 0.5),
        "floor": 0.55,
    }


# %% exr-training-table
def table() -> dict[str, float]:
    """Return "accuracy", and "precision", "recall", "f1" of class 1.

    And "lazy", the accuracy of always answering 2. Two decimals will
    do.
    """
    return {"accuracy": 0.88, "precision": 0.83, "recall": 0.5,
            "f1": 0.625, "lazy": 0.67}


# %% exr-training-mistakes
from torch.nn import functional as F


def one_epoch(model, batches, optimizer) -> float:
    """Train on each batch (x, y) once; return the mean loss.

    The loss is cross-entropy, measured before each step; its mean is
    over all examples. Trains in training mode. Raises ValueError if
    there are no batches.
    """
    model.train()
    total, seen = 0.0, 0
    for x, y in batches:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        seen += len(y)
    if seen == 0:
        raise ValueError("batches: there are none")
    return total / seen


# %% exr-training-binary
import torch
from torch import Tensor


def binary_loss(z: Tensor, t: Tensor) -> Tensor:
    """Return the mean cross-entropy of scores z for class 1.

    z, t: the same shape, t of 0. and 1. Right for scores of any size,
    and so is its gradient, at z = 0 too.
    """
    zero = torch.zeros_like(z)
    return (torch.logaddexp(zero, z) - t * z).mean()


# %% exr-training-scores
from torch import Tensor


def per_class(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return precision, recall and F1 score of each class.

    matrix: (K, K), counts; row: true class, column: predicted. Three
    float64 tensors (K,); 0 where a denominator is 0.
    """
    hits = matrix.diagonal().double()  # (K,)
    said, real = matrix.sum(dim=0), matrix.sum(dim=1)  # (K,), (K,)
    precision = hits / said.clamp(min=1)
    recall = hits / real.clamp(min=1)
    f1 = 2 * hits / (said + real).clamp(min=1)
    return precision, recall, f1


# %% exr-training-temperature
import math

from torch import Tensor


def fit_temperature(logits: Tensor, target: Tensor) -> float:
    """Return the T with the smallest cross-entropy of logits / T.

    logits: (n, K), target: (n,). 0.05 <= T <= 20, right to one part
    in a thousand.
    """
    z = logits.detach().double()
    own = z.gather(-1, target[:, None]).squeeze(-1)  # (n,)
    low, high = 0.05, 20.0
    for _ in range(40):
        T = math.sqrt(low * high)
        p = (z / T).softmax(dim=-1)  # (n, K)
        if ((p * z).sum(dim=-1) - own).mean() > 0:
            low = T  # too sure: the scores are too large
        else:
            high = T
    return math.sqrt(low * high)
