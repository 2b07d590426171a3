"""Finishes the EPUB that pandoc made: what its template and its metadata cannot say."""

from __future__ import annotations

import mimetypes
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lxml import etree

from workbook.render import dom, xhtml
from workbook.render.dom import Element
from workbook.render.epub import typeface

ROOT = "EPUB"  # the folder of all that is read
BACK = "part-appendices"  # the id of the page before the appendices
_TYPE = "{http://www.idpf.org/2007/ops}type"
_DC = "http://purl.org/dc/elements/1.1/"
_PROSE = frozenset(("co", "st", "do"))  # pandoc's kinds of tokens: comments, docstrings
_STEP, _MOST = 4, 4  # letters of an indent, and the deepest one; theme/epub/epub.css has each
_JOINT = re.compile(r"(?<=\w[._(])(?=\w)")  # between the names of a piece of code


def finish(
    made: Path,
    out: Path,
    pages: Sequence[tuple[str, str]],
    images: Mapping[str, bytes],
    parts: Mapping[str, list[str]],
    words: Mapping[str, str],
    also: Sequence[str] = (),
) -> None:
    """Copy the EPUB that pandoc made of the headings: with its pages, each with its properties
    in the manifest, and its images; chapters below their parts in the contents.

    `also` names the languages of the book besides its first, which is all that pandoc tells.
    """
    with zipfile.ZipFile(made) as source:
        infos = source.infolist()
        files = {info.filename: source.read(info) for info in infos}
    files[f"{ROOT}/content.opf"] = _manifest(
        files[f"{ROOT}/content.opf"], [properties for _, properties in pages], images, also
    )
    files[f"{ROOT}/nav.xhtml"] = _navigation(files[f"{ROOT}/nav.xhtml"], parts, words)
    files |= {path_of(at): text.encode() for at, (text, _) in enumerate(pages, 1)}
    files |= {f"{ROOT}/{path}": data for path, data in images.items()}
    stored = {info.filename for info in infos if info.compress_type == zipfile.ZIP_STORED}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            content = typeface.subset(_text(files)) if name.endswith(typeface.FILE) else data
            kind = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            # With the date of the book, which pandoc has given to its files.
            target.writestr(zipfile.ZipInfo(name, infos[0].date_time), content, kind)


def path_of(number: int) -> str:
    """Where a page stands in the archive: pandoc counts them from one."""
    return f"{ROOT}/text/ch{number:03}.xhtml"


def _text(files: Mapping[str, bytes]) -> Iterator[str]:
    """The text of all pages, their markup included."""
    return (data.decode() for name, data in files.items() if name.endswith(".xhtml"))


def page(root: Element) -> str:
    """A page titled by its heading, whose formulas say their TeX source to those who cannot
    see them.
    """
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
    for title in dom.having(root, "title") if headings else ():
        title.text = dom.text(headings[0])  # pandoc calls a chapter by its file
    return dom.write_document(root).decode()


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


def _manifest(
    data: bytes, pages: Sequence[str], images: Iterable[str], also: Sequence[str]
) -> bytes:
    """The package with all its languages, the properties of its pages, and its images; its
    cover is an image and no drawing.
    """
    root = etree.fromstring(data)
    first = next(root.iter(f"{{{_DC}}}language"))
    for tag in reversed(also):
        language = etree.Element(f"{{{_DC}}}language")
        language.text, language.tail = tag, first.tail
        first.addnext(language)
    (manifest,) = root.iter("{*}manifest")
    items = {f"{ROOT}/{item.get('href')}": item for item in manifest}
    items[f"{ROOT}/text/cover.xhtml"].attrib.pop("properties", None)
    for number, properties in enumerate(pages, 1):
        if properties:
            items[path_of(number)].set("properties", properties)
    for number, path in enumerate(images, 1):
        kind, _ = mimetypes.guess_type(path)
        item = etree.SubElement(manifest, next(iter(items.values())).tag)
        for key, value in {"id": f"image-{number}", "href": path, "media-type": kind}.items():
            item.set(key, value or "")
        item.tail = manifest.text
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
