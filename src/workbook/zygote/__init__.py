"""Runs Python programs as forks of a process that has already imported what they import.

Importing torch, matplotlib and IPython costs seconds of computing; a fork of a process that
has them costs milliseconds, and is as fresh: nothing of one program is seen by the next. The
process, a zygote, is started when the first program is, and ends with this process, however
that ends. Every program runs on a lease: where this process lets go of it, or is killed, the
program, all that it started and its scratch folder go.

Only on Linux, where forking after such imports is safe; elsewhere each program is started as
an interpreter of its own. `start` gives the same in both cases.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

# One thread each: programs run side by side, and sums come out the same on any machine.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "CUDA_VISIBLE_DEVICES": "",  # what needs a GPU is a recording
    "KINETO_LOG_LEVEL": "9",  # of torch's profiler: its own remarks, with the hour, stay away
}
_SERVER = Path(__file__).with_name("server.py")
_OPTIONS = ("-X", "frozen_modules=off")  # as Jupyter starts its kernels
# What differs from program to program and shapes no import.
_OWN = ("PYTHONPATH", "IPYTHONDIR", "PYTEST_CURRENT_TEST")
_FORKS = sys.platform == "linux"
_STYLE = "matplotlibrc"  # read while matplotlib is imported


class Program(Protocol):
    """A running program, as `subprocess.Popen` has it."""

    pid: int

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""

    def kill(self) -> None:
        """End it at once."""

    def wait(self) -> int:
        """Wait until it has ended; returns its exit status."""


@contextlib.contextmanager
def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[int, int, int],
    scratch: Path | None = None,
) -> Iterator[Program]:
    """Run `python ARGUMENTS` (`-m MODULE …` or `-c CODE`) in a folder; end it in any case.

    `streams` are the files that it has as standard input, output and error; `scratch` is a
    folder that goes with it. OSError where it can't be started.
    """
    begin = _forked if _FORKS else _interpreter
    program = begin(arguments, environment, folder, streams, scratch)
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def prepare(folder: Path) -> None:
    """Begin to import what programs in this folder import: one will be started soon."""
    if _FORKS:
        _zygote(_shared(os.environ | ENVIRONMENT), folder)


def run(code: str, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run code in a folder with this text as its input, to its end."""
    with contextlib.ExitStack() as stack:
        given, said, complained = (
            stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            for _ in range(3)
        )
        given.write(text)
        given.seek(0)
        streams = given.fileno(), said.fileno(), complained.fileno()
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": ""}
        with start(["-c", code], environment, folder, streams) as program:
            status = program.wait()
        said.seek(0), complained.seek(0)
        return subprocess.CompletedProcess(code, status, said.read(), complained.read())


def _interpreter(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[int, int, int],
    scratch: Path | None,
) -> Program:
    """An interpreter of its own; the caller alone can remove its scratch folder."""
    command = [sys.executable, *_OPTIONS, *arguments]
    stdin, stdout, stderr = streams
    return _Group(
        command, cwd=folder, env=dict(environment), stdin=stdin, stdout=stdout, stderr=stderr,
        start_new_session=os.name == "posix",
    )  # fmt: skip


class _Group(subprocess.Popen):
    """A process that is killed with the group that it leads."""

    def kill(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        super().kill()


# --- forks -----------------------------------------------------------------------------


class Forked:
    """A program in a fork of the zygote, held by a lease: a socket to the one that minds it."""

    def __init__(self, lease: socket.socket) -> None:
        self._lease, self._said = lease, b""
        self._status: int | None = None
        self._read_until(lines=1)
        if not self._said:
            raise OSError("the process that forks has ended")
        self.pid = int(self._said.split()[0])

    def poll(self) -> int | None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._lease, selectors.EVENT_READ)
            return self.wait() if self._status is None and selector.select(0) else self._status

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._lease.shutdown(socket.SHUT_WR)

    def wait(self) -> int:
        if self._status is None:
            self._read_until(lines=2)
            told = self._said.split()
            # Whoever minds it tells its status; if that one was killed, so was the program.
            self._status = int(told[1]) if len(told) == 2 else -signal.SIGKILL
            self._lease.close()
        return self._status

    def _read_until(self, lines: int) -> None:
        while self._said.count(b"\n") < lines:
            try:
                more = self._lease.recv(64)
            except ConnectionError:
                return
            if not more:
                return
            self._said += more


def _forked(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    streams: tuple[int, int, int],
    scratch: Path | None,
) -> Program:
    ours, theirs = socket.socketpair()
    with theirs:
        _zygote(_shared(environment), folder).hand_over([theirs.fileno(), *streams])
    request = {
        "arguments": list(arguments),
        "environment": dict(environment),
        "folder": str(folder),
        "scratch": str(scratch) if scratch else None,
    }
    ours.sendall(json.dumps(request).encode() + b"\n")
    return Forked(ours)


class _Zygote:
    """The process that has imported what programs import, and forks one when it is asked."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *_OPTIONS, str(_SERVER), str(theirs.fileno())],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is this process's to hear
            )

    def hand_over(self, files: Sequence[int]) -> None:
        """Ask for a fork that has these open files: its lease and its standard streams."""
        socket.send_fds(self._control, [b"."], files)

    def alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Let it go; the programs that it forked run on."""
        self._control.close()
        self._process.wait()


_lock = threading.Lock()
_current: tuple[object, _Zygote] | None = None


def _shared(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _OWN}


def _zygote(environment: Mapping[str, str], folder: Path) -> _Zygote:
    """The zygote for this environment and style, started where there is none."""
    global _current
    style = folder / _STYLE
    key = (sorted(environment.items()), style.read_bytes() if style.is_file() else b"")
    with _lock:
        if _current and (_current[0] != key or not _current[1].alive()):
            _current[1].end()
            _current = None
        if not _current:
            _current = key, _Zygote(environment, folder)
        return _current[1]


def remove(folder: Path) -> None:
    """Remove a scratch folder, which whoever minds a program may be removing as well."""
    shutil.rmtree(folder, ignore_errors=True)
