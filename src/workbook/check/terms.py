"""Rules over terms: marked in both languages, in the glossary, rightly translated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from workbook.check.files import Sources
from workbook.derive import cheatsheet, claims, glossary, notation
from workbook.derive.glossary import Glossary, Term, marks, read_glossary
from workbook.problem import BookError, Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.edition import slug_of
from workbook.source.inline import generated, masked, prose

_Place = tuple[int, int, str]  # chapter, line, and the chapter's slug
_QUOTED = re.compile("“[^”]*”")
_GLOSS = re.compile(r"([㐀-鿿]{2,12})(?:\]\{\.term\})?（([A-Za-z][A-Za-z -]*)[）,，;；]")
_DATA: dict[str, tuple[Path, Callable[[Path], object]]] = {  # by the slug of the appendix
    glossary.SLUG: (glossary.PATH, read_glossary),
    claims.SLUG: (claims.PATH, claims.read_claims),
    cheatsheet.SLUG: (cheatsheet.PATH, cheatsheet.read_cheatsheet),
    notation.SLUG: (notation.PATH, notation.read_notation),
}


def data(book: Sources) -> Iterator[Problem]:
    """The data of the generated appendices can be read, where there is any."""
    listed = {slug_of(path) for paths in book.listed.values() for path in paths}
    for slug, (path, read) in _DATA.items():
        if slug in listed or (book.root / path).is_file():
            try:
                read(book.root)
            except BookError as error:
                yield from error.problems


def in_glossary(book: Sources) -> Iterator[Problem]:
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


def marked_in_both(book: Sources) -> Iterator[Problem]:
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


def translations(book: Sources) -> Iterator[Problem]:
    """No known bad translation in Chinese prose, but in “quotation marks”."""
    terms = _glossary(book)
    better = {bad: term.zh for term in terms.terms for bad in term.avoid} if terms else {}
    if not better:
        return
    pattern = re.compile("|".join(map(re.escape, sorted(better, key=len, reverse=True))))
    for chapter in _chinese(book):
        for line, text in prose(chapter):
            for match in pattern.finditer(_unquoted(text)):
                where = line + text.count("\n", 0, match.start())
                remedy = f"write “{better[match[0]]}”"
                yield problem(chapter.path, where, f"bad translation “{match[0]}”", remedy)


def explained_at_first_use(book: Sources) -> Iterator[Problem]:
    """A Chinese term that stands before its mark has its English, or a way to the mark.

    The preface, and what a chapter says of itself (headings, opening, goals), may use them.
    """
    if not (terms := _glossary(book)):
        return
    chapters = [chapter for chapter in _chinese(book) if chapter.slug != "index"]
    first = _first_marks(terms, chapters)
    by_name = {t.zh: t for t in terms.terms if not t.everyday and _foreign(t.zh, t, "en")}
    longest_first = sorted(first, key=len, reverse=True)
    reported: set[str] = set()
    for at, chapter in enumerate(chapters):
        for line, text in _body(chapter):
            plain = _unquoted(text)
            for word in longest_first:
                use = plain.find(word)
                if use < 0:
                    continue
                plain = plain.replace(word, " " * len(word))
                here = line + text.count("\n", 0, use)
                if word in reported or (at, here) >= first[word][:2]:
                    continue
                reported.add(word)
                term = by_name.get(word)
                if term and not _explained(text, use + len(word), first[word][2]):
                    what = f"term “{word}” stands before its mark"
                    remedy = f"write “{word}（{term.english}）”, or name the section"
                    yield problem(chapter.path, here, what, remedy)


def _first_marks(terms: Glossary, chapters: Sequence[Chapter]) -> dict[str, _Place]:
    """Where each term is marked first, by its Chinese."""
    first: dict[str, _Place] = {}
    for at, chapter in enumerate(chapters):
        for line, _, term in _marked(terms, chapter):
            first.setdefault(term.zh, (at, line, chapter.slug))
    return first


def _body(chapter: Chapter) -> Iterator[tuple[int, str]]:
    """The running text below the first section's heading; all of a page without sections."""
    sections = [b.line for b in chapter.blocks if b.kind == "heading" and "## " in b.text[:4]]
    headings = {block.line for block in chapter.blocks if block.kind == "heading"}
    start = sections[0] if sections else 0
    for line, text in prose(chapter):
        if line > start and line not in headings:
            yield line, text


def _explained(text: str, end: int, slug: str) -> bool:
    """Whether English in brackets follows, or the paragraph names the chapter of the mark."""
    return bool(re.match(r"[*”]*\s*（[^）]*[A-Za-z]", text[end:])) or f"@sec-{slug}" in text


def one_translation(book: Sources) -> Iterator[Problem]:
    """The English in brackets behind a Chinese word stands behind no other."""
    if not (terms := _glossary(book)):
        return
    first: dict[str, tuple[str, str]] = {}
    for chapter in _chinese(book):
        for line, text in prose(chapter):
            for gloss in _GLOSS.finditer(_unquoted(text)):
                chinese, english = gloss[1], gloss[2].strip().casefold()
                here = line + text.count("\n", 0, gloss.start())
                term = terms.find(english)
                names = term.names if term else ()
                if term and not chinese.endswith(names):
                    what = f"“{chinese}（{gloss[2]}）” is another word for {term.en}"
                    yield problem(chapter.path, here, what, f"write “{term.zh}（{term.en}）”")
                    continue
                other, where = first.setdefault(english, (chinese, f"{chapter.path}:{here}"))
                if not term and other[-2:] != chinese[-2:]:
                    what = f"“{chinese}（{gloss[2]}）” is “{other}” in {where}"
                    yield problem(chapter.path, here, what, "choose one of the two")


def placed(book: Sources) -> Iterator[Problem]:
    """An entry is marked in a chapter, names the section that explains it, or waits for one.

    Where there is an appendix to print it.
    """
    listed = {slug_of(path) for paths in book.listed.values() for path in paths}
    if not (terms := _glossary(book)) or glossary.SLUG not in listed:
        return
    chapters = _chinese(book)
    marked = {term.zh for chapter in chapters for _, _, term in _marked(terms, chapter)}
    sections = {b.id for chapter in chapters for b in chapter.blocks if b.kind == "heading"}
    for term in terms.terms:
        what, remedy = "", "take it off"
        if term.zh in marked and (term.section or term.waits):
            what = f"“{term.zh}” is marked, and has a section or waits all the same"
        elif term.section and term.section not in sections and book.complete:
            what, remedy = f"there is no {term.section}", "name a section that there is"
        elif term.waits in listed:
            what = f"“{term.zh}” waits for {term.waits}, which is there"
            remedy = "mark it there, or name the section: that explains it"
        elif not (term.zh in marked or term.section or term.waits):
            what = f"no chapter explains “{term.zh}”"
            remedy = "mark it, name its section:, or say for which chapter it waits:"
        if what:
            yield problem(glossary.PATH, term.line, what, remedy)


def _chinese(book: Sources) -> list[Chapter]:
    """The Chinese chapters that an author wrote."""
    return [chapter for chapter in book.chapters["zh"] if not generated(chapter)]


def _unquoted(text: str) -> str:
    """The text without code and the like and without “quotations”, as long as before."""
    return _QUOTED.sub(lambda match: " " * len(match[0]), masked(text))


def _glossary(book: Sources) -> Glossary | None:
    """The glossary, if there is one that can be read."""
    file = book.root / glossary.PATH
    return _read(book.root, file.read_bytes()) if file.is_file() else None


@lru_cache(maxsize=4)  # several rules ask for the same
def _read(root: Path, _content: bytes) -> Glossary | None:
    try:
        return read_glossary(root)
    except BookError:
        return None  # `data` tells why
