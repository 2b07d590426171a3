"""Reads what a reader types as an answer: Python's literals, and what hands write on paper."""

from __future__ import annotations

import ast
import operator
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from workbook.source.exercise import parsed

_SIGNS = str.maketrans("、。“”‘’【】−–×÷⁄", ",.\"\"''[]--*//")
_OPERATIONS = {ast.Div: operator.truediv, ast.Mult: operator.mul, ast.Pow: operator.pow}
_MOST = 400  # decimal places of a power
_KEY = re.compile(r"""\s*["']?([A-Za-z_][\w-]*)["']?\s*[=:]\s*""")


class Unreadable(ValueError):
    """What was typed is no value."""


_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")


def tidy(text: str) -> str:
    """Full-width digits, brackets and signs as Python writes them: `（１，２）` → `(1,2)`."""
    text = _RAISED.sub(lambda match: f"**{match[0]}", text)
    return unicodedata.normalize("NFKC", text).translate(_SIGNS).strip()


def value(text: str) -> Any:
    """The value of a text: a literal, a fraction, a power, or a bare word as a string."""
    plain = tidy(text).replace("^", "**")
    try:
        return _evaluated(parsed(plain, "eval").body, text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise Unreadable(text) from None  # TypeError: of a dictionary whose key is a list


def pairs(texts: Sequence[str]) -> dict[str, str] | None:
    """The parts of `box=23 stride=12,4,1` by their keys, still as text; None without keys.

    A dictionary as Python writes it will do as well.
    """
    whole = tidy(" ".join(texts))
    if whole.startswith("{") and whole.endswith("}"):
        whole = whole[1:-1]
    found: dict[str, str] = {}
    key = ""
    for piece in _split(whole):
        if match := _KEY.match(piece):
            key = match[1]
            found[key] = piece[match.end() :].strip()
        elif not key:
            return None
        elif piece.strip():
            found[key] = f"{found[key]}, {piece.strip()}"
    return found or None


def values(texts: Sequence[str]) -> list[str]:
    """Several values without keys, each as a text."""
    if len(texts) > 1:
        return [text.rstrip(",，、;；") for text in texts]
    return [piece.strip() for piece in _split(tidy(texts[0]))] if texts else []


def _split(text: str) -> list[str]:
    """The text cut at commas, semicolons and before keys, but not in brackets or quotes."""
    pieces, depth, quote, start = [], 0, "", 0
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif depth == 0 and (letter in ",;" or (letter == " " and _KEY.match(text[at:]))):
            pieces.append(text[start:at])
            start = at + 1
    return [piece for piece in [*pieces, text[start:]] if piece.strip()]


def _evaluated(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | bool):
        return node.value
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Tuple | ast.List):
        items = [_evaluated(item, text) for item in node.elts]
        return tuple(items) if isinstance(node, ast.Tuple) else items
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_evaluated(key, text) for key in node.keys if key]
        return dict(zip(keys, [_evaluated(x, text) for x in node.values], strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _number(node.operand, text)
        return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _number(node.left, text), _number(node.right, text)
        return _calculated(_OPERATIONS[type(node.op)], left, right, text)
    raise Unreadable(text)


def _number(node: ast.expr, text: str) -> int | float:
    number = _evaluated(node, text)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Unreadable(text)
    return number


def _calculated(operation: Any, left: float, right: float, text: str) -> Any:
    if operation is operator.pow and (abs(right) > _MOST or abs(left) > 10**9):
        raise Unreadable(text)
    try:
        result = operation(left, right)
    except (ArithmeticError, ValueError):
        raise Unreadable(text) from None
    if isinstance(result, complex):
        raise Unreadable(text)
    return result
