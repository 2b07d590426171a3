# Generated from chapters/zh/15-transfer.qmd: edit there.
# Checksum 8964c8c0373f: a change made here is refused, not lost.
# %% transfer-few
"""What a trained model hands on: parts held still, parts trained."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


def few_of(
    labels: Tensor, count: int, *, generator: torch.Generator
) -> Tensor:
    """Draw `count` rows of each class: (n,) -> (K * count,), int64.

    Each row once. Raises ValueError for labels that aren't (n,) or are
    empty, a count below 1, and a class with fewer rows.
    """
    if labels.dim() != 1 or len(labels) == 0:
        raise ValueError(f"labels: {tuple(labels.shape)}, not (n,)")
    drawn: list[Tensor] = []
    for kind in labels.unique().tolist():
        rows = torch.where(labels == kind)[0]
        if not 1 <= count <= len(rows):
            raise ValueError(f"count: {count} of {len(rows)} rows")
        order = torch.randperm(len(rows), generator=generator)
        drawn.append(rows[order[:count].to(rows.device)])
    return torch.cat(drawn)


# %% transfer-widen
def widen(layer: nn.Linear, extra: int) -> nn.Linear:
    """Return a layer with `extra` more outputs, which give 0 at first.

    (..., d) -> (..., e + extra); the first e are those of `layer`,
    which stays as it is. Raises ValueError for extra below 1.
    """
    if extra < 1:
        raise ValueError(f"extra: {extra} is below 1")
    old = layer.out_features
    wide = nn.Linear(
        layer.in_features, old + extra, layer.bias is not None,
        layer.weight.device, layer.weight.dtype,
    )
    with torch.no_grad():
        for new, known in zip(
            wide.parameters(), layer.parameters(), strict=True
        ):
            new.zero_()[:old] = known
    return wide


# %% transfer-features
@torch.no_grad()
def features_of(
    body: nn.Module, inputs: Tensor, size: int = 256
) -> Tensor:
    """Return body(inputs) in evaluation mode, `size` rows at a time.

    Nothing is recorded; each module has its old mode afterward. Raises
    ValueError for size below 1 or no rows.
    """
    if size < 1:
        raise ValueError(f"size: {size} is below 1")
    if len(inputs) == 0:
        raise ValueError("inputs: no rows")
    modes = [(part, part.training) for part in body.modules()]
    body.eval()
    try:
        return torch.cat([body(some) for some in inputs.split(size)])
    finally:
        for part, training in modes:
            part.training = training


# %% transfer-means
def class_means(
    features: Tensor, labels: Tensor, classes: int
) -> Tensor:
    """Return the mean of each class: (n, d), (n,) -> (K, d).

    Raises ValueError for lengths that differ, labels outside
    0 ... classes - 1, and a class without rows.
    """
    if features.dim() != 2 or labels.shape != features.shape[:1]:
        shapes = tuple(features.shape), tuple(labels.shape)
        raise ValueError(f"features, labels: shapes {shapes}")
    found = labels.unique().tolist()
    if not all(0 <= kind < classes for kind in found):
        raise ValueError(f"labels: not all in 0..{classes - 1}")
    own = nn.functional.one_hot(labels, classes).to(features.dtype)
    counts = own.sum(dim=0)  # (K,)
    if not counts.all():
        raise ValueError("labels: a class has no rows")
    return own.mT @ features / counts[:, None]


# %% transfer-groups
def parameter_groups(
    model: nn.Module, rates: Mapping[str, float],
    weight_decay: float = 0.0,
) -> list[dict[str, Any]]:
    """Return groups for an optimizer: each part at its own rate.

    rates: the name of a submodule or parameter -> its learning rate;
    the longest name that fits a parameter counts, and "" fits all. Only
    tensors of two dimensions or more decay. What asks for no gradient
    is left out. Raises ValueError for a negative rate, a name that no
    parameter goes by, and a parameter that no name fits.
    """
    for name, rate in rates.items():
        if not rate >= 0:
            raise ValueError(f"rates: {rate} for {name!r}")
    found: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        whole = f"{name}."
        fit = [r for r in rates if not r or whole.startswith(f"{r}.")]
        if not fit:
            raise ValueError(f"rates: none for {name}")
        key = max(fit, key=len), p.dim() >= 2
        found.setdefault(key, []).append(p)
    idle = set(rates) - {name for name, _ in found}
    if idle:
        raise ValueError(f"rates: nothing to train in {sorted(idle)}")
    return [
        {"params": params, "lr": rates[name],
         "weight_decay": weight_decay if decays else 0.0}
        for (name, decays), params in found.items()
    ]


def trained_count(model: nn.Module) -> tuple[int, int]:
    """Return how many numbers ask for gradients, and how many are."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, asks in sizes if asks), sum(n for n, _ in sizes)


# %% transfer-frozen
class Frozen(nn.Module):
    """Hold a module as it is while what stands around it is trained.

    Its parameters ask for no gradients, and train() leaves it in
    evaluation mode. Gradients pass through it to what comes before.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Frozen":
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, *inputs: Any) -> Any:
        return self.body(*inputs)


# %% transfer-low-rank
class LowRank(nn.Module):
    """A linear layer held still, plus a change of low rank to train.

    (..., d) -> (..., e): layer(x) + (alpha / rank) x A^T B^T, where
    `down`, A, is (rank, d) and random, and `up`, B, is (e, rank) and 0
    at first. alpha: by default the rank. Raises TypeError for another
    layer; ValueError unless 1 <= rank <= min(d, e) and alpha > 0.
    Source: Hu and others (2022), section 4.1.
    """

    def __init__(
        self, layer: nn.Linear, rank: int, alpha: float | None = None
    ) -> None:
        super().__init__()
        if not isinstance(layer, nn.Linear):
            raise TypeError(f"layer: {type(layer).__name__}, no Linear")
        e, d = layer.weight.shape
        if not 1 <= rank <= min(d, e):
            raise ValueError(f"rank: {rank}, not in 1..{min(d, e)}")
        alpha = float(rank) if alpha is None else alpha
        if not alpha > 0:
            raise ValueError(f"alpha: {alpha} is not above 0")
        self.layer = layer.requires_grad_(False)
        self.scale, self.active = alpha / rank, True
        self.down = nn.Parameter(layer.weight.new_empty(rank, d))
        self.up = nn.Parameter(layer.weight.new_zeros(e, rank))
        nn.init.normal_(self.down, std=d**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        if self.active:
            y = y + self.scale * (x @ self.down.mT @ self.up.mT)
        return y

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Return one linear layer that computes the same; a copy."""
        layer = copy.deepcopy(self.layer)
        layer.weight += self.scale * (self.up @ self.down)
        return layer


# %% transfer-add
def replace(
    model: nn.Module, name: str, part: nn.Module
) -> None:
    """Put part where the submodule of this dotted name stands."""
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, part)


def add_low_rank(
    model: nn.Module, names: Iterable[str], rank: int,
    alpha: float | None = None,
) -> list[str]:
    """Freeze model, and give linear layers a change to train; in place.

    A layer is taken if its dotted name is one of `names` or ends in
    "." and one of them; theirs is returned. Raises ValueError for a
    name that fits no linear layer, and then changes nothing.
    """
    taken: dict[str, nn.Linear] = {}
    for end in names:
        fit = {
            name: part for name, part in model.named_modules()
            if isinstance(part, nn.Linear)
            and f".{name}".endswith(f".{end}")
        }
        if not fit:
            raise ValueError(f"names: no linear layer {end!r}")
        taken |= fit
    parts = {n: LowRank(part, rank, alpha) for n, part in taken.items()}
    model.requires_grad_(False)
    for name, part in parts.items():
        replace(model, name, part)
    return list(parts)


# %% transfer-merge-low-rank
def merge_low_rank(model: nn.Module) -> list[str]:
    """Turn each LowRank in model into one linear layer; in place.

    Returns their names. Raises ValueError if there is none.
    """
    found = {
        name: part for name, part in model.named_modules()
        if isinstance(part, LowRank)
    }
    if not found:
        raise ValueError("model: has no LowRank")
    for name, part in found.items():
        replace(model, name, part.merged())
    return list(found)


def low_rank_state(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of what LowRank layers train, under their names."""
    return {
        f"{name}.{key}": getattr(part, key).detach().clone()
        for name, part in model.named_modules()
        if isinstance(part, LowRank) for key in ("down", "up")
    }


# %% transfer-match
@dataclass(frozen=True)
class Match:
    """What load_matching did, as names of the model or of the file."""

    loaded: list[str]
    missing: list[str]  # in the model only: as before
    unexpected: list[str]  # in the file only
    mismatched: list[str]  # in both, of other shapes: as before


@torch.no_grad()
def load_matching(
    model: nn.Module, state: Mapping[str, Tensor], prefix: str = ""
) -> Match:
    """Copy into model what fits by name and shape, and say what did.

    A name in state counts without `prefix`. Raises TypeError if state
    doesn't hold tensors by name; ValueError if nothing fits.
    """
    if not isinstance(state, Mapping) or not all(
        isinstance(value, Tensor) for value in state.values()
    ):
        raise TypeError("state: must be tensors by name")
    theirs = {k.removeprefix(prefix): v for k, v in state.items()}
    mine = model.state_dict()
    both = [name for name in mine if name in theirs]
    fit = [n for n in both if mine[n].shape == theirs[n].shape]
    if not fit:
        some = sorted(theirs)[:2], sorted(mine)[:2]
        raise ValueError(f"state: no name and shape fits, {some}")
    for name in fit:
        mine[name].copy_(theirs[name])
    return Match(
        fit, [n for n in mine if n not in theirs],
        [n for n in theirs if n not in mine],
        [n for n in both if n not in fit],
    )
