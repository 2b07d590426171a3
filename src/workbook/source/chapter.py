"""A chapter of one language: its blocks, cells and exercises, each with its line.

`chapter.source` is the file again, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from workbook.source.blocks import HEADING, Block, Cell, front_matter, split
from workbook.source.edition import GENERATED, Edition, slug_of
from workbook.source.exercise import Exercise, exercises
from workbook.source.text import read_text


@dataclass(frozen=True)
class Chapter:
    """One file of one language."""

    path: Path
    blocks: tuple[Block, ...]

    @property
    def slug(self) -> str:
        return slug_of(self.path)

    @property
    def source(self) -> str:
        """The file's text, byte for byte."""
        return "".join(block.text for block in self.blocks)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Cell))

    @cached_property
    def title(self) -> str:
        heading = next((b for b in self.blocks if b.kind == "heading"), None)
        return HEADING.match(heading.text).group(2) if heading else self.slug  # type: ignore[union-attr]

    @cached_property
    def description(self) -> str:
        """What a reader can do after it, as its front matter says; empty where it has none."""
        head = next((block for block in self.blocks if block.kind == "metadata"), None)
        return str(front_matter(head, self.path).get("description") or "") if head else ""

    def cell(self, label: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.label == label), None)

    @cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        """The exercises in order, each with its cells."""
        return tuple(exercises(self.blocks))


def read_chapter(path: Path, root: Path | None = None) -> Chapter:
    """Read a file; paths in problems are told relative to `root`."""
    shown = path.relative_to(root) if root else path
    return parse_chapter(read_text(path, shown), shown)


def read_chapters(edition: Edition, root: Path, generated: bool = True) -> tuple[Chapter, ...]:
    """All chapters of an edition, with or without those that the tooling writes."""
    entries = [e for e in edition.entries if generated or e.slug not in GENERATED]
    return tuple(read_chapter(root / e.path, root) for e in entries)


@lru_cache(maxsize=1024)  # one reading serves the check, the tangle and the books
def parse_chapter(source: str, path: Path) -> Chapter:
    """Split a chapter's text into blocks; BookError where its structure is broken."""
    return Chapter(path, split(source, path))
