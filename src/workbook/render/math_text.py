"""Writes a formula in one line of text, for those who cannot see its drawing.

From MathML, where the TeX has been read already: `\\frac{1}{2} \\bar x` is `(1/2) x̄`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from unicodedata import normalize

from workbook.render.dom import Element

_SPACED = set("=+−×·⋅≤≥<>≈≠←→⇒∼±∈≔,;")
_OPEN = set("([{/^_√∛")
_LOOSE = re.compile(r" (?=[)\],;/])")
_FUNCTION = "\u2061"  # stands, unseen, between a function and what it is of
_COMBINING = {"‾": "\u0304", "¯": "\u0304", "^": "\u0302", "˙": "\u0307"}
_POWERS = {"⊤": "ᵀ", "′": "′", "2": "²", "3": "³"}


def in_words(math: Element) -> str:
    """The formula in a line of letters and signs."""
    return normalize("NFC", _LOOSE.sub("", " ".join(_text(math).split())))


def _text(element: Element) -> str:
    parts = list(element)
    match _name(element):
        case "semantics":
            return _text(parts[0])
        case "mspace":
            return " "
        case "mfrac":
            return "/".join(map(_grouped, parts))
        case "msqrt":
            return f"√{_whole(_row(parts))}"
        case "mroot":
            index = _text(parts[1])
            return f"{'∛' if index == '3' else f'{index}√'}{_grouped(parts[0])}"
        case "msub" | "munder":
            return f"{_text(parts[0]).rstrip()}_{_grouped(parts[1])}"
        case "msup":
            return f"{_text(parts[0])}{_power(parts[1])}"
        case "mover":
            return _over(*parts)
        case "msubsup" | "munderover":
            return f"{_text(parts[0])}_{_grouped(parts[1])}{_power(parts[2])}"
        case "mtable":
            return "; ".join(map(_text, parts))
        case "mtr":
            return ", ".join(filter(None, (_text(cell) for cell in parts)))
        case _:
            return _row(parts) if parts else (element.text or "")


def _row(parts: Sequence[Element]) -> str:
    """One after the other, with spaces where they would be taken for one."""
    line = ""
    for part in parts:
        text, last = _text(part), line.rstrip()[-1:]
        if _name(part) == "mfrac" and len(parts) > 1:
            text = f"({text})"
        if _name(part) == "mo" and text in _SPACED and last and last not in _OPEN | _SPACED:
            text = f"{text} " if text in ",;" else f" {text} "
        elif _name(part) == "mo" and text == _FUNCTION:
            text = ""
        elif _long(part) or text[:1] == "√":
            text = f" {text} " if last not in _OPEN else f"{text} "
        line += text
    return line


def _long(element: Element) -> bool:
    """Whether it ends in an index or is a word, so that what follows would join it."""
    kind = _name(element)
    return kind in ("msub", "munder", "msubsup", "munderover") or (
        kind == "mi" and len(element.text or "") > 1
    )


def _over(base: Element, mark: Element) -> str:
    sign = _text(mark)
    sign = _COMBINING.get(sign, sign)
    return f"{_text(base)}{sign}" if _combines(sign) else f"{_text(base)}^{_grouped(mark)}"


def _power(element: Element) -> str:
    text = _text(element)
    return _POWERS.get(text) or f"^{_whole(text)}"


def _grouped(element: Element) -> str:
    return _whole(_text(element))


def _whole(text: str) -> str:
    """In brackets, unless it is one thing anyhow."""
    text = text.strip()
    letters = "".join(c for c in text if not _combines(c))
    return text if len(letters) == 1 or text.isdecimal() else f"({text})"


def _combines(sign: str) -> bool:
    return "\u0300" <= sign <= "\u036f"


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
