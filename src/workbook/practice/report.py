"""Tells outcomes to a reader: a line for each, and what helps where it did not pass."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence

import click

from workbook.practice.attempt import ERROR, FAIL, PASS, TODO, Outcome
from workbook.practice.catalog import Unit
from workbook.practice.terminal_text import for_terminal
from workbook.practice.words import say
from workbook.source.exercise import COMMON_SLIPS, Exercise

MARKS = {PASS: ("✓", "green"), FAIL: ("✗", "red"), ERROR: ("!", "yellow"), TODO: ("·", None)}
_PRINTED = 20  # lines


def heading(unit: Unit) -> str:
    """The chapter, and the file that the reader works in."""
    return click.style(f"{unit.number} {unit.title}", bold=True) + f"  {unit.file}"


def message(outcome: Outcome, lang: str) -> str:
    """An outcome in as many lines as it takes."""
    lines = [headline(outcome, lang)]
    lines += [f"    {line}" for line in details(outcome, lang)]
    return "\n".join(lines)


def headline(outcome: Outcome, lang: str) -> str:
    mark, color = MARKS[outcome.state]
    exercise = outcome.exercise
    state = click.style(f"{mark} {say(lang, outcome.state)}", fg=color)
    return f"  {state}  {exercise.name}  {exercise.title}{_note(outcome, lang)}"


def _note(outcome: Outcome, lang: str) -> str:
    """What a reader should know of an exercise on paper that stands in no file."""
    cause = "answered" if outcome.verdict.cause == "answered" else ""
    if outcome.verdict.cause == "untouched" and outcome.exercise.by_hand:
        cause = "on-paper"
    if not cause:
        return ""
    said = say(lang, cause, name=outcome.exercise.name)
    return f"（{said}）" if lang == "zh" else f" ({said})"


def details(outcome: Outcome, lang: str) -> Iterator[str]:
    """What helps: cause, place, slip, what was expected and what came."""
    verdict = outcome.verdict
    if outcome.state in (FAIL, ERROR) or verdict.cause == "unfinished":
        if verdict.cause != "slip":
            yield from reason(outcome, lang).splitlines()
        if verdict.line:
            source = f": {outcome.source}" if outcome.source else ""
            yield f"{outcome.path}:{verdict.line}{source}"
        yield from _found(outcome, lang)
    if outcome.printed.strip():
        yield from _labelled(lang, "printed", _head(outcome, lang))


def reason(outcome: Outcome, lang: str) -> str:
    """The sentence for a verdict's cause."""
    verdict, exercise = outcome.verdict, outcome.exercise
    return say(
        lang,
        verdict.cause,
        error=verdict.error,
        detail=verdict.detail,
        signal=_signal(verdict.detail),
        file=outcome.path,
        id=exercise.id,
        name=exercise.name,
        slug=outcome.path.stem.replace("_", "-"),
    )


def slip_text(exercise: Exercise, slip: str, lang: str) -> str:
    """What the chapter says of the slip, else what the book as a whole does, else its name."""
    if text := exercise.slips.get(slip):
        return for_terminal([text], lang)[0]
    return say(lang, f"slip:{slip}") if slip in COMMON_SLIPS else slip


def counts(outcomes: Sequence[Outcome], seconds: float, lang: str) -> str:
    """The last line: how many of each, and what to do next."""
    number = {state: sum(o.state == state for o in outcomes) for state in MARKS}
    line = say(
        lang, "try:counts", passed=number[PASS], failed=number[FAIL], errors=number[ERROR],
        todo=number[TODO], total=len(outcomes), seconds=seconds,
    )  # fmt: skip
    stuck = next((o for o in outcomes if o.state == FAIL), None)
    return f"{line}\n{say(lang, 'try:next', name=stuck.exercise.name)}" if stuck else line


def _found(outcome: Outcome, lang: str) -> Iterator[str]:
    """What the check has found; an answer on paper is not given away."""
    verdict = outcome.verdict
    if verdict.slip:
        yield from _labelled(
            lang, "slip", slip_text(outcome.exercise, outcome.verdict.slip, lang)
        )
    if verdict.detail and verdict.cause == "slip":
        yield from _labelled(lang, "case", verdict.detail)
    if verdict.claim and not outcome.exercise.by_hand:
        yield from _labelled(lang, "claim", verdict.claim)
        if verdict.expected:
            yield from _labelled(lang, "expected", verdict.expected)
    if verdict.came:
        yield from _labelled(lang, "came", verdict.came)


def _labelled(lang: str, label: str, text: str) -> Iterator[str]:
    word = say(lang, label)
    width = 6 if lang == "zh" else 10
    first, *rest = text.splitlines() or [""]
    yield f"{click.style(word, dim=True)}{' ' * (width - _columns(word))}{first}"
    yield from (f"{' ' * width}{line}" for line in rest)


def _columns(word: str) -> int:
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in word)


def _head(outcome: Outcome, lang: str) -> str:
    lines = outcome.printed.rstrip("\n").split("\n")
    shown = [click.unstyle(line)[:200] for line in lines[:_PRINTED]]
    more = outcome.cut or len(lines) > _PRINTED
    return "\n".join([*shown, *([say(lang, "more")] if more else [])])


def _signal(status: str) -> str:
    try:
        return signal.Signals(-int(status)).name
    except ValueError:
        return status
