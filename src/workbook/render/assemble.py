"""The trees of a book's pages, numbered and ready to be written, of one language or of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import panflute as pf

from workbook import messages
from workbook.problem import BookError
from workbook.render import crossref, pandoc
from workbook.render.numbering import Label
from workbook.render.parallel import zip_trees
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven


def trees(edition: Edition, pages: Sequence[Woven], *, site: bool) -> list[pf.Doc]:
    """The tree of each page; a `site` has a file for each, else they are one document.

    Each language is numbered for itself, so its references speak it. BookError as from
    `crossref.number` and `zip_trees`.
    """
    if not edition.halves:
        return crossref.number(edition, pages, site=site)
    zh, en = edition.halves
    twins = [page.twin for page in pages if page.twin]
    left = crossref.number(zh, pages, site=site)
    right = _cited(en, crossref.number(en, twins, site=site), site)
    return [
        zip_trees(ours, theirs, (page.entry.path, twin.entry.path))
        for ours, theirs, page, twin in zip(left, right, pages, twins, strict=True)
    ]


def part_of(edition: Edition, entry: Entry) -> tuple[str, ...]:
    """The title of the part that a page belongs to, in each language; appendices are one."""
    if not entry.appendix:
        return entry.part
    return tuple(messages.of("books", lang)["appendices"] for lang in edition.languages)


class SitePages:
    """The pages of a site, each of which becomes a tree only when it is asked for.

    All are surveyed first, so that what a page is made from is known without making it.
    `shaped` stands for the tooling. BookError where a label is given twice.
    """

    def __init__(self, edition: Edition, pages: Sequence[Woven], shaped: str) -> None:
        self.edition, self.shaped = edition, shaped
        self.halves = edition.halves or (edition,)
        self.surveys: dict[tuple[str, str], crossref.Survey] = {}  # by language and slug
        self._read: dict[tuple[str, str], pf.Doc] = {}  # for a survey, and not used up
        self.indexes: list[Mapping[str, Label]] = []  # by language
        problems = []
        for at, half in enumerate(self.halves):
            column = [_in_each_language(page)[at] for page in pages]
            surveys = [
                crossref.survey(page, shaped, half.lang, partial(self._parse, half, page))
                for page in column
            ]
            for page, each in zip(column, surveys, strict=True):
                self.surveys[half.lang, page.entry.slug] = each
            index, twice = crossref.index_of(column, (each.labels for each in surveys))
            self.indexes.append(index)
            problems += twice
        if problems:
            raise BookError(problems)

    def made_from(self, page: Woven) -> tuple[str, ...]:
        """Its text and what it refers to, in each language: the same gives the same tree."""
        parts = [self.shaped]
        for half, index, each in self._halves_of(page):
            survey = self.surveys[half.lang, each.entry.slug]
            known = (index[name] for name in survey.asked if name in index)
            shown = [(label.id, label.number, label.text, label.page) for label in known]
            parts += [repr(each.entry), each.markdown, repr(shown)]
            if survey.cites:
                parts.append(half.bibliography.read_text(encoding="utf-8"))
        return tuple(parts)

    def tree(self, page: Woven) -> pf.Doc:
        """The page, numbered, its references resolved; BookError as from `trees`."""
        docs = [
            crossref.refer(self._parsed(half, each), each, index)
            for half, index, each in self._halves_of(page)
        ]
        if page.twin is None:
            return docs[0]
        (right,) = _cited(self.halves[1], docs[1:], site=True)
        return zip_trees(docs[0], right, (page.entry.path, page.twin.entry.path))

    def _parse(self, half: Edition, page: Woven) -> crossref.Read:
        doc, labels = crossref.read(half, page)
        self._read[half.lang, page.entry.slug] = doc
        return doc, labels

    def _parsed(self, half: Edition, page: Woven) -> pf.Doc:
        """The tree of a page to be changed: the one that was surveyed, or another."""
        kept = self._read.pop((half.lang, page.entry.slug), None)
        return crossref.read(half, page)[0] if kept is None else kept

    def _halves_of(self, page: Woven) -> Iterator[tuple[Edition, Mapping[str, Label], Woven]]:
        return zip(self.halves, self.indexes, _in_each_language(page), strict=True)


def _in_each_language(page: Woven) -> tuple[Woven, ...]:
    return (page, page.twin) if page.twin else (page,)


def _cited(edition: Edition, docs: Sequence[pf.Doc], site: bool) -> Sequence[pf.Doc]:
    """Citations as text in their own language: the one bibliography is the Chinese half's.

    Where the book is one document they are told apart (2019a, 2019b) over all of it.
    """
    if site:
        return [pandoc.cited(edition, doc) if pandoc.cites(doc) else doc for doc in docs]
    whole = pandoc.join(docs)
    whole.content = [pf.Div(*doc.content) for doc in docs]
    parts = pandoc.cited(edition, whole).content if pandoc.cites(whole) else whole.content
    for doc, part in zip(docs, parts, strict=True):
        doc.content = list(part.content)
    return docs
