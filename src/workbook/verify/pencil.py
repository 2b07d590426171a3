"""The printed pages as whoever holds a pencil finds them: is the room beside its question, and
does a page end where its text ends?

Both are read off the finished PDF. An exercise begins with its title below a rule; its room is
what is drawn in the greys of ruled and squared paper from there to the next exercise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from workbook.problem import Problem, problem
from workbook.render.numbering import NBSP, words
from workbook.source.edition import LANGUAGES
from workbook.verify import mupdf
from workbook.verify.layout import Area, with_areas
from workbook.verify.tools import package
from workbook.verify.validator import Finding, Subject, Validator, count

EMPTY = 0.10  # of the height of the text may stay empty
FEW = 0.02  # of the pages may be emptier, where there is nowhere to spread what moved overleaf
HOLE = 0.20  # of the height may no page leave empty
_PAPER = ({0.55}, {0.75})  # the greys of ruled and of squared paper (theme/print/pencil.typ)
_TITLE = re.compile(
    rf"({'|'.join(words(lang)['exr'] for lang in LANGUAGES)})[ {NBSP}][\dA-Z.]+"
)
_NOTES = (0.25, 0.35)  # how much of the measure the rule above footnotes takes
_BELOW_RULE = 22.0  # points from the rule over an exercise to its title


@dataclass(frozen=True)
class Title:
    """Where an exercise begins; pages count from 1."""

    name: str  # 习题 4.2
    page: int
    y: float


@dataclass(frozen=True)
class Sheet:
    """What is drawn on one page after the colophon, as far as it is measured here."""

    number: int
    area: Area
    opens: bool  # it has no running head: a chapter begins on it, or it is blank
    titles: tuple[Title, ...]
    rows: tuple[float, ...]  # where room to write is drawn
    ink: tuple[tuple[float, float], ...]  # from where to where something of the text is drawn
    foot: float  # where footnotes begin, or the type area ends

    @property
    def emptiest(self) -> float:
        """The share of the text's height that its largest empty band takes, notes left out.

        A band above a figure at the foot is as empty as one at the foot.
        """
        reached, band = self.area.top, 0.0
        for top, bottom in [*sorted(self.ink), (self.foot, self.foot)]:
            band = max(band, top - reached)
            reached = max(reached, bottom)
        return band / (self.area.bottom - self.area.top)


@mupdf.read_once(lambda subject: subject.pdf)
def sheets(subject: Subject) -> Iterator[Sheet]:
    """Every page after the title and the colophon."""
    for page, area in with_areas(subject):
        yield _sheet(page, area)


def _sheet(page: Any, area: Area) -> Sheet:
    boxes = [box for kind, box in page.get_bboxlog() if not kind.startswith("ignore")]
    within = [box for box in boxes if box[1] > area.top - 8 and box[1] < area.bottom]
    foot = min((box[1] for box in within if _is_note_rule(box, area)), default=area.bottom)
    return Sheet(
        page.number + 1,
        area,
        opens=all(box[3] > area.top - 8 for box in boxes),
        titles=tuple(_titles(page, within, area)),
        rows=tuple(_rows(page, area)),
        ink=tuple((box[1], box[3]) for box in within if box[1] < foot - 1),
        foot=foot,
    )


def _is_note_rule(box: Sequence[float], area: Area) -> bool:
    share = (box[2] - box[0]) / (area.right - area.left)
    flat = box[3] - box[1] < 2 and abs(box[0] - area.left) < 3
    return flat and _NOTES[0] < share < _NOTES[1] and box[1] > (area.top + area.bottom) / 2


def _titles(page: Any, boxes: Iterable[Sequence[float]], area: Area) -> Iterator[Title]:
    """The lines that begin with 习题 4.2 or Exercise 4.2 below a rule as wide as the text."""
    rules = [
        box[1]
        for box in boxes
        if box[3] - box[1] < 2 and abs(box[2] - box[0] - (area.right - area.left)) < 3
    ]
    for block in page.get_text("dict")["blocks"]:
        for line in block.get("lines", ()):
            text = "".join(span["text"] for span in line["spans"]).strip()
            match, top = _TITLE.match(text), line["bbox"][1]
            if match and any(-3 < top - rule < _BELOW_RULE for rule in rules):
                yield Title(match[0].replace(NBSP, " "), page.number + 1, top)


def _rows(page: Any, area: Area) -> Iterator[float]:
    """The lower edges of what is drawn in the greys of room to write."""
    for drawing in page.get_cdrawings():
        box = drawing["rect"]
        thin = drawing.get("width", 0) < 0.5 and min(box[2] - box[0], box[3] - box[1]) < 20
        ink = drawing.get("color") or drawing.get("fill") or ()
        if thin and box[1] > area.top - 3 and {round(part, 2) for part in ink} in _PAPER:
            yield box[3]


# --- measures --------------------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """An exercise with room to write: from its title's page to that of the last row."""

    name: str
    first: int
    last: int

    @property
    def kind(self) -> str:
        """`page`, `opening` where it goes on to the facing page, or `leaf` where one turns it.

        Even pages lie on the left of an opening.
        """
        if self.last == self.first:
            return "page"
        return "opening" if self.last == self.first + 1 and self.first % 2 == 0 else "leaf"


def placed(found: Sequence[Sheet]) -> Iterator[Placed]:
    """The exercises that have room to write, in their order."""
    titles = [title for sheet in found for title in sheet.titles]
    ends = [title for title in titles[1:]] + [None]
    for title, following in zip(titles, ends, strict=True):
        until = _end(found, title, following)
        pages = [
            sheet.number
            for sheet in found
            for y in sheet.rows
            if (title.page, title.y) < (sheet.number, y) < until
        ]
        if pages:
            yield Placed(title.name, title.page, max(pages))


def _end(found: Sequence[Sheet], title: Title, following: Title | None) -> tuple[int, float]:
    """Where what belongs to an exercise ends: at the next one, or where a chapter opens."""
    opening = next((s.number for s in found if s.number > title.page and s.opens), 10**6)
    ends = [(opening, 0.0), *([(following.page, following.y)] if following else [])]
    return min(ends)


def holes(found: Sequence[Sheet]) -> list[Sheet]:
    """The pages of which more than `EMPTY` is empty, the last of each chapter left out."""
    return [
        sheet
        for sheet, following in pairwise(found)
        if not (sheet.opens and not sheet.ink)
        and not following.opens
        and sheet.emptiest > EMPTY
    ]


# --- validators ------------------------------------------------------------------------


def room(subject: Subject) -> Finding:
    """No leaf is turned between an exercise's title and the last row of its room."""
    found = list(placed(sheets(subject)))
    kinds = Counter(each.kind for each in found)
    problems = [
        _fault(subject, each.first, f"the room of {each.name} ends on page {each.last}",
               "keep it within one opening")
        for each in found
        if each.kind == "leaf"
    ]  # fmt: skip
    figure = (
        f"{count(len(found), 'exercise')}: {kinds['page']} on a page, "
        f"{kinds['opening']} on an opening, {kinds['leaf']} over a leaf"
    )
    return Finding(figure, problems)


def foot(subject: Subject) -> Finding:
    """Few pages but the chapters' last are empty over more than a tenth of their height, and
    none by a hole; where there are more, all are told.
    """
    found = sheets(subject)
    over = holes(found)
    few = len(over) <= FEW * len(found)
    empty = [sheet for sheet in over if sheet.emptiest > HOLE] if few else over
    problems = [
        _fault(subject, sheet.number, f"{sheet.emptiest:.0%} of its height is empty",
               "let what follows move up, or break")
        for sheet in empty
    ]  # fmt: skip
    return Finding(
        f"{len(over)} of {count(len(found), 'page')} over {EMPTY:.0%} empty", problems
    )


def _fault(subject: Subject, page: int, what: str, remedy: str) -> Problem:
    return problem(subject.shown(subject.pdf), 0, f"page {page}: {what}", remedy)


VALIDATORS = (
    Validator("room", "pdf", package("pymupdf"), room, apart=True),
    Validator("foot", "pdf", package("pymupdf"), foot, apart=True),
)
