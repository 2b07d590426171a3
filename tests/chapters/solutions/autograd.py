# Generated from chapters/zh/05-autograd.qmd: edit there.
# Checksum f69591bd428b: a change made here is refused, not lost.
# %% exr-autograd-by-hand
def by_hand() -> dict[str, float]:
    """Return the gradient of f = (x*y + x) * y at x = 2, y = 3.

    The keys are "x" and "y", as in {"x": df/dx, "y": df/dy}.
    """
    return {"x": 12.0, "y": 14.0}


# %% exr-autograd-maximum
from torchbook.autograd_engine import Value


def maximum(a: Value, b: Value) -> Value:
    """Return the larger of a and b: one new node, with parents a and b.

    The gradient goes to the larger one; where both are equal it is
    shared as torch.maximum shares it.
    """
    share = 0.5 if a.data == b.data else float(a.data > b.data)
    larger = max(a.data, b.data)
    return Value(larger, [(a, share), (b, 1.0 - share)], "max")


# %% exr-autograd-best-step
def best_step(u: float) -> float:
    """Return the h > 0 at which h**2 / 6 + u / h is smallest."""
    return (3 * u) ** (1 / 3)


# %% exr-autograd-jacobian
from collections.abc import Callable

import torch
from torch import Tensor


def jacobian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the Jacobian matrix of f at x, row by row.

    x has shape (n,) and requires a gradient; f(x) has shape (m,) and
    the result (m, n). x.grad is left alone.
    """
    x = x.detach().requires_grad_()
    y = f(x)
    rows = [
        torch.autograd.grad(y, x, v, retain_graph=True)[0]
        for v in torch.eye(len(y), dtype=y.dtype, device=y.device)
    ]
    return torch.stack(rows)


# %% exr-autograd-straight-through
import torch
from torch import Tensor


def round_through(x: Tensor) -> Tensor:
    """Round x elementwise, but let the gradient pass unchanged.

    Any shape, any floating dtype; the result has those of x.
    """
    return x + (torch.round(x) - x).detach()


# %% exr-autograd-forward-sweep
from torchbook.autograd_engine import Node


def forward_sweep(output: Node, speeds: dict[Node, float]) -> float:
    """Return the speed of output when the leaves move at given speeds.

    speeds maps leaves to numbers; a leaf not in it stands still. Only
    history() and edges are needed; no grad is changed.
    """
    speed: dict[Node, float] = {}
    for node in reversed(output.history()):
        carried = sum(slope * speed[p] for p, slope in node.edges)
        speed[node] = speeds.get(node, 0.0) + carried
    return speed[output]
