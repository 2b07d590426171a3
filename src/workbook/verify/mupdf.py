"""Opens a PDF for MuPDF, which tells what stands on its pages, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

Book = TypeVar("Book")
Read = TypeVar("Read")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The document without its tags: with them, MuPDF takes ten times as long for a page."""
    import pymupdf

    with pymupdf.open(path) as document:
        document.xref_set_key(document.pdf_catalog(), "StructTreeRoot", "null")
        yield document


def read_once(
    pdf: Callable[[Book], Path],
) -> Callable[[Callable[[Book], Iterable[Read]]], Callable[[Book], tuple[Read, ...]]]:
    """Have a reader remember the book that it read last, until the file `pdf(book)` changes.

    Going through all letters of a book takes seconds, and several validators do.
    """

    def remembering(
        read: Callable[[Book], Iterable[Read]],
    ) -> Callable[[Book], tuple[Read, ...]]:
        @lru_cache(maxsize=1)
        def as_written(book: Book, _written: int, _size: int) -> tuple[Read, ...]:
            return tuple(read(book))

        @wraps(read)
        def known(book: Book) -> tuple[Read, ...]:
            about = pdf(book).stat()
            return as_written(book, about.st_mtime_ns, about.st_size)

        return known

    return remembering


@dataclass(frozen=True, slots=True)
class Run:
    """Glyphs that are drawn in one face."""

    page: int
    font: str
    glyphs: int
    boxes: int  # of them are glyph 0, which stands for a character that the face lacks
    outlined: bool


@read_once(lambda pdf: pdf)
def runs(pdf: Path) -> Iterator[Run]:
    """All glyphs that a PDF draws, page by page."""
    with opened(pdf) as document:
        for page in document:
            for span in page.get_texttrace():
                glyphs = span["chars"]
                boxes = sum(glyph == 0 for _, glyph, *_ in glyphs)
                stroked = span["type"] == 1
                yield Run(page.number + 1, span["font"], len(glyphs), boxes, outlined=stroked)
