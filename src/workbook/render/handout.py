"""One chapter by itself, to hand out: with its answers, without them, or the answers alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import panflute as pf

from workbook import messages
from workbook.problem import BookError, problem
from workbook.render import makers, pdf
from workbook.render.assemble import BookPages
from workbook.render.elements import inside, is_a
from workbook.render.index import quoted
from workbook.render.numbering import chapter_label
from workbook.render.theme import ROOT
from workbook.source.edition import ANSWERS, BETWEEN, Edition, Entry, Handout
from workbook.weave import Woven


def write(edition: Edition, pages: Sequence[Woven], handout: Handout, out: Path) -> int:
    """Write the hand-out to the file `out`; returns its number of pages.

    `pages` are all pages of the edition, since references say numbers of any of them. BookError
    where only answers are asked for and the chapter has none.
    """
    book = BookPages(edition, pages, makers.fingerprint(ROOT))
    chosen = [page for page in pages if page.entry.slug in handout.pages]
    entries, docs = [], []
    for page in chosen:
        doc = book.tree(page)
        if page.entry.slug == ANSWERS and not _keep_answers(doc, handout.slug):
            continue
        entries.append(page.entry)
        docs.append(doc)
    if not docs:
        what, remedy = "has no exercises and so no answers", "hand out the chapter itself"
        entry = edition.entry(handout.slug)
        raise BookError(problem(entry.path if entry else handout.slug, 0, what, remedy))
    if handout.answers == "none":
        _drop_references_to_answers(docs)
    known = _identifiers(docs)
    for doc in docs:
        doc.walk(lambda element, _: _within(element, known))
    title = _title(edition, handout)
    parts = [(_alone(entry), doc) for entry, doc in pdf.laid_out(edition, entries, docs)]
    about = pdf.arguments(edition, {"title": quoted(title)})
    origin = pf.CodeBlock(f"#workbook-source({about})", classes=["typst-call"])
    first = parts[0][1]
    heading = next(each for each in first.content if isinstance(each, pf.Header))
    first.content.insert(heading.index + 1, origin)  # so on the first page
    source = pdf.written(edition, pdf.opened(edition, "workbook-handout", about), parts)
    return pdf.save(edition, source, chosen, out)


def _keep_answers(doc: pf.Doc, slug: str) -> bool:
    """Leave of the answers those to a chapter, without the number of an appendix; whether there
    are any."""
    kept: list[pf.Block] = []
    part, found = "", False
    for block in doc.content:
        if isinstance(block, pf.Header):
            part = block.identifier if block.level > 1 else ""
            block.attributes = {}
        if part in ("", f"sec-answers-{slug}"):
            kept.append(block)
            found = found or is_a(block, "answer-title")
    doc.content = kept
    return found


def _drop_references_to_answers(docs: Sequence[pf.Doc]) -> None:
    for doc in docs:
        for body in inside(doc, pf.Div):
            if is_a(body, "exercise-body"):
                blocks = list(body.content)
                body.content = [each for each in blocks if not is_a(each, "answer-reference")]


def _identifiers(docs: Sequence[pf.Doc]) -> set[str]:
    return {
        each.identifier
        for doc in docs
        for each in inside(doc, pf.Element)
        if getattr(each, "identifier", "")
    }


def _within(element: pf.Element, known: Collection[str]) -> list[pf.Inline] | None:
    """A reference that leads out of the hand-out says the number in words and leads nowhere."""
    if not isinstance(element, pf.Link) or "xref" not in element.classes:
        return None
    name = element.url.rpartition("#")[2]
    if name not in known:
        return list(element.content)
    element.url = f"#{name}"
    return None


def _alone(entry: Entry) -> Entry:
    """The entry of a page that no part is opened before, and no numbering begun."""
    return replace(entry, number="", part=(), appendix=False)


def _title(edition: Edition, handout: Handout) -> str:
    """The book that it is taken from, and the chapter's number."""
    titles = []
    for half in edition.halves or (edition,):
        entry = half.entry(handout.slug)
        chapter = chapter_label(entry, half.lang) if entry else ""
        said = messages.of("handout", half.lang)["title"]
        titles.append(said.format(book=half.title, chapter=chapter))
    return BETWEEN.join(titles)
