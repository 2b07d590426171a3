"""The forms that numbering gives to floats, boxes and headings, and their numbers.

One page at a time and top down, so that a title inside a box is never a section.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import panflute as pf

from workbook import messages
from workbook.problem import BookError, problem
from workbook.render import pandoc
from workbook.render.elements import (
    ending,
    give_alt,
    inside,
    is_a,
    label_span,
    paragraph,
    plain_text,
    pop_formula,
    put_label,
    spaced,
    take_heading,
)
from workbook.source.edition import Entry

NBSP = "\N{NO-BREAK SPACE}"
_EQUATION = re.compile(r"\{#(eq-[\w:.-]+)\}(.*)", re.S)


@dataclass(frozen=True)
class Label:
    """Something that can be referred to."""

    id: str
    kind: str  # fig, tbl, eq, exr, ans or sec
    number: str  # "1.1", "A", "1.1 (a)"; empty where it has none
    text: str  # what a reference says: 图 1.1, 第 1 章, or the title where it has no number
    page: str  # slug of the chapter
    title: str  # its caption or heading as plain text


def words(lang: str) -> Mapping[str, str]:
    """The words that Quarto uses in this language, but 第 1 章, not 章节 1, and 第 1.1 节."""
    return messages.of("labels", lang)


def reference(label: Label, text: str, entry: Entry, site: bool) -> pf.Link:
    """The link to a label from a page; a `site` has a file for each page."""
    other = site and label.page != entry.slug
    url = f"{label.page}.html#{label.id}" if other else f"#{label.id}"
    return pf.Link(pf.Str(text), url=url, classes=["xref"])


def chapter_label(entry: Entry, lang: str) -> str:
    """第 1 章, Chapter 1, 附录 A, Appendix A; empty for what has no number."""
    kind = "appendix" if entry.appendix else "chapter"
    return words(lang)[kind].format(entry.number) if entry.number else ""


class Numberer:
    """Numbers one page: give its blocks to `blocks`, then read `labels`."""

    def __init__(self, entry: Entry, lang: str) -> None:
        self.entry = entry
        self.lang = lang
        self.words = words(lang)
        self.counts: Counter[str] = Counter()
        self.sections: list[int] = []
        self.numbered = bool(entry.number)
        self.labels: list[Label] = []

    def blocks(self, blocks: Iterable[pf.Block]) -> list[pf.Block]:
        return [new for block in list(blocks) for new in self._block(block)]

    def _block(self, block: pf.Block) -> list[pf.Block]:
        match block:
            case pf.Header():
                return [self._header(block)]
            case pf.Div():
                return [self._div(block)]
            case pf.Figure():
                return [self._figure(block)]
            case pf.Table() if block.identifier.startswith("tbl-"):
                return [self._table(block, block.identifier)]
            case pf.Para() | pf.Plain():
                return self._paragraph(block)
            case pf.BulletList() | pf.OrderedList():
                for item in block.content:
                    item.content = self.blocks(item.content)
            case pf.DefinitionList():
                for definition in (d for item in block.content for d in item.definitions):
                    definition.content = self.blocks(definition.content)
            case pf.BlockQuote():
                block.content = self.blocks(block.content)
        return [block]

    # Headings -------------------------------------------------------------------------

    def _header(self, header: pf.Header) -> pf.Header:
        if not header.identifier.startswith("sec-"):
            # Made up by pandoc from the words, and unique on its page only.
            header.identifier = f"{self.entry.slug}-{ending(header)}"
        numbered = self.numbered and "unnumbered" not in header.classes
        if header.level == 1:
            number, text = self.entry.number, chapter_label(self.entry, self.lang)
        elif numbered:
            number = self._section(header.level)
            text = self.words["sec"].format(number)
        if numbered:
            header.attributes["number"] = number
            if header.level == 1:
                header.attributes["label"] = text
        title = plain_text(header)
        if not numbered:
            number, text = "", title
        self._label(header.identifier, "sec", number, text, title)
        return header

    def _section(self, level: int) -> str:
        depth = level - 1
        self.sections = (self.sections + [0] * depth)[:depth]
        self.sections[-1] += 1
        return ".".join([self.entry.number, *map(str, self.sections)])

    # Boxes ----------------------------------------------------------------------------

    def _div(self, div: pf.Div) -> pf.Div:
        kind = next((c[8:] for c in div.classes if c.startswith("callout-")), "")
        if kind in self.words:
            return self._callout(div, kind)
        if div.identifier.startswith("exr-"):
            return self._exercise(div)
        if div.identifier.startswith("ans-"):
            self._label(div.identifier, "ans", "", self.words["ans"], "")
        if "cell" in div.classes and div.identifier.startswith("fig-"):
            return self._figure_cell(div)
        if "cell" in div.classes and div.identifier.startswith("tbl-"):
            return self._table_cell(div)
        div.content = self.blocks(div.content)
        return div

    def _callout(self, div: pf.Div, kind: str) -> pf.Div:
        given = div.attributes.pop("title", "")
        title = (
            pandoc.inlines(given) if given else take_heading(div) or [pf.Str(self.words[kind])]
        )
        return pf.Div(
            pf.Div(pf.Para(*title), classes=["callout-title"]),
            pf.Div(*self.blocks(div.content), classes=["callout-body"]),
            identifier=div.identifier,
            classes=["callout", *div.classes],
            attributes=div.attributes,
        )

    def _exercise(self, div: pf.Div) -> pf.Div:
        title = take_heading(div)
        head = [self._span("exr", div.identifier, plain_text(pf.Para(*title)))]
        # The worked solution is printed at the back, so nothing in it counts here.
        worked = [block for block in div.content if is_a(block, "worked")]
        body = [b for b in div.content if not (is_a(b, "worked") or is_a(b, "slips"))]
        return pf.Div(
            pf.Div(pf.Para(*head, *spaced(title)), classes=["exercise-title"]),
            pf.Div(*self.blocks(body), classes=["exercise-body"]),
            *worked,
            identifier=div.identifier,
            classes=["exercise", *div.classes],
            attributes=div.attributes,
        )

    # Floats ---------------------------------------------------------------------------

    def _figure(self, figure: pf.Figure) -> pf.Figure:
        give_alt(figure)
        if figure.identifier.startswith("fig-"):
            put_label(figure, self._span("fig", figure.identifier, plain_text(figure.caption)))
        return figure

    def _figure_cell(self, div: pf.Div) -> pf.Div:
        """A cell whose outputs are parts of one figure; its last paragraph is the caption."""
        blocks = list(div.content)
        caption = list(blocks.pop().content) if isinstance(blocks[-1], pf.Para) else []
        parts = [f for b in blocks for f in inside(b, pf.Figure)]
        label = self._label_of("fig", div.identifier, plain_text(pf.Para(*caption)))
        for part, letter in zip(parts, "abcdefghijklmnopqrstuvwxyz", strict=False):
            give_alt(part)
            title = plain_text(part.caption)
            put_label(part, label_span(f"({letter})"))
            number, text = (f"{x}{NBSP}({letter})" for x in (label.number, label.text))
            self._label(part.identifier, "fig", number, text, title)
        whole = pf.Figure(
            *parts,
            caption=pf.Caption(pf.Plain(*caption)),
            identifier=div.identifier,
            classes=["subfigures"],
            attributes={"columns": div.attributes.pop("layout-ncol", "1")},
        )
        put_label(whole, label_span(label.text))
        kept = [b for b in blocks if not inside(b, pf.Figure)]
        div.content = [*self.blocks(kept), whole]
        div.identifier = ""
        return div

    def _table_cell(self, div: pf.Div) -> pf.Div:
        identifier, div.identifier = div.identifier, ""
        caption = pandoc.inlines(div.attributes.pop("tbl-cap", ""))
        for table in inside(div, pf.Table):
            table.caption = pf.Caption(pf.Plain(*caption))
            table.identifier = identifier
            break
        else:
            raise BookError(
                problem(self.entry.path, 0, f"cell {identifier} shows no table",
                        "end it with a Markdown table, or rename its label")
            )  # fmt: skip
        div.content = self.blocks(div.content)
        return div

    def _table(self, table: pf.Table, identifier: str) -> pf.Div:
        put_label(table, self._span("tbl", identifier, plain_text(table.caption)))
        table.identifier = ""
        return pf.Div(table, identifier=identifier, classes=["table-float"])

    def _paragraph(self, block: pf.Para | pf.Plain) -> list[pf.Block]:
        """Take each labelled formula out of its paragraph."""
        out: list[pf.Block] = []
        rest: list[pf.Inline] = []
        for element in list(block.content):
            match = isinstance(element, pf.Str) and _EQUATION.fullmatch(element.text)
            formula = pop_formula(rest) if match else None
            if not match or formula is None:
                rest.append(element)
                continue
            label = self._label_of("eq", match[1], "")
            out += [*paragraph(rest), pf.Div(
                pf.Para(formula), identifier=label.id, classes=["equation"],
                attributes={"number": label.number},
            )]  # fmt: skip
            rest = [pf.Str(match[2])] if match[2] else []
        return [*out, *paragraph(rest)] if out else [block]

    # Labels ---------------------------------------------------------------------------

    def _span(self, kind: str, identifier: str, title: str) -> pf.Span:
        return label_span(self._label_of(kind, identifier, title).text)

    def _label_of(self, kind: str, identifier: str, title: str) -> Label:
        self.counts[kind] += 1
        number = ".".join(filter(None, [self.entry.number, str(self.counts[kind])]))
        return self._label(identifier, kind, number, f"{self.words[kind]}{NBSP}{number}", title)

    def _label(self, identifier: str, kind: str, number: str, text: str, title: str) -> Label:
        label = Label(identifier, kind, number, text, self.entry.slug, title)
        self.labels.append(label)
        return label
