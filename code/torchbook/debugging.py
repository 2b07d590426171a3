# Generated from chapters/zh/20-debugging.qmd: edit there.
# Checksum 16fdc2396036: a change made here is refused, not lost.
# %% debugging-imports
"""Instruments for a net that doesn't learn."""

import copy
import math
import re
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.profiler import ProfilerActivity, profile

from torchbook.training import Loss


# %% debugging-probe
class Probe:
    """Keeps what each layer of a model puts out, and the gradient.

    In its `with`, outputs[name] and gradients[name] are copies from
    the layer's latest call, in the output's shape. A layer is a module
    without children; one that gives no tensor is left out.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.outputs: dict[str, Tensor] = {}
        self.gradients: dict[str, Tensor] = {}
        self.handles: list[Any] = []

    def __enter__(self) -> "Probe":
        for name, module in self.model.named_modules():
            if next(module.children(), None) is None:
                note = partial(self.note, name)
                handle = module.register_forward_hook(note)
                self.handles.append(handle)
        return self

    def __exit__(self, *error: object) -> None:
        while self.handles:
            self.handles.pop().remove()

    def note(
        self, name: str, module: nn.Module, args: Any, output: Any
    ) -> None:
        """Keep a layer's output; ask for its gradient, if any."""
        if not isinstance(output, Tensor):
            return
        self.outputs[name] = output.detach().clone()
        self.gradients.pop(name, None)
        if output.requires_grad:
            output.register_hook(partial(self.note_gradient, name))

    def note_gradient(self, name: str, gradient: Tensor) -> None:
        """Keep a gradient; the latest call's is the first to come."""
        self.gradients.setdefault(name, gradient.detach().clone())


# %% debugging-dead
def dead_units(output: Tensor) -> Tensor:
    """Return which units of a ReLU are 0 on every row.

    output: (N, ...), of one batch -> bool (...). No rows, or no
    dimension at all, raise ValueError.
    """
    if output.dim() == 0 or len(output) == 0:
        raise ValueError(f"output: {tuple(output.shape)}, no rows")
    return (output == 0).all(dim=0)


# %% debugging-ratios
def update_ratios(
    model: nn.Module, step: Callable[[], object]
) -> dict[str, float]:
    """Call step(); return how far each parameter moved, by its name.

    The length of the change over the length before; a parameter that
    was 0 has inf if it moved at all. A frozen one is left out.
    """
    before = {
        name: p.detach().clone()
        for name, p in model.named_parameters() if p.requires_grad
    }
    step()
    ratios = {}
    for name, p in model.named_parameters():
        if name in before:
            moved = (p.detach() - before[name]).norm().item()
            length = before[name].norm().item()
            worst = math.inf if moved else 0.0
            ratios[name] = moved / length if length else worst
    return ratios


# %% debugging-blame
def blame(forward: Callable[[], Tensor]) -> tuple[str, str] | None:
    """Go backward from forward(); return where it first turns nan.

    forward() gives a loss of one number. Returns the operation whose
    gradient is nan, and the line of the forward pass that ran it, ""
    where its source isn't known; or None. Leaves get their gradients
    as in any backward(), up to the operation that failed.
    """
    with (
        warnings.catch_warnings(record=True) as said,
        torch.autograd.set_detect_anomaly(True),
    ):
        warnings.simplefilter("always")
        loss = forward()
        try:
            loss.backward()
        except RuntimeError as error:
            found = re.match(r"Function '(\w+)' returned", str(error))
            if found is None:
                raise
            texts = [str(warning.message) for warning in said]
            traces = [t for t in texts if "Traceback of forward" in t]
            return found[1], last_line(traces[-1] if traces else "")
    return None


def last_line(trace: str) -> str:
    """Return the innermost line of source in a printed traceback."""
    lines = trace.splitlines()
    frames = [i for i, s in enumerate(lines) if s.startswith("  File")]
    after = lines[frames[-1] + 1:] if frames else []
    return after[0].strip() if after else ""


# %% debugging-first-bad
def first_bad(outputs: dict[str, Tensor]) -> str | None:
    """Return the first name whose tensor has a nan or inf, or None."""
    for name, output in outputs.items():
        if not output.isfinite().all():
            return name
    return None


# %% debugging-neighbors
def neighbor_agreement(inputs: Tensor, target: Tensor) -> float:
    """Return how many rows have the target of their nearest other row.

    inputs: (N, ...), numbers; target: (N,). A share from 0 to 1.
    ValueError unless there are two rows and a target for each. Takes
    memory for (N, N) distances: a thousand rows will do.
    """
    n = len(inputs)
    if n < 2:
        raise ValueError(f"inputs: {n} rows, not 2 or more")
    if target.shape != (n,):
        raise ValueError(f"target: {tuple(target.shape)}, not ({n},)")
    rows = inputs.flatten(1).double()  # (N, D)
    distances = torch.cdist(rows, rows).fill_diagonal_(math.inf)
    nearest = distances.argmin(dim=1)  # (N,)
    return (target[nearest] == target).double().mean().item()


# %% debugging-examine
def examine(
    model: nn.Module, inputs: Tensor, target: Tensor, loss: Loss
) -> list[str]:
    """Return what looks wrong with a fresh model and one batch.

    inputs: (N, ...), target: (N,) of classes or (N, ...) of numbers,
    loss(output, target): one number. Each finding begins with its kind:
    device, shape, probabilities, nonfinite, reduction, start, dead,
    gradient. Works on a copy in training mode: model, gradients and
    random numbers stay as they are. A loss that isn't one number
    raises ValueError.
    """
    tensors = *model.parameters(), inputs, target
    homes = {str(tensor.device) for tensor in tensors}
    if len(homes) > 1 or "meta" in homes:
        return [f"device: {', '.join(sorted(homes))}"]
    twin = copy.deepcopy(model).train()
    with torch.random.fork_rng():
        with Probe(twin) as probe:
            output = twin(inputs)
        value = loss(output, target)
        if value.numel() != 1:
            raise ValueError("loss: must give one number for a batch")
        return [
            *check_output(output.detach(), target),
            *check_loss(loss, output.detach(), target, value.item()),
            *check_layers(twin, probe),
            *check_gradients(twin, value),
        ]


# %% debugging-check-output
def check_output(output: Tensor, target: Tensor) -> Iterator[str]:
    """Yield findings about what the model puts out, and the target."""
    if target.is_floating_point():
        if output.shape != target.shape:
            shapes = tuple(output.shape), tuple(target.shape)
            yield f"shape: {shapes[0]} against {shapes[1]}"
    elif output.dim() > 1 and output.isfinite().all():
        sums = output.sum(dim=-1)
        one = torch.isclose(sums, torch.ones_like(sums), atol=1e-4)
        if (output >= 0).all() and one.all():
            yield "probabilities: the scores add up to 1"


def check_loss(
    loss: Loss, output: Tensor, target: Tensor, value: float
) -> Iterator[str]:
    """Yield findings about the loss of a fresh model: its value."""
    if not math.isfinite(value):
        yield f"nonfinite: loss {value}"
        return
    double = torch.cat([output, output]), torch.cat([target, target])
    if loss(*double).item() > 1.5 * value > 0:
        yield "reduction: twice the rows, twice the loss"
    if not target.is_floating_point() and output.dim() == 2:
        even = math.log(output.shape[-1])
        if abs(value / even - 1) > 0.5:
            yield f"start: loss {value:.2f}, log K is {even:.2f}"


# %% debugging-check-layers
def check_layers(model: nn.Module, probe: Probe) -> Iterator[str]:
    """Yield findings about outputs: not finite, or dead ReLUs."""
    bad = first_bad(probe.outputs)
    if bad is not None:
        yield f"nonfinite: {bad}"
    for name, module in model.named_modules():
        if isinstance(module, nn.ReLU) and name in probe.outputs:
            dead = dead_units(probe.outputs[name]).double().mean()
            if dead > 0.5:
                yield f"dead: {name}, {dead.item():.0%} of its units"


def check_gradients(model: nn.Module, value: Tensor) -> Iterator[str]:
    """Yield findings about gradients: none, 0, or not finite."""
    named = [(n, p) for n, p in model.named_parameters()
             if p.requires_grad]
    if not value.requires_grad or not named:
        yield "gradient: the loss has no graph"
        return
    found = torch.autograd.grad(
        value, [p for _, p in named], allow_unused=True
    )
    for (name, _), g in zip(named, found, strict=True):
        if g is None or not g.any():
            yield f"gradient: {name} has {'none' if g is None else 0}"
        elif not g.isfinite().all():
            yield f"nonfinite: gradient of {name}"


# %% debugging-saved
class Held:
    """A tensor that a graph holds on to, until the graph goes."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class SavedBytes:
    """Counts what graphs made in its `with` keep for backward().

    `now` is in bytes, and falls when a graph is freed. Memory that
    several tensors share counts once; weights count too.
    """

    def __init__(self) -> None:
        self.blocks: dict[int, list[int]] = {}  # [holders, bytes]

    @property
    def now(self) -> int:
        return sum(size for _, size in self.blocks.values())

    @contextmanager
    def watch(self) -> Iterator["SavedBytes"]:
        """Count the graphs that are made in this `with`."""
        with saved_tensors_hooks(self.pack, lambda held: held.tensor):
            yield self

    def pack(self, tensor: Tensor) -> Held:
        """Enter a tensor that is saved; strike it out at its end."""
        held, memory = Held(tensor.detach()), tensor.untyped_storage()
        key = memory.data_ptr()
        self.blocks.setdefault(key, [0, memory.nbytes()])[0] += 1
        weakref.finalize(held, self.free, key)
        return held

    def free(self, key: int) -> None:
        """Strike out one holder of a block of memory."""
        self.blocks[key][0] -= 1
        if self.blocks[key][0] == 0:
            del self.blocks[key]


# %% debugging-trace
@dataclass(frozen=True)
class Span:
    """An operation from its start to its end, in ticks."""

    name: str
    depth: int  # how many operations it runs inside
    start: int
    end: int


def trace(run: Callable[[], object]) -> list[Span]:
    """Profile run(); return its operations, in order of their start.

    Each start and each end is one tick of a clock that, unlike time,
    is the same in each run. On the CPU; what runs on a GPU isn't seen.
    """
    with profile(
        activities=[ProfilerActivity.CPU], acc_events=True
    ) as seen:
        run()
    spans: list[Span] = []
    clock = 0

    def enter(events: list[Any], depth: int) -> None:
        nonlocal clock
        for event in sorted(events, key=began):
            start, place = clock, len(spans)
            clock += 1
            enter(event.cpu_children, depth + 1)
            spans.insert(place, Span(event.name, depth, start, clock))
            clock += 1

    enter([e for e in seen.events() if e.cpu_parent is None], 0)
    return spans


def began(event: Any) -> tuple[float, int]:
    """Return when an event began; of two at once, its number."""
    return event.time_range.start, event.id
