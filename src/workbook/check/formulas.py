"""A rule over formulas: pandoc, which writes them in every format, can read them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence

import pypandoc

from workbook import memo
from workbook.check.files import Sources
from workbook.problem import Location, Problem
from workbook.source.chapter import Chapter
from workbook.source.inline import prose, tex

_REFUSED = re.compile(
    r"^\[WARNING\] Could not convert TeX math (.*?), rendering as TeX:\n(.*?)(?=^\[|\Z)",
    re.M | re.S,
)
_WHY = re.compile(r"^ *(unexpected .*|.* is not .*)$", re.M)


def readable(book: Sources) -> Iterator[Problem]:
    """Each command of a formula is known, and each brace closed."""
    places: dict[str, list[Location]] = {}
    for chapter in (chapter for chapters in book.chapters.values() for chapter in chapters):
        for line, formula in _formulas(chapter):
            places.setdefault(formula, []).append(Location(str(chapter.path), line))
    for formula, why in _refused(sorted(places)).items():
        for where in places.get(formula, ()):
            yield Problem(where, f"formula that pandoc cannot read: {why}", "mend it")


def _formulas(chapter: Chapter) -> Iterator[tuple[int, str]]:
    """Line and text of each formula, its blanks evened out."""
    displayed = ((block.line, block.text) for block in chapter.blocks if block.kind == "math")
    for line, text in (*prose(chapter), *displayed):
        for offset, formula in tex(text):
            yield line + text.count("\n", 0, offset), _even(formula)


def _refused(formulas: Sequence[str]) -> dict[str, str]:
    """The formulas that pandoc refuses, and what it says; asked once for all of them."""
    if not formulas:
        return {}

    def asked() -> str:
        done = subprocess.run(
            [pypandoc.get_pandoc_path(), "--from=markdown", "--to=html", "--mathml"],
            input="\n\n".join(f"${formula}$" for formula in formulas).encode(),
            capture_output=True,
            check=False,
        )
        return done.stderr.decode(errors="replace")

    said = memo.recall(asked, "formulas", pypandoc.get_pandoc_version(), json.dumps(formulas))
    return {_even(formula): _why(reason) for formula, reason in _REFUSED.findall(said)}


def _why(reason: str) -> str:
    found = _WHY.search(reason)
    return found[1] if found else " ".join(reason.split())


def _even(formula: str) -> str:
    return " ".join(formula.split())
