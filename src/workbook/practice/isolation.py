"""What the two ways of running something apart share: limits, what is seen of it, its end."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

import psutil

HEAD = 20_000  # bytes of output that are kept
TICK = 0.02  # seconds between two looks at the process
GRACE = 0.5  # seconds in which the processes it started may end
QUIET = {  # variables of a process: one thread, no helpers of the compiler, no window
    "OMP_NUM_THREADS": "1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "MPLBACKEND": "Agg",
}


@dataclass(frozen=True)
class Limits:
    """What a process may use."""

    seconds: float = 10.0  # of computing; three times as long by the clock
    memory: int = 2 * 1024**3  # bytes, beyond what was in use when it began
    output: int = 1_000_000  # bytes printed
    file: int = 500_000_000  # bytes of any file that is written


@dataclass(frozen=True)
class Ended:
    """How it ended: `finished`, `died`, or for a limit: `time`, `memory`, `output`, `file`."""

    reason: str
    status: int  # exit status, negative for a signal
    result: Any = None  # what the function returned
    output: str = ""  # the beginning of what it printed
    trace: str = ""  # where it stood when it was killed or crashed, innermost first
    left_behind: bool = False  # it had started processes that did not end
    seconds: float = 0.0


@dataclass
class Watched:
    """A running process and what has come from it so far."""

    pid: int
    limits: Limits
    memory: int  # bytes that were in use when it began
    spent: float = 0.0  # seconds that it had computed when it began
    output: bytearray = field(default_factory=bytearray)
    trace: bytearray = field(default_factory=bytearray)
    message: bytearray = field(default_factory=bytearray)
    printed: int = 0
    began: float = field(default_factory=time.monotonic)
    status: int | None = None

    def take(self, data: bytes) -> None:
        """Note what it has printed; no more than the head is kept."""
        self.output += data[: HEAD - len(self.output)]
        self.printed += len(data)

    def over(self) -> str:
        """The limit that it has broken, or an empty string."""
        if self.printed > self.limits.output:
            return "output"
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            elapsed = time.monotonic() - self.began
            if seconds_of(process) - self.spent > self.limits.seconds:
                return "time"
            if elapsed > 3 * self.limits.seconds:
                return "time"
            if process.memory_info().rss > self.memory + self.limits.memory:
                return "memory"
        return ""

    def result(self) -> tuple[bool, Any]:
        """Whether it has told its result, and the result; what it started has no say."""
        for line in bytes(self.message).split(b"\n")[:-1]:
            with contextlib.suppress(ValueError, TypeError, KeyError):
                message = json.loads(line)
                if message["pid"] == self.pid:
                    return True, message["result"]
        return False, None

    def ended(self, reason: str, result: Any, left_behind: bool) -> Ended:
        """How it ended, with all that came from it."""
        return Ended(
            reason,
            self.status or 0,
            result,
            self.output.decode("utf-8", "replace"),
            self.trace.decode("utf-8", "replace"),
            left_behind,
            time.monotonic() - self.began,
        )


def seconds_of(process: psutil.Process) -> float:
    """How long a process has computed."""
    spent = process.cpu_times()
    return spent.user + spent.system


def group(leader: int) -> list[int]:
    """The processes of a process group that are alive, without its leader."""
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
