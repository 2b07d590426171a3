# Generated from chapters/zh/19-distributed.qmd: edit there.
# Checksum 8cb66aaf4894: a change made here is refused, not lost.
# %% distributed-script
"""Several processes that train one model, begun and ended together."""

import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

PLACE = "TORCHBOOK_PLACE"  # where ranks leave what launch collects
HEAD = """\
import gc

gc.set_threshold(100_000)  # imports make many objects, no garbage

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

from torchbook.distributed import run_rank
"""


# %% distributed-write
def write_script(
    path: str | Path, function: Callable, *helpers: Callable
) -> Path:
    """Write a script that runs function(rank, world) on each rank.

    The text of function and of its helpers goes in as it stands. They
    may use each other, what HEAD imports, and what they import
    themselves; nothing else of this program goes along.
    """
    parts = (*helpers, function)
    texts = [textwrap.dedent(inspect.getsource(p)) for p in parts]
    call = f"    run_rank({function.__name__})\n"
    end = f'if __name__ == "__main__":\n{call}'
    path = Path(path)
    path.write_text("\n\n".join([HEAD, *texts, end]), encoding="utf-8")
    return path


# %% distributed-rank
def run_rank(function: Callable) -> None:
    """Be one rank: join the group, call function, leave its result.

    RANK and WORLD_SIZE come from whoever started this process. If it
    wasn't launch, the result is printed.
    """
    rank, world = (int(os.environ[k]) for k in ("RANK", "WORLD_SIZE"))
    if PLACE not in os.environ:  # torchrun, by hand
        dist.init_process_group("gloo")
        print(f"[{rank}] {function(rank, world)}")
        dist.destroy_process_group()
        return
    place = Path(os.environ[PLACE])
    threading.Thread(target=end_with_parent, daemon=True).start()
    code = 1
    try:
        leave_result(place, function, rank, world)
        code = 0
    except BaseException as error:
        leave_note(place, rank, error)
    os._exit(code)  # at once, whatever threads are still at work


def leave_result(
    place: Path, function: Callable, rank: int, world: int
) -> None:
    """Call function in a group of ranks; write what it gives back."""
    store = None  # torchrun brings one of its own
    if "MASTER_ADDR" not in os.environ:
        store = dist.FileStore(str(place / "store"), world)
    options = json.loads((place / "options.json").read_text("utf-8"))
    dist.init_process_group(
        "gloo", store=store, rank=rank, world_size=world
    )
    own = place / f"{rank}.out"
    with open(own, "w", 1, "utf-8") as out, redirect_stdout(out):
        result = function(rank, world, **options)
    torch.save(result, place / f"{rank}.pt")
    dist.destroy_process_group()


# %% distributed-notes
def end_with_parent() -> None:
    """End this process when its input is closed.

    The parent closes it to end its ranks; if the parent dies, the
    operating system does. So no rank outlives who started it.
    """
    while os.read(0, 1):
        pass
    os._exit(1)


def leave_note(place: Path, rank: int, error: BaseException) -> None:
    """Write down when and why a rank failed, all or nothing."""
    words = f"{type(error).__name__}: {error}"
    note = place / f"{rank}.note"
    note.write_text(json.dumps([time.time(), rank, words]), "utf-8")
    note.replace(place / f"{rank}.failed")


# %% distributed-failure
def first_failure(codes: list[int | None], place: Path) -> "RankError":
    """Say which rank failed first, and why.

    The others mostly fail after it, because it doesn't answer.
    """
    notes = place.glob("*.failed")
    found = [json.loads(note.read_text("utf-8")) for note in notes]
    noted = {rank for _, rank, _ in found}
    for rank, code in enumerate(codes):
        killed = code is not None and code < 0  # by a signal: no note
        if code and rank not in noted and (killed or not found):
            log = (place / f"{rank}.log").read_text("utf-8", "replace")
            last = log.strip().rpartition("\n")[2]
            words = f"exit code {code} {last}".strip()
            found.append([0.0, rank, words])
    _, rank, words = min(found)
    return RankError(rank, words)


class RankError(RuntimeError):
    """A process of the group failed; its number is in rank."""

    def __init__(self, rank: int, words: str) -> None:
        super().__init__(f"rank {rank}: {words}")
        self.rank = rank


# %% distributed-start
def start_ranks(
    script: Path, world: int, torchrun: bool
) -> list[subprocess.Popen]:
    """Start a process for each rank, or one torchrun that does so.

    Each sees the modules that this process sees, has one thread, and
    talks over the loopback interface, so no network is needed.
    """
    common = os.environ | {
        "OMP_NUM_THREADS": "1", PLACE: str(script.parent),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    common.pop("MASTER_ADDR", None)
    loopback = {"linux": "lo", "darwin": "lo0"}
    if sys.platform in loopback:
        common["GLOO_SOCKET_IFNAME"] = loopback[sys.platform]
    commands = [[sys.executable, str(script)]] * world
    if torchrun:
        commands = [[
            sys.executable, "-m", "torch.distributed.run",
            "--standalone", f"--nproc-per-node={world}", str(script),
        ]]
    ranks = []
    for rank, command in enumerate(commands):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank),
               "WORLD_SIZE": str(world)}
        with open(script.parent / f"{rank}.log", "wb") as log:
            ranks.append(subprocess.Popen(
                command, env=common | own, stdin=subprocess.PIPE,
                stdout=log, stderr=log, start_new_session=True,
            ))
    return ranks


# %% distributed-end
def wait_for(
    ranks: list[subprocess.Popen], place: Path, limit: float
) -> None:
    """Wait until all have ended well; raise as soon as one has not."""
    end = time.monotonic() + limit
    while any(codes := [r.poll() for r in ranks]) or None in codes:
        if any(codes):
            codes = [r.poll() for r in ranks]  # who died before that?
            raise first_failure(codes, place)
        if time.monotonic() > end:
            left = [n for n, code in enumerate(codes) if code is None]
            words = f"limit: {left} still run at {limit:g} s"
            raise TimeoutError(words)
        time.sleep(0.02)


def end_ranks(ranks: list[subprocess.Popen], grace: float) -> None:
    """End what still runs, and all that it has started.

    Closing their input is enough, as a rule. After grace seconds they
    are killed, with their process group where there is such a thing.
    """
    for rank in ranks:
        rank.stdin.close()
    for rank in ranks:
        with suppress(subprocess.TimeoutExpired):
            rank.wait(grace)
        if grace and rank.poll() is None:
            rank.terminate()  # so that torchrun ends its own children
            with suppress(subprocess.TimeoutExpired):
                rank.wait(40)
        with suppress(ProcessLookupError, PermissionError):  # is gone
            if hasattr(os, "killpg"):
                os.killpg(rank.pid, signal.SIGKILL)
            else:
                rank.kill()
        rank.wait()


# %% distributed-launch
def launch(
    function: Callable, *helpers: Callable, world: int = 2,
    limit: float = 300.0, torchrun: bool = False, **options: Any,
) -> list[Any]:
    """Run function(rank, world, **options) in `world` processes.

    Prints what each rank printed, and returns what each returned, by
    rank. Options go as JSON, results as torch.save has them: tensors
    and plain containers. Raises RankError when a rank fails and
    TimeoutError after `limit` seconds. Either way, no process is left.
    """
    if not isinstance(world, int) or world < 1:
        raise ValueError(f"world: {world!r}, not 1 or more")
    if not limit > 0:
        raise ValueError(f"limit: {limit!r}, not above 0")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        script = write_script(place / "work.py", function, *helpers)
        text = json.dumps(options)
        (place / "options.json").write_text(text, "utf-8")
        ranks: list[subprocess.Popen] = []
        try:
            ranks = start_ranks(script, world, torchrun)
            wait_for(ranks, place, limit)
        finally:
            end_ranks(ranks, grace=5 if torchrun else 0)
            for rank in range(world):
                out = place / f"{rank}.out"
                text = out.read_text("utf-8") if out.exists() else ""
                for line in text.splitlines():
                    print(f"[{rank}] {line}")
        return [torch.load(place / f"{n}.pt") for n in range(world)]


# %% distributed-ring
def ring_steps(
    world: int,
) -> Iterator[list[tuple[int, int, int, bool]]]:
    """Yield what is sent in each step of a ring all-reduce.

    A step lists (from, to, chunk, adds): every rank sends a chunk to
    its neighbor, which adds it to its own, in the first half, or takes
    it. World below 1 raises ValueError.
    """
    if not isinstance(world, int) or world < 1:
        raise ValueError(f"world: {world!r}, not 1 or more")
    for adds, first in ((True, 0), (False, 1)):
        for step in range(world - 1):
            yield [
                (r, (r + 1) % world, (r + first - step) % world, adds)
                for r in range(world)
            ]


def ring_all_reduce(
    tensors: list[Tensor],
) -> tuple[list[Tensor], list[int]]:
    """Add up one tensor of each rank, as a ring of ranks does.

    Returns each rank's sum, and the bytes it has sent. ValueError if
    shapes or dtypes differ.
    """
    if len({(t.shape, t.dtype) for t in tensors}) != 1:
        raise ValueError("tensors: must be alike in shape and dtype")
    world = len(tensors)
    parts = [list(t.flatten().tensor_split(world)) for t in tensors]
    sent = [0] * world
    for step in ring_steps(world):
        data = [parts[source][chunk] for source, _, chunk, _ in step]
        for send, new in zip(step, data, strict=True):
            source, to, chunk, adds = send
            old = parts[to][chunk]
            parts[to][chunk] = old + new if adds else new.clone()
            sent[source] += new.nbytes
    return [torch.cat(p).view(tensors[0].shape) for p in parts], sent


# %% distributed-time
def time_all_reduce(
    rank: int, world: int, sizes: list[int]
) -> list[float]:
    """Return the seconds of an all-reduce for each count of numbers.

    Medians over 3 to 200 of them. For launch, so it imports by itself
    what it needs. Sizes below 1 raise ValueError.
    """
    import statistics
    import time

    seconds = []
    for size in sizes:
        if size < 1:
            raise ValueError(f"sizes: {size}, not 1 or more")
        x = torch.zeros(size)
        repeats = max(3, min(200, 10**7 // size))
        dist.all_reduce(x)  # the first one sets things up
        dist.barrier()
        times = []
        for _ in range(repeats):
            begin = time.perf_counter()
            dist.all_reduce(x)
            times.append(time.perf_counter() - begin)
        seconds.append(statistics.median(times))
    return seconds


# %% distributed-average
def average_gradients(model: nn.Module) -> None:
    """Make each gradient the mean over all ranks, in place.

    What DistributedDataParallel does, but all at the end, and tensor by
    tensor. Every rank must have the same gradients that are None.
    """
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def sum_over_ranks(*numbers: float) -> list[float]:
    """Return the sum over all ranks of each number, on each rank."""
    sums = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(sums)
    return sums.tolist()
