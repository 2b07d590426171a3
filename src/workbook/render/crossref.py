"""Numbers what can be referred to and resolves the references: Quarto's own filters' part.

Two passes over all pages of a book. The first gives every chapter, section, figure, table,
equation and exercise its number and its form; the second turns `[@fig-x]` into a link.
What the writers may rely on stands in docs/architecture.md.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import panflute as pf

from workbook import memo
from workbook.problem import BookError, Problem, problem
from workbook.render import exercises, pandoc
from workbook.render.elements import inside
from workbook.render.numbering import Label, Numberer, reference
from workbook.source.edition import Edition
from workbook.weave import Woven

_REFERENCE = re.compile(r"(fig|tbl|eq|exr|sec)-")


def labels(edition: Edition, pages: Sequence[Woven]) -> dict[str, Label]:
    """Everything in a book that can be referred to, by its label."""
    return _numbered(edition, pages)[1]


Read = tuple[pf.Doc, list[Label]]  # a page with its own numbers, and what it gives


@dataclass(frozen=True)
class Survey:
    """What a page gives the others to refer to, and what it refers to."""

    labels: tuple[Label, ...]
    asked: tuple[str, ...]  # ids that its text changes with, whether they are there or not
    cites: bool  # whether it changes with the bibliography


def survey(page: Woven, shaped: str, lang: str, read: Callable[[], Read]) -> Survey:
    """Survey one page in a language, of what `read` gives; kept by its text and by `shaped`,
    which stands for the tooling.
    """

    def made() -> str:
        doc, labels = read()
        given = [dataclasses.astuple(each) for each in labels]
        cites = any(not _refers(each) for each in inside(doc, pf.Cite))
        return json.dumps([given, sorted(_asked(doc)), cites])

    entry = page.entry
    about = f"{lang} {entry.path} {entry.slug} {entry.number} {entry.appendix}"
    labels, asked, cites = json.loads(memo.recall(made, "survey", shaped, about, page.markdown))
    return Survey(tuple(Label(*each) for each in labels), tuple(asked), cites)


def index_of(
    pages: Sequence[Woven], labels: Iterable[Iterable[Label]]
) -> tuple[dict[str, Label], list[Problem]]:
    """Everything that the pages of a book can refer to; a problem for what is given twice."""
    index: dict[str, Label] = {}
    problems = []
    for page, given in zip(pages, labels, strict=True):
        for label in given:
            if label.id in index:
                what = f"label {label.id} is given twice"
                problems.append(problem(page.entry.path, 0, what, "rename one"))
            index[label.id] = label
    return index, problems


def number(edition: Edition, pages: Sequence[Woven], *, site: bool) -> list[pf.Doc]:
    """Parse and number each page and resolve its references.

    On a `site` a link to another page is `page.html#id`, in one document `#id`.
    Raises BookError with every unresolved reference and every label given twice.
    """
    docs, index, problems = _numbered(edition, pages)
    for doc, page in zip(docs, pages, strict=True):
        problems += _resolve(doc, page, index, site)
    if problems:
        raise BookError(problems)
    return docs


def refer(doc: pf.Doc, page: Woven, index: Mapping[str, Label], site: bool) -> pf.Doc:
    """A page that was read, its references resolved; `site` and BookError as `number`."""
    if problems := _resolve(doc, page, index, site):
        raise BookError(problems)
    return doc


def _numbered(
    edition: Edition, pages: Sequence[Woven]
) -> tuple[list[pf.Doc], dict[str, Label], list[Problem]]:
    parsed = [read(edition, page) for page in pages]
    index, problems = index_of(pages, (labels for _, labels in parsed))
    return [doc for doc, _ in parsed], index, problems


def read(edition: Edition, page: Woven) -> Read:
    """A page with its own numbers, and what can be referred to on it."""
    doc = pandoc.read(page.markdown, page.entry.path)
    doc.metadata["lang"] = pandoc.locale(edition)
    numberer = Numberer(page.entry, edition.lang)
    doc.content = numberer.blocks(doc.content)
    exercises.name_spaces(doc, page.entry)
    return doc, numberer.labels


def _resolve(doc: pf.Doc, page: Woven, index: Mapping[str, Label], site: bool) -> list[Problem]:
    """Turn the references of a page into links; a problem for each that leads nowhere."""
    resolver = _Resolver(page, index, site)
    doc.walk(resolver)
    exercises.refer_to_answers(doc, page.entry, index, site)
    return resolver.problems


def _asked(doc: pf.Doc) -> set[str]:
    """The ids that `_resolve` looks up."""
    references = filter(_refers, inside(doc, pf.Cite))
    ids = {citation.id for cite in references for citation in cite.citations}
    return ids | exercises.answers_asked(doc)


def _refers(cite: pf.Cite) -> bool:
    """Whether it leads to places of this book, and not into the bibliography."""
    return all(_REFERENCE.match(citation.id) for citation in cite.citations)


class _Resolver:
    """Turns the references on one page into links."""

    def __init__(self, page: Woven, index: Mapping[str, Label], site: bool) -> None:
        self.entry, self.index, self.site = page.entry, index, site
        self.problems: list[Problem] = []

    def __call__(self, element: pf.Element, _doc: pf.Doc) -> list[pf.Inline] | None:
        if not (isinstance(element, pf.Cite) and _refers(element)):
            return None
        out: list[pf.Inline] = []
        for citation in element.citations:
            out += [pf.Str(","), pf.Space] if out else []
            out += [*_padded(citation.prefix), self._link(citation), *citation.suffix]
        return out

    def _link(self, citation: pf.Citation) -> pf.Inline:
        label = self.index.get(citation.id)
        if label is None:
            what = f"[@{citation.id}] refers to nothing"
            self.problems.append(problem(self.entry.path, 0, what, "mend the label"))
            return pf.Str(citation.id)
        text = label.number if citation.mode == "SuppressAuthor" else label.text
        return reference(label, text, self.entry, self.site)


def _padded(content: Iterable[pf.Inline]) -> list[pf.Inline]:
    content = list(content)
    return [*content, pf.Space] if content else []
