"""One way to run a function apart: in a process forked from this one.

What is imported here need not be imported again. The process gets a process group, nobody to
type for it, and limits on time, memory and output; whatever it starts and leaves behind is
ended with it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any

import psutil

from workbook.practice.child import run_child
from workbook.practice.imports import import_all
from workbook.practice.isolation import GRACE, QUIET, TICK, Ended, Limits, Watched, group


class _Child(Watched):
    """A forked process."""

    def reap(self) -> bool:
        """Whether it has ended by itself."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None


def preload(names: Iterable[str]) -> None:
    """Import modules here: every process that is forked afterwards has them."""
    os.environ.update(QUIET)
    import_all(names)


def expect(jobs: int) -> None:
    """A process is forked at once: nothing is to be made ready."""


def close() -> None:
    """Nothing waits."""


def isolated(job: Callable[[], Any], limits: Limits, unwanted: Callable[[], bool]) -> Ended:
    """Run a function in a copy of this process."""
    base = psutil.Process().memory_info().rss
    pipes = [os.pipe() for _ in range(3)]  # output, trace, message
    pid = os.fork()
    if pid == 0:
        run_child(job, limits, [write for _, write in pipes])
    for _, write in pipes:
        os.close(write)
    child = _Child(pid, limits, base)
    try:
        return _watch(child, [read for read, _ in pipes], unwanted)
    finally:
        _end(child)
        for read, _ in pipes:
            os.close(read)


def _watch(child: _Child, readers: list[int], unwanted: Callable[[], bool]) -> Ended:
    reason, result = "", None
    with selectors.DefaultSelector() as selector:
        for read, sink in zip(readers, ("output", "trace", "message"), strict=True):
            os.set_blocking(read, False)
            selector.register(read, selectors.EVENT_READ, sink)
        while not reason:
            ended = child.reap()
            _drain(selector, child)
            finished, result = child.result()
            reason = "finished" if finished else "died" if ended else child.over()
            if not reason and unwanted():
                reason = "unwanted"
            if reason == "finished" and child.printed > child.limits.output:
                reason, result = "output", None
        left = reason == "finished" and _left_behind(child)
        if reason == "time":
            os.kill(child.pid, signal.SIGUSR1)  # it tells where it stands
            time.sleep(0.2)
        _drain(selector, child)
    return child.ended(reason, result, left)


def _drain(selector: selectors.BaseSelector, child: _Child) -> None:
    """Take what has come."""
    for key, _ in selector.select(TICK):
        try:
            data = os.read(key.fd, 1 << 20)
        except BlockingIOError:
            continue
        if not data:
            selector.unregister(key.fd)
        elif key.data == "output":
            child.take(data)
        else:
            getattr(child, key.data).extend(data)
    if not selector.get_map():
        time.sleep(TICK)


def _left_behind(child: _Child) -> bool:
    """Whether processes of its group are still there some time after it ended."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until:
        if child.reap() and not group(child.pid):
            return False
        time.sleep(TICK)
    return bool(group(child.pid))


def _end(child: _Child) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    if child.status is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)  # before it had a group of its own
        os.waitpid(child.pid, 0)
