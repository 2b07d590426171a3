"""Puts one exercise of a reader's file to its check. Runs in a process of its own."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

from workbook.practice.check import Check
from workbook.practice.submission import Submission, run
from workbook.practice.tampering import Snapshot, snapshot

_LONG = 400  # characters of a value that are told
_LINES = 8


@dataclass(frozen=True)
class Verdict:
    """What came of it. `cause` says why in a word that the report has a sentence for."""

    state: str  # pass, fail, error or todo
    cause: str = ""
    slip: str = ""
    detail: str = ""  # behind the slip's name: the case at hand
    claim: str = ""  # what the check looked at
    came: str = ""
    expected: str = ""
    line: int = 0  # in the reader's file
    error: str = ""  # type and message of the exception


def judge(submission: Submission, exercise: str, check: Check) -> dict[str, Any]:
    """Run an exercise and its check; a verdict as a dictionary, which can be sent on."""
    watch = snapshot(check.dotted)
    try:
        module = run(submission, exercise)
    except SyntaxError as error:
        verdict = _unreadable(error, submission)
    except BaseException as error:
        verdict = _raised(error, submission, exercise)
    else:
        verdict = _replaced(watch) or _checked(module, submission, exercise, check)
    return dataclasses.asdict(_replaced(watch) or verdict)


def _checked(
    module: ModuleType, submission: Submission, exercise: str, check: Check
) -> Verdict:
    if missing := [name for name in check.taken if name not in vars(module)]:
        return Verdict("error", "missing", detail=missing[0])
    notes: dict[tuple[int, int], Any] = {}
    try:
        check.function(notes)(module)
    except AssertionError as error:
        if line := _deepest(error, check.file):
            return _failed(error, line, check, notes)
        return _raised(error, submission, exercise)
    except BaseException as error:
        line = _deepest(error, check.file)
        if _line_in(error.__traceback__, str(submission.path)) or isinstance(error, SystemExit):
            return _raised(error, submission, exercise)
        return _unusable(error, line, check)
    return Verdict("pass")


def _failed(
    error: AssertionError, line: int, check: Check, notes: Mapping[tuple[int, int], Any]
) -> Verdict:
    """The check has found something: which slip, what came, what was expected."""
    slip, _, detail = str(error).partition(":")
    found = check.assertion(line)
    if not found:
        return Verdict("fail", "slip", slip, detail.strip())
    start, assertion = found
    sides = [_shown(notes[start, side]) for side in (0, 1) if (start, side) in notes]
    came, expected = sides if len(sides) == 2 else ("", "")
    return Verdict(
        "fail", "slip", slip, detail.strip(), assertion.claim,
        came, f"{assertion.sign}{expected}" if expected else "",
    )  # fmt: skip


def _unusable(error: BaseException, line: int, check: Check) -> Verdict:
    """The check could not use what it got: a result of another kind, or none at all."""
    nothing = "'NoneType'" in str(error)
    where = check.line(line) if line else ""
    return Verdict(
        "fail", "unusable", "returns" if nothing else "type", "", where, error=_said(error)
    )


def _raised(error: BaseException, submission: Submission, exercise: str) -> Verdict:
    """The reader's own code has raised: where, in their file."""
    line = _line_in(error.__traceback__, str(submission.path))
    if isinstance(error, NotImplementedError) and error.args[:1] == (exercise,):
        return Verdict("todo", "unfinished", line=line)
    kinds = {
        SystemExit: "exit",
        EOFError: "asked",
        RecursionError: "recursion",
        MemoryError: "memory",
    }
    cause = next((word for kind, word in kinds.items() if isinstance(error, kind)), "raised")
    if "can't allocate memory" in _said(error) or "not enough memory" in _said(error):
        cause = "memory"
    return Verdict("error", cause, line=line, error=_said(error))


def _unreadable(error: SyntaxError, submission: Submission) -> Verdict:
    if error.filename not in (str(submission.path), None):
        return Verdict("error", "raised", error=_said(error))
    return Verdict(
        "error", "syntax", line=error.lineno or 0, error=f"{type(error).__name__}: {error.msg}"
    )


def _replaced(watch: Snapshot) -> Verdict | None:
    if name := watch.changed():
        return Verdict("error", "setting", detail=name)
    if name := watch.replaced():
        return Verdict("error", "replaced", detail=name)
    return None


def _deepest(error: BaseException, file: str) -> int:
    """The line at which an exception was raised, if that was in this file."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if frames and frames[-1][0].f_code.co_filename == file:
        return frames[-1][1]
    return 0


def _line_in(trace: TracebackType | None, file: str) -> int:
    """The innermost line of a file that a traceback passes through."""
    lines = [n for frame, n in traceback.walk_tb(trace) if frame.f_code.co_filename == file]
    return lines[-1] if lines else 0


def _said(error: BaseException) -> str:
    try:
        words = str(error)
    except Exception:
        words = ""
    name = type(error).__name__
    return _short(f"{name}: {words}" if words else name)


def _shown(value: Any) -> str:
    """A value as Python shows it; a size of torch as the tuple it is."""
    try:
        plain = tuple(value) if type(value).__name__ == "Size" else value
        return _short(repr(plain))
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _short(text: str) -> str:
    lines = text.encode("utf-8", "backslashreplace").decode().splitlines() or [""]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], "…"]
    whole = "\n".join(lines)
    return whole if len(whole) <= _LONG else f"{whole[:_LONG]}…"
