"""The trees of a book's pages, numbered and ready to be written, of one language or of both."""

from __future__ import annotations

from collections.abc import Sequence

import panflute as pf

from workbook import messages
from workbook.render import crossref, pandoc
from workbook.render.parallel import zip_trees
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven


def trees(edition: Edition, pages: Sequence[Woven], *, site: bool) -> list[pf.Doc]:
    """The tree of each page; a `site` has a file for each, else they are one document.

    Each language is numbered for itself, so its references speak it. BookError as from
    `numbering.number` and `zip_trees`.
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
