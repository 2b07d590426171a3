"""Lays exercises out for a pencil: the hints taken to a part of their own at the back, and on
paper the room set apart, so that it can fill its page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import panflute as pf

from workbook import messages
from workbook.render import pandoc
from workbook.render.elements import is_a
from workbook.render.exercises import body_of
from workbook.render.parallel import join_titles, pair
from workbook.source.edition import LANGUAGES, Edition, Entry

HINTS = Entry(Path("hints"), "hints", "", appendix=True)
_SECTION = "-exercises"  # how the id of their heading ends
_GAP = "\N{EM SPACE}"  # between the ways to the hints and to the answer


def lay_out(edition: Edition, docs: Sequence[pf.Doc]) -> pf.Doc | None:
    """Give each exercise its printed form; returns the page of all hints, if there are any.

    The form: for the first of a section `exercise-before`, what opens it; `exercise-title`;
    `exercise-body`; `exercise-ways`, the line that says
    where hints and answer stand, and `exercise-room` with the room, which print sets last.
    """
    hints = take_hints(edition, docs)
    for doc in docs:
        for box in _exercises(doc):
            _set_apart(box)
        _join_opening(doc)
    return hints


def take_hints(edition: Edition, docs: Sequence[pf.Doc]) -> pf.Doc | None:
    """Take the hints out of the exercises, which say where they are; returns their page.

    None where there are no hints.
    """
    blocks: list[pf.Block] = []
    for doc in docs:
        found: list[pf.Block] = []
        for box in _exercises(doc):
            if hints := _take(body_of(box), _is_hint):
                found += [_title(box), *_steps(hints)]
                _show_way(edition, box)
        if found:
            blocks += [_heading(doc), *found]
    return pf.Doc(*_opening(edition), *blocks) if blocks else None


def with_hints(
    parts: Sequence[tuple[Entry, pf.Doc]], hints: pf.Doc | None
) -> list[tuple[Entry, pf.Doc]]:
    """The pages with that of the hints, where there is one, before the first appendix."""
    at = next((at for at, (entry, _) in enumerate(parts) if entry.appendix), len(parts))
    return [*parts[:at], *([(HINTS, hints)] if hints else []), *parts[at:]]


def _exercises(doc: pf.Doc) -> list[pf.Div]:
    return [div for div in doc.content if is_a(div, "exercise")]


def _is_hint(block: pf.Block) -> bool:
    return is_a(block, "callout") and block.attributes.get("collapse") == "true"


def _take(body: pf.Div, wanted: Callable[[pf.Block], bool]) -> list[pf.Div]:
    """Take the blocks of a kind out of a box."""
    taken = [block for block in body.content if wanted(block)]
    body.content = [block for block in body.content if not wanted(block)]
    return taken


def _show_way(edition: Edition, box: pf.Div) -> None:
    """Lead to the hints before the way to the answer, in one line."""
    body = body_of(box)
    ways = _both(edition, lambda lang: [_way(lang, box.identifier)])
    for reference in _take(body, _is_reference):
        ways += [pf.Str(_GAP), *reference.content[0].content]
    body.content.append(pf.Div(pf.Para(*ways), classes=["answer-reference"]))


def _is_reference(block: pf.Block) -> bool:
    return is_a(block, "answer-reference")


def _set_apart(box: pf.Div) -> None:
    """Put the room behind all else, and the line of the ways before it."""
    body = body_of(box)
    ways = [reference.content[0] for reference in _take(body, _is_reference)]
    rooms = [block for block in body.content if is_a(block, "answer")]
    if ways:
        box.content.append(pf.Div(*ways, classes=["exercise-ways"]))
    if rooms:
        body.content = [block for block in body.content if block is not rooms[-1]]
        box.content.append(pf.Div(rooms[-1], classes=["exercise-room"]))


def _join_opening(doc: pf.Doc) -> None:
    """Put the heading of the exercises, and what follows it, into the first of them."""
    kept: list[pf.Block] = []
    before: list[pf.Block] = []
    for block in doc.content:
        if isinstance(block, pf.Header):
            kept += before
            before = [block] if block.identifier.endswith(_SECTION) else []
            kept += [] if before else [block]
        elif before and is_a(block, "exercise"):
            block.content.insert(0, pf.Div(*before, classes=["exercise-before"]))
            before = []
            kept.append(block)
        else:
            (before or kept).append(block)
    doc.content = [*kept, *before]


def _way(lang: str, exercise: str) -> pf.Link:
    words = messages.of("hints", lang)["way"]
    return pf.Link(pf.Str(words), url=f"#{_place(exercise)}", classes=["xref"])


def _place(exercise: str) -> str:
    """`exr-tensors-boxes` → `hint-tensors-boxes`."""
    return f"hint-{exercise.removeprefix('exr-')}"


# --- the part at the back --------------------------------------------------------------


def _opening(edition: Edition) -> list[pf.Block]:
    title = _both(edition, lambda lang: pandoc.inlines(messages.of("hints", lang)["title"]))
    said = [
        [pf.Para(*pandoc.inlines(messages.of("hints", lang)["opening"]))]
        for lang in edition.languages
    ]
    return [
        pf.Header(*title, level=1, identifier="sec-hints"),
        pair(*said) if len(said) == len(LANGUAGES) else said[0][0],
    ]


def _both(edition: Edition, words: Callable[[str], Iterable[pf.Inline]]) -> list[pf.Inline]:
    """A line of all the edition's languages."""
    lines = [list(words(lang)) for lang in edition.languages]
    return join_titles(*lines) if len(lines) == len(LANGUAGES) else lines[0]


def _heading(doc: pf.Doc) -> pf.Header:
    """The chapter's title above the hints to its exercises."""
    header = next(block for block in doc.content if isinstance(block, pf.Header))
    name = header.identifier.removeprefix("sec-")
    return pf.Header(*_copied(header.content), level=2, identifier=f"sec-hints-{name}")


def _title(box: pf.Div) -> pf.Div:
    """Which exercise the hints are to: its label leads there, and says the page."""
    (line,) = _copied(box.content[0].content)

    def lead(element: pf.Element, _doc: pf.Doc | None) -> pf.Inline | None:
        if isinstance(element, pf.Span) and "caption-label" in element.classes:
            link = pf.Link(*element.content, url=f"#{box.identifier}", classes=["xref"])
            return pf.Strong(link)
        return None

    identifier = _place(box.identifier)
    return pf.Div(line.walk(lead), identifier=identifier, classes=["answer-title"])


def _steps(hints: Iterable[pf.Div]) -> list[pf.Block]:
    """The paragraphs of hints, numbered: each is a step."""
    blocks = [
        block
        for hint in hints
        for part in hint.content
        if is_a(part, "callout-body")
        for block in part.content
    ]
    if len(blocks) > 1 and all(isinstance(b, pf.Para) or is_a(b, "pair") for b in blocks):
        return [pf.OrderedList(*(pf.ListItem(block) for block in blocks))]
    return blocks


def _copied(elements: Iterable[pf.Element]) -> list[pf.Element]:
    """Copies that belong to no tree."""
    told = json.dumps(
        [element.to_json() for element in elements], default=lambda e: e.to_json()
    )
    return json.loads(told, object_hook=pf.elements.from_json)
