"""Rules over the style of figures: matplotlib itself passes over what it cannot read there."""

from __future__ import annotations

import difflib
import functools
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from workbook import memo
from workbook.check.files import Sources
from workbook.problem import BookError, Problem, problem
from workbook.source.text import read_text

_NAME = "matplotlibrc"
_STATED = re.compile(r'(?:"[^"]*"|[^"#])*')  # up to a remark, or to a " that is never closed

# Reads [line, key, value] of each, and writes [line, why] of those that are refused.
_TRY = """
import json, sys
from matplotlib import RcParams

refused = []
for line, key, value in json.load(sys.stdin):
    try:
        RcParams({key: value})
    except Exception as error:
        refused.append((line, str(error)))
json.dump(refused, sys.stdout)
"""


def style(book: Sources) -> Iterator[Problem]:
    """Each line sets a key that matplotlib knows, once, to a value that it takes."""
    if not (book.root / _NAME).is_file():
        return
    try:
        text = read_text(book.root / _NAME, _NAME)
    except BookError as error:
        yield from error.problems
        return
    settings: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stated = line[: _STATED.match(line).end()]  # type: ignore[union-attr]
        key, _, value = (part.strip() for part in stated.partition(":"))
        if line[len(stated) :].startswith('"'):
            yield problem(_NAME, number, 'a " is never closed', "close it")
        elif fault := stated.strip() and _fault(stated.strip(), key, value, settings):
            yield problem(_NAME, number, *fault)
        elif key:
            settings[key] = number, _unquoted(value)
    yield from _refused(settings)


def _fault(
    stated: str, key: str, value: str, settings: dict[str, tuple[int, str]]
) -> tuple[str, str] | None:
    """What is wrong with a line below these settings, but for its value; and the remedy."""
    if not (key and value):
        return f"{stated} sets nothing", "write key: value"
    if key not in _keys():
        near = difflib.get_close_matches(key, _keys(), n=1)
        remedy = f'did you mean "{near[0]}"?' if near else "take it out"
        return f"matplotlib knows no {key}", remedy
    if key in settings:
        return f"{key} is set in line {settings[key][0]} already", "take one of them out"
    return None


def _unquoted(value: str) -> str:
    """As matplotlib reads it: quotation marks keep a # from beginning a remark."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _refused(settings: dict[str, tuple[int, str]]) -> Iterator[Problem]:
    """The values that matplotlib does not take, with its reason."""
    asked = json.dumps([(number, key, value) for key, (number, value) in settings.items()])
    keys = {number: key for key, (number, _) in settings.items()}
    version = importlib.metadata.version("matplotlib")
    for number, why in json.loads(memo.recall(lambda: _tried(asked), _NAME, version, asked)):
        reason = " ".join(why.removeprefix(f"Key {keys[number]}: ").split())
        what = f"matplotlib refuses this {keys[number]}: {reason}"
        yield problem(_NAME, number, what, "give a value that it takes")


def _tried(asked: str) -> str:
    """What matplotlib says to these settings, in a process of its own: to import it takes a
    third of a second, and it reads a matplotlibrc where it starts, which is its own here.
    """
    done = subprocess.run(
        [sys.executable, "-c", _TRY], input=asked, capture_output=True, text=True, cwd=_data()
    )
    if done.returncode:
        remedy = "install it again, or look what its environment variables say"
        raise BookError(problem(_NAME, 0, "matplotlib does not start", remedy, done.stderr))
    return done.stdout


@functools.cache
def _keys() -> frozenset[str]:
    """The keys in the style that matplotlib brings along, where all stand behind a #."""
    text = (_data() / _NAME).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^#?([\w.]+) *:", text, re.M))


def _data() -> Path:
    found = find_spec("matplotlib")
    assert found and found.origin
    return Path(found.origin).parent / "mpl-data"
