"""What a process does around the function that it is for, whichever way it was made."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from workbook.practice.isolation import Limits

try:
    import resource
except ImportError:  # Windows has no such limits: all is watched from outside
    resource = None  # type: ignore[assignment]


def run_child(job: Callable[[], Any], limits: Limits, writers: list[int]) -> NoReturn:
    """The forked process, which never returns to the code that forked it."""
    try:
        output, trace, message = writers
        os.setsid()
        set_streams(output)
        _keep_only(trace, message)
        set_limits(limits)
        _lower_memory(limits.memory)
    except BaseException:
        os._exit(1)
    run_job(job, trace, message)


def run_job(job: Callable[[], Any], trace: int, message: int) -> NoReturn:
    """Run the function, tell its result, and end; a crash tells where it stood."""
    try:
        faulthandler.enable(file=trace, all_threads=False)
        if hasattr(faulthandler, "register"):
            faulthandler.register(signal.SIGUSR1, file=trace, all_threads=False)
        result = job()
        _end_helpers()
        sys.stdout.flush()
        send(message, {"pid": os.getpid(), "result": result})
    except BaseException:
        with contextlib.suppress(BaseException):
            sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        os._exit(0)


def send(pipe: int, message: dict[str, Any]) -> None:
    """Write a message as a line of JSON."""
    text = json.dumps(message).encode() + b"\n"
    with contextlib.suppress(OSError):  # closed by what was run: then nothing is told
        while text:
            text = text[os.write(pipe, text) :]


def set_streams(output: int) -> None:
    """Nobody types anything, and both streams go to the one who watches."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for there, here in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(there, here)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name, fd in (("stdout", 1), ("stderr", 2)):
        stream = open(fd, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def set_limits(limits: Limits) -> None:
    """Limit what can be limited from inside, but for memory."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if resource:
        signal.alarm(int(4 * limits.seconds) + 5)  # should nobody watch any more
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_FSIZE, limits.file)


def _keep_only(*kept: int) -> None:
    """Close every other file that this process has inherited."""
    low = 3
    for fd in sorted(kept):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, max(low, min(os.sysconf("SC_OPEN_MAX"), 4096)))


def _lower_memory(memory: int) -> None:
    if sys.platform == "linux":  # elsewhere it counts little; the watcher looks at memory, too
        used = resource.getpagesize() * int(_statm()[5])
        _lower(resource.RLIMIT_DATA, used + memory)


def _statm() -> list[str]:
    with open("/proc/self/statm", encoding="ascii") as file:
        return file.read().split()


def _lower(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (limit, limit))


def _end_helpers() -> None:
    """End the daemons of multiprocessing, as Python does when a program ends."""
    if multiprocessing := sys.modules.get("multiprocessing"):
        for process in multiprocessing.active_children():
            if process.daemon:
                process.terminate()
                process.join(1)
