"""What the site and the EPUB share: numbers that show, headings, notes, references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

import panflute as pf

from workbook.render import dom, pandoc
from workbook.render.elements import inside
from workbook.source.edition import Edition
from workbook.weave import Woven

_HAN = re.compile("[\u3400-\u9fff]")
_APART = re.compile(r"\s*\\q?quad\s*")
_LONG = 40  # characters of TeX: such a formula may need the whole line of a phone
_OPENING = "（《“‘「『(["
_CLOSING = "，。；：、！？）》”’』」,.;:!?)]"
EXERCISE_LEVEL = 3  # an exercise stands under the heading “Exercises”, which is a second level


def show_numbers(doc: pf.Doc) -> None:
    """Write the numbers that numbering left in attributes where a reader sees them."""
    doc.walk(_show)


def hold_punctuation(doc: pf.Doc) -> None:
    """Keep a formula with what must not end the line before it, nor begin the one after it:
    browsers break there.
    """
    for math in inside(doc, pf.Math):
        before, after = _words(math.prev), _words(math.next)
        head, tail = before.rstrip(_OPENING), after.lstrip(_CLOSING)
        alone = (head, tail) == (before, after)
        if math.format != "InlineMath" or alone or len(math.text) > _LONG:
            continue
        siblings, at = math.container, math.index
        held = [pf.Str(before[len(head) :]), math, pf.Str(after[: len(after) - len(tail)])]
        if tail != after:
            siblings[at + 1] = pf.Str(tail)
        siblings[at] = pf.Span(*held, classes=["hold"])
        if head != before:
            siblings[at - 1] = pf.Str(head)


def formulas_in(math: pf.Math) -> list[str]:
    """A formula, or those that stand side by side in it: on a small screen they break."""
    together = math.format == "InlineMath" or "\\begin" in math.text
    parts = [math.text] if together else _APART.split(math.text)
    return [part for part in parts if part.strip()]


def part_formulas(doc: pf.Doc) -> None:
    """Set formulas that stand side by side as one each, in a line that breaks between them."""
    doc.walk(_part)


def _part(element: pf.Element, _doc: pf.Doc) -> pf.Span | None:
    parts = formulas_in(element) if isinstance(element, pf.Math) else []
    if len(parts) < 2:
        return None
    return pf.Span(*(pf.Math(part, "DisplayMath") for part in parts), classes=["formulas"])


def _words(element: pf.Element | None) -> str:
    return element.text if isinstance(element, pf.Str) else ""


def with_references(doc: pf.Doc, edition: Edition, level: int) -> None:
    """End a document that cites with its own references."""
    if pandoc.cites(doc):
        doc.content.extend(pandoc.references(edition, level))


def visible_number(header: pf.Header) -> str:
    """第 1 章, 1.1: what stands before a heading; empty where it has no number."""
    return header.attributes.get("label") or header.attributes.get("number", "")


def place_images(doc: pf.Doc, woven: Woven) -> Mapping[str, bytes]:
    """Point a page at `images/SLUG/NAME`; returns the images by those paths."""
    places: dict[str, str] = {}
    for path in sorted(woven.files):
        place = f"images/{woven.entry.slug}/{PurePosixPath(path).name}"
        if place in places.values():  # two folders, one name
            place = f"images/{woven.entry.slug}/{path.replace('/', '-')}"
        places[path] = place

    for image in inside(doc, pf.Image):
        image.url = places.get(image.url, image.url)
    return {place: woven.files[path] for path, place in places.items()}


def drop_line_anchors(root: dom.Element) -> None:
    """Leave out the empty link that pandoc puts before each line of highlighted code."""
    for link in dom.having(root, "a"):
        line = link.getparent()
        if link.get("href", "").startswith("#cb") and dom.local(line) == "span":
            line.attrib.pop("id", None)
            dom.remove(link)


def say_english(root: dom.Element) -> None:
    """Name the language of English sources in a Chinese list: their apostrophe is theirs."""
    for entry in dom.having(root, "div", "csl-entry"):
        if not _HAN.search(dom.text(entry)):
            entry.set("lang", "en")


def _show(element: pf.Element, _doc: pf.Doc) -> pf.Element | None:
    if isinstance(element, pf.Header):
        return _heading(element)
    if isinstance(element, pf.Image):
        # pandoc writes no alt attribute at all where an image has no text.
        element.attributes.setdefault("alt", pf.stringify(element))
    if isinstance(element, pf.Table):
        # Columns as wide as they need to be, not as the dashes of a source line that is long.
        element.colspec = [(align, "ColWidthDefault") for align, _width in element.colspec]
    if not isinstance(element, pf.Div):
        return None
    if "equation" in element.classes:
        number = pf.Span(
            pf.Str(f"({element.attributes.pop('number')})"), classes=["equation-number"]
        )
        element.content.append(pf.Plain(number))
    elif "exercise-title" in element.classes:
        # pandoc makes a section of a box that begins with a heading.
        return pf.Header(*element.content[0].content, level=EXERCISE_LEVEL)
    elif "callout" in element.classes:
        element.attributes["role"] = "note"
        element.attributes["aria-label"] = pf.stringify(element.content[0]).strip()
    return None


def _heading(header: pf.Header) -> pf.Header:
    number = visible_number(header)
    header.attributes.pop("label", None)
    header.attributes.pop("number", None)
    if number:
        span = pf.Span(pf.Str(number), classes=["number"])
        header.content = [span, pf.Space, *header.content]
    return header
