"""Our books beside those that real Quarto made of the same chapters: what differs?

Both engines' pages are read into what a reader finds on them, without what dresses it.
Where Quarto is not installed there is nothing to compare, and that is no fault.
"""

from __future__ import annotations

import difflib
import re
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import html
from pypdf import PdfReader

from workbook import messages
from workbook.problem import Problem
from workbook.render import quarto
from workbook.source.edition import LANGUAGES, Entry, slug_of
from workbook.verify.typesetting import MARKS, lines
from workbook.verify.validator import Finding, Subject, Validator

KINDS = ("headings", "captions", "exercises", "references", "links", "code", "outputs", "words")
# What only one of the engines has, by design, or has in another place.
_ONLY_OURS = {  # parts of the printed book
    messages.of(space, lang)[name]
    for lang in LANGUAGES
    for space, name in (("hints", "title"), ("books", "index"))
}
_OWN = {
    "nav, script, style, button, textarea": "tools",
    ".anchor, .footnote-back, .screen-reader-only": "tools",
    ".take, .running-part, .quarto-title-meta, .quarto-title-breadcrumbs": "the page's frame",
    ".title-page .author, #table-of-contents, .table-of-contents": "our first page",
    "details.worked": "our site folds the solution here; Quarto's stands in the answers",
    ".answer-reference": "its page stands in print, its words are each engine's",
    "#refs, #references": "ours end each page, Quarto's have a chapter",
    "annotation": "the formula's TeX, which our site leaves out",
}
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "p li td th dt dd div section article header footer main aside figure figcaption table "
        "caption thead tbody tr ul ol dl pre h1 h2 h3 h4 h5 h6 summary details blockquote br",
    )
)
_NUMBER = ".number, .chapter-number, .header-section-number"
_TITLES = "h1, h2, h3, h4"
_EXERCISE = ".exercise > h3, .theorem-title"
_CAPTIONS = "figcaption, caption"
# Quarto calls an appendix “Appendix A — Answers”, or in an EPUB “A Appendix — Answers”.
_APPENDIX = re.compile(r"^(?:(?:Appendix|附录) ([A-Z]) — |([A-Z]) (?:Appendix|附录) — )")
_REFERENCES = messages.read()["books"]["references"].values()
_BEFORE_TITLE = re.compile(
    r"^(?:第 \d+ 章|附录 [A-Z]|Chapter \d+|Appendix [A-Z]|[A-Z\d]+(?:\.\d+)*) "
)
_SPACE = re.compile(r"\s+")
_SHOWN = 60  # characters of each side of a difference
_MOST = 25  # differences told of one book; the figure counts all


@dataclass(frozen=True)
class Reading:
    """What a reader finds in a book or on a page, in order, by kind."""

    found: dict[str, tuple[str, ...]]

    def __getitem__(self, kind: str) -> tuple[str, ...]:
        return self.found.get(kind, ())

    def __add__(self, other: Reading) -> Reading:
        return Reading({kind: self[kind] + other[kind] for kind in KINDS})


@dataclass(frozen=True)
class Difference:
    """A place where the engines differ; one of the sides may be empty."""

    kind: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.kind}: ours “{_cut(self.ours)}”, Quarto’s “{_cut(self.theirs)}”"


def compare(subject: Subject) -> Finding:
    """Numbers, labels, captions, headings, outputs, links and words of both engines."""
    there = quarto.folder(subject.root, subject.edition.name)
    if not shutil.which("quarto") and not there.exists():
        return Finding("Quarto is not installed: nothing to compare")
    problems: list[Problem] = []
    figures = []
    for name, ours, theirs in _books(subject, there):
        if lacking := [path for path in (ours, theirs) if not path.exists()]:
            remedies = {ours: "make book", theirs: "workbook build --engine quarto"}
            problems += [
                subject.fault(path, "is not there", f"run {remedies[path]}") for path in lacking
            ]
            continue
        read, total = _READERS[name], 0
        for page, own, other in read(subject, ours, theirs):
            differing = list(differences(own, other))
            problems += [
                subject.fault(page, str(each), "see which engine is right")
                for each in differing[: max(0, _MOST - total)]
            ]
            total += len(differing)
        figures.append(f"{name} {total}")
    return Finding(f"{', '.join(figures)} different" if figures else "no book", problems)


def _books(subject: Subject, there: Path) -> Iterator[tuple[str, Path, Path]]:
    """Format, our book, Quarto's book."""
    stem = subject.edition.output_file
    yield "html", subject.html, there / "index.html"
    yield "epub", subject.epubs[0], there / f"{stem}.epub"
    yield "pdf", subject.pdf, there / f"{stem}.pdf"


# --- reading ---------------------------------------------------------------------------


def reading(text: str, even: Callable[[html.HtmlElement], None] = lambda _: None) -> Reading:
    """What stands on a page of HTML or XHTML that either engine made.

    `even` takes away first in what the engines differ there by design.
    """
    root = html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))
    main = next(iter(root.cssselect("main")), root.find("body"))
    even(main)
    for selector in _OWN:
        for element in main.cssselect(selector):
            element.drop_tree()
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for link in main.cssselect("a[href]"):
        _read_link(link, found)
    for outputs in _by_cell(main.cssselect(".cell-output")):
        text = "\n".join(_plain(pre, keep=True) for box in outputs for pre in box.iter("pre"))
        found["outputs"] += [text] if text else []
        for pre in (pre for box in outputs for pre in list(box.iter("pre"))):
            _leave(pre)
    for pre in main.cssselect("pre"):
        found["code"].append(_plain(pre, keep=True))
        _leave(pre)
    for title in main.cssselect(_EXERCISE):
        found["exercises"].append(re.sub(r"^(\S+ \S+) \((.*)\)$", r"\1 \2", _plain(title)))
        _leave(title)
    for caption in main.cssselect(_CAPTIONS):
        found["captions"].append(re.sub(r"^(\S+ [\w.]+): ", r"\1 ", _plain(caption)))
        _leave(caption)
    for heading in main.cssselect(_TITLES):
        number = _number("".join(map(_plain, heading.cssselect(_NUMBER))))
        for each in heading.cssselect(_NUMBER):
            each.drop_tree()
        title = f"{number} {_plain(heading)}".strip()
        if title not in _REFERENCES:  # ours end each page
            found["headings"].append(_APPENDIX.sub(lambda m: f"{m[1] or m[2]} ", title))
        _leave(heading)
    found["words"] = list(_lines(main))
    return Reading({kind: tuple(each) for kind, each in found.items()})


def without_hints(page: html.HtmlElement) -> None:
    """In an EPUB ours stand at the back, Quarto's where the exercise is."""
    for box in page.cssselect("#sec-hints, .exercise .callout"):
        box.drop_tree()


def with_chapters_by_name(page: html.HtmlElement) -> None:
    """On its home page Quarto refers to a chapter as 4 Tensors, and can't be told otherwise."""
    for link in page.cssselect("a.xref, a.quarto-xref"):
        file, _, fragment = link.get("href", "").partition("#")
        chapter = f"sec-{slug_of(file)}"
        if fragment in ("", chapter):
            for child in list(link):
                link.remove(child)
            link.text = chapter


def _by_cell(outputs: Sequence[html.HtmlElement]) -> list[list[html.HtmlElement]]:
    """The outputs of each cell: Quarto parts a stream where the kernel sent it in pieces."""
    cells: dict[html.HtmlElement, list[html.HtmlElement]] = {}
    for box in outputs:
        cells.setdefault(box.getparent(), []).append(box)
    return list(cells.values())


def _read_link(link: html.HtmlElement, found: dict[str, list[str]]) -> None:
    href = link.get("href", "")
    if re.match(r"[a-z]+:", href):
        return
    file, _, fragment = href.partition("#")
    if re.match(r"fn|cb\d", fragment):  # notes, and lines of code that Quarto can point at
        return
    place = fragment or f"sec-{slug_of(file)}"
    cross = {"xref", "quarto-xref"} & set(link.get("class", "").split())
    found["references" if cross else "links"].append(f"{_plain(link)} → {place}")


def _number(text: str) -> str:
    """4 from 第 4 章, A from Appendix A."""
    numbers = re.findall(r"(?<![A-Za-z])(?:[A-Z]|\d+)(?:\.\d+)*(?![A-Za-z])", text)
    return numbers[-1] if numbers else ""


def _plain(element: html.HtmlElement, keep: bool = False) -> str:
    text = element.text_content().replace("\N{NO-BREAK SPACE}", " ")
    return text.strip("\n") if keep else _SPACE.sub(" ", text).strip()


def _leave(element: html.HtmlElement) -> None:
    """Take away what has been read, and part what stood around it."""
    tail = element.tail or ""
    element.tail = None
    element.clear()
    element.tag, element.tail = "br", tail


def _lines(root: html.HtmlElement) -> Iterator[str]:
    """The text of a page, a line for each block."""
    parts: list[str] = []

    def walk(element: html.HtmlElement) -> None:
        block = element.tag in _BLOCKS
        parts.append("\n" if block else "")
        parts.append((element.text or "").replace("\n", " "))
        for child in element:
            if isinstance(child.tag, str):
                walk(child)
            parts.append((child.tail or "").replace("\n", " "))
        parts.append("\n" if block else "")

    walk(root)
    text = "".join(parts).replace("\N{NO-BREAK SPACE}", " ")
    text = re.sub(r"\s*\n\s*(\([\w.]+\)\s*\n)", r"\1", text)  # an equation's number
    for line in text.split("\n"):
        if shown := _SPACE.sub(" ", line).strip():
            yield shown


# --- both sides ------------------------------------------------------------------------


def differences(ours: Reading, theirs: Reading) -> Iterator[Difference]:
    """Where two readings part, kind by kind."""
    for kind in KINDS:
        matcher = difflib.SequenceMatcher(None, ours[kind], theirs[kind], autojunk=False)
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag == "equal":
                continue
            left, right = ours[kind][a:b], theirs[kind][c:d]
            pairs = len(left) == len(right)
            yield from (
                (Difference(kind, *_parted(x, y)) for x, y in zip(left, right, strict=True))
                if pairs
                else [Difference(kind, " ¶ ".join(left), " ¶ ".join(right))]
            )


def _parted(ours: str, theirs: str) -> tuple[str, str]:
    """Two long lines from a little before the place where they part."""
    same = next(
        (i for i, (x, y) in enumerate(zip(ours, theirs, strict=False)) if x != y),
        min(len(ours), len(theirs)),
    )
    begin = max(0, same - _SHOWN // 3)
    return ours[begin:], theirs[begin:]


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


Read = Iterable[tuple[Path, Reading, Reading]]


def _sites(subject: Subject, ours: Path, theirs: Path) -> Read:
    """Page by page, in the order of the book."""
    for entry in subject.edition.entries:
        if entry.slug == "answers":  # on our site the solutions stand in the chapters
            continue
        own, other = ours / f"{entry.slug}.html", theirs.parent / _page(entry)
        even = [with_chapters_by_name] if entry.slug == "index" else []
        if own.exists() and other.exists():
            yield own, *(reading(path.read_text("utf-8"), *even) for path in (own, other))


def _page(entry: Entry) -> Path:
    """Where Quarto puts the page of a chapter; the book's first is its home page."""
    return Path("index.html") if entry.slug == "index" else entry.path.with_suffix(".html")


def _epubs(subject: Subject, ours: Path, theirs: Path) -> Read:
    """The chapters of both, which are not always in files of the same name."""
    own, other = (_joined(path) for path in (ours, theirs))
    yield ours, own, other


def _joined(epub: Path) -> Reading:
    """All chapters of an EPUB in its order, without cover, title page and contents."""
    whole = Reading({})
    with zipfile.ZipFile(epub) as archive:
        for name in sorted(archive.namelist()):
            if re.search(r"/ch\d+\.xhtml$", name):
                whole += reading(archive.read(name).decode(), without_hints)
    return whole


def _pdfs(subject: Subject, ours: Path, theirs: Path) -> Read:
    """Bookmarks, the faces of the letters, and those of the marks around them."""
    own, other = (
        Reading({
            "headings": _bookmarks(reader := PdfReader(path)),
            "words": (*_faces(reader), *_marks(path)),
        })
        for path in (ours, theirs)
    )  # fmt: skip
    yield theirs, own, other


def _bookmarks(reader: PdfReader) -> tuple[str, ...]:
    """The titles, but for those of the parts that only we print: hints and index."""

    def titles(outline: Sequence) -> Iterator[str]:
        title = ""
        for each in outline:
            if isinstance(each, list):
                yield from () if title in _ONLY_OURS else titles(each)
                continue
            title = _SPACE.sub(" ", str(each.title)).strip().replace("’", "'")
            if title not in _ONLY_OURS:
                yield _BEFORE_TITLE.sub("", title)  # each engine has its own words for 4

    return tuple(titles(reader.outline))


def _faces(reader: PdfReader) -> tuple[str, ...]:
    """The names of the fonts, without the mark of their part: Noto Serif SC."""
    names = set()
    for page in reader.pages:
        fonts = page.get("/Resources", {}).get("/Font", {})
        names |= {str(font.get_object()["/BaseFont"]) for font in fonts.values()}
    return tuple(sorted({re.sub(r"^/(?:[A-Z]{6}\+)?", "", name) for name in names}))


def _marks(path: Path) -> tuple[str, ...]:
    """In which faces quotation marks and apostrophes stand: ’ in LibertinusSerif-Regular."""
    letters = (letter for line in lines(path) for letter in line.characters)
    found = {f"{each.text} in {each.font}" for each in letters if each.text in MARKS}
    return tuple(sorted(found))


_READERS: dict[str, Callable[[Subject, Path, Path], Read]] = {
    "html": _sites,
    "epub": _epubs,
    "pdf": _pdfs,
}


def _version() -> str:
    """Quarto's, if it is here; it need not be."""
    program = shutil.which("quarto")
    return ".".join(map(str, quarto.version(program))) if program else ""


VALIDATORS = (Validator("quarto", "text", _version, compare, LANGUAGES),)
