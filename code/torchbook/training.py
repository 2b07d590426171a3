# Generated from chapters/zh/11-training.qmd: edit there.
# Checksum 8e16db14e510: a change made here is refused, not lost.
# %% training-batches
"""One training loop for the rest of the book, and what it needs."""

import copy
import math
import os
import random
import secrets
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from pickle import PicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

Pairs = Iterable[tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Tensor]
IGNORED = -100  # cross_entropy leaves out targets of this value


def is_counted(target: Tensor) -> Tensor:
    """Return where a target counts: not IGNORED, or not integer."""
    if target.is_floating_point():
        return torch.ones_like(target, dtype=torch.bool)
    return target != IGNORED


def measure(loss: Loss, output: Tensor, target: Tensor) -> Tensor:
    """Return the loss of a batch; ValueError if not one number."""
    value = loss(output, target)
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError("loss: must give one number for a batch")
    return value


# %% training-ready
def ready(
    batches: Pairs, name: str, model: nn.Module
) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Yield each batch, on the model's device, and its target count.

    A batch that is no pair, or has no target that counts, raises
    ValueError with `name` in it; and so do no batches at all.
    """
    device = next((p.device for p in model.parameters()), "cpu")
    empty = True
    for batch in batches:
        pair = isinstance(batch, tuple | list) and len(batch) == 2
        if not pair or not all(hasattr(part, "to") for part in batch):
            raise ValueError(f"{name}: a batch is (inputs, target)")
        inputs, target = (part.to(device) for part in batch)
        count = int(is_counted(target).sum())
        if count == 0:
            raise ValueError(f"{name}: a batch without targets")
        empty = False
        yield inputs, target, count
    if empty:
        raise ValueError(f"{name}: no batches; an iterator used up?")


# %% training-train-epoch
def check_step(clip: float | None, accumulate: int) -> None:
    """Raise ValueError that names a bad option of a step."""
    if not isinstance(accumulate, int) or accumulate < 1:
        raise ValueError(f"accumulate: {accumulate!r}, not 1 or more")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip: {clip!r}, not above 0")


def train_epoch(
    model: nn.Module, train: Pairs, *, loss: Loss,
    optimizer: Optimizer, schedule: LRScheduler | None = None,
    clip: float | None = None, accumulate: int = 1,
) -> float:
    """Go through train once; return the mean loss on the way.

    A step has the gradient of `accumulate` batches (the last one maybe
    fewer) as if they were one, clipped to the length `clip`. The
    schedule moves on after each step. loss gives a batch's mean.
    """
    check_step(clip, accumulate)
    held = [p for g in optimizer.param_groups for p in g["params"]]
    total, seen = 0.0, 0
    batches = ready(train, "train", model)
    while group := list(islice(batches, accumulate)):
        size = sum(count for _, _, count in group)
        optimizer.zero_grad()
        for inputs, target, count in group:
            value = measure(loss, model(inputs), target)
            (value * (count / size)).backward()
            total += value.item() * count
        if clip is not None:
            nn.utils.clip_grad_norm_(held, clip)
        optimizer.step()
        if schedule is not None:
            schedule.step()
        seen += size
    return total / seen


# %% training-evaluate
def count_hits(output: Tensor, target: Tensor) -> float:
    """Return how many classes are right; nan without classes."""
    if target.is_floating_point() or output.dim() != target.dim() + 1:
        return math.nan
    hits = output.argmax(dim=-1) == target  # target's shape
    return (hits & is_counted(target)).sum().item()


@torch.no_grad()
def evaluate(
    model: nn.Module, batches: Pairs, loss: Loss
) -> tuple[float, float]:
    """Return the mean loss over all targets, and the accuracy.

    loss gives a batch's mean; batches count by their targets. Integer
    targets are classes, with scores in the output's last dimension;
    other targets have accuracy nan. Computes in evaluation mode; then
    each module has its old mode again. No batches raise ValueError.
    """
    modes = [(part, part.training) for part in model.modules()]
    total, right, seen = 0.0, 0.0, 0
    model.eval()
    try:
        for inputs, target, count in ready(batches, "batches", model):
            output = model(inputs)
            total += measure(loss, output, target).item() * count
            right += count_hits(output, target)
            seen += count
    finally:
        for part, training in modes:
            part.training = training
    return total / seen, right / seen


# %% training-confusion
def confusion(
    predicted: Tensor, target: Tensor, classes: int
) -> Tensor:
    """Count each pair of classes: (n,), (n,) -> (K, K), int64.

    Row: the true class; column: the predicted one. Raises TypeError
    unless both hold integers; ValueError for classes below 1, shapes
    that differ, or a value that is not one of 0 ... classes - 1.
    """
    if classes < 1:
        raise ValueError(f"classes: {classes}, not 1 or more")
    if predicted.shape != target.shape:
        shapes = tuple(predicted.shape), tuple(target.shape)
        raise ValueError(f"predicted, target: shapes {shapes}")
    for name, t in (("predicted", predicted), ("target", target)):
        if t.is_floating_point() or t.is_complex():
            raise TypeError(f"{name}: {t.dtype}, not integers")
        if t.numel() and not (t.min() >= 0 and t.max() < classes):
            raise ValueError(f"{name}: not all below {classes}")
    rows, columns = target.long().flatten(), predicted.long().flatten()
    pairs = rows * classes + columns
    counts = torch.bincount(pairs, minlength=classes**2)
    return counts.reshape(classes, classes)


# %% training-checkpoint
def save_checkpoint(path: str | Path, **parts: object) -> None:
    """Write parts, such as state dicts, to path: all or nothing.

    What load_checkpoint could not read back, that is, much else than
    tensors, numbers, strings and containers of them, raises TypeError,
    and an old file stays as it was.
    """
    path = Path(path)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(new, "xb") as file:
            torch.save({"torchbook": 1, "parts": parts}, file)
            file.flush()
            os.fsync(file.fileno())  # on the disk, before the rename
        load_checkpoint(new)
        os.replace(new, path)
    except (AttributeError, PicklingError, ValueError) as error:
        raise TypeError("parts: more than plain data") from error
    finally:
        new.unlink(missing_ok=True)


# %% training-load-checkpoint
def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Return the parts that save_checkpoint wrote, on the CPU.

    Never runs code from the file. Raises FileNotFoundError, or
    ValueError for a file that is damaged or no checkpoint of ours.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                broken = archive.testzip()  # torch checks no sums
            file.seek(0)
            found = torch.load(
                file, map_location="cpu", weights_only=True
            )
        except Exception as error:
            raise ValueError(f"path: {path} is unreadable") from error
    if broken is not None:
        raise ValueError(f"path: {path} is damaged")
    found = found if isinstance(found, dict) else {}
    parts, mark = found.get("parts"), str(found.get("torchbook"))
    if mark != "1" or not isinstance(parts, dict):
        raise ValueError(f"path: {path} is no checkpoint of ours")
    return parts


# %% training-random
def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and PyTorch, the last on every device.

    Raises ValueError unless 0 <= seed < 2**32, which NumPy demands.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed: {seed}, not in 0 ... 2**32 - 1")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def generators(loaders: Iterable[object]) -> list[torch.Generator]:
    """Return the generators that data loaders and samplers hold."""
    owners = [
        part for loader in loaders
        for part in (loader, getattr(loader, "sampler", None))
    ]
    found = [getattr(part, "generator", None) for part in owners]
    return [g for g in found if isinstance(g, torch.Generator)]


def random_state(loaders: Iterable[object] = ()) -> dict[str, Any]:
    """Return the state of everything that draws numbers, plain data."""
    kind, keys, *rest = np.random.get_state()
    gpu = torch.cuda.is_available()
    return {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if gpu else [],
        "loaders": [g.get_state() for g in generators(loaders)],
    }


# %% training-run
@dataclass(frozen=True)
class Epoch:
    """What one pass came to; nan: not measured. lr: at its start."""

    train_loss: float
    valid_loss: float
    valid_accuracy: float
    lr: float


@dataclass
class Run:
    """All that changes while a model is trained."""

    model: nn.Module
    optimizer: Optimizer
    schedule: LRScheduler | None
    loaders: list[object]
    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Any] | None = None  # weights, with patience

    def since_best(self) -> int:
        """Return how many epochs ago valid_loss was lowest."""
        losses = [e.valid_loss for e in self.history] or [math.inf]
        losses = [math.inf if math.isnan(v) else v for v in losses]
        return len(losses) - 1 - losses.index(min(losses))

    def signature(self) -> dict[str, object]:
        """Return what a checkpoint and this run must agree in."""
        groups = self.optimizer.param_groups
        state = self.model.state_dict()
        return {
            "model": {k: str(v.shape) for k, v in state.items()},
            "optimizer": [len(group["params"]) for group in groups],
            "rule": type(self.optimizer).__name__,
            "schedule": type(self.schedule).__name__,
            "data": len(generators(self.loaders)),
        }


# %% training-capture
def capture(run: Run) -> dict[str, Any]:
    """Return the state of a run as plain data."""
    schedule = run.schedule
    return {
        "signature": run.signature(),
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "schedule": schedule.state_dict() if schedule else None,
        "history": [asdict(epoch) for epoch in run.history],
        "best": run.best,
        "random": random_state(run.loaders),
    }


# %% training-restore
def restore(run: Run, path: str | Path, best: bool = False) -> None:
    """Put run where the checkpoint left off.

    One of another run raises ValueError and changes nothing, and so
    does one that has kept no best weights, if `best` asks for them.
    """
    parts, mine = load_checkpoint(path), run.signature()
    theirs = parts.get("signature")
    for name, value in mine.items():
        if not isinstance(theirs, dict) or theirs.get(name) != value:
            raise ValueError(f"checkpoint: {path} has another {name}")
    if best and parts["best"] is None:
        raise ValueError(f"patience: {path} was written without")
    run.optimizer.load_state_dict(parts["optimizer"])
    run.model.load_state_dict(parts["model"])
    if run.schedule is not None:
        run.schedule.load_state_dict(parts["schedule"])
    run.history = [Epoch(**epoch) for epoch in parts["history"]]
    run.best, state = parts["best"], parts["random"]
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
    pairs = zip(generators(run.loaders), state["loaders"], strict=True)
    for generator, kept in pairs:
        generator.set_state(kept)


# %% training-options
def check_options(
    valid: Pairs | None, epochs: int,
    schedule: LRScheduler | None, clip: float | None,
    accumulate: int, patience: int | None,
) -> None:
    """Raise TypeError or ValueError that names a bad argument."""
    counts = {"epochs": epochs}
    if patience is not None:
        counts["patience"] = patience
        if valid is None:
            raise ValueError("patience: has no valid to go by")
    for name, count in counts.items():
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{name}: {count!r}, not 1 or more")
    check_step(clip, accumulate)
    if isinstance(schedule, ReduceLROnPlateau):
        raise TypeError("schedule: must not need a loss to step")


# %% training-fit
def fit(
    model: nn.Module, train: Pairs, valid: Pairs | None = None, *,
    loss: Loss, optimizer: Optimizer, epochs: int,
    schedule: LRScheduler | None = None, clip: float | None = None,
    accumulate: int = 1, patience: int | None = None,
    log: Callable[[int, Epoch], object] | None = None,
    checkpoint: str | Path | None = None,
) -> list[Epoch]:
    """Train until `epochs` are done; return what each came to.

    schedule, clip, accumulate: see train_epoch. With patience, stop
    after so many epochs in a row without a lower valid_loss, and go
    back to the best weights. log(number, epoch) is called after each
    epoch. checkpoint, a file, is written after each; if it is there
    at the start, go on from it. Leaves the model in training mode.
    """
    check_options(valid, epochs, schedule, clip, accumulate, patience)
    run = Run(model, optimizer, schedule, [train, valid])
    if checkpoint is not None and Path(checkpoint).exists():
        restore(run, checkpoint, best=patience is not None)
    while len(run.history) < epochs and (
        patience is None or run.since_best() < patience
    ):
        lr, scores = optimizer.param_groups[0]["lr"], (math.nan,) * 2
        mean = train_epoch(
            model.train(), train, loss=loss, optimizer=optimizer,
            schedule=schedule, clip=clip, accumulate=accumulate,
        )
        if valid is not None:
            scores = evaluate(model, valid, loss)
        run.history.append(Epoch(mean, *scores, lr))
        if patience is not None and run.since_best() == 0:
            run.best = copy.deepcopy(model.state_dict())
        if checkpoint is not None:
            save_checkpoint(checkpoint, **capture(run))
        if log is not None:
            log(len(run.history), run.history[-1])
    if patience is not None and run.best is not None:
        model.load_state_dict(run.best)
    return run.history
