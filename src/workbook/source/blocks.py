"""Splits a `.qmd` file into blocks, and cells into options and code.

Knows the house markup's block structure and nothing of its rules (those are `check`'s).
Every byte is kept: the blocks' texts joined are the file again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbook.problem import BookError, problem
from workbook.source.text import NotYaml, parse_yaml

FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(.*)$")
DIV = re.compile(r"^:{3,}\s*(\{.*\}|[\w-]+)?\s*$")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*(\{[^{}]*\})?\s*$")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
ATTRIBUTE_ID = re.compile(r"\{[^{}]*#([\w:.-]+)[^{}]*\}")
RECORDED_ON = ("cuda", "cpu")  # the devices that `recorded:` may name
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
        return without_markers(self.code)


def without_markers(code: str) -> str:
    """An exercise's code with its solution, without the lines that mark the solution."""
    return re.sub(r"^[ \t]*### (BEGIN|END) SOLUTION\n?", "", code, flags=re.M).rstrip()


def split(source: str, path: Path) -> tuple[Block, ...]:
    """Split a chapter's text into blocks; BookError where its structure is broken."""
    blocks = tuple(_blocks(source, path))
    if blocks and blocks[0].kind == "metadata":
        front_matter(blocks[0], path)
    _require_closed_divs(blocks, path)
    return blocks


def front_matter(block: Block, path: Path) -> dict[str, Any]:
    """What a metadata block says between its lines `---`; BookError where that is no YAML."""
    written = block.text.splitlines(keepends=True)[1:-1]
    what, remedy = "front matter is not key: value", "mend it, quoting text"
    try:
        said = parse_yaml("".join(written))
    except NotYaml as error:
        line = block.line + min(error.line, max(len(written), 1))
        raise BookError(problem(path, line, what, remedy)) from None
    if not isinstance(said or {}, dict):
        raise BookError(problem(path, block.line + 1, what, remedy))
    return said or {}


def div_end(blocks: tuple[Block, ...], at: int) -> int:
    """The index after the close of the div that opens at index `at`."""
    depth = 0
    for end in range(at, len(blocks)):
        depth += (blocks[end].kind == "open") - (blocks[end].kind == "close")
        if depth == 0:
            return end + 1
    return len(blocks)


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
        options = parse_yaml(written) or {}
    except NotYaml as error:
        # What is never closed is missed at the end, which may be below the options.
        where = line + min(error.line, max(count, 1))
        what, remedy = "cell options are not YAML", 'write "#| key: value", quoting text'
        raise BookError(problem(path, where, what, remedy)) from None
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
