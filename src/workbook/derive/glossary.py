"""Reads the glossary, and writes it as an appendix of each edition.

`chapters/glossary.yml` holds the terms; where a term is explained, a chapter marks it
`[张量]{.term}`. The appendix sends the reader to the first such place.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from workbook import messages
from workbook.derive import pinyin
from workbook.derive.records import Record, problems_in, read_records
from workbook.derive.tangle import Target
from workbook.problem import BookError, Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.edition import Edition
from workbook.source.inline import attributes, generated, masked, prose

SLUG = "glossary"
PATH = Path("chapters/glossary.yml")
_NEEDED = {"zh": "text", "pinyin": "text", "en": "text", "means": "both"}
_OPTIONAL = {
    "short": "text", "also": "list", "avoid": "list",
    "everyday": "text", "section": "text", "waits": "text",
}  # fmt: skip
_MARK = re.compile(r"\[([^\[\]]+)\]\{\.term\}")
Order = tuple[tuple[str, int, str], ...]  # what terms are sorted by


@dataclass(frozen=True)
class Term:
    """One entry: the word in both languages, its reading, its meaning."""

    line: int
    zh: str
    pinyin: str
    en: str
    means: dict[str, str]
    short: str = ""
    also: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    everyday: str = ""  # why it may be used before it is explained
    section: str = ""  # where it is explained without a mark
    waits: str = ""  # the chapter, not written yet, that will explain it

    def word(self, lang: str) -> str:
        """The term as one language has it."""
        return self.zh if lang == "zh" else self.en

    @property
    def names(self) -> tuple[str, ...]:
        """All forms in which a chapter may mark it."""
        return tuple(name for name in (self.zh, self.en, self.short, *self.also) if name)

    @property
    def reading(self) -> str:
        """Its pinyin; nothing where it has no Chinese character."""
        return self.pinyin if pinyin.characters(self.zh) else ""

    @property
    def english(self) -> str:
        """The English with its abbreviation."""
        return f"{self.en} ({self.short})" if self.short else self.en


@dataclass(frozen=True)
class Glossary:
    """The terms in the order of the file."""

    terms: tuple[Term, ...]

    @cached_property
    def by_name(self) -> dict[str, Term]:
        return {name.casefold(): term for term in self.terms for name in term.names}

    def find(self, name: str) -> Term | None:
        """The term that is marked by these words: in any case of letters, or in the plural."""
        name = name.casefold()
        return self.by_name.get(name) or self.by_name.get(name.removesuffix("s"))


@dataclass(frozen=True)
class Mark:
    """A place where a chapter marks a term, and the section that it is in."""

    line: int
    words: str
    section: str


# --- reading ---------------------------------------------------------------------------


def read_glossary(root: Path) -> Glossary:
    """The terms of `chapters/glossary.yml`; BookError with all that is wrong in it."""
    records = read_records(root, PATH)
    problems = [
        found for record in records for found in problems_in(PATH, record, _NEEDED, _OPTIONAL)
    ]
    if problems:
        raise BookError(problems)
    glossary = Glossary(tuple(map(_term, records)))
    problems = [*_duplicates(glossary), *_readings(glossary), *_refused(glossary)]
    if problems:
        raise BookError(problems)
    return glossary


def _term(record: Record) -> Term:
    lists = {key: tuple(map(str, record.get(key, ()))) for key in ("also", "avoid")}
    texts = {key: value for key, value in record.items() if key not in lists}
    return Term(record.line, **texts, **lists)


def _duplicates(glossary: Glossary) -> Iterator[Problem]:
    first: dict[str, Term] = {}
    for term in glossary.terms:
        for name in dict.fromkeys(name.casefold() for name in term.names):
            other = first.setdefault(name, term)
            if other is not term:
                what = f'"{name}" already names the term on line {other.line}'
                yield problem(PATH, term.line, what, "keep one of the two")


def _readings(glossary: Glossary) -> Iterator[Problem]:
    """Pinyin has one syllable for each character, and tone marks."""
    for term in glossary.terms:
        wanted, found = pinyin.characters(term.zh), pinyin.syllables(term.zh, term.pinyin)
        if len(found) != len(wanted):
            what = f"{len(found)} syllables of pinyin for {len(wanted)} characters"
            yield problem(PATH, term.line, what, "write the reading of each character")
        elif wanted and all(tone == pinyin.NEUTRAL for _, tone in found):
            yield problem(PATH, term.line, "pinyin without tone marks", 'write "zhāngliàng"')


def _refused(glossary: Glossary) -> Iterator[Problem]:
    """What is to be avoided is not part of what is to be written."""
    for term in glossary.terms:
        for bad in term.avoid:
            if taken := next((n for t in glossary.terms for n in t.names if bad in n), ""):
                what = f'"{bad}" is to be avoided, but "{taken}" is a term'
                yield problem(PATH, term.line, what, "take one of them away")


# --- where terms are marked ------------------------------------------------------------


def marks(chapter: Chapter) -> Iterator[Mark]:
    """Every `[words]{.term}` of a chapter, in order; generated chapters have none."""
    if generated(chapter):
        return
    sections = [
        (block.line, found)
        for block in chapter.blocks
        if block.kind == "heading" and (found := attributes(block).id).startswith("sec-")
    ]
    for line, text in prose(chapter):
        for match in _MARK.finditer(masked(text)):
            at = line + text.count("\n", 0, match.start())
            before = [name for start, name in sections if start <= at]
            words = " ".join(text[match.start(1) : match.end(1)].split())
            yield Mark(at, words, before[-1] if before else "")


def first_uses(glossary: Glossary, chapters: Iterable[Chapter]) -> dict[str, str]:
    """By the Chinese of each explained term the section: that of its first mark, or its own."""
    chapters = list(chapters)
    found: dict[str, str] = {}
    for mark in (mark for chapter in chapters for mark in marks(chapter)):
        if (term := glossary.find(mark.words)) and mark.section:
            found.setdefault(term.zh, mark.section)
    there = {block.id for chapter in chapters for block in chapter.blocks} - {""}
    own = {term.zh: term.section for term in glossary.terms if term.section in there}
    return own | found


# --- the appendix ----------------------------------------------------------------------


def appendix(root: Path, edition: Edition, chapters: Sequence[Chapter]) -> Target | None:
    """The glossary of an edition that lists one; `chapters` are the edition's own."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    glossary = read_glossary(root)
    uses = first_uses(glossary, chapters)
    key = _by_pinyin if edition.lang == "zh" else _by_english
    text = _written(glossary, edition.lang, key, lambda t: _entry(t, edition.lang, uses))
    return Target(entry.path, (PATH,), text)


def bilingual(root: Path, edition: Edition, chapters: Sequence[Chapter]) -> dict[Path, str]:
    """The glossaries of both halves of the bilingual edition by path, entry for entry.

    Each says only what its own language has; `chapters` are those of either.
    """
    if edition.entry(SLUG) is None:
        return {}
    glossary = read_glossary(root)
    uses = first_uses(glossary, chapters)
    zh, en = (half.entry(SLUG).path for half in edition.halves)  # type: ignore[union-attr]
    return {
        path: _written(
            glossary,
            lang,
            _by_pinyin,
            functools.partial(_half, lang=lang, uses=uses),
            "opening-bilingual",
        )
        for path, lang in ((zh, "zh"), (en, "en"))
    }


def _written(
    glossary: Glossary,
    lang: str,
    key: Callable[[Term], Order],
    entry: Callable[[Term], str],
    opening: str = "opening",
) -> str:
    words = messages.of(SLUG, lang)
    parts = [f"# {words['title']} {{#sec-{SLUG}}}", words[opening]]
    for letter, group in groupby(sorted(glossary.terms, key=key), lambda t: key(t)[0][0][0]):
        parts.append(f"## {letter.upper()} {{.unnumbered}}")
        parts += map(entry, group)
    return "\n" + "\n\n".join(parts) + "\n"


def _entry(term: Term, lang: str, uses: Mapping[str, str]) -> str:
    """The word, beside it how the other language has it, the meaning and the place."""
    foreign = term.zh != term.en
    if lang == "zh":
        head = term.zh
        other = " · ".join(filter(None, (term.reading, _in("en", term.english))))
        text = f"{other}：{term.means[lang]}" if foreign else term.means[lang]
    else:
        head, other = term.english, " ".join(filter(None, (_in("zh", term.zh), term.reading)))
        text = f"{other}. {term.means[lang]} " if foreign else f"{term.means[lang]} "
    return f"{head}\n:   {text}{_place(term, uses)}".rstrip()


def _half(term: Term, lang: str, uses: Mapping[str, str]) -> str:
    """The word, the meaning and the place in one language; the other one stands beside."""
    if lang == "zh":
        head, space = " ".join(filter(None, (term.zh, term.reading))), ""
    else:
        head, space = term.english, " "
    return f"{head}\n:   {term.means[lang]}{space}{_place(term, uses)}".rstrip()


def _place(term: Term, uses: Mapping[str, str]) -> str:
    return f"[@{uses[term.zh]}]" if term.zh in uses else ""


def _in(lang: str, words: str) -> str:
    """Words of the other language, marked for screen readers and for the choice of font."""
    return f'[{words}]{{lang="{lang}"}}'


def _by_pinyin(term: Term) -> Order:
    return pinyin.order(term.zh, term.pinyin)


def _by_english(term: Term) -> Order:
    return ((term.en.casefold(), 0, term.zh),)
