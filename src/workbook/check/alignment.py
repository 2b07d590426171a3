"""Sets the two files of a chapter beside each other, and tells where they have drifted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from workbook.check.parity import PAIR_RULES, Twin
from workbook.problem import Problem, problem
from workbook.source.blocks import Block, Cell
from workbook.source.chapter import Chapter
from workbook.source.inline import attributes

Pair = tuple[Block | None, Block | None]  # Chinese, English; None where the twin is missing


def align(zh: Chapter, en: Chapter) -> list[Pair]:
    """Pair the blocks of two chapters, blank lines left out.

    Labels and ids hold first; between two of them, blocks of one kind are paired in order.
    """
    return list(_pairs(*(list(_tree(iter(chapter.blocks))) for chapter in (zh, en))))


def compare(zh: Chapter, en: Chapter) -> list[Problem]:
    """Where the two files of a chapter differ in more than their language."""
    pairs = align(zh, en)
    problems = list(_missing(zh, en, pairs))
    for left, right in pairs:
        if left and right:
            twin = Twin(zh, en, left, right)
            problems += [found for rule in PAIR_RULES for found in rule(twin)]
    return sorted(problems)


_NAMES = {
    "math": "formula",
    "code": "code block",
    "metadata": "front matter",
    "answer": "answer space",
    "worked": "worked solution",
}


@dataclass(frozen=True)
class _Node:
    """A block, or a div with all that stands in it."""

    block: Block
    inside: tuple[_Node, ...] = ()
    close: Block | None = None

    @property
    def anchor(self) -> str:
        """What names this block and no other: its label or id."""
        block = self.block
        label = block.label if isinstance(block, Cell) else attributes(block).id
        return f"{block.kind} {label}" if label else ""

    @cached_property
    def shape(self) -> str:
        """Its kind, and the kinds of what stands in it."""
        return f"{_kind(self.block)}({', '.join(node.shape for node in self.inside)})"

    @property
    def kind(self) -> str:
        return _kind(self.block)

    def flat(self) -> Iterator[Block]:
        yield self.block
        for node in self.inside:
            yield from node.flat()
        if self.close:
            yield self.close


_KEYS: tuple[Callable[[_Node], str], ...] = (
    lambda node: node.anchor,
    lambda node: node.shape,
    lambda node: node.kind,
)


def _tree(blocks: Iterator[Block]) -> Iterator[_Node]:
    """The blocks as divs within divs, up to the close of the div that is open."""
    for block in blocks:
        if block.kind == "close":
            yield _Node(block)
            return
        if block.kind == "open":
            *inside, close = _tree(blocks)
            yield _Node(block, tuple(inside), close.block)
        elif block.kind != "blank":
            yield _Node(block)


def _kind(block: Block) -> str:
    if block.kind == "heading":
        return f"heading of level {len(block.text) - len(block.text.lstrip('#'))}"
    if block.kind == "item":
        return "numbered item" if re.match(r"\s*\d", block.text) else "list item"
    if block.kind == "open":
        found = attributes(block)
        if found.id.startswith("exr-"):
            return "exercise"
        name = (found.classes or ("div",))[0].partition("-")[0]
        return _NAMES.get(name, name)
    return _NAMES.get(block.kind, block.kind)


def _pairs(
    left: Sequence[_Node],
    right: Sequence[_Node],
    keys: Sequence[Callable[[_Node], str]] = _KEYS,
) -> Iterator[Pair]:
    """Pair what has the same first key; in the gaps, what has the same next key."""
    if not (left or right):
        return
    if not keys:
        yield from ((block, None) for node in left for block in node.flat())
        yield from ((None, block) for node in right for block in node.flat())
        return
    a = b = 0
    for i, j in _matches([keys[0](node) for node in left], [keys[0](node) for node in right]):
        yield from _pairs(left[a:i], right[b:j], keys[1:])
        yield left[i].block, right[j].block
        yield from _pairs(left[i].inside, right[j].inside)
        if left[i].close or right[j].close:
            yield left[i].close, right[j].close
        a, b = i + 1, j + 1
    yield from _pairs(left[a:], right[b:], keys[1:])


def _matches(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of a longest common subsequence; an empty key matches nothing.

    difflib takes the longest run first, and in a list that repeats (text, item, text,
    item …) the longest run is often the wrong one.
    """
    best = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            same = left[i] and left[i] == right[j]
            best[i][j] = best[i + 1][j + 1] + 1 if same else max(best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] and left[i] == right[j]:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1


def _missing(zh: Chapter, en: Chapter, pairs: Sequence[Pair]) -> Iterator[Problem]:
    """One problem for each run of blocks without a twin, in the file that lacks them."""
    ends = [len(chapter.source.splitlines()) + 1 for chapter in (zh, en)]
    at = 0
    for whole, group in groupby(pairs, key=lambda pair: None not in pair):
        run = list(group)
        at += len(run)
        if whole:
            continue
        ours, theirs = ([pair[side] for pair in run if pair[side]] for side in (0, 1))
        after = pairs[at] if at < len(pairs) else (None, None)
        here = [(b[0] if b else after[side]) for side, b in enumerate((ours, theirs))]
        lines = [block.line if block else end for block, end in zip(here, ends, strict=True)]
        if ours and theirs:
            what = f"{_described(theirs)} where {zh.path}:{lines[0]} has {_described(ours)}"
            yield problem(en.path, lines[1], what, "write the same kinds of block in both")
        elif ours:
            what = f"no twin of the {_described(ours)} at {zh.path}:{lines[0]}"
            yield problem(en.path, lines[1], what, "translate it here")
        else:
            what = f"no twin of the {_described(theirs)} at {en.path}:{lines[1]}"
            yield problem(zh.path, lines[0], what, "translate it here")


def _described(blocks: Sequence[Block | None]) -> str:
    kinds = [_kind(block) for block in blocks if block and block.kind != "close"]
    return f"{kinds[0]} and {len(kinds) - 1} more" if len(kinds) > 1 else kinds[0]
