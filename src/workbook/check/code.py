"""Rules over the code of a chapter: solutions, width, length, syntax."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from workbook.problem import Problem, problem
from workbook.source.blocks import Cell
from workbook.source.chapter import Chapter
from workbook.source.exercise import parsed
from workbook.source.inline import generated

COLUMNS = 72
LINES = 40
POINTS = 8
_MARKER = re.compile(r"\s*#+\s*(BEGIN|END) SOLUTION\s*$", re.I)
_LETTERS = re.compile(
    r'(?:(?:font|label)size"?|prop=\{.*"size")\s*[=:]\s*(\d+(?:\.\d*)?|\.\d+)'
)
_ANNOTATION = re.compile(r"#\s*<\d+>\s*$")
_UNREADABLE = {"SyntaxError", "IndentationError", "TabError"}


def solution(chapter: Chapter) -> Iterator[Problem]:
    """An exercise cell holds its solution between markers, and no other cell has them."""
    for cell, found in _marked(chapter):
        if not found and cell.option("exercise"):
            what = "exercise cell has no solution"
            remedy = 'set it between "### BEGIN SOLUTION" and "### END SOLUTION"'
            yield problem(chapter.path, cell.line, what, remedy)
        elif found and not cell.option("exercise"):
            what, remedy = "solution markers in a cell that is no exercise", "take them out"
            yield problem(
                chapter.path, found[0][0], what, f'{remedy} or add "#| exercise: exr-…"'
            )


def solution_markers(chapter: Chapter) -> Iterator[Problem]:
    """The markers of a solution are written as they should be, BEGIN and END by turns."""
    for cell, found in _marked(chapter):
        yield from _markers(chapter, cell, found)


def _marked(chapter: Chapter) -> Iterator[tuple[Cell, list[tuple[int, str]]]]:
    """The cells of an author, each with line and word of its markers."""
    for cell in () if generated(chapter) else chapter.cells:
        yield cell, [(n, m[1]) for n, line in _code(cell) if (m := _MARKER.match(line))]


def _markers(chapter: Chapter, cell: Cell, found: list[tuple[int, str]]) -> Iterator[Problem]:
    lines, inside = dict(_code(cell)), False
    for number, word in found:
        exact = f"### {word.upper()} SOLUTION"
        if lines[number].strip() != exact:
            what = f'solution marker is written "{lines[number].strip()}"'
            yield problem(chapter.path, number, what, f'write "{exact}"')
        if (word.upper() == "BEGIN") == inside:
            what = f"{exact} {'inside a solution' if inside else 'without a beginning'}"
            yield problem(chapter.path, number, what, "set BEGIN and END by turns")
            return
        inside = not inside
    if inside:
        what, remedy = "solution never ends", 'add "### END SOLUTION"'
        yield problem(chapter.path, found[-1][0], what, remedy)


def line_width(chapter: Chapter) -> Iterator[Problem]:
    """Code fits the page and the e-reader."""
    if generated(chapter):
        return
    for block in chapter.blocks:
        lines = _code(block) if isinstance(block, Cell) else []
        if block.kind == "code":
            lines = list(enumerate(block.text.splitlines()[1:-1], block.line + 1))
        for number, line in lines:
            if (width := columns(line)) > COLUMNS:
                what, remedy = f"code line of {width} columns", f"break it before {COLUMNS + 1}"
                yield problem(chapter.path, number, what, remedy)


def length(chapter: Chapter) -> Iterator[Problem]:
    """A cell is short, if it is printed."""
    if generated(chapter):
        return
    for cell in chapter.cells:
        printed = cell.flag("include")
        if printed and (lines := len(cell.code.splitlines())) > LINES:
            what, remedy = f"cell of {lines} lines", f"split it: {LINES} at most"
            yield problem(chapter.path, cell.code_line, what, remedy)


def letters(chapter: Chapter) -> Iterator[Problem]:
    """What a figure says can be read on a phone, where it shrinks by a third."""
    for cell in chapter.cells:
        for number, line in enumerate(cell.code.splitlines(), cell.code_line):
            for size in map(float, _LETTERS.findall(line)):
                if size < POINTS:
                    what = f"letters of {size:g} points in a figure"
                    yield problem(chapter.path, number, what, f"{POINTS} are the least")


def python(chapter: Chapter) -> Iterator[Problem]:
    """Code is Python, with its solution and without it."""
    for cell in chapter.cells:
        if cell.option("raises") in _UNREADABLE:
            continue
        error = _syntax_error(cell.code)
        if error:
            line = cell.code_line + (error.lineno or 1) - 1
            remedy = "mend it; IPython's % and ! are not used"
            yield problem(chapter.path, line, f"not Python: {error.msg}", remedy)
        elif cell.option("exercise") and (error := _syntax_error(cell.stub)):
            what = f"not Python without the solution: {error.msg}"
            remedy = "set the markers around whole statements"
            yield problem(chapter.path, cell.code_line, what, remedy)


def annotations(chapter: Chapter) -> Iterator[Problem]:
    """No `# <1>` code annotations."""
    for block in chapter.blocks:
        if block.kind in ("cell", "code"):
            for number, line in enumerate(block.text.splitlines(), block.line):
                if _ANNOTATION.search(line):
                    what, remedy = "code annotation", "say it in a comment or in the prose"
                    yield problem(chapter.path, number, what, remedy)


def columns(line: str) -> int:
    """The width of a line; a wide character takes two columns."""
    if line.isascii():
        return len(line)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def _code(cell: Cell) -> list[tuple[int, str]]:
    return list(enumerate(cell.code.splitlines(), cell.code_line))


def _syntax_error(code: str) -> SyntaxError | None:
    try:
        parsed(code)
    except SyntaxError as error:
        return error
    return None
