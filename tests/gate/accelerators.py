# %% exr-accelerators-move: torch's tree of containers
import torch
from torch.utils import _pytree


def move(batch, device):
    def there(part):
        return part.to(device) if isinstance(part, torch.Tensor) else part

    return _pytree.tree_map(there, batch)


# %% exr-accelerators-move: a match, tensors told by their method
import torch


def move(batch, device):
    match batch:
        case torch.Tensor():
            return batch.to(device=device)
        case dict():
            return dict(zip(batch, (move(v, device) for v in batch.values())))
        case list():
            return [move(v, device) for v in batch]
        case tuple() if type(batch) is tuple:
            return tuple(move(v, device) for v in batch)
        case tuple():
            return batch._replace(**{f: move(getattr(batch, f), device) for f in batch._fields})
    return batch


# %% exr-accelerators-move: an empty copy on the device, filled in
import torch


def move(batch, device):
    if torch.is_tensor(batch):
        return batch.to(device, copy=True)
    if isinstance(batch, dict):
        moved = {}
        for key in batch:
            moved[key] = move(batch[key], device)
        return moved
    if type(batch) in (list, tuple):
        return type(batch)(map(lambda part: move(part, device), batch))
    if isinstance(batch, tuple):
        return type(batch)._make(move(part, device) for part in batch)
    return batch


# %% exr-accelerators-waits: a list of losses, stacked at the end
import torch


def train_quietly(model, batches, loss, optimizer) -> float:
    values, sizes = [], []
    for x, y in batches:
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.detach())
        sizes.append(x.shape[0])
        del value
    if not sizes:
        raise ValueError("no batches")
    weights = torch.tensor(sizes, dtype=torch.float32)
    return float((torch.stack(values) * weights).sum() / weights.sum())


# %% exr-accelerators-waits: a tensor on the side that is added to in place
import torch


def train_quietly(model, batches, loss, optimizer) -> float:
    total, seen = torch.zeros(()), 0
    for inputs, targets in batches:
        model.zero_grad(set_to_none=True)
        value = loss(model(inputs), targets)
        value.backward()
        optimizer.step()
        with torch.no_grad():
            total.add_(value, alpha=len(inputs))
        seen += len(inputs)
    if not seen:
        raise ValueError("batches is empty")
    return total.div(seen).tolist()


# %% exr-accelerators-scaling: torch's scaler, asked for its scale
import torch


class Scaler:
    def __init__(self, scale=2.0**16, interval=2000):
        self.interval = interval
        self.inner = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=interval)
        self.scale = scale

    def step(self, loss, optimizer):
        before = self.inner.get_scale()
        self.inner.scale(loss).backward()
        self.inner.step(optimizer)
        self.inner.update()
        self.scale = self.inner.get_scale()
        return self.scale >= before


# %% exr-accelerators-scaling: the scale given to backward, gradients looked at by their sum
import torch


class Scaler:
    def __init__(self, scale=2.0**16, interval=2000):
        self.scale = scale
        self.interval = interval
        self.row = []

    def step(self, loss, optimizer):
        loss.backward(torch.tensor(self.scale))
        found = [p.grad for g in optimizer.param_groups for p in g["params"]]
        found = [grad for grad in found if grad is not None]
        torch._foreach_mul_(found, 1 / self.scale)
        bad = any((grad * 0).sum().item() != 0 for grad in found)
        if bad:
            self.row.clear()
            self.scale *= 0.5
        else:
            optimizer.step()
            self.row.append(1)
            if len(self.row) == self.interval:
                self.row.clear()
                self.scale *= 2
        return not bad


# %% exr-accelerators-cuts: all ways, as the bits of a number
def best_cuts(inputs, inside):
    n = len(inside)
    best = None
    for code in range(2 ** (n - 1) if n else 0):
        cuts = [0, *(i for i in range(1, n) if code >> (i - 1) & 1)]
        ends = [*cuts[1:], n]
        size = sum(inputs[i] for i in cuts)
        size += max(sum(inside[a:b]) for a, b in zip(cuts, ends))
        if best is None or size < best[0]:
            best = (size, cuts)
    return best[1] if best else []


# %% exr-accelerators-cuts: from the last layer back, the limit as a second state
from functools import cache


def best_cuts(inputs, inside):
    n = len(inside)

    @cache
    def rest(start, most):
        """The fewest bytes from start on, with `most` inside so far, and the cuts."""
        if start == n:
            return most, ()
        ways = []
        for end in range(start + 1, n + 1):
            size, cuts = rest(end, max(most, sum(inside[start:end])))
            ways.append((size + inputs[start], (start, *cuts)))
        return min(ways)

    return list(rest(0, 0)[1])
