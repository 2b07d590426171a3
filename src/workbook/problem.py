"""What is wrong, where, and what to do: the one form in which faults are told."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; line 0 means the file as a whole."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, order=True)
class Problem:
    """One fault: where it is, what it is, and what mends it."""

    where: Location
    what: str
    remedy: str
    detail: str = ""  # a traceback, a diff: printed below the line

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}; {self.remedy}"
        return f"{line}\n{self.detail}" if self.detail else line


class BookError(Exception):
    """Stops the work at hand; carries every problem found up to then."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[BookError], tuple[list[Problem]]]:
        """Pickle the problems, not the message: books are rendered in other processes."""
        return BookError, (self.problems,)


def problem(path: Path | str, line: int, what: str, remedy: str, detail: str = "") -> Problem:
    """Make a problem from its parts."""
    return Problem(Location(str(path), line), what, remedy, detail)


def of_file(error: OSError, root: Path) -> Problem:
    """The fault of a file that can't be read or written; its path is told from `root`."""
    path = error.filename if isinstance(error.filename, str) else ""
    file = os.path.relpath(path, root) if path.startswith(str(root)) else path or str(root)
    remedy = _FILE_REMEDIES.get(
        error.errno or 0, "look whether it is there and yours to change"
    )
    return problem(file, 0, f"cannot be read or written ({error.strerror or error})", remedy)


_FILE_REMEDIES = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room on the disk",
    errno.EACCES: "mend its permissions",
    errno.EPERM: "mend its permissions",
    errno.EROFS: "work where files can be written",
}
