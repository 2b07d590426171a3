"""Rules over terms: marked in both languages, in the glossary, rightly translated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from workbook import cheatsheet, claims, glossary, notation
from workbook.book import slug_of
from workbook.chapter import Chapter
from workbook.check.files import Book
from workbook.glossary import Glossary, Term, marks, read_glossary
from workbook.inline import generated, masked, prose
from workbook.problem import BookError, Problem, problem

_QUOTED = re.compile("“[^”]*”")
_DATA: dict[str, tuple[Path, Callable[[Path], object]]] = {  # by the slug of the appendix
    glossary.SLUG: (glossary.PATH, read_glossary),
    claims.SLUG: (claims.PATH, claims.read_claims),
    cheatsheet.SLUG: (cheatsheet.PATH, cheatsheet.read_cheatsheet),
    notation.SLUG: (notation.PATH, notation.read_notation),
}


def data(book: Book) -> Iterator[Problem]:
    """The data of the generated appendices can be read, where there is any."""
    listed = {slug_of(path) for paths in book.listed.values() for path in paths}
    for slug, (path, read) in _DATA.items():
        if slug in listed or (book.root / path).is_file():
            try:
                read(book.root)
            except BookError as error:
                yield from error.problems


def in_glossary(book: Book) -> Iterator[Problem]:
    """A marked term has its entry, and is marked in the chapter's own language."""
    if not (terms := _glossary(book)):
        return
    for lang, chapter in ((lang, c) for lang, all_ in book.chapters.items() for c in all_):
        for mark in marks(chapter):
            term = terms.find(mark.words)
            what, remedy = "", ""
            if not term:
                what = f'term "{mark.words}" is not in the glossary'
                remedy = f"add it to {glossary.PATH}, or take the mark off"
            elif _foreign(mark.words, term, lang):
                what = f'term "{mark.words}" is marked in the other language'
                remedy = f"write [{term.word(lang)}]{{.term}}"
            if what:
                yield problem(chapter.path, mark.line, what, remedy)


def _foreign(words: str, term: Term, lang: str) -> bool:
    """Whether the words are the term's in the other language and not in this one."""
    own, other = term.word(lang), term.word("en" if lang == "zh" else "zh")
    return words.casefold() == other.casefold() != own.casefold()


def marked_in_both(book: Book) -> Iterator[Problem]:
    """What is marked in one language is marked in the twin."""
    if not (terms := _glossary(book)):
        return
    english = {chapter.slug: chapter for chapter in book.chapters["en"]}
    for zh in book.chapters["zh"]:
        if en := english.get(zh.slug):
            yield from _unpaired(terms, zh, en, "en")
            yield from _unpaired(terms, en, zh, "zh")


def _unpaired(terms: Glossary, here: Chapter, there: Chapter, lang: str) -> Iterator[Problem]:
    paired = {term.zh for _, _, term in _marked(terms, there)}
    for line, words, term in _marked(terms, here):
        if term.zh not in paired:
            paired.add(term.zh)
            what = f'term "{words}" is not marked in {there.path}'
            remedy = f"write [{term.word(lang)}]{{.term}} there, where it is explained"
            yield problem(here.path, line, what, remedy)


def _marked(terms: Glossary, chapter: Chapter) -> Iterator[tuple[int, str, Term]]:
    for mark in marks(chapter):
        if term := terms.find(mark.words):
            yield mark.line, mark.words, term


def translations(book: Book) -> Iterator[Problem]:
    """No known bad translation in Chinese prose, but in “quotation marks”."""
    terms = _glossary(book)
    better = {bad: term.zh for term in terms.terms for bad in term.avoid} if terms else {}
    if not better:
        return
    pattern = re.compile("|".join(map(re.escape, sorted(better, key=len, reverse=True))))
    for chapter in (chapter for chapter in book.chapters["zh"] if not generated(chapter)):
        for line, text in prose(chapter):
            plain = _QUOTED.sub(lambda match: " " * len(match[0]), masked(text))
            for match in pattern.finditer(plain):
                where = line + text.count("\n", 0, match.start())
                remedy = f"write “{better[match[0]]}”"
                yield problem(chapter.path, where, f"bad translation “{match[0]}”", remedy)


def _glossary(book: Book) -> Glossary | None:
    """The glossary, if there is one that can be read."""
    file = book.root / glossary.PATH
    return _read(book.root, file.read_bytes()) if file.is_file() else None


@lru_cache(maxsize=4)  # several rules ask for the same
def _read(root: Path, _content: bytes) -> Glossary | None:
    try:
        return read_glossary(root)
    except BookError:
        return None  # `data` tells why
