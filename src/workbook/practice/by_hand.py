"""Checks an answer found on paper, part by part, and names the slip behind a wrong one.

The judge is the check of the exercise, run on a function that returns the reader's value.
Where the value has several parts, each is checked alone, beside right ones that the
exercise's own cell computes. The slip is that of the wrong value which the chapter names,
if it is the reader's; else the one that the check says.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from workbook.practice.check import Check, check_of
from workbook.practice.sandbox import Ended, Limits, isolated
from workbook.source.exercise import Exercise

_NEAR = {"rel_tol": 0.02, "abs_tol": 0.006}  # two decimals will do


def keys(exercise: Exercise) -> tuple[str, ...]:
    """The names of the parts of the answer, in order; none if it is one value."""
    for node in ast.walk(_function(exercise)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict):
            return tuple(str(ast.literal_eval(key)) for key in node.value.keys if key)
    return ()


def form(exercise: Exercise) -> str:
    """What the stub says of the answer's form: its docstring."""
    return ast.get_docstring(_function(exercise)) or ""


def is_word(exercise: Exercise) -> bool:
    """Whether the answer is a string."""
    annotation = _function(exercise).returns
    return isinstance(annotation, ast.Name) and annotation.id == "str"


def graded(exercise: Exercise, given: Mapping[str, Any], limits: Limits | None = None) -> Ended:
    """Check parts by their keys, or the whole under the key "".

    The result maps each key to `[slip, detail]`; the slip of a right one is empty.
    """
    return isolated(partial(verdicts, exercise, given), limits)


def verdicts(exercise: Exercise, given: Mapping[str, Any]) -> dict[str, list[str]]:
    """The slip and the case of each part; it runs code: call it in a process of its own."""
    check = check_of(exercise)
    right = evaluated(exercise.solution + f"\n{exercise.by_hand}()")

    @functools.cache  # most values are right, and then nobody asks for the wrong ones
    def wrong() -> list[tuple[str, Any]]:
        return [(w.slip, evaluated(f"{exercise.solution}\n{w.code}")) for w in exercise.wrong]

    found = {}
    for key, value in given.items():
        whole = {**right, key: value} if key else value
        slip, detail = slip_of(exercise, check, whole)
        if slip and (named := _named(key, value, right, wrong())):
            slip, detail = named, ""
        found[key] = [slip, detail]
    return found


def slip_of(exercise: Exercise, check: Check, value: Any) -> tuple[str, str]:
    """What the check says of a value: the slip and the case, both empty if it is right."""
    from types import SimpleNamespace

    answer = SimpleNamespace(**{exercise.by_hand: lambda: value})
    try:
        check.function({})(answer)
    except AssertionError as error:
        slip, _, detail = str(error).partition(":")
        return slip or "value", detail.strip()
    except Exception:
        return "type", ""
    return "", ""


def _named(key: str, value: Any, right: Any, wrong: list[tuple[str, Any]]) -> str:
    """The slip of the named wrong value that this is, or an empty string."""
    for slip, other in wrong:
        if key and isinstance(other, Mapping):
            if key in other and same(value, other[key]) and not same(other[key], right[key]):
                return slip
        elif not key and same(value, other):
            return slip
    return ""


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, up to rounding where one of them is a float."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (one, other))
    if numbers and (isinstance(one, float) or isinstance(other, float)):
        return math.isclose(one, other, **_NEAR)
    return type(one) is type(other) and one == other


def evaluated(code: str) -> Any:
    """The value of the last expression of a cell of the book."""
    *above, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    names: dict[str, Any] = {}
    exec(compile(ast.Module(above, []), "<answer>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<answer>", "eval"), names)


def _function(exercise: Exercise) -> ast.FunctionDef:
    body = ast.parse(exercise.solution).body
    return next(node for node in body if isinstance(node, ast.FunctionDef))
