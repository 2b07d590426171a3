# Generated from chapters/zh/18-accelerators.qmd: edit there.
# Checksum 77e5960e2ed5: a change made here is refused, not lost.
# %% accelerators-devices
"""Accelerators: devices, clocks, number formats, memory, the roof."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


def best_device() -> torch.device:
    """Return the accelerator of this machine, or the CPU without one.

    CUDA (ROCm too), MPS, XPU and whatever else torch.accelerator knows.
    """
    found = torch.accelerator.current_accelerator(check_available=True)
    return torch.device("cpu") if found is None else found


def wait_for(device: torch.device | str) -> None:
    """Return when the device has done all that is in its queue.

    The CPU has no queue, and "meta" no work: at once.
    """
    device = torch.device(device)
    if device.type not in ("cpu", "meta"):
        torch.accelerator.synchronize(device)


# %% accelerators-timed
def timed(
    work: Callable[[], object], device: torch.device | str = "cpu",
    repeats: int = 20, warmup: int = 3,
) -> float:
    """Return the median time of work() on a device, in seconds.

    The first `warmup` calls aren't timed. Each of the others is, from
    an empty queue to an empty queue. Raises ValueError for repeats
    below 1 or warmup below 0.
    """
    if repeats < 1 or warmup < 0:
        raise ValueError(f"repeats: {repeats}, warmup: {warmup}")
    for _ in range(warmup):
        work()
    seconds = []
    for _ in range(repeats):
        wait_for(device)  # what came before isn't ours
        start = time.perf_counter()
        work()
        wait_for(device)  # what we asked for is done
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


# %% accelerators-split-bits
FIELDS = {  # bits of the exponent and of the fraction
    torch.float32: (8, 23),
    torch.bfloat16: (8, 7),
    torch.float16: (5, 10),
}


def split_bits(x: float, dtype: torch.dtype) -> tuple[str, str, str]:
    """Return sign, exponent and fraction of x in a dtype, as bits.

    Raises ValueError for a dtype that isn't in FIELDS.
    """
    if dtype not in FIELDS:
        raise ValueError(f"dtype: {dtype}")
    exponent, fraction = FIELDS[dtype]
    size = 1 + exponent + fraction
    whole = torch.int32 if size == 32 else torch.int16
    number = torch.tensor(x, dtype=dtype).view(whole).item()
    bits = f"{number % 2**size:0{size}b}"  # as if without a sign
    return bits[0], bits[1 : 1 + exponent], bits[1 + exponent :]


def keep_fraction(x: Tensor, bits: int) -> Tensor:
    """Return float32 numbers rounded to `bits` bits of fraction.

    To the nearest, of two as near to the even one; inf and nan stay.
    Without a gradient. ValueError for another dtype, or bits not
    between 1 and 23.
    """
    if x.dtype != torch.float32 or not 1 <= bits <= 23:
        raise ValueError(f"x: {x.dtype}, bits: {bits}")
    x, drop = x.detach(), 23 - bits
    if drop == 0:
        return x.clone()
    whole = x.view(torch.int32)
    even = (whole >> drop) & 1  # 1 if the last bit kept is odd
    whole = (whole + (2 ** (drop - 1) - 1) + even) >> drop << drop
    return torch.where(x.isfinite(), whole.view(torch.float32), x)


# %% accelerators-scaled-step
def scaled_step(
    loss: Tensor, optimizer: torch.optim.Optimizer, scale: float
) -> bool:
    """Backward with the loss times scale, then one step without it.

    If a gradient has an inf or nan in it there is no step. Returns
    whether there was one. Gradients must be empty before. Source:
    Micikevicius et al. (2018), section 3.2.
    """
    (loss * scale).backward()
    gradients = [
        p.grad for group in optimizer.param_groups
        for p in group["params"] if p.grad is not None
    ]
    for gradient in gradients:
        gradient.div_(scale)
    finite = all(bool(g.isfinite().all()) for g in gradients)
    if finite:
        optimizer.step()
    return finite


# %% accelerators-traffic
def blocks_of(tensors: Iterable[Tensor]) -> dict[int, int]:
    """Return {number of a block of memory: bytes} behind tensors.

    Views of one block have one number. Good while the tensors live;
    on "meta", which takes no memory, as well.
    """
    memory = [t.untyped_storage() for t in tensors]
    return {block._cdata: block.nbytes() for block in memory}


class Traffic(TorchDispatchMode):
    """Counts bytes that operations read and write, each by itself.

    In a `with`: `bytes` is the sum, `calls` the number of operations.
    Those that move no numbers, such as views, don't count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.calls = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        ins = [t for t in tree_leaves((args, kwargs))
               if isinstance(t, Tensor)]
        outs = [t for t in tree_leaves(out) if isinstance(t, Tensor)]
        same = blocks_of(ins).keys() & blocks_of(outs).keys()
        if not same or func._schema.is_mutable:
            sizes = [t.numel() * t.element_size() for t in ins + outs]
            self.bytes += sum(sizes)
            self.calls += 1
        return out


# %% accelerators-cost
@dataclass(frozen=True)
class Cost:
    """What a computation takes: operations and bytes moved."""

    flops: int
    bytes: int

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.flops / self.bytes


def cost(
    f: Callable[..., Tensor], *inputs: Tensor, fused: bool = True,
    each: int = 0,
) -> Cost:
    """Return what f(*inputs) takes at least, by counting.

    Matrix products and convolutions are counted by torch, other
    operations aren't: `each` says how many there are for each number
    of the output. fused: inputs are read once and the output written
    once; otherwise each operation reads and writes by itself.
    """
    with Traffic() as traffic, FlopCounterMode(display=False) as count:
        out = f(*inputs)
    ends = sum(t.numel() * t.element_size() for t in (*inputs, out))
    flops = count.get_total_flops() + each * out.numel()
    return Cost(flops, ends if fused else traffic.bytes)


# %% accelerators-kept
def kept_bytes(
    run: Callable[[], object], besides: Iterable[Tensor] = ()
) -> int:
    """Return how many bytes autograd keeps of run() for backward.

    What shares memory counts once, and what shares it with a tensor of
    besides (the weights, say) doesn't count.
    """
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor.detach()  # itself, it would hold its own graph

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    known, blocks = blocks_of(besides), blocks_of(kept)
    kept.clear()  # the graph holds keep, which holds the list
    return sum(size for key, size in blocks.items() if key not in known)


# %% accelerators-ledger
@dataclass(frozen=True)
class Ledger:
    """What training keeps in memory, in bytes."""

    weights: int  # buffers as well
    gradients: int
    optimizer: int
    activations: int  # all that autograd keeps, but for weights

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))


def take_ledger(
    model: nn.Module, optimizer: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
) -> Ledger:
    """Do a step of training; return what it keeps in memory.

    loss() runs the model. Its gradients are left in place.
    """
    weights = [*model.parameters(), *model.buffers()]
    optimizer.zero_grad()
    values: list[Tensor] = []
    kept = kept_bytes(lambda: values.append(loss()), weights)
    values[0].backward()
    optimizer.step()
    gradients = [p.grad for p in weights if p.grad is not None]
    state = [
        x for entry in optimizer.state.values()
        for x in entry.values() if isinstance(x, Tensor)
    ]
    parts = (weights, gradients, state)
    sizes = [sum(blocks_of(part).values()) for part in parts]
    return Ledger(*sizes, activations=kept)


# %% accelerators-roof-class
@dataclass(frozen=True)
class Roof:
    """A device by two numbers of its data sheet."""

    peak: float  # FLOP/s
    bandwidth: float  # bytes/s

    @property
    def ridge(self) -> float:
        """The intensity from which on arithmetic is the limit."""
        return self.peak / self.bandwidth

    def __call__(self, intensity: float) -> float:
        """Return the most FLOP/s that an intensity allows.

        Source: Williams, Waterman and Patterson (2009).
        """
        return min(self.peak, self.bandwidth * intensity)
