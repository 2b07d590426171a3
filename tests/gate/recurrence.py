# %% exr-recurrence-reverse: sequence by sequence, with flip and cat
import torch


def reverse(x, lengths):
    rows = [
        torch.cat([row[:n].flip(0), row[n:]])
        for row, n in zip(x, lengths.tolist(), strict=True)
    ]
    return torch.stack(rows)


# %% exr-recurrence-reverse: gather along time, with an index widened to x
import torch


def reverse(x, lengths):
    t = torch.arange(x.shape[1]).expand(len(x), -1)
    n = lengths.unsqueeze(1)
    index = torch.where(t < n, n - 1 - t, t)
    index = index.view(*index.shape, *[1] * (x.dim() - 2))
    return x.gather(1, index.expand_as(x))


# %% exr-recurrence-reverse: flip everything, then roll each row
import torch


def reverse(x, lengths):
    out = x.clone()
    for i, n in enumerate(lengths.tolist()):
        turned = x[i].flip(0).roll(n, 0)
        out[i, :n] = turned[:n]
    return out


# %% exr-recurrence-free-run: a window that is shifted, and a list of forecasts
import torch


def free_run(model, window, steps):
    was = model.training
    found = []
    model.train(False)
    with torch.inference_mode():
        for _ in range(steps):
            found.append(model(window).unsqueeze(1))
            window = torch.cat((window[:, 1:], found[-1]), 1)
    model.train(was)
    return torch.cat(found, 1).clone()


# %% exr-recurrence-free-run: a table made once and filled from left to right
import torch


@torch.no_grad()
def free_run(model, window, steps):
    modes = {part: part.training for part in model.modules()}
    model.eval()
    count, size = window.shape
    table = window.new_empty(count, size + steps)
    table[:, :size] = window
    for t in range(size, size + steps):
        table[:, t] = model(table[:, t - size : t])
    for part, mode in modes.items():
        part.training = mode
    return table[:, size:].clone()


# %% exr-recurrence-stream: cut on the way in, by a slice of positions
import torch
from torch import nn


def train_stream(layer, head, x, y, size, optimizer):
    def cut(state):
        if isinstance(state, torch.Tensor):
            return state.detach()
        return tuple(map(cut, state))

    state, losses = None, []
    for start in range(0, x.size(1), size):
        if state is not None:
            state = cut(state)
        out, state = layer(x[:, start : start + size], state)
        loss = (head(out) - y[:, start : start + size]).pow(2).mean()
        losses.append(loss.detach())
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
    return losses


# %% exr-recurrence-stream: gradients by autograd.grad, states copied without a graph
import torch
from torch import nn


def train_stream(layer, head, x, y, size, optimizer):
    weights = [p for group in optimizer.param_groups for p in group["params"]]
    state, losses = None, []
    pairs = list(zip(x.split(size, 1), y.split(size, 1), strict=True))
    for part, target in pairs:
        out, new = layer(part) if state is None else layer(part, state)
        loss = nn.MSELoss()(head(out), target)
        for p, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            p.grad = g
        optimizer.step()
        losses.append(float(loss))
        with torch.no_grad():
            state = tuple(s.clone() for s in new) if isinstance(new, tuple) else new.clone()
    return losses
