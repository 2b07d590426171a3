"""Finishes the EPUB that pandoc made: what its template and its metadata cannot say."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree

from workbook.render import dom, xhtml
from workbook.render.dom import Element
from workbook.render.epub import typeface

BACK = "part-appendices"  # the id of the page before the appendices
_TYPE = "{http://www.idpf.org/2007/ops}type"
_DC = "http://purl.org/dc/elements/1.1/"
_PROSE = frozenset(("co", "st", "do"))  # pandoc's kinds of tokens: comments, docstrings
_STEP, _MOST = 4, 4  # letters of an indent, and the deepest one; theme/epub/epub.css has each
_JOINT = re.compile(r"(?<=\w[._(])(?=\w)")  # between the names of a piece of code


def finish(
    made: Path,
    out: Path,
    parts: Mapping[str, list[str]],
    words: Mapping[str, str],
    also: Sequence[str] = (),
) -> None:
    """Copy the EPUB that pandoc made: chapters below their parts in the contents, pages with
    their own titles, formulas that say themselves.

    `also` names the languages of the book besides its first, which is all that pandoc tells.
    """
    files: dict[zipfile.ZipInfo, bytes] = {}
    with zipfile.ZipFile(made) as source:
        for info in source.infolist():
            data = source.read(info)
            if info.filename.endswith(".opf"):
                data = _manifest(data, also)
            elif info.filename.endswith("nav.xhtml"):
                data = _navigation(data, parts, words)
            elif info.filename.endswith(".xhtml"):
                data = _page(data, Path(info.filename).name)
            files[info] = data
    with zipfile.ZipFile(out, "w") as target:
        for info, data in files.items():
            if info.filename.endswith(typeface.FILE):
                data = typeface.subset(_text(files))
            target.writestr(info, data, compress_type=info.compress_type)


def _text(files: Mapping[zipfile.ZipInfo, bytes]) -> Iterator[str]:
    """The text of all pages, their markup included."""
    return (data.decode() for info, data in files.items() if info.filename.endswith(".xhtml"))


def _page(data: bytes, file: str) -> bytes:
    """A page titled by its heading, whose formulas say their TeX source to those who cannot
    see them, without empty links.
    """
    root = dom.document(data)
    xhtml.drop_line_anchors(root)
    if root.get("lang", "").startswith("zh"):
        xhtml.say_english(root)
    for line in _code_lines(root):
        if hang := _hang(line):
            dom.add_class(line, f"hang-{hang}")
        _end(line)
    for math in dom.having(root, "math"):
        _with_words(math)
    for kind in ("td", "th"):
        for cell in dom.having(root, kind):
            for code in dom.having(cell, "code"):
                _with_joints(code)
    headings = dom.having(root, "h1")
    for title in dom.having(root, "title"):
        if title.text == file and headings:  # pandoc calls a chapter by its file
            title.text = dom.text(headings[0])
    return dom.write_document(root)


def _with_words(math: Element) -> None:
    """A formula that says its TeX source in an attribute, and there alone: an engine that knows
    no MathML shows all text in it, and would show the source behind the formula.
    """
    for source in dom.having(math, "annotation"):
        math.set("alttext", dom.text(source))
        dom.remove(source)
    for wrapping in dom.having(math, "semantics"):
        dom.unwrap(wrapping)


def _code_lines(root: Element) -> Iterator[Element]:
    """The lines of code that pandoc has highlighted."""
    for code in dom.having(root, "code", "sourceCode"):
        if dom.local(code.getparent()) == "pre":
            yield from code


def _end(line: Element) -> None:
    """Let a line hold its own end: each is a block, and not every engine sets inline ones."""
    dom.append_words(line, line.tail or "")
    line.tail = None


def _hang(line: Element) -> int:
    """How far in a line goes on where it is too long, in letters, by steps of four; an empty
    one not at all.

    Prose, a docstring or a comment, goes on flush with its beginning: further in, it would
    climb up and down like stairs. Code goes on behind that.
    """
    words = "".join(line.itertext())
    if not words.strip():
        return 0
    indent = len(words) - len(words.lstrip(" "))
    first = next((each for each in line if dom.text(each).strip()), None)
    before = line.text or ""
    prose = first is not None and not before.strip() and _PROSE & set(dom.classes(first))
    return min(-(-indent // _STEP) + (0 if prose else 1), _MOST) * _STEP


def _with_joints(code: Element) -> None:
    """Code that breaks between its names: a page scrolls no table that is too wide for it."""
    if len(code):
        return
    first, *others = _JOINT.split(code.text or "")
    code.text = first
    for part in others:
        etree.SubElement(code, f"{{{etree.QName(code).namespace}}}wbr").tail = part


def _manifest(data: bytes, also: Sequence[str]) -> bytes:
    """The package with all its languages; its cover is an image and no drawing."""
    root = etree.fromstring(data)
    first = next(root.iter(f"{{{_DC}}}language"))
    for tag in reversed(also):
        language = etree.Element(f"{{{_DC}}}language")
        language.text, language.tail = tag, first.tail
        first.addnext(language)
    for item in root.iter("{*}item"):
        if item.get("id") == "cover_xhtml":
            item.attrib.pop("properties", None)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _navigation(data: bytes, parts: Mapping[str, list[str]], words: Mapping[str, str]) -> bytes:
    """The contents with chapters below their parts, and landmarks in the book's language."""
    root = dom.document(data)
    contents, landmarks = dom.having(root, "nav")
    listing = dom.having(contents, "ol")[0]
    entries = {_link(item).get("href", "").partition("#")[2]: item for item in listing}
    for part, chapters in parts.items():
        below = etree.SubElement(entries[part], listing.tag, {"class": "toc"})
        for chapter in chapters:
            below.append(entries[chapter])
    marks = dom.having(landmarks, "ol")[0]
    for link in map(_link, marks):
        link.text = words[link.get(_TYPE, "")]
    for kind, name in _landmarks(parts, entries).items():
        item = etree.SubElement(marks, entries[name].tag)
        attributes = {"href": _link(entries[name]).get("href", ""), _TYPE: kind}
        etree.SubElement(item, _link(entries[name]).tag, attributes).text = words[kind]
    return dom.write_document(root)


def _landmarks(parts: Mapping[str, list[str]], entries: Mapping[str, object]) -> dict[str, str]:
    """Where the text, what stands behind it and the references begin."""
    first = next(iter(parts), "")
    names = {"bodymatter": first, "backmatter": BACK, "bibliography": "references"}
    return {kind: name for kind, name in names.items() if name in entries}


def _link(item: Element) -> Element:
    return dom.having(item, "a")[0]
