"""Writes a chapter's prose as plain Markdown that a notebook shows: no divs, no references.

Where a cell stood, the text is parted.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import panflute as pf

from workbook import messages
from workbook.render import pandoc, xhtml
from workbook.render.assemble import trees
from workbook.render.elements import inside, is_a
from workbook.render.numbering import chapter_label
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

_DIALECT = "commonmark+tex_math_dollars+pipe_tables"  # what a notebook shows
_PART = re.compile(r"\n*<!-- part(?: (\d+))? -->\n*")


@dataclass(frozen=True)
class Place:
    """Where the cell with this number (from 1) stood in the chapter."""

    number: int


Run = str | Place


def chapters(
    edition: Edition, pages: Sequence[Woven], slugs: Collection[str]
) -> Iterator[tuple[str, list[Run]]]:
    """The prose of these chapters in runs, with the places of their cells between them."""
    docs = trees(edition, pages, site=False)
    for doc, page in zip(docs, pages, strict=True):
        if page.entry.slug not in slugs:
            continue
        yield page.entry.slug, list(_runs(_plain(edition, page.entry, doc)))


def _plain(edition: Edition, entry: Entry, doc: pf.Doc) -> str:
    """The chapter in the dialect."""
    xhtml.with_references(doc, edition, level=2)
    xhtml.show_numbers(doc)
    options, source = pandoc.filters(edition, doc), entry.path
    plain = pf.load(io.StringIO(pandoc.write(doc, "json", *options, source=source)))
    plain.content = list(_Plain(edition.languages).blocks(plain.content))
    plain.walk(_inline)
    return pandoc.write(plain, _DIALECT, "--wrap=none", source=source)


def label(entry: Entry | None, lang: str) -> str:
    """What the chapter is called in a sentence: 第 4 章, Chapter 4."""
    return chapter_label(entry, lang) if entry else ""


def _runs(text: str) -> Iterator[Run]:
    parts = _PART.split(text.strip())
    for prose, number in zip(parts[::2], [*parts[1::2], None], strict=True):
        if prose.strip():
            yield prose.strip()
        if number:
            yield Place(int(number))


class _Plain:
    """Turns our boxes into what every Markdown knows."""

    def __init__(self, languages: Sequence[str]) -> None:
        colon = messages.of("notebook", languages[-1])["colon"]
        self.answer = f"*{messages.of('notebook', *languages)['answer']}{colon}*"

    def blocks(self, blocks: Sequence[pf.Block]) -> Iterator[pf.Block]:
        for block in list(blocks):
            yield from self._block(block)

    def _block(self, block: pf.Block) -> Iterator[pf.Block]:
        if isinstance(block, pf.Header):
            yield pf.Header(*block.content, level=block.level)
        elif isinstance(block, pf.Figure):
            yield pf.Para(*_caption(block))
        elif isinstance(block, pf.Table):
            yield pf.Para(*_caption(block))
            block.caption = pf.Caption()
            yield block
        elif not isinstance(block, pf.Div):
            yield block
        elif "cell" in block.classes:
            yield from self._cell(block)
        elif "callout" in block.classes:
            yield from self._callout(block)
        elif "answer" in block.classes:
            yield from (_part(), pf.RawBlock(self.answer, "markdown"), _part())
        elif "equation" in block.classes:
            yield _equation(block)
        elif "answer-reference" not in block.classes:
            yield from self.blocks(block.content)

    def _cell(self, cell: pf.Div) -> Iterator[pf.Block]:
        """The place of a cell that runs, with its captions; the text of one that does not."""
        if cell.attributes.get("recorded"):
            yield from self.blocks(cell.content)
            return
        yield _part(cell.attributes.get("execution_count", ""))
        for shown in [*inside(cell, pf.Figure), *inside(cell, pf.Table)]:
            yield pf.Para(*_caption(shown))

    def _callout(self, box: pf.Div) -> Iterator[pf.Block]:
        title, body = box.content
        answers = [block for block in inside(body, pf.Div) if is_a(block, "answer")]
        content = [b for b in self.blocks(body.content) if not isinstance(b, pf.RawBlock)]
        heading = list(title.content[0].content)
        if box.attributes.get("collapse") == "true":
            words = pf.stringify(title).strip()
            yield pf.RawBlock(f"<details><summary>{words}</summary>", "html")
            yield from content
            yield pf.RawBlock("</details>", "html")
        else:
            yield pf.BlockQuote(pf.Para(pf.Strong(*heading)), *content)
        for answer in answers:
            yield from self._block(answer)


def _inline(element: pf.Element, _doc: pf.Doc) -> pf.Element | list[pf.Element] | None:
    """References as text, terms and labels in bold, no image that the reader does not have."""
    if isinstance(element, pf.Span):
        strong = {"term", "caption-label"} & set(element.classes)
        return [pf.Strong(*element.content)] if strong else list(element.content)
    if isinstance(element, pf.Link) and element.url.startswith("#"):
        return list(element.content)
    if isinstance(element, pf.Cite):
        return list(element.content)
    if isinstance(element, pf.Image):
        return [pf.Emph(*element.content)]
    if isinstance(element, pf.CodeBlock):
        return pf.CodeBlock(element.text, classes=_language(element))
    if isinstance(element, pf.Link):
        return pf.Link(*element.content, url=element.url)
    return None


def _caption(shown: pf.Figure | pf.Table) -> list[pf.Inline]:
    blocks = list(shown.caption.content) if shown.caption else []
    return [inline for block in blocks for inline in block.content]


def _equation(box: pf.Div) -> pf.Para:
    """A numbered formula, with its number as TeX writes it."""
    formula = inside(box, pf.Math)[0]
    number = next(s for s in inside(box, pf.Span) if "equation-number" in s.classes)
    tag = pf.stringify(number).strip("()")
    return pf.Para(pf.Math(f"{formula.text.strip()} \\tag{{{tag}}}", format="DisplayMath"))


def _language(block: pf.CodeBlock) -> list[str]:
    return ["python"] if "python" in block.classes else []


def _part(number: str = "") -> pf.RawBlock:
    return pf.RawBlock(f"<!-- part{f' {number}' if number else ''} -->", "html")
