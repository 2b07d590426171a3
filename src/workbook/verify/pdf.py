"""The PDF: every glyph is there, every font comes along, and the way about it is right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import panflute as pf
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from workbook.problem import Problem, problem
from workbook.render import pandoc
from workbook.source.chapter import read_chapter
from workbook.verify import mupdf
from workbook.verify.tools import package
from workbook.verify.validator import Finding, Subject, Validator, count

_SPACES = re.compile(r"\s+")
_WORDS = {"‘": "'", "’": "'", "“": '"', "”": '"', "\N{WORD JOINER}": ""}


@dataclass(frozen=True)
class Bookmark:
    """An entry of the outline; `page` counts from 0."""

    depth: int
    title: str
    page: int

    def opens(self, name: str) -> bool:
        """Whether it leads to the chapter of this name, before which a number may stand."""
        return self.depth <= 2 and f" {self.title}".endswith(f" {name}")


_FEW = 200  # characters: so long may a running head be


class Printed:
    """A PDF with what is read more than once; by MuPDF, since pypdf takes a minute for it."""

    def __init__(self, path: Path) -> None:
        with mupdf.opened(path) as document:
            self.bookmarks = [
                Bookmark(depth, _plain(title), page - 1)
                for depth, title, page in document.get_toc()
            ]
            # Of each page; those of the contents line by line, which takes longer.
            self.opening = min((mark.page for mark in self.bookmarks), default=0)
            self.texts = [page.get_text(sort=page.number < self.opening) for page in document]
            self.bare = {
                at
                for at, text in enumerate(self.texts)
                if len(text) < _FEW and not document[at].get_drawings()
            }
        reader = PdfReader(path)
        self.labels = reader.page_labels  # MuPDF misreads them where they have a type
        self.catalog = reader.trailer["/Root"]


# --- glyphs and fonts --------------------------------------------------------------------


def glyphs(subject: Subject) -> Finding:
    """No page draws glyph 0, the box that stands for a character that the font lacks."""
    boxes: Counter[tuple[int, str]] = Counter()  # by page and font
    for run in mupdf.runs(subject.pdf):
        boxes[run.page, run.font] += run.boxes
    total = sum(run.glyphs for run in mupdf.runs(subject.pdf))
    problems = [
        _fault(subject, f"page {page}: {font} draws {count(number, 'box', 'boxes')}",
              "give the text a font that has its characters")
        for (page, font), number in boxes.items()
        if number
    ]  # fmt: skip
    return Finding(f"{boxes.total()} tofu of {count(total, 'glyph')}", problems)


def fonts(subject: Subject) -> Finding:
    """Every font of every page is embedded, those in drawings within the page too."""
    found: dict[str, bool] = {}
    for page in PdfReader(subject.pdf).pages:
        _fonts(_at(page, "/Resources"), found, set())
    loose = sorted(name for name, embedded in found.items() if not embedded)
    problems = [
        _fault(subject, f"the font {name} is not embedded", "embed it") for name in loose
    ]
    embedded = "all embedded" if not loose else f"{len(loose)} not embedded"
    return Finding(f"{count(len(found), 'font')}, {embedded}", problems)


def _fonts(resources: Any, found: dict[str, bool], seen: set[int]) -> None:
    for font in _values(resources, "/Font"):
        name = str(font["/BaseFont"] if "/BaseFont" in font else font["/Subtype"])
        found[name.removeprefix("/")] = font["/Subtype"] == "/Type3" or _has_file(font)
    for drawing in _values(resources, "/XObject"):
        if id(drawing) not in seen and "/Resources" in drawing:
            seen.add(id(drawing))
            _fonts(drawing["/Resources"], found, seen)


def _values(resources: Any, kind: str) -> list[Any]:
    return [entry.get_object() for entry in _at(resources, kind).values()]


def _has_file(font: Any) -> bool:
    holder = font["/DescendantFonts"][0] if "/DescendantFonts" in font else font
    descriptor = _at(holder.get_object(), "/FontDescriptor")
    return any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def _at(holder: Any, key: str) -> Any:
    return holder.get(key, DictionaryObject()).get_object()


# --- structure ---------------------------------------------------------------------------


def structure(subject: Subject) -> Finding:
    """Language, tags, a bookmark for each chapter, contents with right numbers, no blank."""
    book = Printed(subject.pdf)
    faults = [
        *_document(book, pandoc.locale(subject.edition)),
        *_chapters(book, titles(subject)),
        *_contents(book, titles(subject)),
        *_blanks(book),
    ]
    marks = count(len(book.bookmarks), "bookmark")
    return Finding(
        f"{count(len(book.texts), 'page')}, {marks}",
        [_fault(subject, what, remedy) for what, remedy in faults],
    )


def titles(subject: Subject) -> list[str]:
    """The titles of the chapters in plain text, in order: in both languages in one line."""
    editions = subject.edition.halves or (subject.edition,)
    return [
        " ".join(
            _title(read_chapter(subject.root / e.path, subject.root).title) for e in entries
        )
        for entries in zip(*(edition.entries for edition in editions), strict=True)
    ]


@lru_cache(maxsize=256)
def _title(markdown: str) -> str:
    return _plain(pf.stringify(pf.Para(*pandoc.inlines(markdown))))


def _document(book: Printed, lang: str) -> Iterator[tuple[str, str]]:
    declared = str(book.catalog.get("/Lang", "unknown"))
    if declared != lang and not declared.startswith(f"{lang}-"):  # en-US is en
        yield f"the language is {declared}, not {lang}", "set it"
    if not _at(book.catalog, "/MarkInfo").get("/Marked"):
        yield "the document is not tagged", "write a tagged PDF"


def _chapters(book: Printed, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        marks = [mark for mark in book.bookmarks if mark.opens(name)]
        if not marks:
            yield f"no bookmark leads to “{name}”", "put the chapter in the outline"
        elif not any(_says(book.texts[mark.page], name) for mark in marks):
            yield f"page {marks[0].page + 1} does not say “{name}”", "mend the bookmark"


def _contents(book: Printed, names: list[str]) -> Iterator[tuple[str, str]]:
    """The contents stand before the first bookmark, each line ends with a page's number."""
    text = _straight("\n".join(book.texts[: book.opening]))
    for mark in book.bookmarks:
        words = r"\s+".join(re.escape(word) for word in mark.title.split())
        line = re.search(rf"^\s*{words}[ .]*?([0-9ivxlc]+) *$", text, re.M)
        label = book.labels[mark.page]
        if line and line[1] != label:
            what = f"the contents say that “{mark.title}” is on {line[1]}, it is on {label}"
            yield what, "mend the contents"
        elif not line and any(mark.opens(name) for name in names):
            yield f"“{mark.title}” is not in the contents", "put it there"


def _blanks(book: Printed) -> Iterator[tuple[str, str]]:
    """Only a left-hand page before one that a bookmark opens may have nothing of its own: no
    text, and no room to write.
    """
    openings = {mark.page for mark in book.bookmarks}
    for at in range(len(book.texts)):
        verso = at % 2 == 1 and at + 1 in openings
        if not verso and at not in openings and at in book.bare and not _body(book, at):
            yield f"page {at + 1} has no text", "find what broke the page"


def _body(book: Printed, at: int) -> str:
    """A page's text without spaces, its number and the titles that run along its top."""
    text = _tight(book.texts[at])
    titles = {_tight(mark.title) for mark in book.bookmarks}
    for words in [*sorted(titles, key=len, reverse=True), book.labels[at]]:
        text = text.replace(words, "", 1)
    return text


def _says(text: str, words: str) -> bool:
    return _tight(words) in _tight(text)


def _tight(text: str) -> str:
    return _SPACES.sub("", _straight(text))


def _plain(text: str) -> str:
    return " ".join(_straight(text).split())


def _straight(text: str) -> str:
    return "".join(_WORDS.get(character, character) for character in text)


def _fault(subject: Subject, what: str, remedy: str) -> Problem:
    return problem(subject.shown(subject.pdf), 0, what, remedy)


VALIDATORS = (
    Validator("glyphs", "pdf", package("pymupdf"), glyphs, apart=True),
    Validator("fonts", "pdf", package("pypdf"), fonts, apart=True),
    Validator("structure", "pdf", package("pymupdf"), structure, apart=True),
)
