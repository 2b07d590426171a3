"""Writes an edition as an EPUB 3: one file per chapter, the same bytes each time.

There are two: one whose formulas are MathML, and one for e-ink readers without it, whose
formulas are drawings that say themselves in words. The reader's fonts are used, unless the
edition is to bring a Chinese one along.
"""

from __future__ import annotations

import datetime
import html
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

import panflute as pf

from workbook import messages
from workbook.render import cover, exercises, pandoc, pencil, xhtml
from workbook.render.assemble import part_of, trees
from workbook.render.epub import documents, formulas, typeface
from workbook.render.epub.package import BACK, finish
from workbook.render.parallel import title_of
from workbook.render.theme import EPUB
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

CSS, TEMPLATE = EPUB / "epub.css", EPUB / "page.xhtml"
COVER = "cover.png"
CONTENTS = 2  # levels of headings in the contents
LOOKS = (  # how pandoc writes a page, whichever it is
    "--mathml",
    "--split-level=1",
    "--wrap=none",
    f"--template={TEMPLATE}",
    pandoc.FILTERED,
)


def write(edition: Edition, pages: Sequence[Woven], out: Path, eink: bool = False) -> None:
    """Write the EPUB of an edition to the file `out`; `eink` draws the formulas."""
    docs = trees(edition, pages, site=False)
    for doc in docs:
        exercises.place_stubs(doc)
    images: dict[str, bytes] = {}
    for doc, page in zip(docs, pages, strict=True):
        images |= xhtml.place_images(doc, page)
    entries = [page.entry for page in pages]
    hints = pencil.take_hints(edition, docs)
    content = pencil.with_hints(list(zip(entries, docs, strict=True)), hints)
    parts = _open_parts(edition, content)
    book = _joined(edition, [doc for _, doc in content])
    if eink:
        images |= formulas.draw(book)
    else:
        xhtml.part_formulas(book)
    if pandoc.cites(book):
        book = pandoc.resolved(edition, book)
    # The font's own sheet is made with its book; for a page it counts that there are two.
    sheets = [f"--css={CSS}"] * (2 if edition.embeds_font else 1)
    texts = documents.write(documents.split(book), [*LOOKS, *sheets], out.name)
    for key, value in _metadata(edition, eink).items():
        book.metadata[key] = value
    words = _words(*edition.languages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / COVER).write_bytes(cover.draw(edition))
        pandoc.write(
            documents.outline(book, CONTENTS),
            "epub3",
            *LOOKS,
            "--toc",
            f"--toc-depth={CONTENTS}",
            f"--css={CSS}",
            f"--variable=cover-title:{words['cover']}",
            f"--variable=opening:{_title_page(edition, eink)}",
            f"--epub-cover-image={COVER}",
            "--output=book.epub",
            *(typeface.embedded(folder) if edition.embeds_font else ()),
            source=out.name,
            cwd=folder,
            date=_seconds(edition.date),
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        also = [pandoc.locale(half) for half in edition.halves[1:]]
        finish(folder / "book.epub", out, texts, images, parts, words, also)


def identifier(edition: Edition, eink: bool = False) -> str:
    """The book's URN: the same for every build of one edition."""
    name = f"epub:{edition.output_file}{'-eink' if eink else ''}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def _open_parts(
    edition: Edition, content: Sequence[tuple[Entry, pf.Doc]]
) -> dict[str, list[str]]:
    """Put a page before the first chapter of each part; gives the chapters' ids by part's."""
    parts: dict[str, list[str]] = {}
    name, current = "", ()
    for entry, doc in content:
        part = part_of(edition, entry)
        chapter = next(block for block in doc.content if isinstance(block, pf.Header))
        chapter.attributes |= _role(_kind(entry))
        if part and part != current:
            name = BACK if entry.appendix else f"part-page-{len(parts) + 1}"
            parts[name] = []
            doc.content.insert(0, _part_page(part, name))
        if part:
            parts[name].append(chapter.identifier)
        current = part
    return parts


def _part_page(title: Sequence[str], name: str) -> pf.Header:
    return pf.Header(
        *title_of(title),
        identifier=name,
        classes=["unnumbered", "part"],
        attributes=_role("part"),
    )


def _kind(entry: Entry) -> str:
    """What a file of the book is, in the words of EPUB."""
    if entry.appendix:
        return "appendix"
    return "chapter" if entry.number else "preface"


def _role(kind: str) -> dict[str, str]:
    """What pandoc gives to the section, so that readers can announce it."""
    return {"epub:type": kind, "role": f"doc-{kind}"}


def _joined(edition: Edition, docs: Sequence[pf.Doc]) -> pf.Doc:
    book = pandoc.join(docs)
    xhtml.with_references(book, edition, level=1)
    for block in book.content:
        if isinstance(block, pf.Header) and block.identifier == "references":
            block.attributes |= _role("bibliography")
    xhtml.show_numbers(book)
    xhtml.hold_punctuation(book)
    book.walk(_box)
    return book


def _box(element: pf.Element, _doc: pf.Doc) -> pf.Div | None:
    """Give a figure's id to a box around it: pandoc finds no figure in another file."""
    if not isinstance(element, pf.Figure) or not element.identifier:
        return None
    name, element.identifier = element.identifier, ""
    return pf.Div(element, identifier=name)


def _metadata(edition: Edition, eink: bool) -> dict[str, object]:
    words = _words(*edition.languages)
    halves = edition.halves or (edition,)
    titles = {
        "main": edition.title + _kind_of_book(edition, eink),
        "subtitle": edition.subtitle,
    }
    return {
        "title": [{"type": kind, "text": text} for kind, text in titles.items() if text],
        "author": edition.author,
        "date": edition.date.isoformat(),
        "rights": messages.of("books", *edition.languages)["license"],
        "identifier": identifier(edition, eink),
        "toc-title": words["toc"],
        "accessModes": ["textual", "visual"],
        "accessModeSufficient": ["textual"],
        "accessibilityFeatures": [
            "alternativeText", "describedMath" if eink else "MathML", "displayTransformability",
            "readingOrder", "structuralNavigation", "tableOfContents", "unlocked",
        ],
        "accessibilityHazards": ["none"],
        "accessibilitySummary": " ".join(_summary(half, eink) for half in halves),
    }  # fmt: skip


def _kind_of_book(edition: Edition, eink: bool) -> str:
    return _words(edition.lang)["eink"] if eink else ""


def _title_page(edition: Edition, eink: bool) -> str:
    """What stands on the page of the title: each language on lines of its own."""
    first, *others = edition.halves or (edition,)
    title = first.title + _kind_of_book(first, eink)
    lines = [("h1", "title", title, ""), ("p", "subtitle", first.subtitle, "")]
    for half in others:
        lines += [
            ("p", "title", half.title, half.lang),
            ("p", "subtitle", half.subtitle, half.lang),
        ]
    lines.append(("p", "author", edition.author, ""))
    langs = {half.lang: "" if half is first else half.lang for half in (first, *others)}
    for lang, named in langs.items():
        lines.append(("p", "date", _words(lang)["date"].format(edition.date), named))
    lines += [
        ("p", "rights", messages.of("books", lang)["license"], named)
        for lang, named in langs.items()
    ]
    return "\n".join(_line(*each) for each in lines if each[2])


def _line(tag: str, kind: str, text: str, lang: str) -> str:
    """A line of the title page; `lang` is named where it is not the book's."""
    attributes = f' lang="{lang}" xml:lang="{lang}"' if lang else ""
    return f'<{tag} class="{kind}"{attributes}>{html.escape(text)}</{tag}>'


def _summary(edition: Edition, eink: bool) -> str:
    words = _words(*edition.languages)
    return words["summary"].format(formulas=words["drawn" if eink else "mathml"])


def _seconds(date: datetime.date) -> int:
    midnight = datetime.datetime.combine(date, datetime.time(), datetime.UTC)
    return int(midnight.timestamp())


def _words(*languages: str) -> messages.Words:
    return messages.of("epub", *languages)
