"""Exercises: 自动微分 · Autograd

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try autograd

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum d024cbe1c612: untouched so far.

# %% exr-autograd-by-hand
# 纸上的反向传播 ★
# Backward on paper ★
def by_hand() -> dict[str, float]:
    """Return the gradient of f = (x*y + x) * y at x = 2, y = 3.

    The keys are "x" and "y", as in {"x": df/dx, "y": df/dy}.
    """
    raise NotImplementedError("exr-autograd-by-hand")


# %% exr-autograd-maximum
# 为 maximum 编写规则 ★
# A rule for maximum ★
from torchbook.autograd_engine import Value


def maximum(a: Value, b: Value) -> Value:
    """Return the larger of a and b: one new node, with parents a and b.

    The gradient goes to the larger one; where both are equal it is
    shared as torch.maximum shares it.
    """
    raise NotImplementedError("exr-autograd-maximum")


# %% exr-autograd-best-step
# 谷底在哪里 ★★
# Where the valley is ★★
def best_step(u: float) -> float:
    """Return the h > 0 at which h**2 / 6 + u / h is smallest."""
    raise NotImplementedError("exr-autograd-best-step")


# %% exr-autograd-jacobian
# 逐行计算雅可比矩阵 ★★
# The Jacobian, row by row ★★
from collections.abc import Callable

import torch
from torch import Tensor


def jacobian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the Jacobian matrix of f at x, row by row.

    x has shape (n,) and requires a gradient; f(x) has shape (m,) and
    the result (m, n). x.grad is left alone.
    """
    raise NotImplementedError("exr-autograd-jacobian")


# %% exr-autograd-straight-through
# 取整也要有梯度 ★★
# Rounding with a gradient ★★
import torch
from torch import Tensor


def round_through(x: Tensor) -> Tensor:
    """Round x elementwise, but let the gradient pass unchanged.

    Any shape, any floating dtype; the result has those of x.
    """
    raise NotImplementedError("exr-autograd-straight-through")


# %% exr-autograd-forward-sweep
# 向前走一遍 ★★★
# Walking forward ★★★
from torchbook.autograd_engine import Node


def forward_sweep(output: Node, speeds: dict[Node, float]) -> float:
    """Return the speed of output when the leaves move at given speeds.

    speeds maps leaves to numbers; a leaf not in it stands still. Only
    history() and edges are needed; no grad is changed.
    """
    raise NotImplementedError("exr-autograd-forward-sweep")
