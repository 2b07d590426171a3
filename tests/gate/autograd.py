"""Other right answers to the exercises of the chapter on autograd."""

# %% exr-autograd-maximum: three cases, each with edges of its own
from torchbook.autograd_engine import Value


def maximum(a: Value, b: Value) -> Value:
    if a.data > b.data:
        return Value(a.data, [(a, 1.0), (b, 0.0)], "max")
    if a.data < b.data:
        return Value(b.data, [(a, 0.0), (b, 1.0)], "max")
    return Value(a.data, [(a, 0.5), (b, 0.5)], "max")


# %% exr-autograd-maximum: the slopes come from torch.maximum
import torch

from torchbook.autograd_engine import Value


def maximum(a, b):
    numbers = torch.tensor([a.data, b.data], dtype=torch.float64)
    numbers.requires_grad_()
    largest = torch.maximum(*numbers)
    largest.backward()
    slopes = numbers.grad.tolist()
    return Value(largest.item(), [(a, slopes[0]), (b, slopes[1])], "∨")


# %% exr-autograd-maximum: by the sign of the difference, and one edge for one parent
import math

from torchbook.autograd_engine import Value


def maximum(a, b):
    if a is b:
        return Value(a.data, [(a, 1.0)])
    gap = a.data - b.data
    sign = math.copysign(1.0, gap) if gap else 0.0
    number = (a.data + b.data + abs(gap)) / 2
    return Value(number, ((a, (1 + sign) / 2), (b, (1 - sign) / 2)), "max")


# %% exr-autograd-best-step: by logarithms
import math


def best_step(u):
    return math.exp(math.log(3 * u) / 3)


# %% exr-autograd-best-step: the slope's zero by halving
def best_step(u):
    low, high = 0.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle**3 < 3 * u:
            low = middle
        else:
            high = middle
    return high


# %% exr-autograd-best-step: the cube root of NumPy
import numpy as np


def best_step(u):
    return np.cbrt(3 * u)


# %% exr-autograd-jacobian: backward on a leaf of its own, cleared each time
import torch


def jacobian(f, x):
    leaf = x.detach().clone().requires_grad_(True)
    y = f(leaf)
    found = torch.empty(len(y), len(leaf), dtype=y.dtype, device=y.device)
    for i in range(len(y)):
        leaf.grad = None
        y[i].backward(retain_graph=True)
        found[i] = leaf.grad
    return found


# %% exr-autograd-jacobian: all rows in one walk
import torch


def jacobian(f, x):
    y = f(x)
    rows = torch.eye(y.numel(), dtype=y.dtype, device=y.device)
    return torch.autograd.grad(y, x, rows, is_grads_batched=True)[0]


# %% exr-autograd-jacobian: torch.func
import torch


def jacobian(f, x):
    return torch.func.jacrev(f)(x).detach()


# %% exr-autograd-jacobian: a new graph for each row
import torch


def jacobian(f, x):
    count = f(x).shape[0]
    return torch.stack([torch.autograd.grad(f(x)[i], x)[0] for i in range(count)])


# %% exr-autograd-straight-through: a Function
import torch


class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


def round_through(x):
    return Through.apply(x)


# %% exr-autograd-straight-through: the rounded value, and a zero with the slope
def round_through(x):
    return x.detach().round() + (x - x.detach())


# %% exr-autograd-forward-sweep: recursion from the output, with a memory
def forward_sweep(output, speeds):
    known = {}

    def speed(node):
        if node not in known:
            own = speeds.get(node, 0.0)
            known[node] = own + sum(s * speed(p) for p, s in node.edges)
        return known[node]

    return speed(output)


# %% exr-autograd-forward-sweep: backward of its own, then a sum over the leaves
def forward_sweep(output, speeds):
    order = output.history()
    share = dict.fromkeys(order, 0.0)
    share[output] = 1.0
    for node in order:
        for parent, slope in node.edges:
            share[parent] += slope * share[node]
    return sum(share.get(leaf, 0.0) * v for leaf, v in speeds.items())


# %% exr-autograd-forward-sweep: each node hands its speed on to those made from it
def forward_sweep(output, speeds):
    order = output.history()[::-1]
    uses = {node: [] for node in order}
    for node in order:
        for parent, slope in node.edges:
            uses[parent].append((node, slope))
    speed = dict.fromkeys(order, 0.0)
    for node in order:
        speed[node] += speeds.get(node, 0.0)
        for child, slope in uses[node]:
            speed[child] += slope * speed[node]
    return speed[output]


# %% exr-autograd-jacobian: column by column, by differentiating the walk back
import torch


def jacobian(f, x):
    leaf = x.detach().requires_grad_()
    y = f(leaf)
    v = torch.ones_like(y, requires_grad=True)
    (row,) = torch.autograd.grad(y, leaf, v, create_graph=True)
    columns = [torch.autograd.grad(part, v, retain_graph=True)[0] for part in row]
    return torch.stack(columns, dim=1)
