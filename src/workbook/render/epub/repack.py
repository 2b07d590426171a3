"""Packs the EPUB that pandoc made again, with what pandoc leaves to be desired."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from workbook.render import xhtml
from workbook.render.epub import typeface

BACK = "part-appendices"  # the id of the page before the appendices
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
_LANGUAGE = re.compile(r"<dc:language>[^<]*</dc:language>")
_OPENING = re.compile(r'(<section [^>]*class="titlepage">).*?(</section>)', re.S)
_TAG = re.compile(r"<[^>]*>")
_CELL = re.compile(r"<t([hd])\b.*?</t\1>", re.S)
_CODE = re.compile(r"<code>[^<]*</code>")
_JOINT = re.compile(r"(?<=\w[._(])(?=\w)")


def repack(
    made: Path,
    out: Path,
    parts: Mapping[str, list[str]],
    words: Mapping[str, str],
    opening: str,
    also: Sequence[str] = (),
) -> None:
    """Copy the EPUB that pandoc made: parts in the contents, titles, no styles of its own.

    `opening` is what stands on the title page, where pandoc has two headings and a bare date.
    `also` names the languages of the book besides its first, which is all that pandoc tells.
    """
    languages = "".join(f"<dc:language>{tag}</dc:language>" for tag in also)
    files: dict[zipfile.ZipInfo, bytes] = {}
    with zipfile.ZipFile(made) as source:
        for info in source.infolist():
            data = source.read(info)
            if info.filename.endswith((".xhtml", ".opf")):
                data = _with_plain_cover(data.decode(), words["cover"]).encode()
            if info.filename.endswith(".opf"):
                data = _LANGUAGE.sub(rf"\g<0>{languages}", data.decode()).encode()
            if info.filename.endswith(".xhtml"):
                page = _OPENING.sub(lambda m: f"{m[1]}\n{opening}\n{m[2]}", data.decode())
                data = _tidy(page).encode()
            if info.filename.endswith("nav.xhtml"):
                data = _navigation(data, parts, words)
            files[info] = data
    with zipfile.ZipFile(out, "w") as target:
        for info, data in files.items():
            if info.filename.endswith(typeface.FILE):
                data = typeface.subset(_text(files))
            target.writestr(info, data, compress_type=info.compress_type)


def _text(files: Mapping[zipfile.ZipInfo, bytes]) -> Iterator[str]:
    """The text of all pages, their markup included."""
    return (data.decode() for info, data in files.items() if info.filename.endswith(".xhtml"))


def _tidy(page: str) -> str:
    """A page titled by its heading, coloured by our style sheet, without empty links."""
    page = xhtml.without_line_anchors(_STYLE.sub("", page))
    page = _MATH.sub(_say_formula, page)
    page = _CELL.sub(lambda cell: _CODE.sub(_with_joints, cell[0]), page)
    heading = _HEADING.search(page)
    if heading and _FILE_TITLE.search(page):
        title = " ".join(_TAG.sub("", heading[1]).split())
        page = _FILE_TITLE.sub(lambda _: f"<title>{title}</title>", page)
    return page


def _with_joints(code: re.Match[str]) -> str:
    """Code that breaks between its names: a page scrolls no table that is too wide for it."""
    return _JOINT.sub("<wbr />", code[0])


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


def _navigation(nav: bytes, parts: Mapping[str, list[str]], words: Mapping[str, str]) -> bytes:
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
    for kind, name in _landmarks(parts, entries).items():
        item = ET.SubElement(marks, f"{{{_XHTML}}}li")
        told = {"href": _link(entries[name]).get("href", ""), f"{{{_OPS}}}type": kind}
        ET.SubElement(item, f"{{{_XHTML}}}a", told).text = words[kind]
    text = ET.tostring(tree, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n{text}\n'.encode()


def _landmarks(parts: Mapping[str, list[str]], entries: Mapping[str, object]) -> dict[str, str]:
    """Where the text, what stands behind it and the references begin."""
    first = next(iter(parts), "")
    names = {"bodymatter": first, "backmatter": BACK, "bibliography": "references"}
    return {kind: name for kind, name in names.items() if name in entries}


def _link(item: ET.Element) -> ET.Element:
    link = item.find(f"{{{_XHTML}}}a")
    assert link is not None
    return link
