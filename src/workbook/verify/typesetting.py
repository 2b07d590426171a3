"""The printed lines, measured: how long, how tight, where broken, and with which weight.

PyMuPDF tells where each character stands. What a line of prose is, its face tells: the serif.
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from workbook.problem import Problem, problem
from workbook.verify import mupdf
from workbook.verify.layout import with_areas
from workbook.verify.tools import package
from workbook.verify.validator import Finding, Subject, Validator, count

MEASURE = 75  # letters that a line of English may have, as a rule
FEW = 0.001  # of the lines of Chinese may be loose
TORN = 1.2  # em that a Chinese character may take in none
LOOSE = 1.1  # em from one Chinese character to the next, as a rule one em
SHORT = 0.45  # of the line: a formula as wide as this is not broken
MARKS = frozenset("‘’“”")
ROOM = 1.0  # em between a formula and its number, at least
_BESIDE = 1.2  # em above and below its number, as high as a fraction is beside it
_PROSE = 8  # letters, from which on a line that begins at the margin is one of prose
_PAIRS = 5  # of Chinese characters, from which on a line tells how it is spaced
_FULL = 30  # letters, below which a line of English is none of a paragraph
_MATH = "STIXTwoMath"
_CHINESE = "SC-"  # what the names of the Chinese faces have
_OPERATORS = set("=≠<>≤≥≈≡∼∝∈→←↦+−±⋅·×⊙*/")
_NUMBER = re.compile(r"\(\w+\.\d+\)$")
_REFERENCE = re.compile(r"（第\s*(\w+)\s*页）|\(page\s+(\w+)\)")


@dataclass(frozen=True, slots=True)  # a book has a million
class Character:
    """A character, its box's sides and height in points, and its face."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    font: str

    @property
    def is_chinese(self) -> bool:
        return "一" <= self.text <= "鿿"


@dataclass(frozen=True)
class Line:
    """The characters of one line, from left to right, and whether its paragraph goes on."""

    page: int
    characters: tuple[Character, ...]
    ends: bool

    @property
    def text(self) -> str:
        return "".join(character.text for character in self.characters)

    @property
    def is_prose(self) -> bool:
        inked = [c for c in self.characters if c.text.strip()]
        return bool(inked) and any("Serif" in c.font for c in inked) and inked[0].size > 9.5


@mupdf.read_once(lambda pdf: pdf)
def lines(pdf: Path) -> Iterator[Line]:
    """Every line of every page after the title and the colophon."""
    with mupdf.opened(pdf) as document:
        for page in document.pages(2):
            for block in page.get_text("rawdict")["blocks"]:
                rows = [_characters(line) for line in block.get("lines", ())]
                rows = [row for row in rows if row]
                for at, row in enumerate(rows):
                    yield Line(page.number + 1, row, at == len(rows) - 1)


def _characters(line: dict[str, Any]) -> tuple[Character, ...]:
    return tuple(
        Character(
            c["c"], c["bbox"][0], c["bbox"][2], c["origin"][1], span["size"], span["font"]
        )
        for span in line["spans"]
        for c in span["chars"]
    )


# --- validators ------------------------------------------------------------------------


def measure(subject: Subject) -> Finding:
    """Half of all full lines of English have no more letters than can be read at ease."""
    lengths = [len(line.text.strip()) for line in lines(subject.pdf) if _is_english(line)]
    if not lengths:
        return Finding("no line of English", [])
    middle = round(statistics.median(lengths))
    what = f"a line of English has {middle} letters in the middle, more than {MEASURE}"
    faults = [_fault(subject, what, "narrow the measure")] if middle > MEASURE else []
    return Finding(f"{middle} letters in the middle of {count(len(lengths), 'line')}", faults)


def _is_english(line: Line) -> bool:
    text = line.text.strip()
    return line.is_prose and not line.ends and len(text) >= _FULL and text.isascii()


def spacing(subject: Subject) -> Finding:
    """Few lines of Chinese are spaced wider than they are set, and none is torn apart; where
    there are more, all are told.
    """
    advances = [(line, _advance(line)) for line in lines(subject.pdf)]
    total = sum(advance is not None for _, advance in advances)
    loose = [(line, advance) for line, advance in advances if advance and advance > LOOSE]
    few = len(loose) <= FEW * total
    problems = [
        _fault(subject, f"page {line.page}: “{line.text[:24]}” is spaced to {advance:.2f} em",
               "let what follows break, or the line end")
        for line, advance in loose
        if advance > TORN or not few
    ]  # fmt: skip
    return Finding(f"{len(loose)} of {count(total, 'line')} of Chinese loose", problems)


def _advance(line: Line) -> float | None:
    """How many em a Chinese character takes in this line; None if there are too few."""
    if not line.is_prose:
        return None
    steps = [
        (after.x0 - before.x0) / before.size
        for before, after in pairwise(line.characters)
        if before.is_chinese and after.is_chinese and "Serif" in before.font
    ]
    return statistics.median(steps) if len(steps) >= _PAIRS else None


def formulas(subject: Subject) -> Finding:
    """No short formula is left at an operator and goes on in the next line."""
    total, problems = 0, []
    for line, after in pairwise(lines(subject.pdf)):
        beside = after.characters[0].x0 >= line.characters[-1].x1 - 1  # as a fraction stands
        if beside or not (line.is_prose and line.page == after.page and not line.ends):
            continue
        total += 1
        broken = [*_formula(reversed(line.characters)), *_formula(iter(after.characters))]
        width = sum(c.x1 - c.x0 for c in broken)
        whole = line.characters[-1].x1 - line.characters[0].x0
        if _is_operator(line.characters) and width < SHORT * whole:
            what = f"page {line.page}: a formula is broken after “{line.text.rstrip()[-12:]}”"
            problems.append(_fault(subject, what, "keep it in one line"))
    return Finding(f"{count(total, 'line')} end beside formulas", problems)


def _is_operator(characters: tuple[Character, ...]) -> bool:
    last = [c for c in characters if c.text.strip()][-1:]
    return any(c.text in _OPERATORS and _MATH in c.font for c in last)


def _formula(characters: Iterator[Character]) -> Iterator[Character]:
    """The characters of a formula, up to the first that prose alone has."""
    for character in characters:
        inside = _MATH in character.font or character.text.isdigit() or character.text in " .,"
        if not inside:
            return
        yield character


def numbers(subject: Subject) -> Finding:
    """Every displayed formula leaves room before its number, which stands at the right edge."""
    rows: dict[int, list[list[Character]]] = defaultdict(list)
    for line in lines(subject.pdf):
        if inked := [c for c in line.characters if c.text.strip()]:
            rows[line.page].append(inked)
    gaps = [
        (page.number + 1, number, gap)
        for page, area in with_areas(subject)
        for number, gap in _numbers(rows[page.number + 1], area.left, area.right)
    ]
    problems = [
        _fault(subject,
               f"page {page}: a formula comes to {gap:.1f} em from its number {number}",
               "break the formula")
        for page, number, gap in gaps
        if gap < ROOM
    ]  # fmt: skip
    narrowest = min((gap for _, _, gap in gaps), default=0.0)
    figure = f"{count(len(gaps), 'number')}, {narrowest:.1f} em from the nearest formula"
    return Finding(figure, problems)


def _numbers(
    rows: Sequence[Sequence[Character]], left: float, right: float
) -> Iterator[tuple[str, float]]:
    """The numbers of displayed formulas among a page's rows, each with how many em are left
    before it.
    """
    inked = [character for row in rows for character in row]
    for row in (row for row in rows if abs(row[-1].x1 - right) < 1):
        number = _NUMBER.search("".join(character.text for character in row))
        if not number:
            continue
        first = row[-len(number[0])]
        height = _BESIDE * first.size
        near = [c for c in inked if c.x0 < first.x0 and abs(c.y - first.y) < height]
        level = [c for c in near if abs(c.y - first.y) < 1]
        if any(_MATH in c.font for c in near) and not _is_prose(level, left):
            yield number[0], (first.x0 - max(c.x1 for c in near)) / first.size


def _is_prose(row: list[Character], left: float) -> bool:
    """Whether these characters on one baseline are a line of a paragraph."""
    letters = [c for c in row if c.text.isalpha() and "Serif" in c.font]
    return len(letters) >= _PROSE and min(c.x0 for c in row) < left + 2.5 * row[0].size


def weight(subject: Subject) -> Finding:
    """No glyph is outlined to look bold: what is heavy has a face that is."""
    runs = mupdf.runs(subject.pdf)
    total = sum(run.glyphs for run in runs)
    outlined = {(run.page, run.font) for run in runs if run.outlined}
    problems = [
        _fault(subject, f"page {page}: {font} is outlined", "take a heavier face")
        for page, font in sorted(outlined)
    ]
    return Finding(f"{count(len(outlined), 'outline')} in {count(total, 'glyph')}", problems)


def marks(subject: Subject) -> Finding:
    """Quotation marks have the face of the language around them, full width only in Chinese."""
    total, problems = 0, []
    for line in lines(subject.pdf):
        inked = [c for c in line.characters if c.text.strip() and c.text != "\N{WORD JOINER}"]
        for before, mark, after in zip(inked, inked[1:], inked[2:], strict=False):
            if mark.text not in MARKS:
                continue
            total += 1
            chinese = before.is_chinese or after.is_chinese
            latin = before.text.isascii() and after.text.isascii()
            if (chinese or latin) and chinese != (_CHINESE in mark.font):
                shown = f"{before.text}{mark.text}{after.text}"
                what = f"page {line.page}: {mark.text} in “{shown}” is in {mark.font}"
                problems.append(_fault(subject, what, "give it the face of its language"))
    return Finding(f"{count(total, 'mark')} in the face of their language", problems)


def references(subject: Subject) -> Finding:
    """No reference sends to the page on which it stands."""
    total, problems = 0, []
    labels = PdfReader(subject.pdf).page_labels
    with mupdf.opened(subject.pdf) as document:
        for page in document.pages(2):
            for found in _REFERENCE.finditer(page.get_text()):
                total += 1
                if (found[1] or found[2]) == labels[page.number]:
                    what = f"page {page.number + 1}: “{found[0]}” leads to its own page"
                    problems.append(_fault(subject, what, "leave the page out"))
    return Finding(f"{count(total, 'reference')} with a page", problems)


def _fault(subject: Subject, what: str, remedy: str) -> Problem:
    return problem(subject.shown(subject.pdf), 0, what, remedy)


VALIDATORS = tuple(
    Validator(name, "pdf", package("pymupdf"), run, apart=True)
    for name, run in (
        ("measure", measure),
        ("spacing", spacing),
        ("formulas", formulas),
        ("formula numbers", numbers),
        ("weight", weight),
        ("marks", marks),
        ("page references", references),
    )
)
