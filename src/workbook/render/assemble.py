"""The trees of a book's pages, numbered and ready to be written, of one language or of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import panflute as pf

from workbook import memo, messages
from workbook.problem import BookError
from workbook.render import crossref, makers, pandoc
from workbook.render.elements import inside
from workbook.render.numbering import Label
from workbook.render.parallel import zip_trees
from workbook.render.theme import ROOT
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

_WAITING = "cited-apart"  # the class of a citation that is to be written out later


def trees(edition: Edition, pages: Sequence[Woven], *, site: bool) -> list[pf.Doc]:
    """The tree of each page; a `site` has a file for each, else they are one document.

    A page is kept for as long as neither it nor what it refers to changes. Each language is
    numbered for itself, so its references speak it. BookError as from `crossref.number` and
    `zip_trees`.
    """
    book = BookPages(edition, pages, makers.fingerprint(ROOT), site=site)
    docs, problems = [], []
    for page in pages:
        try:
            docs.append(book.kept(page))
        except BookError as error:
            problems += error.problems
    if problems:
        raise BookError(problems)
    if edition.halves and not site:
        _cite(edition.halves[1], docs)
    return docs


def part_of(edition: Edition, entry: Entry) -> tuple[str, ...]:
    """The title of the part that a page belongs to, in each language; appendices are one."""
    if not entry.appendix:
        return entry.part
    return tuple(messages.of("books", lang)["appendices"] for lang in edition.languages)


class BookPages:
    """The pages of a book, each of which becomes a tree only when it is asked for.

    All are surveyed first, so that what a page is made from is known without making it.
    `shaped` stands for the tooling; a `site` has a file for each page, else they are one
    document. BookError where a label is given twice.
    """

    def __init__(
        self, edition: Edition, pages: Sequence[Woven], shaped: str, *, site: bool = True
    ) -> None:
        self.edition, self.shaped, self.site = edition, shaped, site
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
        """The page, numbered, its references resolved; BookError as from `trees`.

        Where the book is one document, the citations of its second language wait for `trees`.
        """
        left, *others = [
            crossref.refer(self._parsed(half, each), each, index, self.site)
            for half, index, each in self._halves_of(page)
        ]
        for right in others:
            if pandoc.cites(right):
                right = pandoc.cited(self.halves[1], right) if self.site else _waiting(right)
            left = zip_trees(left, right, (page.entry.path, page.twin.entry.path))
        return left

    def kept(self, page: Woven) -> pf.Doc:
        """The same, of what is kept where nothing that it is made from has changed."""
        about = "site" if self.site else "document"
        made = lambda: pandoc.dumps(self.tree(page))  # noqa: E731
        return pandoc.loads(memo.recall(made, "tree", about, *self.made_from(page)))

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


def _waiting(doc: pf.Doc) -> pf.Doc:
    """A page whose citations are marked, so that they are known beside those of its twin."""
    for cite in inside(doc, pf.Cite):
        siblings, at = cite.container, cite.index
        siblings[at] = pf.Span(cite, classes=[_WAITING])
    return doc


def _cite(edition: Edition, docs: Sequence[pf.Doc]) -> None:
    """Write the marked citations as text in their own language: the one bibliography is the
    first half's. They are told apart (2019a, 2019b) over the whole book.
    """
    marked = [span for doc in docs for span in inside(doc, pf.Span) if _WAITING in span.classes]
    if not marked:
        return
    version = docs[0].api_version
    alone = pf.Doc(*(pf.Para(*span.content) for span in marked), api_version=version)
    alone.metadata["lang"] = pandoc.locale(edition)
    pandoc.resolved(edition, alone)
    for span in reversed(marked):
        siblings, at = span.container, span.index
        siblings[at : at + 1] = list(span.content[0].content)
