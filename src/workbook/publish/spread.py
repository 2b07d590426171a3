"""Draws an opening of a printed book for the front page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typst
from pypdf import PdfReader

PPI = 72  # about 1200 pixels for the two pages of A4
_SOURCE = """#set page(width: auto, height: auto, margin: 0pt, fill: white)
#stack(dir: ltr, image("book.pdf", page: {left}), image("book.pdf", page: {right}))
"""


@dataclass(frozen=True)
class Opening:
    """Two pages that face each other."""

    pdf: Path
    left: int  # counted from 1, as PDF does
    page: tuple[int, int]  # width and height of a page, in points

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""
        width, height = self.page
        return 2 * width * PPI // 72, height * PPI // 72


def opening_after(pdf: Path, chapter: str, section: str) -> Opening | None:
    """The first opening behind the beginning of a section, if there is one.

    `chapter` and `section` are titles; the bookmarks say where they begin.
    """
    reader = PdfReader(pdf)
    within, level = False, 0
    for depth, title, page in _bookmarks(reader, reader.outline):
        if not within and title.endswith(chapter):
            within, level = True, depth
        elif within and depth <= level:
            within = False
        elif within and title == section:
            left = page + 2 - page % 2  # an even page is a left one
            box = reader.pages[0].mediabox
            size = round(box.width), round(box.height)
            return Opening(pdf, left, size) if left < len(reader.pages) else None
    return None


def draw(opening: Opening) -> bytes:
    """Two pages beside each other, as a PNG; the same bytes for the same PDF."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "book.pdf").write_bytes(opening.pdf.read_bytes())
        main = root / "main.typ"
        source = _SOURCE.format(left=opening.left, right=opening.left + 1)
        main.write_text(source, encoding="utf-8")
        return typst.compile(main, root=root, format="png", ppi=PPI)


def _bookmarks(
    reader: PdfReader, items: list[Any], depth: int = 0
) -> Iterator[tuple[int, str, int]]:
    """Depth, title and page, counted from 1, of each bookmark."""
    for item in items:
        if isinstance(item, list):
            yield from _bookmarks(reader, item, depth + 1)
        else:
            yield depth, item.title, reader.get_destination_page_number(item) + 1
