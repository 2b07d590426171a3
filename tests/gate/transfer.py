# %% exr-transfer-still: a class with the two methods
from torch import nn


class still:
    def __init__(self, part: nn.Module) -> None:
        self.part = part

    def __enter__(self):
        part = self.part
        self.trained = [p for p in part.parameters() if p.requires_grad]
        self.training = [m for m in part.modules() if m.training]
        for p in self.trained:
            p.requires_grad = False
        part.train(False)
        return part

    def __exit__(self, kind, error, trace):
        for p in self.trained:
            p.requires_grad = True
        for m in self.training:
            m.training = True
        return False


# %% exr-transfer-still: an ExitStack that undoes what was done
from contextlib import ExitStack, contextmanager


@contextmanager
def still(part):
    with ExitStack() as stack:
        for p in part.parameters():
            stack.callback(p.requires_grad_, p.requires_grad)
            p.requires_grad_(False)
        for module in part.modules():
            stack.callback(setattr, module, "training", module.training)
            module.training = False
        yield part


# %% exr-transfer-layered: exponents counted first, groups from the front
def layered(model, lr, factor):
    if factor <= 0 or factor > 1:
        raise ValueError("factor")
    held = [[p for p in part.parameters() if p.requires_grad] for part in model]
    held = [params for params in held if params]
    last = len(held) - 1
    return [
        {"params": params, "lr": lr * factor ** (last - i)} for i, params in enumerate(held)
    ]


# %% exr-transfer-layered: by index from the back, a tuple of groups
def layered(model, lr, factor):
    if not 0 < factor <= 1:
        raise ValueError(factor)
    groups, seen = [], 0
    for i in range(len(model) - 1, -1, -1):
        params = list(filter(lambda p: p.requires_grad, model[i].parameters()))
        if len(params) == 0:
            continue
        groups.insert(0, dict(params=params, lr=lr * factor**seen))
        seen += 1
    return tuple(groups)


# %% exr-transfer-blend: sums of parts, and the names compared as sets


def blend(before, after, share):
    if share < 0 or share > 1:
        raise ValueError("share")
    if set(before) != set(after):
        raise ValueError("names")
    if any(before[k].shape != after[k].shape for k in after):
        raise ValueError("shapes")
    out = {}
    for k in after:
        if after[k].dtype.is_floating_point:
            out[k] = before[k] * (1 - share) + after[k] * share
        else:
            out[k] = after[k].detach().clone()
    return out


# %% exr-transfer-blend: a copy of after, changed in place
import copy


def blend(before, after, share):
    if not 0 <= share <= 1:
        raise ValueError(share)
    mixed = dict(copy.deepcopy(dict(after)))
    if list(before.keys() - mixed.keys()) or list(mixed.keys() - before.keys()):
        raise ValueError("names differ")
    for name, value in mixed.items():
        if value.shape != before[name].shape:
            raise ValueError(name)
        if value.is_floating_point():
            value.mul_(share).add_(before[name], alpha=1 - share)
    return mixed


# %% exr-transfer-fisher: vmap over grad, with functional_call
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F


def fisher(model, inputs, targets):
    modes = {module: module.training for module in model.modules()}
    model.eval()
    held = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    def loss(held, x, y):
        return F.cross_entropy(functional_call(model, held, (x[None],)), y[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))(held, inputs, targets)
    for module, training in modes.items():
        module.training = training
    return {n: g.pow(2).mean(dim=0) for n, g in each.items()}


# %% exr-transfer-fisher: a copy of the model, and backward on it
import copy


def fisher(model, inputs, targets):
    twin = copy.deepcopy(model).eval()
    total = {}
    for i in range(len(inputs)):
        twin.zero_grad(set_to_none=True)
        scores = twin(inputs[i : i + 1]).log_softmax(dim=1)
        (-scores[0, targets[i]]).backward()
        for name, p in twin.named_parameters():
            if p.requires_grad:
                total[name] = total.get(name, 0) + p.grad**2
    return {name: value / len(inputs) for name, value in total.items()}
