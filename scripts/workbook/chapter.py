"""Reads a `.qmd` chapter into blocks, cells and exercises, each with its line.

The reader keeps every byte: `chapter.source` is the file again. It knows the house
markup's block structure and nothing of its rules (those are `check`'s).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from workbook.book import GENERATED, Edition, slug_of
from workbook.problem import BookError, problem

FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(.*)$")
DIV = re.compile(r"^:{3,}\s*(\{.*\}|[\w-]+)?\s*$")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*(\{[^{}]*\})?\s*$")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
ATTRIBUTE_ID = re.compile(r"\{[^{}]*#([\w:.-]+)[^{}]*\}")
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times faster
SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN SOLUTION\n(?P<body>.*?)^[ \t]*### END SOLUTION$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A run of lines of one kind; `text` holds the bytes, `line` the first line's number."""

    kind: str
    line: int
    text: str

    @property
    def id(self) -> str:
        """The `#id` of its attributes, or an empty string."""
        match = ATTRIBUTE_ID.search(self.text)
        return match.group(1) if match else ""


@dataclass(frozen=True)
class Cell(Block):
    """An executable block: its options and the code below them."""

    options: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    code_line: int = 0  # where the first line of code stands

    @property
    def label(self) -> str:
        return str(self.options.get("label", ""))

    def option(self, name: str) -> str:
        """A string option, or an empty string."""
        return str(self.options.get(name, ""))

    def flag(self, name: str, default: bool = True) -> bool:
        """A yes/no option; the defaults are Quarto's."""
        return bool(self.options.get(name, default))

    @property
    def stub(self) -> str:
        """The code with each solution replaced by `raise NotImplementedError`."""
        name = self.option("exercise") or self.label
        return SOLUTION.sub(rf'\g<indent>raise NotImplementedError("{name}")', self.code)

    @property
    def solution(self) -> str:
        """The code without the solution's markers."""
        return re.sub(r"^[ \t]*### (BEGIN|END) SOLUTION\n?", "", self.code, flags=re.M).rstrip()


@dataclass(frozen=True)
class Exercise:
    """An exercise as written: its div and the cells that belong to it."""

    id: str
    line: int
    title: str
    worked: str  # Markdown of the worked solution, empty if there is none
    cells: tuple[Cell, ...]


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

    def cell(self, label: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.label == label), None)

    @cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        """The exercises in order, each with its cells."""
        return tuple(_exercises(self))


def read_chapter(path: Path, root: Path | None = None) -> Chapter:
    """Read a file; paths in problems are told relative to `root`."""
    shown = path.relative_to(root) if root else path
    try:
        source = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise BookError(problem(shown, line, "not UTF-8", "save it as UTF-8")) from None
    return parse_chapter(source, shown)


def read_chapters(edition: Edition, root: Path, generated: bool = True) -> tuple[Chapter, ...]:
    """All chapters of an edition, with or without those that the tooling writes."""
    entries = [e for e in edition.entries if generated or e.slug not in GENERATED]
    return tuple(read_chapter(root / e.path, root) for e in entries)


def parse_chapter(source: str, path: Path) -> Chapter:
    """Split a chapter's text into blocks; BookError where its structure is broken."""
    blocks = tuple(_blocks(source, path))
    _require_closed_divs(blocks, path)
    return Chapter(path, blocks)


def _blocks(source: str, path: Path) -> Iterator[Block]:
    lines = source.splitlines(keepends=True)
    at = 0
    while at < len(lines):
        kind, end = _measure(lines, at, path)
        text = "".join(lines[at:end])
        yield _cell(text, at + 1, path) if kind == "cell" else Block(kind, at + 1, text)
        at = end


def _measure(lines: list[str], at: int, path: Path) -> tuple[str, int]:
    """The kind of the block that starts at line index `at`, and the index after its end."""
    line = lines[at].rstrip("\r\n")
    if at == 0 and line == "---":
        return "metadata", _until(
            lines, at, r"^---\s*$", path, "front matter", "close it with ---"
        )
    if fence := FENCE.match(line):
        mark = re.escape(fence[2][0]) + "{" + str(len(fence[2])) + ",}"
        kind = "cell" if fence[3].startswith("{python") else "code"
        close = fence[2]
        return kind, _until(
            lines, at, rf"^\s*{mark}\s*$", path, "code fence", f"close it with {close}"
        )
    if div := DIV.match(line):
        return ("open" if div[1] else "close"), at + 1
    if line.startswith("$$"):
        if re.search(r"\$\$\s*(\{.*\})?\s*$", line[2:]):
            return "math", at + 1
        return "math", _until(
            lines, at, r"\$\$\s*(\{.*\})?\s*$", path, "formula", "close it with $$"
        )
    for kind, pattern in _ONE_LINE.items():
        if pattern.match(line):
            return kind, at + 1
    for kind, pattern in _STARTS.items():
        if pattern.match(line):
            return kind, _continued(lines, at, kind)
    return "paragraph", _continued(lines, at, "paragraph")


_ONE_LINE = {
    "blank": re.compile(r"^\s*$"),
    "heading": HEADING,
    "figure": re.compile(r"^!\[.*\]\(.*\)(\{.*\})?\s*$"),
    "rule": re.compile(r"^(-{3,}|\*{3,})\s*$"),
}
_STARTS = {
    "table": re.compile(r"^\s*\|"),
    "caption": re.compile(r"^: .*\{#tbl-"),
    "definition": re.compile(r"^:\s+"),
    "footnote": re.compile(r"^\[\^[^\]]+\]:"),
    "quote": re.compile(r"^>"),
    "item": ITEM,
}


def _continued(lines: list[str], at: int, kind: str) -> int:
    """Where a block of several lines ends: before a blank line or another structure."""
    end = at + 1
    while end < len(lines):
        line = lines[end].rstrip("\r\n")
        if not line.strip() or FENCE.match(line) or DIV.match(line) or HEADING.match(line):
            break
        if kind == "item" and ITEM.match(line):
            break
        if kind == "table" and not _STARTS["table"].match(line):
            break
        if kind in ("paragraph", "caption") and _STARTS["definition"].match(line):
            break
        end += 1
    return end


def _until(lines: list[str], at: int, close: str, path: Path, what: str, remedy: str) -> int:
    for end in range(at + 1, len(lines)):
        if re.search(close, lines[end].rstrip("\r\n")):
            return end + 1
    raise BookError(problem(path, at + 1, f"{what} is never closed", remedy))


def _cell(text: str, line: int, path: Path) -> Cell:
    lines = text.splitlines()[1:-1]
    count = next((i for i, x in enumerate(lines) if not x.startswith("#|")), len(lines))
    try:
        written = "\n".join(x[2:].removeprefix(" ") for x in lines[:count])
        options = yaml.load(written, Loader=_YAML) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = line + 1 + (mark.line if mark else 0)
        raise BookError(
            problem(
                path, where, "cell options are not YAML", 'write "#| key: value", quoting text'
            )
        ) from None
    if not isinstance(options, dict):
        raise BookError(problem(path, line + 1, "cell options are not key: value", "mend them"))
    code = lines[count:]
    skipped = next((i for i, x in enumerate(code) if x.strip()), len(code))
    return Cell(
        "cell",
        line,
        text,
        options,
        "\n".join(code[skipped:]).rstrip(),
        line + 1 + count + skipped,
    )


def _require_closed_divs(blocks: tuple[Block, ...], path: Path) -> None:
    opened: list[Block] = []
    for block in blocks:
        if block.kind == "open":
            opened.append(block)
        elif block.kind == "close":
            if not opened:
                raise BookError(
                    problem(path, block.line, "::: closes nothing", "remove it or open a div")
                )
            opened.pop()
    if opened:
        what = f"div {opened[-1].text.strip()} is never closed"
        raise BookError(problem(path, opened[-1].line, what, "close it with :::"))


def _exercises(chapter: Chapter) -> Iterator[Exercise]:
    blocks = chapter.blocks
    for at, block in enumerate(blocks):
        if block.kind == "open" and block.id.startswith("exr-"):
            inside = blocks[at + 1 : div_end(blocks, at) - 1]
            heading = next((b for b in inside if b.kind == "heading"), block)
            match = HEADING.match(heading.text)
            cells = [
                c
                for c in chapter.cells
                if block.id in (c.option("exercise"), c.option("check"))
            ]
            yield Exercise(
                block.id,
                block.line,
                match[2] if match else block.id,
                _worked(inside),
                tuple(cells),
            )


def _worked(inside: tuple[Block, ...]) -> str:
    for at, block in enumerate(inside):
        if block.kind == "open" and ".worked" in block.text:
            return "".join(b.text for b in inside[at + 1 : div_end(inside, at) - 1]).strip("\n")
    return ""


def div_end(blocks: tuple[Block, ...], at: int) -> int:
    """The index after the close of the div that opens at index `at`."""
    depth = 0
    for end in range(at, len(blocks)):
        depth += (blocks[end].kind == "open") - (blocks[end].kind == "close")
        if depth == 0:
            return end + 1
    return len(blocks)
