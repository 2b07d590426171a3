"""Makes the PDF or the EPUB of an edition when it is asked for, in a process that stays."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from workbook import formats
from workbook.preview import maker
from workbook.problem import BookError, Problem, problem
from workbook.source.edition import EDITIONS, read_edition

OFFERED = ("pdf", "epub")  # as -f has them
ROOM = 5 << 30  # bytes that typesetting may need; where they are not free, others give way
_GRACE = 5.0  # seconds that a build has to take its folders away


class Books:
    """Makes one book at a time. Each edition has a process of its own, which stays, since of a
    book that Typst has set before it sets only what changed: two seconds in place of twenty.

    `on_progress(words)` is told what the build says, and is given nothing when it is over.
    """

    def __init__(self, root: Path, output: Path, on_progress: Callable[[str], None]) -> None:
        self.root, self.output, self.on_progress = root, output, on_progress
        self._one = threading.Lock()
        self._makers: dict[str, subprocess.Popen[str]] = {}  # by edition, the latest last
        self._stopped = False

    def make(self, edition: str, fmt: str) -> str:
        """The place of the book below the output; BookError with what stood in the way."""
        if edition not in EDITIONS or fmt not in OFFERED:
            what = f"there is no {fmt!r} of an edition {edition!r}"
            raise BookError(problem("preview", 0, what, f"ask for {' or '.join(OFFERED)}"))
        with self._one:
            problems = self._build(edition, fmt)
        if problems:
            raise BookError(problems)
        first, *_ = formats.asked_for([fmt])
        return first.path(read_edition(self.root, edition))

    def stop(self) -> None:
        """End the build that runs, and all processes."""
        self._stopped = True
        while not self._one.acquire(timeout=0.1):  # until nobody reads what one of them says
            for child in list(self._makers.values()):
                _interrupt(child)
        try:
            for child in self._makers.values():
                _end(child)
        finally:
            self._one.release()

    def _build(self, edition: str, fmt: str) -> list[Problem]:
        """Have it built; returns what stood in the way."""
        if self._stopped:
            return [problem("preview", 0, "the preview has ended", "start it again")]
        child = self._maker(edition)
        try:
            print(json.dumps([edition, fmt]), file=child.stdin, flush=True)
            for line in child.stdout or ():
                said, problems = maker.heard(line)
                if problems is not None:
                    return problems
                self.on_progress(f"making the {fmt} of {edition}: {said}")
        except BrokenPipeError:
            pass  # it ended before it was asked
        finally:
            self.on_progress("")
        what = f"what was making the {fmt} of {edition} ended with status {child.wait()}"
        return [problem("preview", 0, what, "ask again")]

    def _maker(self, edition: str) -> subprocess.Popen[str]:
        """The process that makes the books of an edition, with room to work in."""
        child = self._makers.pop(edition, None)
        while self._makers and psutil.virtual_memory().available < ROOM:
            _end(self._makers.pop(next(iter(self._makers))))
        if child is None or child.poll() is not None:
            child = subprocess.Popen(
                [sys.executable, "-m", maker.__name__, self.root, self.output],
                cwd=self.root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        self._makers[edition] = child
        return child


def _interrupt(child: subprocess.Popen[str]) -> None:
    """Interrupt a process; it is killed only where it does not end by itself."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _end(child: subprocess.Popen[str]) -> None:
    """Interrupt a process to which nobody listens any more."""
    _interrupt(child)
    for stream in (child.stdin, child.stdout):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()
