"""What a terminal would show of printed text: colors left out, corrections made."""

from __future__ import annotations

import re
import unicodedata

from workbook.source.text import PICTURES

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_KEPT = "\t\n"  # of the control characters
_NOT_SHOWN = ("Cc", "Cs", "Co", "Cn")  # by Unicode's categories; marks of direction are


class Unprintable(ValueError):
    """A character that stands for nothing on a page; says which."""


def displayed(text: str) -> str:
    """The text as it stands when all is printed; Unprintable where a character is left over.

    Colors and other escape sequences go. A carriage return begins the line again, a backspace
    steps back, and what comes next overwrites what stood there.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    if "\r" in text or "\b" in text:
        text = "\n".join(map(_overwritten, text.split("\n")))
    if odd := [(text.index(each), each) for each in set(text) if _is_odd(each)]:
        raise Unprintable(f"the character U+{ord(min(odd)[1]):04X}")
    return text


def _is_odd(character: str) -> bool:
    """Whether it stands for nothing on a page, or for what paper cannot show."""
    if unicodedata.category(character) in _NOT_SHOWN:
        return character not in _KEPT
    return bool(PICTURES.match(character))


def _overwritten(line: str) -> str:
    """One line after its carriage returns and backspaces."""
    cells: list[str] = []
    at = 0
    for part in re.split(r"([\r\b])", line):
        if part == "\r":
            at = 0
        elif part == "\b":
            at = max(0, at - 1)
        else:
            cells[at : at + len(part)] = part
            at += len(part)
    return "".join(cells)
