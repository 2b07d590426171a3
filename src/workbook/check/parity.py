"""Rules over two blocks that stand for each other, one in Chinese and one in English."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import zip_longest

from workbook.problem import Problem, problem
from workbook.source.blocks import Block, Cell
from workbook.source.chapter import Chapter
from workbook.source.inline import (
    CAPTIONS,
    attributes,
    caption,
    formulas,
    masked,
    option_line,
    references,
)

TRANSLATED = (*CAPTIONS, "why")
SAME_BYTES = ("tangle", "exercise", "check", "wrong", "recorded")


@dataclass(frozen=True)
class Twin:
    """Two blocks that stand for each other."""

    zh: Chapter
    en: Chapter
    left: Block
    right: Block

    def differ(self, what: str, remedy: str) -> Problem:
        there = f"{self.zh.path}:{self.left.line}"
        return problem(self.en.path, self.right.line, f"{what} than at {there}", remedy)

    def cells(self) -> tuple[Cell, Cell] | None:
        if isinstance(self.left, Cell) and isinstance(self.right, Cell):
            return self.left, self.right
        return None


def _ids(twin: Twin) -> Iterator[Problem]:
    """Labels and ids are the same."""
    left, right = (
        b.label if isinstance(b, Cell) else attributes(b).id for b in (twin.left, twin.right)
    )
    if left != right:
        what = f'another {"label" if twin.cells() else "id"} ("{right}", not "{left}")'
        yield twin.differ(what, "give both the same")


def _divs(twin: Twin) -> Iterator[Problem]:
    """The kind of callout, the lines to write on and the like are the same."""
    left, right = attributes(twin.left), attributes(twin.right)
    if left.classes != right.classes:
        names = [" ".join(f".{name}" for name in x.classes) or "none" for x in (right, left)]
        what = f"another class ({names[0]}, not {names[1]})"
        yield twin.differ(what, "give both the same")
    for key in sorted(left.values.keys() | right.values.keys()):
        ours, theirs = left.values.get(key), right.values.get(key)
        translated = key in ("title", "fig-alt")
        if (bool(ours) != bool(theirs)) if translated else ours != theirs:
            what = f"another {key} ({theirs or 'none'}, not {ours or 'none'})"
            yield twin.differ(what, "write it in both" if translated else "give both the same")


def _stars(twin: Twin) -> Iterator[Problem]:
    """An exercise is as hard in both."""
    left, right = (b.text.count("★") for b in (twin.left, twin.right))
    if twin.left.kind == "heading" and left != right:
        yield twin.differ(f"another number of ★ ({right}, not {left})", "give both the same")


def _tables(twin: Twin) -> Iterator[Problem]:
    """A table has as many rows in both."""
    left, right = (len(b.text.splitlines()) for b in (twin.left, twin.right))
    if twin.left.kind == "table" and left != right:
        what = f"another number of table rows ({right}, not {left})"
        yield twin.differ(what, "write the same rows")


def _references(twin: Twin) -> Iterator[Problem]:
    """The same works are cited and the same labels referred to, in any order."""
    if not twin.cells() and twin.left.kind != "code":
        left, right = ({key for _, key in references(b.text)} for b in (twin.left, twin.right))
        yield from _sets(twin, "references", left, right)


def _formulas(twin: Twin) -> Iterator[Problem]:
    """The same formulas stand in both, in any order."""
    yield from _sets(twin, "formulas", formulas(twin.left), formulas(twin.right))


def _sets(
    twin: Twin, name: str, left: AbstractSet[str], right: AbstractSet[str]
) -> Iterator[Problem]:
    faults = [f"without {x}" for x in sorted(left - right)]
    faults += [f"with {x}" for x in sorted(right - left)]
    if faults:
        yield twin.differ(f"other {name} ({', '.join(faults)})", "write the same in both")


def _code(twin: Twin) -> Iterator[Problem]:
    """Code is the same; only the comments of a demonstration may be translated."""
    cells = twin.cells()
    if not cells or cells[0].code == cells[1].code:
        return
    exact = any(name in cell.options for cell in cells for name in SAME_BYTES)
    codes = [cell.code if exact else without_comments(cell.code) for cell in cells]
    for row, lines in enumerate(zip_longest(*(c.split("\n") for c in codes), fillvalue="")):
        if lines[0] != lines[1]:
            pairs = enumerate(zip_longest(*lines), 1)
            column = next(at for at, (ours, theirs) in pairs if ours != theirs)
            ours, theirs = (cell.code_line + row for cell in cells)
            what = (
                f'column {column} of cell "{cells[1].label}" differs '
                f"from {twin.zh.path}:{ours}, column {column}"
            )
            may = "also in comments" if exact else "comments apart"
            yield problem(twin.en.path, theirs, what, f"make them the same, {may}")
            return


def _options(twin: Twin) -> Iterator[Problem]:
    """Options are the same; captions and reasons are translated, and there in both."""
    cells = twin.cells()
    names = sorted({str(name) for cell in cells or () for name in cell.options} - {"label"})
    for name in names:
        left, right = (cell.options.get(name) for cell in cells or ())
        if (left is None) != (right is None) if name in TRANSLATED else left != right:
            has, lacks = ("given", "missing") if left is None else ("missing", "given")
            what = f"option {name} is {has} here and {lacks}"
            if left is not None and right is not None:
                what = f"option {name} is {right} here and {left}"
            there = f"{twin.zh.path}:{twin.left.line}"
            remedy = "write it in both" if name in TRANSLATED else "give both the same"
            yield problem(twin.en.path, twin.right.line, f"{what} at {there}", remedy)


def _translated(twin: Twin) -> Iterator[Problem]:
    """Captions are in the language of their file."""
    for name, (ours, our_line), (theirs, their_line) in _captions(twin):
        if _latin(ours) and not _han(ours):
            what, remedy = f"{name} has no Chinese in it", "translate it"
            yield problem(twin.zh.path, our_line, what, remedy)
        elif _han(theirs) and (not _latin(theirs) or ours == theirs):
            what, remedy = f"{name} is in Chinese", "translate it"
            yield problem(twin.en.path, their_line, what, remedy)


def _captions(twin: Twin) -> Iterator[tuple[str, tuple[str, int], tuple[str, int]]]:
    if cells := twin.cells():
        for name in CAPTIONS:
            yield name, *((c.option(name), option_line(c, name)) for c in cells)  # type: ignore[misc]
    elif twin.left.kind in ("figure", "caption"):
        blocks = twin.left, twin.right
        yield "caption", *((caption(b), b.line) for b in blocks)  # type: ignore[misc]
        alts = ((attributes(b).values.get("fig-alt", ""), b.line) for b in blocks)
        yield "fig-alt", *alts  # type: ignore[misc]


PAIR_RULES = (
    _ids, _divs, _stars, _tables, _references, _formulas, _code, _options, _translated,
)  # fmt: skip


def without_comments(code: str) -> str:
    """The code with the words of each comment taken away; as it is if it cannot be read."""
    lines = code.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column] + "#"
    except (tokenize.TokenError, SyntaxError):
        return code
    return "\n".join(lines)


def _latin(text: str) -> bool:
    return bool(re.search(r"[A-Za-z]", masked(text)))


def _han(text: str) -> bool:
    return bool(re.search(r"[\u3400-\u9fff]", masked(text)))
