"""Puts the mutants of an exercise to its check, as a reader's file would be."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbook.derive.records import problems_in, read_records
from workbook.mutants import spoil
from workbook.mutants.rewrite import Mutant, mutants
from workbook.practice.check import Check, check_of
from workbook.practice.judge import judge
from workbook.practice.sandbox import Limits, isolated
from workbook.practice.submission import parse_submission
from workbook.problem import BookError
from workbook.source.exercise import Exercise

FOLDER = Path("tests/gate")
_FORM = {"exercise": "text", "mutant": "text", "reason": "text"}
_ANSWER = Path("answer.py")
_PATIENCE = 0.5  # CPU seconds that a mutant may take beyond five times its solution
_BATCH = Limits(seconds=600.0)


class _TooLong(BaseException):
    """A mutant computes without end."""


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: `alive`, `idle` (it changed nothing), or what found it."""

    mutant: Mutant
    state: str


def fates(exercise: Exercise) -> list[Fate]:
    """What became of each mutant of an exercise in code."""
    found = mutants(exercise)
    check = check_of(exercise)
    states: dict[str, str] = {}
    ended = isolated(partial(_all, exercise, check, found), _BATCH)
    if ended.reason == "finished":
        states = dict(ended.result)
    else:  # one of them brought the process down: each in one of its own
        for mutant in found:
            one = isolated(partial(_all, exercise, check, [mutant]), Limits(seconds=10.0))
            state = dict(one.result) if one.reason == "finished" else {}
            states[mutant.name] = state.get(mutant.name, one.reason)
    return [Fate(mutant, states[mutant.name]) for mutant in found]


def _all(exercise: Exercise, check: Check, found: Sequence[Mutant]) -> list[tuple[str, str]]:
    began = time.process_time()
    _outcome(exercise, check, exercise.solution, 60.0)
    limit = 5 * (time.process_time() - began) + _PATIENCE
    states = []
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for mutant in found:
            spoil.happened[0] = False
            state = _outcome(exercise, check, mutant.code, limit)
            if state == "alive" and mutant.spoiled and not spoil.happened[0]:
                state = "idle"
            states.append((mutant.name, state))
    return states


def _outcome(exercise: Exercise, check: Check, code: str, limit: float) -> str:
    """What the check says of an answer; an exception of the answer's own counts as found."""
    _begin_anew()

    def too_long(*_: Any) -> None:
        raise _TooLong

    signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, limit, 1.0)
    try:
        submission = parse_submission(f"# %% {exercise.id}\n{code}\n", _ANSWER)
        verdict = judge(submission, exercise.id, check)
    except _TooLong:
        return "time"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if verdict["state"] == "pass":
        return "alive"
    if verdict["error"] == _TooLong.__name__:  # which the judge takes for the answer's own
        return "time"
    return verdict["slip"] or verdict["error"] or verdict["cause"]


def _begin_anew() -> None:
    """As in a process of its own: nothing is left of the answer before."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
        if "torch._dynamo" in sys.modules:
            torch._dynamo.reset()


# --- those that mean the same -------------------------------------------------------------


def equivalents(root: Path, slug: str) -> dict[tuple[str, str], str]:
    """The mutants that mean what the solution means: exercise and mutant, and the reason.

    BookError where the file says anything else.
    """
    path = FOLDER / f"{slug}.yml"
    if not (root / path).is_file():
        return {}
    records = read_records(root, path)
    if problems := [found for record in records for found in problems_in(path, record, _FORM)]:
        raise BookError(problems)
    return {(record["exercise"], record["mutant"]): record["reason"] for record in records}


def unlike(
    exercise: Exercise, found: Sequence[Fate], listed: Collection[tuple[str, str]]
) -> tuple[list[Fate], list[str]]:
    """Those that live and are not listed, and the names of listed ones that don't live."""
    alive = {fate.mutant.name: fate for fate in found if fate.state == "alive"}
    names = [name for owner, name in listed if owner == exercise.id]
    new = [fate for name, fate in alive.items() if name not in names]
    return new, [name for name in names if name not in alive]


def entry(exercise: Exercise, fate: Fate) -> Iterator[str]:
    """The lines that list a mutant as equivalent, but for the reason."""
    yield f"- exercise: {exercise.id}"
    yield "  mutant: >-"
    yield f"    {fate.mutant.name}"
    yield "  reason: "
