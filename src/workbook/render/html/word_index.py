"""The index as a page of the site: the words of the printed one, with links to sections.

Each page is looked through by itself, and what was found is kept with it; which sections an
entry names is decided over all of them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import panflute as pf

from workbook import memo
from workbook.render import index, pandoc
from workbook.render.assemble import BookPages
from workbook.render.elements import plain_text
from workbook.render.index import Word
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

ENTRY = Entry(Path("term-index"), "term-index", "", appendix=True)


class Section(NamedTuple):
    """A section as the index names it."""

    href: str
    label: str
    times: dict[str, int]  # how often it says a word
    main: list[str]  # the words that it explains


@dataclass(frozen=True)
class Line:
    """An entry of the index: a word, and (address, label, is main) of each of its sections."""

    word: Word
    places: list[tuple[str, str, bool]]

    @property
    def lang(self) -> str:
        """The language of a term; a name of the API has none."""
        return pandoc.LOCALES.get(self.word.lang, "")

    @property
    def is_code(self) -> bool:
        return self.word.group == index.API


def terms(edition: Edition) -> list[Word]:
    """The terms of an edition in each of its languages."""
    root = edition.bibliography.parent
    return [word for lang in edition.languages for word in index.terms(root, lang)]


def survey(
    book: BookPages, woven: Woven, words: Sequence[Word], tree: Callable[[], pf.Doc]
) -> list[Section]:
    """The sections of a page that say words of the index; `tree` stays as it is."""
    if woven.entry.appendix or not words:
        return []

    def found() -> str:
        sections = index.sections(tree(), words)
        return json.dumps(
            [
                (f"{woven.entry.slug}.html#{each.heading.identifier}",
                 _label(woven.entry, each.heading), each.times, each.main)
                for each in sections
            ],
            ensure_ascii=False,
        )  # fmt: skip

    kept = memo.recall(found, "index", repr(words), *book.made_from(woven))
    return [Section(*each) for each in json.loads(kept)]


def _label(entry: Entry, heading: pf.Header) -> str:
    """How a section is called in a line of them: by its number, or by what it has instead."""
    number = heading.attributes.get("number", "")
    title = plain_text(heading)
    return number or (f"{entry.number} {title}" if heading.level > 1 else title).strip()


def lines(words: Sequence[Word], sections: Sequence[Section]) -> list[Line]:
    """The entries in their order: terms, then the names of the API that the sections say."""
    times: dict[str, dict[int, int]] = defaultdict(dict)
    main: dict[str, int] = {}
    for at, section in enumerate(sections):
        for shown, count in section.times.items():
            times[shown][at] = count
        for shown in section.main:
            main.setdefault(shown, at)
    known = {word.shown for word in words}
    every = [*words, *index.named(shown for shown in times if shown not in known)]
    return [
        Line(word, list(_places(sections, times[word.shown], main.get(word.shown))))
        for word in every
        if word.shown in times
    ]


def _places(
    sections: Sequence[Section], times: dict[int, int], main: int | None
) -> Iterator[tuple[str, str, bool]]:
    for at in index.chosen(times, main):
        yield sections[at].href, sections[at].label, at == main


def groups(entries: Iterable[Line]) -> list[tuple[str, str, list[Line]]]:
    """The entries by letter: an id, the letter, and what stands below it."""
    by_letter = groupby(entries, key=lambda line: (line.word.lang, line.word.group))
    return [
        (f"index-{lang}-{letter}" if lang else f"index-{letter}", letter, list(some))
        for (lang, letter), some in by_letter
    ]
