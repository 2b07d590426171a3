"""Tries an exercise: what a reader's file does, told as an outcome that can be reported."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from workbook.practice import by_hand
from workbook.practice.check import Check, check_of
from workbook.practice.judge import Verdict, judge
from workbook.practice.sandbox import Ended, Limits, isolated
from workbook.practice.submission import Submission, read_submission, run
from workbook.source.exercise import Exercise, parsed

PASS, FAIL, ERROR, TODO = "pass", "fail", "error", "todo"
UNWANTED = "unwanted"  # the cause where nobody waits for the outcome any more
_SHOWING = re.compile(r'judge\.py", line \d+ in _(said|shown)\b')  # a value as text
_FRAME = re.compile(r'File "(.+)", line (\d+)')


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt, with what the reader's code printed."""

    exercise: Exercise
    path: Path  # the reader's file
    verdict: Verdict
    source: str = ""  # the reader's line that the verdict names
    printed: str = ""
    cut: bool = False  # more was printed than is kept
    seconds: float = 0.0
    imported: tuple[str, ...] = field(default=(), repr=False)  # what it had to import

    @property
    def state(self) -> str:
        return self.verdict.state


def read(path: Path) -> Submission | None:
    """A reader's file, or None if there is none that can be read."""
    try:
        return read_submission(path)
    except OSError:
        return None


def attempt(
    exercise: Exercise,
    path: Path,
    submission: Submission | None,
    limits: Limits | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Put an exercise of a reader's file to its check, unless that becomes unwanted."""
    if verdict := _not_run(exercise, submission):
        return _outcome(exercise, path, submission, verdict)
    assert submission is not None
    check = check_of(exercise)
    limits = limits or Limits()
    ended = isolated(partial(_job, submission, exercise, check), limits, unwanted)
    found = _told(ended) if ended.reason == "finished" and not ended.left_behind else None
    if found:
        verdict = found
        if verdict.cause == "memory":
            verdict = replace(verdict, detail=_amount("memory", limits))
    else:
        verdict = _killed(ended, submission, limits)
    return _outcome(exercise, path, submission, verdict, ended)


def begun(exercise: Exercise, submission: Submission) -> bool:
    """Whether the piece of an exercise holds anything but its stub."""
    return _tree(submission.parts[exercise.id].text) != _tree(exercise.stub)


def _not_run(exercise: Exercise, submission: Submission | None) -> Verdict | None:
    """What can be said without running anything."""
    if submission is None:
        return Verdict(ERROR, "no-file")
    if exercise.id not in submission.parts:
        return Verdict(ERROR, "no-marker")
    if line := submission.undecodable(exercise.id):
        return Verdict(ERROR, "encoding", line=line)
    return None if begun(exercise, submission) else Verdict(TODO, "untouched")


def _job(submission: Submission, exercise: Exercise, check: Check) -> dict[str, object]:
    import sys

    before = set(sys.modules)
    verdict = judge(submission, exercise.id, check)
    if exercise.by_hand and verdict["slip"]:
        verdict |= _named(submission, exercise)
    return {"verdict": verdict, "imported": _libraries(set(sys.modules) - before)}


def _named(submission: Submission, exercise: Exercise) -> dict[str, str]:
    """The slip of an answer on paper, which `workbook answer` would name in the same way."""
    value = getattr(run(submission, exercise.id), exercise.by_hand)()
    names = by_hand.keys(exercise)
    given = {"": value} if not names or not isinstance(value, dict) else value
    if any(key not in names for key in given if names):
        return {}
    for key, (slip, detail) in by_hand.verdicts(exercise, given).items():
        if slip:
            return {"slip": slip, "detail": detail or key}
    return {}


def _libraries(names: Iterable[str]) -> list[str]:
    """Those modules that are part of a library, not of the book or the reader's folder."""
    import sys

    found = {name: getattr(sys.modules.get(name), "__file__", None) for name in names}
    return sorted(name for name, file in found.items() if file and "site-packages" in file)


def _told(ended: Ended) -> Verdict | None:
    """The verdict that came; None for what the reader's code sent in its place."""
    try:
        return Verdict(**ended.result["verdict"])
    except (TypeError, KeyError):
        return None


def _killed(ended: Ended, submission: Submission, limits: Limits) -> Verdict:
    """The process was ended, or has ended itself, before the check was through."""
    line = next(
        (int(n) for file, n in _FRAME.findall(ended.trace) if file == str(submission.path)), 0
    )
    if ended.left_behind:
        return Verdict(ERROR, "left-behind")
    if ended.reason == "unwanted":
        return Verdict(ERROR, UNWANTED)
    if ended.reason in ("died", "finished"):
        return Verdict(ERROR, "crash" if ended.status < 0 else "quit", line=line,
                       detail=str(ended.status))  # fmt: skip
    if ended.reason == "time" and _SHOWING.search(ended.trace):
        return Verdict(ERROR, "showing", detail=_amount("time", limits), line=line)
    return Verdict(ERROR, ended.reason, detail=_amount(ended.reason, limits), line=line)


def _amount(reason: str, limits: Limits) -> str:
    """What a limit is, in the unit in which it is told."""
    amounts = {
        "time": limits.seconds,
        "memory": limits.memory / 1024**3,
        "output": limits.output / 1e6,
        "file": limits.file / 1024**3,
    }
    return f"{amounts[reason]:.2g}"


def _outcome(
    exercise: Exercise, path: Path, submission: Submission | None, verdict: Verdict,
    ended: Ended | None = None,
) -> Outcome:  # fmt: skip
    if not ended:
        return Outcome(exercise, path, verdict, _source(submission, verdict.line))
    printed = ended.output
    result = ended.result if isinstance(ended.result, dict) else {}
    return Outcome(
        exercise, path, verdict, _source(submission, verdict.line), printed,
        len(printed) >= 20_000, ended.seconds, tuple(result.get("imported", ())),
    )  # fmt: skip


def _source(submission: Submission | None, line: int) -> str:
    """A line of the reader's file."""
    for part in (submission.head, *submission.parts.values()) if submission and line else ():
        lines = part.text.split("\n")
        if part.line <= line < part.line + len(lines):
            text = lines[line - part.line].strip()
            if text or line > part.line:
                return text.encode("utf-8", "replace").decode()
    return ""


def _tree(code: str) -> str:
    """The code without comments and spacing; what cannot be parsed is like nothing else."""
    try:
        return ast.dump(parsed(code))
    except (SyntaxError, RecursionError):
        return code
