"""An exercise: its hints and slips, its cells, and the wrong answers it names."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from workbook.source.blocks import HEADING, Block, Cell, div_end

COMMON_SLIPS = ("keys", "shape", "dtype", "type", "value", "input", "raises", "returns")
SLIP = re.compile(r"`([^`]*)`")  # a slip's name stands in code type, on a line of its own
_PIECE = re.compile(r"^# %% *(.*?) *$", re.M)


@lru_cache(maxsize=2048)
def parsed(code: str, mode: str = "exec") -> ast.Module | ast.Expression:
    """The tree of code, or of one expression (`eval`), which many read and none changes.

    SyntaxError if it has none, for whatever Python says of a NUL or of too many levels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of `1or 2`: who runs the code says so, too
            return ast.parse(code, mode=mode)
    except ValueError as error:
        raise SyntaxError(str(error)) from None
    except (RecursionError, MemoryError):
        raise SyntaxError("too many levels") from None


@dataclass(frozen=True)
class Piece:
    """A wrong answer: the slip that leads to it, and its code."""

    slip: str
    line: int
    code: str


@dataclass(frozen=True)
class Exercise:
    """An exercise as written: its div and the cells that belong to it."""

    id: str
    line: int
    title: str
    worked: str  # Markdown of the worked solution, empty if there is none
    hints: tuple[str, ...]  # Markdown, one for each paragraph of its hints
    slips: Mapping[str, str]  # what helps with each slip, in the chapter's language
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The id without its prefix: `tensors-boxes`."""
        return self.id.removeprefix("exr-")

    @property
    def stars(self) -> int:
        """How hard it is, from 1 to 3."""
        return self.title.count("★")

    @property
    def cell(self) -> Cell | None:
        """The cell with the solution, of which the stub is made."""
        return self._cell("exercise")

    @property
    def check(self) -> Cell | None:
        """The cell that checks an answer."""
        return self._cell("check")

    @property
    def stub(self) -> str:
        return self.cell.stub if self.cell else ""

    @property
    def solution(self) -> str:
        return self.cell.solution if self.cell else ""

    @property
    def wrong(self) -> tuple[Piece, ...]:
        """The named wrong answers."""
        cell = self._cell("wrong")
        return tuple(pieces(cell)) if cell else ()

    @cached_property
    def by_hand(self) -> str:
        """The function's name if it takes nothing: its value can be found by hand."""
        defined = [
            node
            for node in parsed(self.solution).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        ]
        if len(defined) != 1 or not isinstance(defined[0], ast.FunctionDef):
            return ""
        taken = defined[0].args
        return "" if taken.args or taken.vararg or taken.kwonlyargs else defined[0].name

    def _cell(self, option: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.option(option)), None)


def exercises(blocks: Sequence[Block]) -> Iterator[Exercise]:
    """The exercises among a chapter's blocks, in order."""
    cells = [block for block in blocks if isinstance(block, Cell)]
    for at, block in enumerate(blocks):
        if block.kind != "open" or not block.id.startswith("exr-"):
            continue
        inside = tuple(blocks[at + 1 : div_end(tuple(blocks), at) - 1])
        heading = next((b for b in inside if b.kind == "heading"), block)
        match = HEADING.match(heading.text)
        worked = [_text(div) for div in _divs(inside, ".worked")]
        yield Exercise(
            block.id,
            block.line,
            match[2] if match else block.id,
            worked[0] if worked else "",
            tuple(hint for div in _divs(inside, 'collapse="true"') for hint in _hints(div)),
            {name: text for div in _divs(inside, ".slips") for name, text in _slips(div)},
            tuple(cell for cell in cells if block.id in _named(cell)),
        )


def pieces(cell: Cell) -> Iterator[Piece]:
    """The named pieces of a wrong cell; what stands above the first has no name."""
    starts = [match for match in _PIECE.finditer(cell.code)]
    if above := cell.code[: starts[0].start() if starts else None].strip():
        yield Piece("", cell.code_line, above)
    for start, following in zip(starts, [*starts[1:], None], strict=False):
        line = cell.code_line + cell.code.count("\n", 0, start.start())
        code = cell.code[start.end() : following.start() if following else None]
        yield Piece(start[1], line, code.strip("\n"))


def _named(cell: Cell) -> tuple[str, ...]:
    return tuple(cell.option(name) for name in ("exercise", "check", "wrong"))


def _divs(inside: tuple[Block, ...], mark: str) -> Iterator[tuple[Block, ...]]:
    """What stands in each div that has this class or attribute."""
    for at, block in enumerate(inside):
        if block.kind == "open" and mark in block.text:
            yield inside[at + 1 : div_end(inside, at) - 1]


def _text(blocks: Sequence[Block]) -> str:
    return "".join(block.text for block in blocks).strip("\n")


def _hints(div: Sequence[Block]) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", _text(div)):
        if paragraph.strip():
            yield paragraph.strip()


def _slips(div: Sequence[Block]) -> Iterator[tuple[str, str]]:
    name = ""
    for block in div:
        if match := SLIP.fullmatch(block.text.strip()):
            name = match[1]
        elif block.kind == "definition" and name:
            yield name, " ".join(block.text.removeprefix(":").split())
