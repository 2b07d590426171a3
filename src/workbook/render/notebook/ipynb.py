"""Makes of each chapter a Jupyter notebook and a script, to download from the site.

Both hold the prose as plain Markdown, with references as text, and every cell that runs,
exercises as stubs, each with a cell below it that checks it. They run from top to bottom where
the wheel is installed; where it is not, the first cell says how.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import v4

from workbook import messages
from workbook.render.notebook import markdown
from workbook.render.notebook.setup import Setup
from workbook.source.blocks import Cell
from workbook.source.chapter import Chapter
from workbook.source.edition import GENERATED, Edition
from workbook.weave import Woven

FOLDER = "notebooks"
_RAISES = "raises-exception"  # the tag by which Jupyter goes on after a cell that fails
_FAILS = "this is meant to fail"


@dataclass(frozen=True)
class Piece:
    """A cell of the notebook: Markdown or code."""

    name: str
    text: str
    code: bool = False
    raises: str = ""  # the exception that the code is meant to raise


def offered(chapters: Iterable[Chapter]) -> list[str]:
    """The slugs of the chapters that have a notebook: those with code that runs."""
    return [c.slug for c in chapters if c.slug not in GENERATED and any(map(_runs, c.cells))]


def write(
    edition: Edition,
    chapters: Sequence[Chapter],
    pages: Sequence[Woven],
    out: Path,
    setup: Setup | None = None,
) -> None:
    """Write `notebooks/SLUG.ipynb` and `.py` of every chapter that has code into `out`.

    `setup` tells what they need; without one they check nothing.
    """
    by_slug = {chapter.slug: chapter for chapter in chapters}
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    for slug, runs in markdown.chapters(edition, pages, offered(chapters)):
        pieces = [*_pieces(edition, by_slug[slug], runs, setup)]
        for suffix, text in ((".ipynb", notebook(pieces)), (".py", script(pieces))):
            path = (out / FOLDER / slug).with_suffix(suffix)
            path.write_text(text, encoding="utf-8", newline="\n")


def notebook(pieces: Iterable[Piece]) -> str:
    """The pieces as a notebook of format 4, without outputs: the reader makes them."""
    cells = []
    for piece in pieces:
        if piece.code:
            tags = {"tags": [_RAISES]} if piece.raises else {}
            cells.append(v4.new_code_cell(piece.text, id=piece.name, metadata=tags))
        else:
            cells.append(v4.new_markdown_cell(piece.text, id=piece.name))
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    made = v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def script(pieces: Iterable[Piece]) -> str:
    """The pieces as a script in the percent format, which editors show as cells."""
    parts = []
    for piece in pieces:
        if not piece.code:
            lines = (f"# {line}".rstrip() for line in piece.text.split("\n"))
            parts.append("\n".join(["# %% [markdown]", *lines]))
        else:
            body = _expecting(piece) if piece.raises else piece.text
            parts.append(f"# %% {piece.name}\n{body}")
    return "\n\n".join(parts) + "\n"


def _pieces(
    edition: Edition, chapter: Chapter, runs: Iterable[markdown.Run], setup: Setup | None
) -> Iterator[Piece]:
    """The cells of a chapter between its runs of prose; hidden ones that run are shown."""
    running = [cell for cell in chapter.cells if _runs(cell)]
    yield Piece("opening", _opening(edition, chapter, bool(setup)))
    if setup:
        code = [cell.code for cell in running]
        yield Piece("setup", setup.cell(edition.languages, code), code=True)
    done = count = 0
    for run in runs:
        if isinstance(run, str):
            count += 1
            yield Piece(f"text-{count}", run)
            continue
        for cell in chapter.cells[done : run.number]:
            yield from _code(cell, bool(setup))
        done = run.number
    for cell in chapter.cells[done:]:
        yield from _code(cell, bool(setup))


def _opening(edition: Edition, chapter: Chapter, checks: bool) -> str:
    entry = edition.entry(chapter.slug)
    lines = []
    for lang in edition.languages:
        words = messages.of("notebook", lang)
        number = markdown.label(entry, lang)
        said = [words["opening"].format(title=edition.title, number=number)]
        said.append(words["checks" if checks else "needs"])
        lines.append(("" if lang == "zh" else " ").join(said))
    return "\n\n".join(f"> {line}" for line in lines)


def _runs(cell: Cell) -> bool:
    return cell.flag("eval") and not cell.option("check") and not cell.option("wrong")


def _code(cell: Cell, checks: bool) -> Iterator[Piece]:
    """A cell that runs, and below an exercise the one that checks it."""
    if not _runs(cell):
        return
    exercise = cell.option("exercise")
    raises = (cell.option("raises") or "Exception") if cell.flag("error", False) else ""
    yield Piece(cell.label, cell.stub if exercise else cell.code, code=True, raises=raises)
    if exercise and checks:
        name = exercise.removeprefix("exr-")
        yield Piece(f"check-{name}", f'check("{name}")', code=True)


def _expecting(piece: Piece) -> str:
    """Code that fails, so that the script goes on; what is no Python stays a comment."""
    if piece.raises == "SyntaxError":
        return "\n".join([f"# {_FAILS}:", *(f"# {line}" for line in piece.text.split("\n"))])
    return (
        f"try:  # {_FAILS}\n{textwrap.indent(piece.text, '    ')}\n"
        f'except {piece.raises} as error:\n    print(f"{{type(error).__name__}}: {{error}}")'
    )
