"""Makes the PDF or the EPUB of an edition when it is asked for, by a build of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from workbook import formats
from workbook.problem import BookError, problem
from workbook.source.edition import EDITIONS, read_edition

OFFERED = ("pdf", "epub")  # as -f has them
_COMMAND = "from workbook.cli import main; main()"
_GRACE = 5.0  # seconds that a build has to take its folders away


class Books:
    """Makes one book at a time in a process that ends with it: typesetting keeps its memory.

    `on_progress(words)` is told what the build says, and is given nothing when it is over.
    """

    def __init__(self, root: Path, output: Path, on_progress: Callable[[str], None]) -> None:
        self.root, self.output, self.on_progress = root, output, on_progress
        self._one = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._stopped = False

    def make(self, edition: str, fmt: str) -> str:
        """The place of the book below the output; BookError with what the build said."""
        if edition not in EDITIONS or fmt not in OFFERED:
            what = f"there is no {fmt!r} of an edition {edition!r}"
            raise BookError(problem("preview", 0, what, f"ask for {' or '.join(OFFERED)}"))
        with self._one:
            said = self._build(edition, fmt)
        if said:
            raise BookError(problem("preview", 0, f"no {fmt} of {edition}", "mend this", said))
        first, *_ = formats.asked_for([fmt])
        return first.path(read_edition(self.root, edition))

    def stop(self) -> None:
        """End the build that runs."""
        self._stopped = True
        child = self._child
        if child and child.poll() is None:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(_GRACE)
            except subprocess.TimeoutExpired:
                child.kill()

    def _build(self, edition: str, fmt: str) -> str:
        """Run the build; returns what it said if it failed."""
        arguments = ["build", "-e", edition, "-f", fmt, "-j", "1", "--output", self.output]
        if self._stopped:
            return "the preview has ended"
        lines: list[str] = []
        with subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *map(str, arguments)],
            cwd=self.root,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as self._child:
            assert self._child.stderr
            for line in self._child.stderr:
                lines.append(line)
                self.on_progress(f"making the {fmt} of {edition}: {line.strip()}")
        self.on_progress("")
        return "".join(lines) if self._child.returncode else ""
