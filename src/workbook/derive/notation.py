"""Reads the list of notation, and writes it as an appendix of each edition.

`chapters/notation.yml` holds the symbols: what each means, and the section that brings it in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbook import messages
from workbook.derive.records import Record, problems_in, read_records
from workbook.derive.tangle import Target
from workbook.problem import BookError, Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.edition import Edition
from workbook.source.inline import attributes, formulas

SLUG = "notation"
PATH = Path("chapters/notation.yml")
_GROUP = {"group": "both", "symbols": "list"}
_SYMBOL = {"symbol": "text", "means": "both", "section": "text"}
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[^\s{}]")
_LAYOUT = {r"\,", r"\;", r"\!", r"\left", r"\right", r"\quad", r"\qquad"}


@dataclass(frozen=True)
class Symbol:
    """A symbol as TeX, what it means, and where it first stands."""

    line: int
    symbol: str
    means: dict[str, str]
    section: str


@dataclass(frozen=True)
class Group:
    """The symbols of one topic."""

    title: dict[str, str]
    symbols: tuple[Symbol, ...]


def read_notation(root: Path) -> tuple[Group, ...]:
    """The groups of `chapters/notation.yml`; BookError with all that is wrong in it."""
    records = read_records(root, PATH)
    problems = [found for record in records for found in _problems_in(record)]
    if problems:
        raise BookError(problems)
    groups = tuple(
        Group(record["group"], tuple(map(_symbol, record["symbols"]))) for record in records
    )
    if problems := list(_duplicates(groups)):
        raise BookError(problems)
    return groups


def _symbol(record: Record) -> Symbol:
    return Symbol(record.line, record["symbol"], record["means"], record["section"])


def _problems_in(group: Record) -> Iterator[Problem]:
    found = problems_in(PATH, group, _GROUP)
    yield from found
    for record in group.get("symbols", []) if not found else []:
        if isinstance(record, Record):
            yield from problems_in(PATH, record, _SYMBOL)
        else:
            what = "a symbol has no keys"
            yield problem(PATH, group.line, what, 'begin it with "symbol:"')


def _duplicates(groups: tuple[Group, ...]) -> Iterator[Problem]:
    """A symbol may have several meanings, but not in one section."""
    first: dict[tuple[str, ...], Symbol] = {}
    for symbol in (symbol for group in groups for symbol in group.symbols):
        key = (symbol.section, *tokens(symbol.symbol))
        if (other := first.setdefault(key, symbol)) is not symbol:
            what = f'"{symbol.symbol}" of {symbol.section} is already on line {other.line}'
            yield problem(PATH, symbol.line, what, "keep one of the two")


# --- where symbols stand ---------------------------------------------------------------


def tokens(formula: str) -> tuple[str, ...]:
    """The signs of a formula, without spaces, braces and what only sets them apart."""
    return tuple(sign for sign in _TOKEN.findall(formula) if sign not in _LAYOUT)


def sections(chapter: Chapter) -> dict[str, set[tuple[str, ...]]]:
    """The formulas of each section of a chapter, as tokens, by the section's id.

    What stands before the first section belongs to the chapter's own id.
    """
    found: dict[str, set[tuple[str, ...]]] = {}
    here = ""
    for block in chapter.blocks:
        if block.kind == "heading" and (name := attributes(block).id).startswith("sec-"):
            here = name
        found.setdefault(here, set()).update(map(tokens, formulas(block)))
    return found


def stands_in(symbol: str, places: set[tuple[str, ...]]) -> bool:
    """Whether one of these formulas has the symbol."""
    wanted = tokens(re.sub(r"\\text\{[^{}]*\}", r"\\text{}", symbol))
    size = len(wanted)
    return any(
        formula[at : at + size] == wanted
        for formula in places
        for at in range(len(formula) - size + 1)
    )


# --- the appendix ----------------------------------------------------------------------


def appendix(root: Path, edition: Edition) -> Target | None:
    """The list of an edition that has one among its appendices."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    words = messages.of(SLUG, edition.lang)
    parts = [f"# {words['title']} {{#sec-{SLUG}}}", words["opening"]]
    for group in read_notation(root):
        parts.append(f"## {group.title[edition.lang]} {{.unnumbered}}")
        lines = [_line(symbol, edition.lang) for symbol in group.symbols]
        table = "\n".join([words["head"], "|:---|:---|:---|", *lines])
        parts.append(f"::: {{.notation}}\n{table}\n:::")
    return Target(entry.path, (PATH,), "\n" + "\n\n".join(parts) + "\n")


def _line(symbol: Symbol, lang: str) -> str:
    return f"| ${symbol.symbol}$ | {symbol.means[lang]} | [@{symbol.section}] |"
