# Generated from chapters/zh/07-optim.qmd: edit there.
# Checksum a2853d5f3eb0: a change made here is refused, not lost.
# %% optim-object
"""Optimizers written out: each is a rule for one step."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

Memory = dict[str, Tensor | int]


class Optimizer:
    """Parameters, a learning rate, and a memory for each parameter.

    The rule here is plain gradient descent; subclasses change it.
    Raises ValueError if there are no parameters.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        self.params = list(params)
        if not self.params:
            raise ValueError("no parameters: an iterator used up?")
        self.lr = lr
        self.memory: list[Memory] = [{} for _ in self.params]

    def change(self, g: Tensor, memory: Memory) -> Tensor:
        """Return what to subtract, in the shape of the gradient g."""
        return self.lr * g

    @torch.no_grad()
    def step(self) -> None:
        """Move each parameter that has a gradient, in place."""
        for p, memory in zip(self.params, self.memory, strict=True):
            if p.grad is not None:
                p -= self.change(p.grad, memory)

    def zero_grad(self) -> None:
        """Drop the gradients: each .grad becomes None."""
        for p in self.params:
            p.grad = None


# %% optim-sgd
class SGD(Optimizer):
    """Gradient descent with momentum, as in torch.optim.SGD.

    u = momentum * u + g, from u = 0; then w = w - lr * u. With
    nesterov, w = w - lr * (g + momentum * u), looking a step ahead.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.momentum, self.nesterov = momentum, nesterov

    def change(self, g: Tensor, memory: Memory) -> Tensor:
        u = self.momentum * memory.get("u", 0) + g
        memory["u"] = u
        return self.lr * (g + self.momentum * u if self.nesterov else u)


# %% optim-adaptive
class Adagrad(Optimizer):
    """Divide by the root of the sum of squared gradients.

    Source: Duchi, Hazan and Singer (2011), with torch's eps.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-2,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(params, lr)
        self.eps = eps

    def change(self, g: Tensor, memory: Memory) -> Tensor:
        s = memory["s"] = memory.get("s", 0) + g * g
        return self.lr * g / (s.sqrt() + self.eps)


class RMSprop(Optimizer):
    """Divide by the root of a moving average of squared gradients.

    Source: Tieleman and Hinton (2012), with torch's eps.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.alpha, self.eps = alpha, eps

    def change(self, g: Tensor, memory: Memory) -> Tensor:
        s = self.alpha * memory.get("s", 0) + (1 - self.alpha) * g * g
        memory["s"] = s
        return self.lr * g / (s.sqrt() + self.eps)


# %% optim-adam
class Adam(Optimizer):
    """Momentum over the root of squared gradients, both averaged.

    Source: Kingma and Ba (2015), algorithm 1; same defaults, with
    lr for alpha. betas are the weights of the old averages.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.betas, self.eps = betas, eps

    def change(self, g: Tensor, memory: Memory) -> Tensor:
        b1, b2 = self.betas
        t = memory["t"] = memory.get("t", 0) + 1
        m = memory["m"] = b1 * memory.get("m", 0) + (1 - b1) * g
        v = memory["v"] = b2 * memory.get("v", 0) + (1 - b2) * g * g
        m, v = m / (1 - b1**t), v / (1 - b2**t)
        return self.lr * m / (v.sqrt() + self.eps)


# %% optim-train-with
def train_with(
    optimizer: Optimizer | torch.optim.Optimizer,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    steps: int,
) -> list[float]:
    """Train model on all of x, y at each step, with nn.MSELoss.

    The optimizer must hold the model's parameters. Returns the loss
    before each step and after the last one, steps + 1 numbers.
    """
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        losses.append(nn.functional.mse_loss(model(x), y).item())
    return losses
