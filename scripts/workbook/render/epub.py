"""Writes an edition as an EPUB 3: one file per chapter, MathML, the same bytes each time."""

from __future__ import annotations

import datetime
import re
import tempfile
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import panflute as pf

from workbook.book import Edition
from workbook.render import numbering, pandoc, web
from workbook.weave import Woven

CSS = pandoc.ROOT / "theme" / "epub.css"
WORDS = {
    "zh": {
        "contents": "目录",
        "title-page": "书名页",
        "start": "正文",
        "colon": "：",
        "appendices": "附录",
        "summary": "正文可重排；公式为 MathML；每幅图都有替代文字；不含声音、视频与闪烁。",
    },
    "en": {
        "contents": "Contents",
        "title-page": "Title page",
        "start": "Start of the text",
        "colon": ": ",
        "appendices": "Appendices",
        "summary": "Text reflows, formulas are MathML, every figure has alternative text; "
        "there is no sound, no video and no flashing.",
    },
}
_XHTML = "http://www.w3.org/1999/xhtml"
_OPS = "http://www.idpf.org/2007/ops"
_STYLE = re.compile(r"\s*<style>.*?</style>", re.S)
_FILE_TITLE = re.compile(r"<title>\w+\.xhtml</title>")
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.S)
_MATH = re.compile(
    r'<math((?:(?!</math>).)*?<annotation encoding="application/x-tex">)'
    r"(.*?)</annotation>",
    re.S,
)
_TAG = re.compile(r"<[^>]*>")


def write(edition: Edition, pages: Sequence[Woven], out: Path) -> None:
    """Write the EPUB of an edition to the file `out`."""
    docs = numbering.number(edition, pages, site=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for doc, page in zip(docs, pages, strict=True):
            for place, data in web.place_images(doc, page).items():
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (folder / place).write_bytes(data)
        parts = _open_parts(edition, pages, docs)
        book = _joined(edition, docs)
        pandoc.write(
            book,
            "epub3",
            "--mathml",
            "--split-level=1",
            "--toc",
            "--toc-depth=2",
            "--wrap=none",
            f"--css={CSS}",
            "--output=book.epub",
            *pandoc.filters(edition, book),
            told=out.name,
            cwd=folder,
            date=_seconds(edition.date),
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        _rewrite(folder / "book.epub", out, parts, edition.lang)


def identifier(edition: Edition) -> str:
    """The book's URN: the same for every build of one edition."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'epub:{edition.output_file}')}"


def _open_parts(
    edition: Edition, pages: Sequence[Woven], docs: Sequence[pf.Doc]
) -> dict[str, list[str]]:
    """Put a page before the first chapter of each part; gives the chapters' ids by part's."""
    parts: dict[str, list[str]] = {}
    current = ""
    for doc, page in zip(docs, pages, strict=True):
        appendices = _words(edition.lang)["appendices"]
        part = appendices if page.entry.appendix else page.entry.part
        chapter = next(b.identifier for b in doc.content if isinstance(b, pf.Header))
        if part and part != current:
            parts[f"part-page-{len(parts) + 1}"] = []
            doc.content.insert(0, _part_page(part, list(parts)[-1]))
        if part:
            parts[list(parts)[-1]].append(chapter)
        current = part
    return parts


def _part_page(title: str, name: str) -> pf.Header:
    return pf.Header(
        *pandoc.inlines(title),
        identifier=name,
        classes=["unnumbered", "part"],
        attributes={"epub:type": "part"},
    )


def _joined(edition: Edition, docs: Sequence[pf.Doc]) -> pf.Doc:
    book = pandoc.join(docs)
    web.with_references(book, edition, level=1)
    web.show_numbers(book)
    book.walk(_box)
    for key, value in _metadata(edition).items():
        book.metadata[key] = value
    return book


def _box(element: pf.Element, _doc: pf.Doc) -> pf.Div | None:
    """Give a figure's id to a box around it: pandoc finds no figure in another file."""
    if not isinstance(element, pf.Figure) or not element.identifier:
        return None
    name, element.identifier = element.identifier, ""
    return pf.Div(element, identifier=name)


def _metadata(edition: Edition) -> dict[str, object]:
    words = _words(edition.lang)
    title = words["colon"].join(filter(None, [edition.title, edition.subtitle]))
    return {
        "title": title,
        "author": edition.author,
        "date": edition.date.isoformat(),
        "identifier": identifier(edition),
        "toc-title": words["contents"],
        "accessModes": ["textual", "visual"],
        "accessModeSufficient": ["textual"],
        "accessibilityFeatures": [
            "alternativeText", "MathML", "readingOrder", "structuralNavigation",
            "tableOfContents", "unlocked",
        ],
        "accessibilityHazards": ["none"],
        "accessibilitySummary": words["summary"],
    }  # fmt: skip


def _seconds(date: datetime.date) -> int:
    midnight = datetime.datetime.combine(date, datetime.time(), datetime.UTC)
    return int(midnight.timestamp())


def _words(lang: str) -> dict[str, str]:
    return WORDS.get(lang, WORDS["en"])


# --- what pandoc leaves to be desired ---------------------------------------------------


def _rewrite(made: Path, out: Path, parts: Mapping[str, list[str]], lang: str) -> None:
    """Copy the EPUB that pandoc made: parts in the contents, titles, no styles of its own."""
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename.endswith(".xhtml"):
                data = _tidy(data.decode()).encode()
            if info.filename.endswith("nav.xhtml"):
                data = _navigation(data, parts, _words(lang))
            target.writestr(info, data, compress_type=info.compress_type)


def _tidy(page: str) -> str:
    """A page titled by its heading, coloured by our style sheet, without empty links."""
    page = web.without_line_anchors(_STYLE.sub("", page))
    page = _MATH.sub(_say_formula, page)
    heading = _HEADING.search(page)
    if heading and _FILE_TITLE.search(page):
        title = " ".join(_TAG.sub("", heading[1]).split())
        page = _FILE_TITLE.sub(lambda _: f"<title>{title}</title>", page)
    return page


def _say_formula(match: re.Match[str]) -> str:
    """A formula that says its TeX source to those who cannot see it."""
    source = " ".join(match[2].split()).replace('"', "&quot;")
    return f'<math alttext="{source}"{match[1]}{match[2]}</annotation>'


def _navigation(nav: bytes, parts: Mapping[str, list[str]], words: dict[str, str]) -> bytes:
    """The contents with chapters below their parts, and landmarks in the book's language."""
    ET.register_namespace("", _XHTML)
    ET.register_namespace("epub", _OPS)
    tree = ET.fromstring(nav)
    contents, landmarks = tree.findall(f".//{{{_XHTML}}}nav")
    listing = contents.find(f"{{{_XHTML}}}ol")
    entries = {_link(item).get("href", "").partition("#")[2]: item for item in listing}
    for part, chapters in parts.items():
        below = ET.SubElement(entries[part], f"{{{_XHTML}}}ol", {"class": "toc"})
        for chapter in chapters:
            listing.remove(entries[chapter])
            below.append(entries[chapter])
    marks = landmarks.find(f"{{{_XHTML}}}ol")
    for item, name in zip(marks, (words["title-page"], words["contents"]), strict=True):
        _link(item).text = name
    if parts:
        start = _link(entries[next(iter(parts))]).get("href", "")
        item = ET.SubElement(marks, f"{{{_XHTML}}}li")
        link = ET.SubElement(
            item, f"{{{_XHTML}}}a", {"href": start, f"{{{_OPS}}}type": "bodymatter"}
        )
        link.text = words["start"]
    text = ET.tostring(tree, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n{text}\n'.encode()


def _link(item: ET.Element) -> ET.Element:
    link = item.find(f"{{{_XHTML}}}a")
    assert link is not None
    return link
