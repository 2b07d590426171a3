"""Reads what authors write, as text and as YAML; what is neither is told with its line."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from workbook.problem import BookError, problem

# What is no text, by Unicode's categories; an editor counts no lines by Zl and Zp.
_KINDS = {
    **dict.fromkeys(("Cc", "Zl", "Zp"), "control character"),
    "Cf": "invisible character",
    "Co": "private character",
    "Cn": "unknown character",
}
_CR = re.compile(r"\r(?!\n)")
PICTURES = re.compile("[\ufe0f\U0001f000-\U0001faff]")  # emoji, which no face of print has


def read_text(path: Path, shown: Path | str) -> str:
    """The text of a file, byte for byte; BookError where it is none, OSError where no file is.

    Problems name the file as it is `shown`.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BookError(problem(shown, line, "not UTF-8", "save it as UTF-8")) from None
    if odd := [(text.index(each), each) for each in set(text) if _told(each)]:
        at, character = min(odd)
        raise BookError(problem(shown, _line(text, at), *_told(character)))
    if found := _CR.search(text):
        what, remedy = "a line ends in CR alone", "save it with LF or CRLF as line ends"
        raise BookError(problem(shown, _line(text, found.start()), what, remedy))
    return text


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _told(character: str) -> tuple[str, str] | None:
    """What is wrong with a character that is no text or not to be printed; what mends it."""
    if character == "\ufeff":
        return "a byte order mark", "save it as UTF-8 without one"
    kind = _KINDS.get(unicodedata.category(character), "")
    if kind and character not in "\t\n\r":
        return f"the {kind} U+{ord(character):04X}", "take it out"
    if PICTURES.match(character):
        return f"the emoji U+{ord(character):04X}, which no paper shows", "say it in words"
    return None


# --- YAML ------------------------------------------------------------------------------

_LEVELS = 300  # of lists within lists, of which nobody writes ten
_DEEP = "too many levels"


class NotYaml(ValueError):
    """A text is not YAML: in which of its lines, and why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML's own types; it is the one in C where there is one, ten times as fast."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node; a YAMLError also for `2026-99-99` and `!!float x`."""
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            what = "a key that is no text"
            if isinstance(node, yaml.ScalarNode):
                what = f"{node.value[:40]!r} is not what its form or its tag says"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark) from None


def parse_yaml(text: str, loader: type[Loader] = Loader) -> Any:
    """What a text says; NotYaml where it says nothing."""
    try:
        _require_few_levels(text)
        return yaml.load(text, Loader=loader)
    except yaml.reader.ReaderError as error:
        raise NotYaml(text.encode().count(b"\n", 0, error.position) + 1, error.reason) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = _line(text, mark.index) if mark else 1
        raise NotYaml(line, str(getattr(error, "problem", None) or "not YAML")) from None
    except RecursionError:
        raise NotYaml(1, _DEEP) from None


def _require_few_levels(text: str) -> None:
    """The parser in C calls itself for each level, and a hundred thousand end the process.

    It is looked at closely only where its lines are long or its brackets many enough.
    """
    longest = max(map(len, text.splitlines()), default=0)
    if longest + text.count("[") + text.count("{") <= _LEVELS:
        return
    level = 0
    for event in yaml.parse(text, Loader=Loader):
        level += isinstance(event, yaml.CollectionStartEvent)
        level -= isinstance(event, yaml.CollectionEndEvent)
        if level > _LEVELS:
            raise yaml.MarkedYAMLError(problem=_DEEP, problem_mark=event.start_mark)
