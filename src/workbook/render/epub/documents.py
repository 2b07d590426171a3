"""The pages of an EPUB, each kept for as long as nothing in it changes.

pandoc writes an EPUB as a whole. So those pages that are new are written as an EPUB of their
own, and taken out of that; where the places stand that they lead to is settled afterwards.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import panflute as pf
from lxml import etree

from workbook import memo
from workbook.render import dom, makers, pandoc, xhtml
from workbook.render.elements import inside
from workbook.render.epub import package
from workbook.render.theme import ROOT


@dataclass(frozen=True)
class Page:
    """A page as pandoc wrote it, and what has to be known of it without reading it again."""

    xhtml: str  # its images by their paths in the book
    ids: Sequence[str]
    asked: Sequence[str]  # the ids that its links lead to
    properties: str  # in the manifest: mathml


def split(book: pf.Doc) -> list[pf.Doc]:
    """The book's pages: each begins with a heading of the first level."""
    pages: list[list[pf.Block]] = []
    for block in book.content:
        if not pages or (isinstance(block, pf.Header) and block.level == 1):
            pages.append([])
        pages[-1].append(block)
    return [pandoc.like(book, blocks) for blocks in pages]


def outline(book: pf.Doc, levels: int) -> pf.Doc:
    """The headings alone, down to so many levels: all that the contents are made from."""
    kept = (b for b in book.content if isinstance(b, pf.Header) and b.level <= levels)
    return pandoc.like(book, kept)


def write(
    pages: Sequence[pf.Doc], options: Sequence[str], source: str
) -> list[tuple[str, str]]:
    """The text and the manifest's properties of each page, ready for the archive."""
    engine = makers.fingerprint(ROOT)
    given = pandoc.given(["--from=json", "--to=epub3", *options])
    texts = [pandoc.dumps(page) for page in pages]

    def make(missing: Sequence[int]) -> list[str]:
        made = _written([pages[at] for at in missing], options, source)
        return [json.dumps(asdict(page)) for page in made]

    kept = memo.recall_all(make, [("epub page", engine, given, text) for text in texts])
    read = [Page(**json.loads(each)) for each in kept]
    files = [PurePosixPath(package.path_of(number)).name for number in range(1, len(read) + 1)]
    places = {name: file for page, file in zip(read, files, strict=True) for name in page.ids}
    return [
        (_finished(page, file, places, engine), page.properties)
        for page, file in zip(read, files, strict=True)
    ]


def _finished(page: Page, file: str, places: Mapping[str, str], engine: str) -> str:
    """The page as it stands in the book, its links led to the files of their places."""
    # Its own places come first: notes are called the same on every page.
    known = {**places, **dict.fromkeys(page.ids, file)}
    led = {name: known[name] for name in page.asked if name in known}

    def make() -> str:
        root = dom.document(page.xhtml.encode())
        for link, name in _links(root):
            link.set("href", f"{led[name]}#{name}" if name in led else f"#{name}")
        return package.page(root)

    return memo.recall(make, "epub file", engine, page.xhtml, json.dumps(sorted(led.items())))


def _written(pages: Sequence[pf.Doc], options: Sequence[str], source: str) -> Iterable[Page]:
    """These pages, written by one run of pandoc as an EPUB of which they are all."""
    together = pandoc.join(pages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for image in inside(together, pf.Image):
            place = folder / image.url
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(image.url, encoding="utf-8")  # pandoc gives it another name
        pandoc.write(
            together, "epub3", *options, "--output=pages.epub", source=source, cwd=folder
        )
        with zipfile.ZipFile(folder / "pages.epub") as archive:
            media = [name for name in archive.namelist() if "/media/" in name]
            images = {PurePosixPath(name).name: archive.read(name).decode() for name in media}
            properties = _properties(archive.read(f"{package.ROOT}/content.opf"))
            for path in map(package.path_of, range(1, len(pages) + 1)):
                root = dom.document(archive.read(path))
                yield _page(root, images, properties[path])


def _page(root: dom.Element, images: Mapping[str, str], properties: str) -> Page:
    xhtml.drop_line_anchors(root)
    for image in dom.having(root, "img"):
        image.set("src", f"../{images[PurePosixPath(image.get('src', '')).name]}")
    for link, name in _links(root):
        if name.startswith("ref-"):
            # pandoc gives the role only where the bibliography is not among these pages.
            link.attrib.pop("role", None)
            link.set("role", "doc-biblioref")
    ids = [each.get("id") for each in root.iter() if each.get("id")]
    asked = sorted({name for _, name in _links(root)})
    return Page(etree.tostring(root, encoding="unicode"), ids, asked, properties)


def _links(root: dom.Element) -> list[tuple[dom.Element, str]]:
    """The links to places of the book, with the id of each."""
    found = []
    for link in dom.having(root, "a"):
        file, mark, name = link.get("href", "").partition("#")
        if mark and "/" not in file and ":" not in file:
            found.append((link, name))
    return found


def _properties(manifest: bytes) -> dict[str, str]:
    items = etree.fromstring(manifest).iter("{*}item")
    return {f"{package.ROOT}/{item.get('href')}": item.get("properties", "") for item in items}
