"""A file of exercises in pieces: what stands above the first `# %% exr-…`, then each."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

_START = re.compile(r"^# %%[ \t]*(exr-[\w-]+)[ \t]*$", re.M)


@dataclass(frozen=True)
class Part:
    """A run of lines: the number of the first, and their text."""

    line: int
    text: str


@dataclass(frozen=True)
class Submission:
    """A file of exercises, as it stands on disk."""

    path: Path
    head: Part
    parts: Mapping[str, Part]  # by the exercise's id; each begins with its `# %%`

    def code(self, exercise: str) -> list[CodeType]:
        """What runs for an exercise, under the line numbers of the file."""
        return [compiled(part, str(self.path)) for part in (self.head, self.parts[exercise])]

    def undecodable(self, exercise: str) -> int:
        """The first line of what runs for an exercise that is not UTF-8, or 0."""
        for part in (self.head, self.parts[exercise]):
            for line, text in enumerate(part.text.split("\n"), part.line):
                if any("\udc80" <= letter <= "\udcff" for letter in text):
                    return line
        return 0


def compiled(part: Part, file: str) -> CodeType:
    """The code of a part under the line numbers of its file; SyntaxError where it is none."""
    try:
        return compile("\n" * (part.line - 1) + part.text, file, "exec")
    except (RecursionError, MemoryError):  # not of the memory that an exercise may use
        raise SyntaxError("too many levels", (file, part.line, 1, "")) from None


def read_submission(path: Path) -> Submission:
    """Read a file of exercises; OSError where there is none.

    Bytes that are not UTF-8 become lone surrogates: `undecodable` finds them.
    """
    return parse_submission(
        path.read_text(encoding="utf-8-sig", errors="surrogateescape"), path
    )


def parse_submission(text: str, path: Path) -> Submission:
    """Cut a text into the exercises' pieces; where one is there twice, the last counts."""
    starts = list(_START.finditer(text))
    ends = [*(match.start() for match in starts[1:]), *[len(text)] * bool(starts)]
    head = text[: starts[0].start()] if starts else text
    parts = {
        match[1]: Part(text.count("\n", 0, match.start()) + 1, text[match.start() : end])
        for match, end in zip(starts, ends, strict=True)
    }
    return Submission(path, Part(1, head), parts)


def load(path: Path, exercise: str) -> ModuleType:
    """Run one exercise of a file alone; its names are the module's."""
    return run(read_submission(path), exercise)


def run(submission: Submission, exercise: str) -> ModuleType:
    """Run one exercise of a submission alone; its names are the module's."""
    module = sys.modules["exercise"] = ModuleType("exercise")  # where dataclasses look it up
    module.__file__ = str(submission.path)
    for code in submission.code(exercise):
        exec(code, module.__dict__)
    return module


def replaced(
    submission: Submission, text: str, exercise: str, piece: str, order: list[str]
) -> str:
    """The text of a file with one piece as given; a piece that is missing comes in order."""
    if part := submission.parts.get(exercise):
        start = _offset(text, part.line)
        end = start + len(part.text)
        gap = "\n\n" if end < len(text) else ""
        return text[:start] + piece + gap + text[end:]
    later = order[order.index(exercise) + 1 :]
    following = next(
        (submission.parts[name] for name in later if name in submission.parts), None
    )
    if following:
        start = _offset(text, following.line)
        return text[:start] + piece + "\n\n" + text[start:]
    return text.rstrip("\n") + "\n\n\n" + piece


def _offset(text: str, line: int) -> int:
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1])
