"""Measures how the Chinese prose sounds, in figures that can be held against other books.

Nothing here is a rule: a figure far from the peers' says where to read aloud once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbook.source.blocks import Block
from workbook.source.chapter import Chapter
from workbook.source.inline import generated, masked

CONNECTIVES = (  # of two characters or more: 但, 而 and 并 also join what is no clause
    "因为", "由于", "所以", "因此", "因而", "从而", "于是", "既然", "以便", "以免",
    "但是", "不过", "然而", "可是", "反而", "虽然", "尽管", "即使", "即便",
    "而且", "并且", "此外", "另外", "同时", "同样", "以及",
    "如果", "假如", "倘若", "要是", "那么", "只要", "只有", "除非", "否则", "无论", "不论",
    "首先", "其次", "然后", "接着", "接下来", "随后", "最后", "最终",
    "例如", "比如", "换句话说", "换言之", "也就是说", "具体来说", "总之", "相反", "反之",
    "事实上", "实际上", "这样一来",
)  # fmt: skip
_CHINESE = re.compile(r"[㐀-鿿]")
_JOINED = re.compile("|".join(sorted(CONNECTIVES, key=len, reverse=True)))
_CLAUSE = re.compile(r"[，。；：！？…\n]")
_SENTENCE = {
    "zh": re.compile(r"[。！？](?=[”’）]|.|$)"),
    "en": re.compile(r"[.!?](?=[\s)”\"]|$)"),
}
_ATTRIBUTES = re.compile(r"(?<=\])\{[^{}]*\}")
_CITATION = re.compile(r"\[[^\[\]]*@[^\[\]]*\]")
_LONG = 80  # Chinese characters, from which on a paragraph has a shape of its own


@dataclass(frozen=True)
class Profile:
    """What was counted in one chapter's paragraphs, items and quotations."""

    name: str
    characters: int  # Chinese ones
    clauses: int
    colons: int
    semicolons: int
    jiu: int
    ta: int
    connectives: int
    long: int  # paragraphs of 80 characters or more
    alike: int  # those of them with as many sentences as their twin

    @property
    def figures(self) -> tuple[float, ...]:
        """Characters a clause, then each of the others in a thousand characters."""
        per = 1000 / (self.characters or 1)
        counts = (self.colons, self.semicolons, self.jiu, self.ta, self.connectives)
        return (self.characters / (self.clauses or 1), *(count * per for count in counts))


def profiles(zh: Sequence[Chapter], en: Sequence[Chapter]) -> list[Profile]:
    """The profile of each chapter that an author wrote, and of all together."""
    english = {chapter.slug: chapter for chapter in en}
    found = [profile(c, english.get(c.slug)) for c in zh if not generated(c)]
    sums = [sum(getattr(p, name) for p in found) for name in _COUNTED]
    return [*found, Profile("all", *sums)]


_COUNTED = tuple(Profile.__dataclass_fields__)[1:]


def profile(zh: Chapter, en: Chapter | None) -> Profile:
    """What the Chinese of a chapter counts; the twin lends its sentences."""
    texts = [plain_text(block) for block in _prose(zh)]
    text = "\n".join(texts)
    long = alike = 0
    twins = [plain_text(block) for block in _prose(en)] if en else []
    if len(twins) == len(texts):  # else the twins drifted apart, which `check` tells
        for ours, theirs in zip(texts, twins, strict=True):
            if len(_CHINESE.findall(ours)) >= _LONG:
                long += 1
                alike += sentences(ours, "zh") == sentences(theirs, "en")
    return Profile(
        zh.slug,
        characters=len(_CHINESE.findall(text)),
        clauses=sum(bool(_CHINESE.search(clause)) for clause in _CLAUSE.split(text)),
        colons=text.count("："),
        semicolons=text.count("；"),
        jiu=text.count("就"),
        ta=text.count("它"),
        connectives=len(_JOINED.findall(text)),
        long=long,
        alike=alike,
    )


def sentences(text: str, lang: str) -> int:
    """How many sentences a paragraph has, one at least."""
    return max(1, len(_SENTENCE[lang].findall(text)))


def plain_text(block: Block) -> str:
    """A block's words: no code, formulas, addresses, citations or attributes."""
    return _ATTRIBUTES.sub("", _CITATION.sub("", masked(block.text))).strip()


def _prose(chapter: Chapter) -> Iterator[Block]:
    return (b for b in chapter.blocks if b.kind in ("paragraph", "item", "quote"))


def table(found: Sequence[Profile]) -> str:
    """The profiles as text, a line each, with two published books to compare."""
    head = ("chapter", "characters", "a clause", "：", "；", "就", "它", "connect.", "alike")
    rows = [head]
    for p in found:
        share = f"{p.alike}/{p.long}" if p.long else "–"
        rows.append((p.name, str(p.characters), *(f"{x:.1f}" for x in p.figures), share))
    rows += [(name, "", *(f"{x:.1f}" for x in figures), "") for name, figures in PEERS.items()]
    widths = [max(_width(row[i]) for row in rows) for i in range(len(head))]
    lines = ([_padded(*cell) for cell in zip(row, widths, head, strict=True)] for row in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)


PEERS = {  # all their chapters, counted by `profile` in 2026
    "d2l-zh": (12.3, 3.1, 0.7, 1.4, 3.1, 16.5),
    "hello-algo": (11.0, 6.6, 1.7, 1.7, 2.5, 13.6),
}


def _width(text: str) -> int:
    return sum(1 + (ord(letter) > 0x2E80) for letter in text)


def _padded(text: str, width: int, column: str) -> str:
    """The text as wide as its column: names to the left, figures to the right."""
    blanks = " " * (width - _width(text))
    return text + blanks if column == "chapter" else blanks + text
