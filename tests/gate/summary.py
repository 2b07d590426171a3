# %% exr-summary-conv-matrix: the convolution of the unit vectors
import torch


def conv_matrix(kernel, n):
    if not 1 <= len(kernel) <= n:
        raise ValueError("no place for the kernel")
    eye = torch.eye(n, dtype=kernel.dtype, device=kernel.device)
    return torch.conv1d(eye[:, None], kernel[None, None])[:, 0].mT


# %% exr-summary-conv-matrix: a sum of shifted diagonals
import torch


def conv_matrix(kernel, n):
    rows = n - len(kernel) + 1
    if len(kernel) == 0 or rows < 1:
        raise ValueError("no place for the kernel")
    places = torch.arange(n)[None, :] - torch.arange(rows)[:, None]
    inside = (places >= 0) & (places < len(kernel))
    return torch.where(inside, kernel[places.clamp(0, len(kernel) - 1)], 0)


# %% exr-summary-set: layers by name, and the sum by einsum
import torch
from torch import nn


class SetNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.a, self.b = nn.Linear(d_in, h), nn.Linear(h, h)
        self.c, self.d = nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x):
        each = self.b(torch.relu(self.a(x)))
        return self.d(torch.relu(self.c(torch.einsum("bnh->bh", each))))


# %% exr-summary-set: the mean times the number, with other sizes in between
import torch
from torch import nn


class SetNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.each = nn.Sequential(nn.Linear(d_in, 2 * h), nn.ReLU(), nn.Linear(2 * h, h))
        self.rest = nn.Sequential(nn.Linear(h, 3 * h), nn.ReLU(), nn.Linear(3 * h, d_out))

    def forward(self, x):
        return self.rest(self.each(x).mean(1) * x.shape[1])


# %% exr-summary-attend: exponentials, a product with the mask, and a division
import torch


def attend(query, keys, values, causal=False):
    (n, d), m = query.shape[-2:], keys.shape[-2]
    if keys.shape[-1] != d or values.shape[-2] != m:
        raise ValueError("sizes")
    scores = torch.einsum("...qe,...ke->...qk", query, keys) * d**-0.5
    seen = torch.ones(n, m, dtype=torch.bool)
    if causal:
        seen = torch.arange(m) <= torch.arange(n)[:, None]
    largest = torch.where(seen, scores, -torch.inf).amax(-1, keepdim=True)
    weights = (scores - largest.detach()).clamp(max=0).exp() * seen
    return weights / weights.sum(-1, keepdim=True) @ values


# %% exr-summary-attend: one query after the other
import torch


def attend(query, keys, values, causal=False):
    if keys.shape[-1] != query.shape[-1] or values.shape[-2] != keys.shape[-2]:
        raise ValueError("sizes")
    found = []
    for i in range(query.shape[-2]):
        seen = min(i + 1, keys.shape[-2]) if causal else keys.shape[-2]
        k, v = keys[..., :seen, :], values[..., :seen, :]
        scores = k @ query[..., i, :, None] / query.shape[-1] ** 0.5
        found.append((torch.softmax(scores, dim=-2) * v).sum(-2))
    return torch.stack(found, dim=-2)
