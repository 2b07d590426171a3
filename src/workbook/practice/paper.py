"""What a page has to know to check an answer on paper: values in place of the check.

A page runs no Python. So the check is asked beforehand, by the very code of `workbook answer`:
how far each number may be off, which forms pass, what is said of an answer that is no number.
The named wrong values come along, each with its slip. `theme/site/practice.js` reads this.

A value is written as JSON has it, an integer as a number and a float as `{"f": 0.5}`. What is
right is a pattern: `{"from": 22.5, "to": 23.5}` for a number, `{"items": […]}` for a sequence,
`{"word": "abc"}` for a string.
"""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import json
import math
import string
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook import memo
from workbook.practice import by_hand, sandbox
from workbook.practice import check as checks
from workbook.practice.check import check_of
from workbook.practice.sandbox import Limits
from workbook.problem import BookError, problem
from workbook.source.chapter import Chapter
from workbook.source.exercise import Exercise

_LIMITS = Limits(seconds=600)

_NO_WORD, _NO_NUMBER, _FAR = "no such word", [], 1e6  # what no check takes; far off
_FINE = 1e-6  # of how far a number may be off: so finely that is found
_SEPARATORS = ", "
Slip = Callable[[Any], str]  # what the check says of a value; an empty string if it is right


@dataclass(frozen=True)
class Asked:
    """A part of an answer: its key, what is right, and what the check says of a value."""

    key: str
    right: Any
    slip: Slip


def sheet(exercise: Exercise) -> dict[str, Any]:
    """All that a page needs; it runs code: call it in a process of its own."""
    parts = list(_parts(exercise))
    wrong = [
        (piece.slip, by_hand.evaluated(f"{exercise.solution}\n{piece.code}"))
        for piece in exercise.wrong
    ]
    return {
        "word": by_hand.is_word(exercise),
        "parts": [
            {
                "key": part.key,
                **_pattern(part),
                "wrong": [[slip, written(value)] for slip, value in _wrong(part, wrong)],
            }
            for part in parts
        ],
    }


def slips(sheet: Mapping[str, Any]) -> set[str]:
    """The names of all slips that a sheet may tell."""
    found = set()
    for part in sheet["parts"]:
        found |= {slip for slip, _ in part["wrong"]} | set(part["leaves"]) | {part["else"]}
        found |= {part["bare"], part["short"], *part.get("letters", {}).values()}
    return found - {""}


def written(value: Any) -> Any:
    """A value as JSON that keeps what is a float."""
    if isinstance(value, list | tuple):
        return [written(item) for item in value]
    return {"f": value} if isinstance(value, float) else value


def _parts(exercise: Exercise) -> Iterator[Asked]:
    check = check_of(exercise)
    right = by_hand.evaluated(exercise.solution + f"\n{exercise.by_hand}()")
    for key in by_hand.keys(exercise) or ("",):

        def slip(value: Any, key: str = key) -> str:
            whole = {**right, key: value} if key else value
            return by_hand.slip_of(exercise, check, whole)[0]

        part = Asked(key, right[key] if key else right, slip)
        if said := slip(part.right):
            raise ValueError(f"{said} of the reference solution")
        yield part


def _wrong(part: Asked, wrong: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The named wrong values of a part, as `workbook answer` looks for them."""
    for slip, value in wrong:
        if not part.key:
            yield slip, value
        elif not by_hand.same(value.get(part.key, part.right), part.right):
            yield slip, value[part.key]


def _pattern(part: Asked) -> dict[str, Any]:
    """What is right, and what is said of the rest: of a word, a wrong length, each number."""
    value = part.right
    if isinstance(value, str):
        return _word(part)
    leaves = list(_leaves(value))
    ranges = [_range(part, at) for at in leaves]
    open_ = not _apart(part, leaves, ranges)
    if open_:  # others are right as well, which no ranges tell
        ranges = [(_at(value, at),) * 2 for at in leaves]
    named = iter({"from": low, "to": high} for low, high in ranges)
    found: dict[str, Any] = {
        "right": _formed(value, named),
        "else": part.slip(_NO_WORD) if leaves != [()] else part.slip(_NO_NUMBER),
        "bare": part.slip(7) if isinstance(value, list | tuple) else "",
        "short": part.slip([*value, 0]) if isinstance(value, list | tuple) else "",
        "leaves": [part.slip(_with(value, at, _at(value, at) * 9 + _FAR)) for at in leaves],
    }
    if isinstance(value, list | tuple) and not part.slip([value]):
        found["flat"] = True
    return found | ({"open": True} if open_ else {})


def _word(part: Asked) -> dict[str, Any]:
    """A word; where the order of its letters means nothing, what each letter is worth."""
    word = part.right
    found: dict[str, Any] = {
        "right": {"word": word},
        "else": part.slip(_NO_WORD),
        **{"bare": "", "short": "", "leaves": []},
    }
    if part.slip(word[::-1]):
        return found

    def without(*letters: str) -> str:
        return "".join(sorted(set(word) ^ set(letters)))

    said = {letter: part.slip(without(letter)) for letter in string.ascii_lowercase}

    def first(one: str, other: str) -> int:
        return -1 if part.slip(without(one, other)) == said[one] else 1

    order = sorted(said, key=functools.cmp_to_key(first))
    return found | {
        "letters": {letter: said[letter] for letter in order},
        "fold": not part.slip(word.upper()),
        "spaced": not part.slip(_SEPARATORS.join(word)),
    }


def _range(part: Asked, at: tuple[int, ...]) -> tuple[float, float]:
    """The least and the largest number that pass for the one at a place."""
    value = _at(part.right, at)

    def passes(number: float) -> bool:
        return not part.slip(_with(part.right, at, number))

    return _end(value, -1, passes), _end(value, 1, passes)


def _end(value: float, sign: int, passes: Callable[[float], bool]) -> float:
    """The last number that passes on one side of the right one."""
    if not passes(value + sign * (abs(value) or 1.0) * 1e-9):
        return value
    good, bad = value, value + sign * max(1.0, abs(value))
    while abs(bad - good) > max(abs(bad - value) * _FINE, math.ulp(value)):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    for digits in range(-9, 12):  # what a hand writes: 0.49 rather than 0.490000072
        short = round(good, digits)
        if min(good, bad) <= short <= max(good, bad):
            return short if passes(short) else good
    return good


def _apart(
    part: Asked, leaves: Sequence[tuple[int, ...]], ranges: Sequence[tuple[float, float]]
) -> bool:
    """Whether the numbers may be off each for itself; else others are right, too."""
    exact = all(math.isclose(low, high, rel_tol=1e-12) for low, high in ranges)
    if exact or len(leaves) == 1:
        return True
    for ends in ((0,), (1,), (0, 1), (1, 0)):
        value = part.right
        for at, pair, end in zip(leaves, ranges, itertools.cycle(ends)):
            middle = _at(part.right, at)
            value = _with(value, at, middle + (pair[end] - middle) * 0.99)
        if part.slip(value):
            return False
    return True


def _leaves(value: Any, at: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The places of all numbers of a value."""
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*at, index))
    else:
        yield at


def _at(value: Any, at: Sequence[int]) -> Any:
    return functools.reduce(lambda inside, index: inside[index], at, value)


def _with(value: Any, at: Sequence[int], number: Any) -> Any:
    """The value with another number at a place."""
    if not at:
        return number
    items = list(value)
    items[at[0]] = _with(items[at[0]], at[1:], number)
    return tuple(items) if isinstance(value, tuple) else items


def _formed(value: Any, named: Iterator[Any]) -> Any:
    """A value with a pattern in place of each number."""
    if isinstance(value, list | tuple):
        return {"items": [_formed(item, named) for item in value]}
    return next(named)


def sheets(root: Path, chapters: Iterable[Chapter]) -> dict[str, dict[str, Any]]:
    """The sheets of the exercises that are done on paper, by their ids; each is made once.

    BookError where a check cannot be asked.
    """
    asking = (
        Path(module.__file__ or "") for module in (by_hand, checks, sys.modules[__name__])
    )
    modules = memo.contents((root / "code").rglob("*.py"))
    made_from = memo.contents(asking), modules, importlib.metadata.version("torch")
    return {
        each.id: json.loads(
            memo.recall(
                functools.partial(_asked, root, chapter.path, each),
                *("sheet", *made_from, *(cell.code for cell in each.cells)),
            )
        )
        for chapter in chapters
        for each in chapter.exercises
        if each.by_hand and each.check
    }


def _asked(root: Path, path: Path, exercise: Exercise) -> str:
    """The sheet as JSON, made in a process of its own."""
    sandbox.preload(["torch"])
    ended = sandbox.isolated(functools.partial(_job, root, exercise), _LIMITS)
    if ended.reason != "finished":
        last = (ended.output.strip().splitlines() or [ended.reason])[-1]
        what = f"no page can check {exercise.id}: {last}"
        remedy = "look whether its check takes the reference solution and fails with a slip"
        raise BookError(problem(path, exercise.line, what, remedy, ended.output))
    return json.dumps(ended.result, ensure_ascii=False, sort_keys=True)


def _job(root: Path, exercise: Exercise) -> dict[str, Any]:
    sys.path.insert(0, str(root / "code"))
    return sheet(exercise)
