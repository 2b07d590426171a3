"""Runs a function in a process of its own that cannot hurt this one, and tells how it ended.

The process is forked, so that what is imported here need not be imported again. It gets a
process group, nobody to type for it, and limits on time, memory and output; whatever it
starts and leaves behind is ended with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil

from workbook.practice.child import Limits, run_child

_HEAD = 20_000  # bytes of output that are kept
_TICK = 0.02  # seconds between two looks at the process
_GRACE = 0.5  # seconds in which the processes it started may end


@dataclass(frozen=True)
class Ended:
    """How it ended: `finished`, `died`, or for a limit: `time`, `memory`, `output`."""

    reason: str
    status: int  # exit status, negative for a signal
    result: Any = None  # what the function returned
    output: str = ""  # the beginning of what it printed
    trace: str = ""  # where it stood when it was killed or crashed, innermost first
    left_behind: bool = False  # it had started processes that did not end
    seconds: float = 0.0


@dataclass
class _Watched:
    """A running process and what has come from it so far."""

    pid: int
    limits: Limits
    output: bytearray = field(default_factory=bytearray)
    trace: bytearray = field(default_factory=bytearray)
    message: bytearray = field(default_factory=bytearray)
    printed: int = 0
    began: float = field(default_factory=time.monotonic)
    status: int | None = None

    def reap(self) -> bool:
        """Whether it has ended by itself."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def over(self, base: int) -> str:
        """The limit that it has broken, or an empty string."""
        if self.printed > self.limits.output:
            return "output"
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            spent = process.cpu_times()
            elapsed = time.monotonic() - self.began
            if spent.user + spent.system > self.limits.seconds:
                return "time"
            if elapsed > 3 * self.limits.seconds:
                return "time"
            if process.memory_info().rss > base + self.limits.memory:
                return "memory"
        return ""

    def result(self) -> tuple[bool, Any]:
        """Whether it has told its result, and the result; what it forked has no say."""
        for line in bytes(self.message).split(b"\n")[:-1]:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                message = json.loads(line)
                if message["pid"] == self.pid:
                    return True, message["result"]
        return False, None


def isolated(
    job: Callable[[], Any],
    limits: Limits | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Ended:
    """Run a function that returns something JSON can hold in a process of its own.

    Once the result is `unwanted` the process is ended, for the reason `unwanted`.
    """
    limits = limits or Limits()
    sys.stdout.flush()
    sys.stderr.flush()
    base = psutil.Process().memory_info().rss
    pipes = [os.pipe() for _ in range(3)]  # output, trace, message
    pid = os.fork()
    if pid == 0:
        run_child(job, limits, [write for _, write in pipes])
    for _, write in pipes:
        os.close(write)
    watched = _Watched(pid, limits)
    try:
        return _watch(watched, [read for read, _ in pipes], base, unwanted)
    finally:
        _end(watched)
        for read, _ in pipes:
            os.close(read)


def _watch(
    watched: _Watched, readers: list[int], base: int, unwanted: Callable[[], bool]
) -> Ended:
    reason, result = "", None
    with selectors.DefaultSelector() as selector:
        for read, sink in zip(readers, ("output", "trace", "message"), strict=True):
            os.set_blocking(read, False)
            selector.register(read, selectors.EVENT_READ, sink)
        while not reason:
            ended = watched.reap()
            _drain(selector, watched)
            finished, result = watched.result()
            reason = "finished" if finished else "died" if ended else watched.over(base)
            if not reason and unwanted():
                reason = "unwanted"
            if reason == "finished" and watched.printed > watched.limits.output:
                reason, result = "output", None
        left = reason == "finished" and _left_behind(watched)
        if reason == "time":
            os.kill(watched.pid, signal.SIGUSR1)  # it tells where it stands
            time.sleep(0.2)
        _drain(selector, watched)
    return Ended(
        reason,
        watched.status or 0,
        result,
        watched.output.decode("utf-8", "replace"),
        watched.trace.decode("utf-8", "replace"),
        left,
        time.monotonic() - watched.began,
    )


def _drain(selector: selectors.BaseSelector, watched: _Watched) -> None:
    """Take what has come; of the output, no more than its head is kept."""
    for key, _ in selector.select(_TICK):
        try:
            data = os.read(key.fd, 1 << 20)
        except BlockingIOError:
            continue
        if not data:
            selector.unregister(key.fd)
        elif key.data == "output":
            watched.output += data[: _HEAD - len(watched.output)]
            watched.printed += len(data)
        else:
            getattr(watched, key.data).extend(data)
    if not selector.get_map():
        time.sleep(_TICK)


def _left_behind(watched: _Watched) -> bool:
    """Whether processes of its group are still there some time after it ended."""
    until = time.monotonic() + _GRACE
    while time.monotonic() < until:
        if watched.reap() and not _group(watched.pid):
            return False
        time.sleep(_TICK)
    return bool(_group(watched.pid))


def _group(leader: int) -> list[int]:
    """The processes of a group that are alive, without its leader."""
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):
        return []
    found = []
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            alive = process.info["status"] != psutil.STATUS_ZOMBIE
            if alive and process.pid != leader and os.getpgid(process.pid) == leader:
                found.append(process.pid)
    return found


def _end(watched: _Watched) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(watched.pid, signal.SIGKILL)
    if watched.status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(watched.pid, signal.SIGKILL)  # before it had a group of its own
        os.waitpid(watched.pid, 0)
