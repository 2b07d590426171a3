"""Reads what stands inside a block: attributes, code spans, formulas, references.

`masked` keeps every position, so an offset in it is an offset in the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from workbook.source.blocks import Block, Cell
from workbook.source.chapter import Chapter

CAPTIONS = ("fig-cap", "fig-alt", "tbl-cap")
CROSS_REFERENCE = re.compile(r"(sec|fig|tbl|eq|exr)-")

_ATTRIBUTE = re.compile(
    r"""\s*(?:\#(?P<id>[^\s}]+)|\.(?P<name>[^\s}]+)
    |(?P<key>[\w:-]+)=(?P<value>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^\s}"']+))""",
    re.X,
)
_WHERE = {  # where a block of this kind carries its attributes
    "heading": re.compile(r"(\{[^{}]*\})\s*$"),
    "open": re.compile(r"(\{.*\})\s*$"),
    "figure": re.compile(r"\)(\{.*\})\s*$"),
    "caption": re.compile(r"(\{[^{}]*\})\s*$"),
    "math": re.compile(r"\$\$\s*(\{.*\})\s*$"),
}
_PROSE = {"paragraph", "item", "quote", "table", "caption", "definition", "footnote", "heading"}
_TOKEN = re.compile(
    r"""(?P<escape>\\[^A-Za-z0-9\s])
    |(?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    |(?P<math>\$\$.+?\$\$|\$(?=\S)(?:\\.|[^$\\])*?(?<=\S)\$(?!\d))
    |(?P<auto><(?:https?://|mailto:)[^\s<>]*>)
    |(?P<target>(?<=\])\((?:[^()\s]|\([^()\s]*\))*(?:\s+"[^"]*")?\))""",
    re.X | re.S,
)
_BRACKETS = re.compile(r"\[[^\[\]]*\]")
_KEY = re.compile(r"(?<!\w)@([A-Za-z0-9_][\w:.#$%&+?<>~/-]*)", re.ASCII)
_CITED = re.compile(r"(?<=[\[;\s-])@(?=\w)")  # where pandoc takes @ for a citation


@dataclass(frozen=True)
class Attributes:
    """What stands between braces; `rest` is what is no attribute."""

    id: str = ""
    classes: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    rest: str = ""


def attributes(block: Block) -> Attributes:
    """The attributes of a heading, div, figure, table caption or formula."""
    return _attributes(block.kind, block.text) if block.kind in _WHERE else Attributes()


@lru_cache(maxsize=4096)  # many rules ask for the same
def _attributes(kind: str, text: str) -> Attributes:
    match = _WHERE[kind].search(text.rstrip())
    if not match:
        return Attributes()
    inside = match[1][1:-1]
    found = list(_ATTRIBUTE.finditer(inside))
    return Attributes(
        next((m["id"] for m in found if m["id"]), ""),
        tuple(m["name"] for m in found if m["name"]),
        {m["key"]: _unquoted(m["value"]) for m in found if m["key"]},
        _ATTRIBUTE.sub("", inside).strip(),
    )


@lru_cache(maxsize=4096)  # many rules ask for the same
def masked(text: str) -> str:
    """The text with code, formulas, addresses and escapes covered, as long as before."""

    def cover(match: re.Match[str]) -> str:
        fill = {"code": "`", "math": "$"}.get(match.lastgroup or "", " ")
        covered = re.sub(r"[^\n]", fill, match[0])
        return f"({covered[1:-1]})" if match["target"] else covered

    return _TOKEN.sub(cover, text)


def prose(chapter: Chapter) -> Iterator[tuple[int, str]]:
    """Every piece of running text with its line: blocks, figures' and cells' captions."""
    for block in chapter.blocks:
        if isinstance(block, Cell):
            for name in CAPTIONS:
                if block.option(name):
                    yield option_line(block, name), block.option(name)
        elif block.kind == "figure":
            yield block.line, caption(block)
        elif block.kind in _PROSE:
            yield block.line, block.text


def caption(block: Block) -> str:
    """The caption of a figure from a file or of a table."""
    if block.kind == "figure":
        return block.text[2:].rpartition("](")[0]
    return _WHERE["caption"].sub("", block.text.rstrip()).removeprefix(":").strip()


def option_line(cell: Cell, name: str) -> int:
    """The line of a cell's option, or of the cell if it is not there."""
    lines = cell.text.splitlines()
    start = re.compile(rf"#\|\s*[\"']?{re.escape(name)}[\"']?\s*:")
    return cell.line + next((n for n, line in enumerate(lines) if start.match(line)), 0)


def references(text: str) -> Iterator[tuple[int, str]]:
    """Offset and key of each citation and cross reference in brackets."""
    plain = masked(text)
    for brackets in _BRACKETS.finditer(plain):
        for cited in _CITED.finditer(brackets[0]):
            if match := _KEY.match(brackets[0], cited.start()):
                yield brackets.start() + match.start(), _key(match)


def bare_references(text: str) -> Iterator[tuple[int, str]]:
    """Offset and key of each `@key` that pandoc would not take for a citation in brackets."""
    plain = _BRACKETS.sub(lambda match: _CITED.sub(" ", match[0]), masked(text))
    for match in _KEY.finditer(plain):
        yield match.start(), _key(match)


def formulas(block: Block) -> frozenset[str]:
    """The formulas of a block, blanks evened out and words inside `\\text{}` left out."""
    if isinstance(block, Cell) or block.kind == "code":
        return frozenset()
    found = (match["math"] for match in _TOKEN.finditer(block.text) if match["math"])
    return frozenset(_even(formula.strip("$")) for formula in found)


def tex(text: str) -> Iterator[tuple[int, str]]:
    """Offset and TeX of each formula of a text, which may go on in a quotation's next line."""
    for match in _TOKEN.finditer(text):
        if match["math"]:
            yield match.start(), re.sub(r"\n[ \t]*>", "\n", match["math"]).strip("$")


def definitions(chapter: Chapter) -> Iterator[tuple[int, str]]:
    """Line and name of everything that carries an id or a label."""
    for block in chapter.blocks:
        if isinstance(block, Cell):
            if block.label:
                yield option_line(block, "label"), block.label
        elif identifier := attributes(block).id:
            yield block.line + block.text.rstrip().count("\n"), identifier


def generated(chapter: Chapter) -> bool:
    """Whether the tooling wrote this chapter."""
    return chapter.source.startswith("<!-- Generated from ")


def _key(match: re.Match[str]) -> str:
    return match[1].rstrip(":.#$%&+?<>~/-")


def _even(formula: str) -> str:
    without_words = re.sub(r"\\(text\w*|mbox)\s*\{[^{}]*\}", r"\\\1{}", formula)
    return re.sub(r"\s+", " ", without_words).strip()


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] in "\"'" else value
