"""Writes an edition as an EPUB 3: one file per chapter, the same bytes each time.

There are two: one whose formulas are MathML, and one for e-ink readers without it, whose
formulas are drawings that say themselves in words. The reader's fonts are used: Chinese ones
are on every reader sold for Chinese, and a subset of ours would add two megabytes.
"""

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
import typst

from workbook.book import Edition
from workbook.render import formulas, numbering, pandoc, pdf, web
from workbook.weave import Woven

CSS = pandoc.ROOT / "theme" / "epub.css"
WORDS = {
    "zh": {
        "toc": "目录",
        "cover": "封面",
        "titlepage": "书名页",
        "bodymatter": "正文",
        "colon": "：",
        "appendices": "附录",
        "eink": "（墨水屏版）",
        "summary": "正文可重排；{formulas}；每幅图都有替代文字；不含声音、视频与闪烁。",
        "mathml": "公式为 MathML",
        "drawn": "公式为图，替代文字是公式的单行写法",
    },
    "en": {
        "toc": "Contents",
        "cover": "Cover",
        "titlepage": "Title page",
        "bodymatter": "Start of the text",
        "colon": ": ",
        "appendices": "Appendices",
        "eink": " (e-ink)",
        "summary": "Text reflows, {formulas}, every figure has alternative text; "
        "there is no sound, no video and no flashing.",
        "mathml": "formulas are MathML",
        "drawn": "formulas are images whose alternative text is the formula in one line",
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
_TITLE = re.compile(r"<title>.*?</title>")
_COVER = re.compile(r'<svg\b.*?<image [^>]*xlink:href="([^"]*)" />\s*</svg>', re.S)
_COVER_ITEM = 'media-type="application/xhtml+xml" properties="svg"'
_TAG = re.compile(r"<[^>]*>")


def write(edition: Edition, pages: Sequence[Woven], out: Path, eink: bool = False) -> None:
    """Write the EPUB of an edition to the file `out`; `eink` draws the formulas."""
    docs = numbering.number(edition, pages, site=False)
    images = {"cover.png": _cover(edition)}
    for doc, page in zip(docs, pages, strict=True):
        images |= web.place_images(doc, page)
    parts = _open_parts(edition, pages, docs)
    book = _joined(edition, docs)
    images |= formulas.draw(book) if eink else {}
    for key, value in _metadata(edition, eink).items():
        book.metadata[key] = value
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, data in images.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(data)
        pandoc.write(
            book,
            "epub3",
            "--mathml",
            "--split-level=1",
            "--toc",
            "--toc-depth=2",
            "--wrap=none",
            f"--css={CSS}",
            "--epub-cover-image=cover.png",
            "--output=book.epub",
            *pandoc.filters(edition, book),
            told=out.name,
            cwd=folder,
            date=_seconds(edition.date),
        )
        out.parent.mkdir(parents=True, exist_ok=True)
        _rewrite(folder / "book.epub", out, parts, _words(edition.lang))


def identifier(edition: Edition, eink: bool = False) -> str:
    """The book's URN: the same for every build of one edition."""
    name = f"epub:{edition.output_file}{'-eink' if eink else ''}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def _cover(edition: Edition) -> bytes:
    """A picture of 1600 by 2560, as shops and readers want it."""
    told = {key: getattr(edition, key) for key in ("title", "subtitle", "author", "lang")}
    return typst.compile(
        pdf.THEME / "cover.typ",
        format="png",
        ppi=325.12,
        sys_inputs=told,
        font_paths=[pdf.fonts()],
        ignore_system_fonts=True,
    )


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
    return book


def _box(element: pf.Element, _doc: pf.Doc) -> pf.Div | None:
    """Give a figure's id to a box around it: pandoc finds no figure in another file."""
    if not isinstance(element, pf.Figure) or not element.identifier:
        return None
    name, element.identifier = element.identifier, ""
    return pf.Div(element, identifier=name)


def _metadata(edition: Edition, eink: bool) -> dict[str, object]:
    words = _words(edition.lang)
    title = words["colon"].join(filter(None, [edition.title, edition.subtitle]))
    described = words["drawn" if eink else "mathml"]
    return {
        "title": title + (words["eink"] if eink else ""),
        "author": edition.author,
        "date": edition.date.isoformat(),
        "identifier": identifier(edition, eink),
        "toc-title": words["toc"],
        "accessModes": ["textual", "visual"],
        "accessModeSufficient": ["textual"],
        "accessibilityFeatures": [
            "alternativeText", "describedMath" if eink else "MathML", "displayTransformability",
            "readingOrder", "structuralNavigation", "tableOfContents", "unlocked",
        ],
        "accessibilityHazards": ["none"],
        "accessibilitySummary": words["summary"].format(formulas=described),
    }  # fmt: skip


def _seconds(date: datetime.date) -> int:
    midnight = datetime.datetime.combine(date, datetime.time(), datetime.UTC)
    return int(midnight.timestamp())


def _words(lang: str) -> dict[str, str]:
    return WORDS.get(lang, WORDS["en"])


# --- what pandoc leaves to be desired ---------------------------------------------------


def _rewrite(
    made: Path, out: Path, parts: Mapping[str, list[str]], words: dict[str, str]
) -> None:
    """Copy the EPUB that pandoc made: parts in the contents, titles, no styles of its own."""
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename.endswith((".xhtml", ".opf")):
                data = _with_plain_cover(data.decode(), words["cover"]).encode()
            if info.filename.endswith(".xhtml"):
                data = _tidy(data.decode()).encode()
            if info.filename.endswith("nav.xhtml"):
                data = _navigation(data, parts, words)
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


def _with_plain_cover(page: str, name: str) -> str:
    """The cover as an image with its alternative text: pandoc draws it into an SVG."""
    page = page.replace(_COVER_ITEM, _COVER_ITEM.partition(" properties")[0])
    if image := _COVER.search(page):
        page = page.replace(image[0], f'<img src="{image[1]}" alt="{name}" />')
        page = _TITLE.sub(f"<title>{name}</title>", page)
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
    for link in map(_link, marks):
        link.text = words[link.get(f"{{{_OPS}}}type", "")]
    if parts:
        start = _link(entries[next(iter(parts))]).get("href", "")
        item = ET.SubElement(marks, f"{{{_XHTML}}}li")
        link = ET.SubElement(
            item, f"{{{_XHTML}}}a", {"href": start, f"{{{_OPS}}}type": "bodymatter"}
        )
        link.text = words["bodymatter"]
    text = ET.tostring(tree, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n{text}\n'.encode()


def _link(item: ET.Element) -> ET.Element:
    link = item.find(f"{{{_XHTML}}}a")
    assert link is not None
    return link
