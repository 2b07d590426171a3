"""The other way to run a function apart: in a new interpreter, on systems that cannot fork.

An interpreter takes seconds to import torch, so that those for functions that are expected
are started ahead and wait. Memory and processes are watched from outside; where an end has to
be asked for, the interpreter is asked first where it stands.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import psutil

from workbook.practice import child
from workbook.practice.isolation import (
    GRACE,
    QUIET,
    TICK,
    Ended,
    Limits,
    Watched,
    group,
    seconds_of,
)
from workbook.practice.worker import MESSAGE, TRACE

_AHEAD = min(2, os.cpu_count() or 1)  # interpreters that wait at a time
_PATIENCE = 120.0  # seconds in which an interpreter has to begin
_CRASHES = {  # what Windows has in place of signals
    0xC0000005: signal.SIGSEGV,
    0xC00000FD: signal.SIGSEGV,
    0xC0000409: signal.SIGABRT,
    0xC000001D: signal.SIGILL,
}
_ABORTED, _LAST_WORDS = 3, b"Fatal Python error: Aborted"  # the status of abort() there


class Worker:
    """An interpreter of its own, and the one function that it will run."""

    def __init__(self, names: Iterable[str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="workbook-"))
        for name in (MESSAGE, TRACE):
            (self.folder / name).touch()
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            apart = {"creationflags": flags}
        command = [sys.executable, "-P", "-X", "utf8", "-m", "workbook.practice.worker"]
        self.process = subprocess.Popen(
            [*command, str(self.folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=os.environ | QUIET, **apart,
        )  # fmt: skip
        self.since = time.time()
        self.pid = self.process.pid  # until it says its own: a venv of Windows starts another
        self.send(list(names))

    def send(self, what: object) -> None:
        """Send something, if it can still be received."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.write(pickle.dumps(what))
            self.process.stdin.flush()

    def told(self, name: str) -> bytes:
        """What it has written so far into one of its files."""
        return (self.folder / name).read_bytes()

    def begun(self) -> bool:
        """Whether the function runs."""
        for line in self.told(MESSAGE).split(b"\n")[:-1]:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                self.pid = int(json.loads(line)["began"])
                return True
        return False

    def status(self) -> int | None:
        """How it ended by itself, negative for a signal; None while it runs."""
        status = self.process.poll()
        if status in _CRASHES:
            return -_CRASHES[status]
        if status == _ABORTED and _LAST_WORDS in self.told(TRACE):
            return -signal.SIGABRT
        return status

    def started(self) -> list[psutil.Process]:
        """The processes that it has started and those that they have, while they are alive."""
        parents: dict[int, list[psutil.Process]] = {}
        for process in psutil.process_iter(["ppid", "create_time", "status"]):
            about = process.info
            late = (about["create_time"] or 0) >= self.since - 1
            if late and about["status"] != psutil.STATUS_ZOMBIE:
                parents.setdefault(about["ppid"], []).append(process)
        found, waiting = [], [self.pid]
        while waiting:
            children = parents.pop(waiting.pop(), [])
            found += children
            waiting += [each.pid for each in children]
        if hasattr(os, "killpg"):
            known = {each.pid for each in found}
            with contextlib.suppress(psutil.Error):
                found += [psutil.Process(pid) for pid in group(self.pid) if pid not in known]
        return found

    def end(self) -> None:
        """End it with all that it has started; nothing of it stays."""
        processes = self.started()
        with contextlib.suppress(psutil.Error):
            if self.pid != self.process.pid:
                processes.append(psutil.Process(self.pid))
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(processes, 1)
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nursery:
    """The interpreters that wait, and what those to come will import."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.waiting: list[Worker] = []
        self.expected = 0

    def preload(self, names: Iterable[str]) -> None:
        """Have the next ones import these modules."""
        new = [name for name in names if name not in self.names]
        if "torch" in new:  # too dear to be imported after all
            self.dismiss()
        self.names += new

    def expect(self, jobs: int) -> None:
        """Have as many ready as there will be functions, but no more than there are cores."""
        self.expected = jobs
        while len(self.waiting) < min(jobs, _AHEAD):
            self.waiting.append(Worker(self.names))

    def take(self) -> Worker:
        """One that waits, or a new one."""
        worker = self.waiting.pop(0) if self.waiting else Worker(self.names)
        self.expect(max(0, self.expected - 1))
        return worker

    def dismiss(self) -> None:
        """End those that wait."""
        for worker in self.waiting:
            worker.end()
        self.waiting.clear()


_nursery = Nursery()
preload, expect = _nursery.preload, _nursery.expect
atexit.register(_nursery.dismiss)


def close() -> None:
    """End the interpreters that wait for functions that will not come."""
    _nursery.expected = 0
    _nursery.dismiss()


def isolated(job: Callable[[], Any], limits: Limits, unwanted: Callable[[], bool]) -> Ended:
    """Run a function that can be pickled in an interpreter of its own."""
    worker = _nursery.take()
    assert worker.process.stdout
    watched = Watched(worker.pid, limits, 0)
    reader = threading.Thread(target=_read, args=(worker.process.stdout, watched), daemon=True)
    reader.start()
    try:
        worker.send((job, limits))
        reason = _awaited(worker, watched, unwanted)
        result, left = None, False
        if not reason:
            reason, result = _watch(worker, watched, reader, unwanted)
            left = reason == "finished" and _left_behind(worker)
        if reason in ("time", "memory"):
            _ask(worker)
        watched.trace += worker.told(TRACE)
    finally:
        worker.end()
        reader.join(1)
    return watched.ended(reason, result, left)


def _awaited(worker: Worker, watched: Watched, unwanted: Callable[[], bool]) -> str:
    """Wait until the function runs; the reason if it never will."""
    until = time.monotonic() + _PATIENCE
    while not worker.begun():
        watched.status = worker.status()
        if watched.status is not None and not worker.begun():
            return "died"
        if unwanted():
            return "unwanted"
        if time.monotonic() > until:
            return "time"
        time.sleep(TICK)
    watched.pid, watched.began = worker.pid, time.monotonic()
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(worker.pid)
        watched.memory, watched.spent = process.memory_info().rss, seconds_of(process)
    return ""


def _watch(
    worker: Worker, watched: Watched, reader: threading.Thread, unwanted: Callable[[], bool]
) -> tuple[str, Any]:
    """Why it ended or has to, and its result."""
    while True:
        watched.status = worker.status()
        watched.message[:] = worker.told(MESSAGE)
        finished, result = watched.result()
        if finished:
            reader.join(TICK * 10)  # the rest of what it printed
            if watched.printed > watched.limits.output:
                return "output", None
            return "finished", result
        if watched.status is not None:
            return "died", None
        if reason := watched.over() or _wrote(watched):
            return reason, None
        if unwanted():
            return "unwanted", None
        time.sleep(TICK)


def _wrote(watched: Watched) -> str:
    """`file` if it has written more than it may, where nothing inside keeps it from that."""
    if child.resource:
        return ""
    with contextlib.suppress(psutil.Error, AttributeError):
        written = psutil.Process(watched.pid).io_counters().write_bytes
        return "file" if written > watched.limits.file else ""
    return ""


def _left_behind(worker: Worker) -> bool:
    """Whether processes that it started are still there some time after it ended."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until:
        if worker.status() is not None and not worker.started():
            return False
        time.sleep(TICK)
    return bool(worker.started())


def _ask(worker: Worker) -> None:
    """Have it tell where it stands: its other thread, or a signal if that cannot run."""
    asking: list[Callable[[], None]] = [lambda: worker.send("where")]
    if hasattr(signal, "SIGUSR1"):
        asking.append(lambda: os.kill(worker.pid, signal.SIGUSR1))
    for ask in asking:
        with contextlib.suppress(OSError):
            ask()
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            if worker.told(TRACE).endswith(b"\n"):
                return
            time.sleep(TICK)


def _read(stream: IO[bytes], watched: Watched) -> None:
    """Take what it prints until nobody can print any more."""
    with contextlib.suppress(OSError, ValueError), stream:
        while data := os.read(stream.fileno(), 1 << 16):
            watched.take(data)
