"""The printed pages, measured: nothing leaves the type area, nothing is left alone at a break.

PyMuPDF tells where each glyph stands; theme/print/paper.typ tells where it may.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import typst

from workbook.derive import cheatsheet
from workbook.problem import Problem, problem
from workbook.render.theme import PRINT
from workbook.verify import mupdf
from workbook.verify.tools import package
from workbook.verify.validator import Finding, Subject, Validator, count

HEADING = 12.4  # points: from this size on, the sans face is a heading's
OVERHANG = 8.5  # points that punctuation, or the empty half of a bracket, may hang out
_MARK = 4.0  # points: so wide is a raised digit, and no digit of the text
_NEAR = 2  # pages: a note is not left further behind
FEW = 0.01  # of the pages may break a paragraph or a note badly, where nothing else will do
READABLE = 7.5  # points: no letter of a cheat sheet is smaller
_SHEET = re.compile(rf"sec-{cheatsheet.SLUG}(-\d+)?")  # the places that its headings are
_MEASURES = """
#import "paper.typ": margins, paper-of
#import "workbook.typ": workbook-sheet-margin
#let area = margins(paper-of("{paper}", "{edition}"))
#let sides = ("inside", "outside", "top", "bottom").map(side => area.at(side))
#metadata((..sides, workbook-sheet-margin).map(side => side.pt())) <area>
"""


@dataclass(frozen=True)
class Area:
    """The type area of one page, in points from the upper left corner."""

    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Line:
    """A line of text: where it begins and ends, its baseline, the face of its first letters."""

    x0: float
    x1: float
    y: float
    font: str
    size: float
    text: str

    @property
    def is_code(self) -> bool:
        return "Mono" in self.font

    @property
    def is_heading(self) -> bool:
        return "Sans" in self.font and not self.is_code and self.size >= HEADING

    @property
    def is_prose(self) -> bool:
        return "Serif" in self.font and self.size > 9.5


@dataclass(frozen=True)
class Page:
    """A page's lines within the type area, from top to bottom, and all its pieces of text."""

    number: int
    area: Area
    lines: tuple[Line, ...]
    pieces: tuple[Line, ...]
    notes: tuple[int, ...] = ()  # the pages on which the notes stand that are called here
    drawn: bool = True  # whether there is anything besides text and the rule below the head


@mupdf.read_once(lambda subject: subject.pdf)
def pages(subject: Subject) -> Iterator[Page]:
    """Every page after the title and the colophon."""
    for page, area in with_areas(subject):
        lines = [line for block in page.get_text("dict")["blocks"]
                 for line in block.get("lines", ())]  # fmt: skip
        pieces = tuple(p for line in lines for span in line["spans"] if (p := _piece(span)))
        body = [piece for piece in pieces if area.top < piece.y < area.bottom + 2]
        rows = tuple(_joined(body))
        drawn = len(rows) != 1 or len(page.get_drawings()) > 1 or bool(page.get_images())
        yield Page(page.number + 1, area, rows, pieces, tuple(_notes(page)), drawn)


def with_areas(subject: Subject) -> Iterator[tuple[Any, Area]]:
    """MuPDF's pages after the title and the colophon, each with its type area.

    A cheat sheet takes the outer margin, too, but for what the printer needs.
    """
    inside, usual, top, bottom, of_sheet = _margins(subject)
    with mupdf.opened(subject.pdf) as document:
        sheets = _sheets(document)
        for page in document.pages(2):
            wide, high = page.rect.width, page.rect.height
            outside = of_sheet if page.number in sheets else usual
            left, right = (inside, outside) if page.number % 2 == 0 else (outside, inside)
            yield page, Area(left, wide - right, top, high - bottom)


def _sheets(document: Any) -> Counter[int]:
    """How many cheat sheets begin on each page that one begins on; pages count from 0."""
    places = {
        name: place["page"]
        for name, place in document.resolve_names().items()
        if _SHEET.fullmatch(name)
    }
    if len(places) > 1:  # the appendix begins where its first sheet does
        del places[f"sec-{cheatsheet.SLUG}"]
    return Counter(places.values())


def _margins(subject: Subject) -> list[float]:
    edition = subject.edition
    source = _MEASURES.format(paper=edition.paper, edition=edition.name)
    compiler = typst.Compiler(source.encode(), root=PRINT)
    return json.loads(compiler.query("<area>", field="value", one=True))


def _notes(page: Any) -> Iterator[int]:
    """Where the raised numbers of this page lead to: they are links of small digits."""
    for link in (link for link in page.get_links() if link["from"].width < 3 * _MARK):
        inside = page.get_textbox(link["from"]).strip()
        raised = inside.isdigit() and link["from"].width < _MARK * len(inside)
        if raised and link.get("page", -1) >= 0:
            yield link["page"] + 1


def _piece(span: dict[str, Any]) -> Line | None:
    """A piece of one face, without the spaces at its end; nothing if there are only spaces."""
    text = span["text"].rstrip()
    if not text.strip():
        return None
    x0, _, x1, _ = span["bbox"]
    if "Mono" in span["font"]:  # its letters, and so its spaces, are of one width
        x1 = x0 + (x1 - x0) * len(text) / len(span["text"])
    return Line(x0, x1, span["origin"][1], span["font"], span["size"], text)


def _joined(pieces: list[Line]) -> Iterator[Line]:
    """The pieces that stand on one baseline as one line."""
    lines: dict[int, list[Line]] = {}
    for piece in pieces:
        lines.setdefault(round(piece.y), []).append(piece)
    for _, row in sorted(lines.items()):
        row.sort(key=lambda piece: piece.x0)
        widest = max(row, key=lambda piece: piece.x1 - piece.x0)
        yield Line(
            row[0].x0, max(piece.x1 for piece in row), row[0].y, widest.font, widest.size,
            " ".join(piece.text for piece in row),
        )  # fmt: skip


# --- validators ------------------------------------------------------------------------


def area(subject: Subject) -> Finding:
    """No text leaves the type area: code not at all, prose no further than a comma hangs."""
    total, problems = 0, []
    for page in pages(subject):
        for piece in page.pieces:
            total += piece.is_code
            slack = 0.5 if piece.is_code else OVERHANG
            beyond = max(page.area.left - piece.x0, piece.x1 - page.area.right)
            below = piece.y - page.area.bottom if piece.is_code else 0
            if max(beyond, below) > slack:
                what = f"“{piece.text[:40]}” runs {max(beyond, below):.1f} pt over the margin"
                problems.append(_fault(subject, page, what, "shorten the line"))
    return Finding(f"{count(total, 'piece')} of code within", problems)


def breaks(subject: Subject) -> Finding:
    """No heading ends a page, no page has one line alone; and but for a few no paragraph leaves
    a line alone on either side, no note comes before the page that calls it.
    """
    found = pages(subject)
    problems = [
        _fault(subject, page, f"its note stands on page {note}", "keep it with what calls it")
        for page in found
        for note in page.notes
        if 0 < page.number - note <= _NEAR  # further back lead the numbers of the index
    ]
    for page, following in pairwise(found):
        problems += [
            _fault(subject, page, f"“{lone[:30]}” stands alone", "keep two lines together")
            for lone in _lone(page, following)
        ]
    if len(problems) <= FEW * len(found):
        problems = []
    for page in found[:-1]:
        if not page.drawn and _goes_over(page, page.lines[0]):
            what = f"“{page.lines[0].text[:30]}” stands alone on the page"
            problems.append(_fault(subject, page, what, "keep it with what precedes"))
        if page.lines and page.lines[-1].is_heading and len(page.lines) > 2:
            what = f"the heading “{page.lines[-1].text}” ends the page"
            problems.append(_fault(subject, page, what, "keep it with what follows"))
    return Finding(f"{count(len(found), 'page')} broken well", problems)


def cheat_sheets(subject: Subject) -> Finding:
    """Each cheat sheet has a page, and no more than a page, of letters that can be read."""
    found = {page.number: page for page in pages(subject)}
    with mupdf.opened(subject.pdf) as document:
        begun = {number + 1: sheets for number, sheets in _sheets(document).items()}
        opened = {number for _, _, number in document.get_toc()}
    problems = []
    for number, sheets in begun.items():
        if sheets > 1:
            what = f"{sheets} cheat sheets begin here"
            problems.append(_fault(subject, found[number], what, "give each a page"))
        overleaf = found.get(number + 1)
        if overleaf and overleaf.lines and number + 1 not in opened:
            what = "a cheat sheet goes on overleaf"
            problems.append(_fault(subject, found[number], what, "take lines off its cards"))
        if (smallest := _smallest(found[number])) < READABLE:
            what = f"a cheat sheet has letters of {smallest} pt"
            problems.append(_fault(subject, found[number], what, f"set them in {READABLE} pt"))
    sizes = f"letters of {READABLE} pt or more"
    return Finding(f"{count(len(begun), 'page')} of cheat sheets, {sizes}", problems)


def _smallest(page: Page) -> float:
    """The size of the smallest letters on a page, to a tenth of a point."""
    return min((round(piece.size, 1) for piece in page.pieces), default=READABLE)


def _goes_over(page: Page, line: Line) -> bool:
    """Whether a line has come from the page before, for which there was no room."""
    return not line.is_heading and line.y < page.area.top + 40


def _lone(page: Page, following: Page) -> Iterator[str]:
    """The lines that a paragraph going on overleaf leaves alone before or after the break."""
    before, after = page.lines[-2:], following.lines[:2]
    if not (before and after and _goes_on(page, before[-1], following, after[0])):
        return
    pitch = _pitch(page) or _pitch(following)
    if _apart(before, pitch):
        yield before[1].text
    if _apart(after, pitch) and after[0].x1 < following.area.right - 3:
        yield after[0].text


def _goes_on(page: Page, last: Line, following: Page, first: Line) -> bool:
    """Whether a full line of prose at a page's foot goes on at the head of the next page."""
    if last.text.endswith((".", "。", "：", ":")):
        return False  # a paragraph of one line, or the last of several
    full = abs(last.x1 - page.area.right) < 3 and abs(last.x0 - page.area.left) < 25
    flush = abs(first.x0 - following.area.left) < 3
    return last.is_prose and first.is_prose and full and flush


def _apart(lines: tuple[Line, ...], pitch: float) -> bool:
    """Whether two lines are of two paragraphs."""
    return len(lines) == 2 and lines[1].y - lines[0].y > 1.12 * pitch


def _pitch(page: Page) -> float:
    """The usual distance of two lines of prose."""
    gaps = [round(b.y - a.y, 1) for a, b in pairwise(page.lines) if a.is_prose and b.is_prose]
    return max(set(gaps), key=gaps.count) if gaps else 0.0


def _fault(subject: Subject, page: Page, what: str, remedy: str) -> Problem:
    return problem(subject.shown(subject.pdf), 0, f"page {page.number}: {what}", remedy)


VALIDATORS = (
    Validator("type area", "pdf", package("pymupdf"), area, apart=True),
    Validator("page breaks", "pdf", package("pymupdf"), breaks, apart=True),
    Validator("cheat sheets", "pdf", package("pymupdf"), cheat_sheets, apart=True),
)
