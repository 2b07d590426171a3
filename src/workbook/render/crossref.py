"""Numbers what can be referred to and resolves the references: Quarto's own filters' part.

Two passes over all pages of a book. The first gives every chapter, section, figure, table,
equation and exercise its number and its form; the second turns `[@fig-x]` into a link.
What the writers may rely on stands in docs/architecture.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import panflute as pf

from workbook.problem import BookError, Problem, problem
from workbook.render import exercises, pandoc
from workbook.render.numbering import Label, Numberer, reference
from workbook.source.edition import Edition
from workbook.weave import Woven

_REFERENCE = re.compile(r"(fig|tbl|eq|exr|sec)-")


def labels(edition: Edition, pages: Sequence[Woven]) -> dict[str, Label]:
    """Everything in a book that can be referred to, by its label."""
    return _numbered(edition, pages)[1]


def number(edition: Edition, pages: Sequence[Woven], *, site: bool) -> list[pf.Doc]:
    """Parse and number each page and resolve its references.

    On a `site` a link to another page is `page.html#id`, in one document `#id`.
    Raises BookError with every unresolved reference and every label given twice.
    """
    docs, index, problems = _numbered(edition, pages)
    for doc, page in zip(docs, pages, strict=True):
        resolver = _Resolver(page, index, site)
        doc.walk(resolver)
        exercises.refer_to_answers(doc, page.entry, index, site)
        problems += resolver.problems
    if problems:
        raise BookError(problems)
    return docs


def _numbered(
    edition: Edition, pages: Sequence[Woven]
) -> tuple[list[pf.Doc], dict[str, Label], list[Problem]]:
    docs, problems = [], []
    index: dict[str, Label] = {}
    for page in pages:
        doc = pandoc.read(page.markdown, page.entry.path)
        doc.metadata["lang"] = pandoc.locale(edition)
        numberer = Numberer(page.entry, edition.lang)
        doc.content = numberer.blocks(doc.content)
        exercises.name_spaces(doc, page.entry)
        for label in numberer.labels:
            if label.id in index:
                what = f"label {label.id} is given twice"
                problems.append(problem(page.entry.path, 0, what, "rename one"))
            index[label.id] = label
        docs.append(doc)
    return docs, index, problems


class _Resolver:
    """Turns the references on one page into links."""

    def __init__(self, page: Woven, index: Mapping[str, Label], site: bool) -> None:
        self.entry, self.index, self.site = page.entry, index, site
        self.problems: list[Problem] = []

    def __call__(self, element: pf.Element, _doc: pf.Doc) -> list[pf.Inline] | None:
        if not isinstance(element, pf.Cite):
            return None
        if not all(_REFERENCE.match(c.id) for c in element.citations):
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
