"""Small operations on pandoc's tree that every form needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import panflute as pf

from workbook import messages

# The sections that end a chapter have the same id in every language.
_ENDINGS = {words: name for name, words in messages.of("chapters", "zh").items()}


def take_heading(div: pf.Div) -> list[pf.Inline]:
    """Take the first heading out of a box, as its title."""
    for block in div.content:
        if isinstance(block, pf.Header):
            div.content = [b for b in div.content if b is not block]
            return list(block.content)
    return []


def label_span(text: str) -> pf.Span:
    """What numbers a float or an exercise: 图 1.1, (a)."""
    return pf.Span(pf.Str(text), classes=["caption-label"])


def put_label(floating: pf.Figure | pf.Table, label: pf.Span) -> None:
    """Put a label before the caption's words."""
    blocks = list(floating.caption.content) if floating.caption else []
    first = list(blocks[0].content) if blocks else []
    floating.caption = pf.Caption(pf.Plain(label, *spaced(first)), *blocks[1:])


def spaced(content: list[pf.Inline]) -> list[pf.Inline]:
    """The words with a space before them, if there are any."""
    return [pf.Space, *content] if content else []


def plain_text(element: pf.Element | None) -> str:
    """An element's text without its markup."""
    return pf.stringify(element).strip() if element else ""


def ending(header: pf.Header) -> str:
    """The name of a heading without an id of its own: pandoc made one up from its words."""
    return _ENDINGS.get(plain_text(header), header.identifier)


def give_alt(figure: pf.Figure) -> None:
    """Turn Quarto's fig-alt into the alternative text that pandoc's writers know."""
    for image in inside(figure, pf.Image):
        if "fig-alt" in image.attributes:
            image.attributes["alt"] = image.attributes.pop("fig-alt")


def inside(element: pf.Element, kind: type | tuple[type, ...]) -> list:
    """The elements of these kinds in a tree, itself included; what it holds comes before it.

    In the order of panflute's `walk`, which makes every list of the tree anew to return it.
    """
    found: list = []
    for name in element._children:
        child = getattr(element, name)
        parts = [child] if isinstance(child, pf.Element) else _listed(child)
        for part in parts:
            found += inside(part, kind)
    return [*found, element] if isinstance(element, kind) else found


def _listed(child: Iterable[pf.Element] | Mapping[str, pf.Element] | None) -> Iterable:
    """The elements of what panflute keeps elements in."""
    return child.values() if isinstance(child, Mapping) else child or ()


def is_a(block: pf.Element, kind: str) -> bool:
    """Whether an element is a box of this class."""
    return isinstance(block, pf.Div) and kind in block.classes


def pop_formula(rest: list[pf.Inline]) -> pf.Math | None:
    """Take the displayed formula off the end of a line; None where there is none."""
    at = len(rest) - 1
    while at >= 0 and isinstance(rest[at], pf.Space | pf.SoftBreak):
        at -= 1
    if at < 0 or not isinstance(rest[at], pf.Math) or rest[at].format != "DisplayMath":
        return None
    formula = rest[at]
    del rest[at:]
    return formula


def paragraph(content: list[pf.Inline]) -> list[pf.Block]:
    """A paragraph of what is left of a line, if anything is."""
    while content and isinstance(content[0], pf.Space | pf.SoftBreak):
        content = content[1:]
    while content and isinstance(content[-1], pf.Space | pf.SoftBreak):
        content = content[:-1]
    return [pf.Para(*content)] if content else []
