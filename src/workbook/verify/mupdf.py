"""Opens a PDF for MuPDF, which tells what stands on its pages, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The document without its tags: with them, MuPDF takes ten times as long for a page."""
    import pymupdf

    with pymupdf.open(path) as document:
        document.xref_set_key(document.pdf_catalog(), "StructTreeRoot", "null")
        yield document
