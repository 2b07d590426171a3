"""Prints on terminals that are not UTF-8: what they lack is told by what they have."""

from __future__ import annotations

import codecs
import sys

_STAND_INS = {"✓": "√", "✗": "×", "·": "."}  # code page 936 has the first two
_NAME = "workbook-readable"


def settle() -> None:
    """Have the streams print what they can, whatever their encoding is."""
    codecs.register_error(_NAME, _readable)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_NAME)


def _readable(error: UnicodeError) -> tuple[str, int]:
    """In place of letters that an encoding lacks, others like them, or a question mark."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_stand_in(letter, error.encoding) for letter in letters), error.end


def _stand_in(letter: str, encoding: str) -> str:
    other = _STAND_INS.get(letter, "?")
    try:
        other.encode(encoding)
    except UnicodeEncodeError:
        return "?"
    return other
