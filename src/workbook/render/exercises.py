"""What belongs to an exercise beyond its box: room to write, the way to the answer."""

from __future__ import annotations

from collections.abc import Mapping

import panflute as pf

from workbook import messages
from workbook.render import pandoc
from workbook.render.elements import inside, is_a
from workbook.render.numbering import Label, reference
from workbook.render.parallel import pair
from workbook.source.blocks import without_markers
from workbook.source.edition import LANGUAGES, Entry


def name_spaces(doc: pf.Doc, entry: Entry) -> None:
    """Give each answer space an id: the same in every language, so what is typed is kept.

    In an exercise it is the exercise's own, elsewhere the chapter's with a count.
    """
    for box in inside(doc, pf.Div):
        if "exercise" in box.classes:
            name = box.identifier.removeprefix("exr-")
            for count, space in enumerate(_unnamed(box), 1):
                space.identifier = f"answer-{name}" + (f"-{count}" if count > 1 else "")
    for count, space in enumerate(_unnamed(doc), 1):
        space.identifier = f"answer-{entry.slug}-{count}"


def _unnamed(element: pf.Element) -> list[pf.Div]:
    return [
        div for div in inside(element, pf.Div) if is_a(div, "answer") and not div.identifier
    ]


def refer_to_answers(doc: pf.Doc, entry: Entry, index: Mapping[str, Label], site: bool) -> None:
    """End each exercise with the line that says where its answer stands, if it has one."""
    for box in _boxes(doc):
        if answer := index.get(_answer_of(box)):
            link = reference(answer, answer.text, entry, site)
            body = body_of(box)
            body.content.append(pf.Div(pf.Para(link), classes=["answer-reference"]))


def answers_asked(doc: pf.Doc) -> set[str]:
    """The ids of the answers that `refer_to_answers` looks for."""
    return {_answer_of(box) for box in _boxes(doc)}


def _boxes(doc: pf.Doc) -> list[pf.Div]:
    return [box for box in inside(doc, pf.Div) if "exercise" in box.classes]


def _answer_of(box: pf.Div) -> str:
    return f"ans-{box.identifier.removeprefix('exr-')}"


def body_of(box: pf.Div) -> pf.Div:
    """What stands below the title in an exercise's box."""
    return next(child for child in box.content if is_a(child, "exercise-body"))


def place_stubs(doc: pf.Doc) -> None:
    """Put each exercise's stub into its box, above the room to write.

    The stub says what to write: whoever works with a pencil must see it first. In the source
    its cell follows the box, as Quarto wants it.
    """
    kept: list[pf.Block] = []
    box: pf.Div | None = None
    for block in doc.content:
        if is_a(block, "exercise"):
            box = block
        if box and _belongs(block, box):
            body = body_of(box)
            rooms = (at for at, child in enumerate(body.content) if is_a(child, "answer"))
            body.content.insert(next(rooms, len(body.content)), block)
        else:
            kept.append(block)
    doc.content = kept


def fold_solutions(doc: pf.Doc, lang: str) -> None:
    """Put each worked solution, with the reference code, into a `<details>` on its page.

    There the line that points to the answers appendix would say nothing new: it goes.
    """
    title = messages.of("exercises", lang)["worked"]
    out: list[pf.Block] = []
    open_exercise: pf.Div | None = None
    solution: list[pf.Block] = []
    for block in doc.content:
        if is_a(block, "exercise") or isinstance(block, pf.Header):
            out += _folded(solution, title, open_exercise)
            open_exercise, solution = None, []
        out.append(block)
        if is_a(block, "exercise"):
            open_exercise, solution = block, _take_solution(block)
        elif open_exercise and _belongs(block, open_exercise):
            code = without_markers(inside(block, pf.CodeBlock)[0].text)
            solution.append(pf.CodeBlock(code, classes=["python"]))
    doc.content = [*out, *_folded(solution, title, open_exercise)]


def point_to_solutions(doc: pf.Doc, lang: str, apart: bool = False) -> None:
    """Leave of the site's answers the list: each leads to the fold that holds the solution.

    On paper the answers stand at the back; here they would be the same text a second time.
    Where the solutions stand `apart`, it leads there.
    """
    kept: list[pf.Block] = []
    before = True  # the first answer
    page = ""
    for block in doc.content:
        answer = is_a(block, "answer-title")
        before = before and not answer
        if before or answer or isinstance(block, pf.Header):
            kept.append(block)
        if _is_part(block):
            page = _page_of(block)
        if answer:
            for link in inside(block, pf.Link):
                worked = link.url.replace("#exr-", "#worked-")
                link.url = f"{page}.html#{block.identifier}" if apart else worked
    here = (
        at for at, block in enumerate(kept) if is_a(block, "answer-title") or _is_part(block)
    )
    kept.insert(next(here, len(kept)), _where(lang, apart))
    doc.content = kept


def _is_part(block: pf.Block) -> bool:
    return isinstance(block, pf.Header) and block.level == 2


def _where(lang: str, apart: bool) -> pf.Block:
    """The line that says where the solutions stand, which on paper follow."""

    def line(lang: str, key: str) -> pf.Para:
        return pf.Para(*pandoc.inlines(messages.of("exercises", lang)[key]))

    if apart:
        return pair(*([line(each, "where-apart")] for each in LANGUAGES))
    return line(lang, "where")


def part_answers(doc: pf.Doc) -> dict[str, pf.Doc]:
    """The answers to each chapter as a document, by the name of its page."""
    parts: dict[str, list[pf.Block]] = {}
    page = ""
    for block in doc.content:
        if _is_part(block):
            page = _page_of(block)
            number = {"number": block.attributes["number"]} if block.attributes else {}
            parts[page] = [
                pf.Header(
                    *block.content, level=1, identifier=block.identifier, attributes=number
                )
            ]
        elif page:
            parts[page].append(block)
    about = {"metadata": doc.metadata, "format": "json", "api_version": doc.api_version}
    return {name: pf.Doc(*blocks, **about) for name, blocks in parts.items()}


def leave_solutions(doc: pf.Doc, slug: str) -> None:
    """Take the solutions off a chapter's page and lead to the page where they stand apart."""
    for box in inside(doc, pf.Div):
        if "exercise" in box.classes:
            box.content = [block for block in box.content if not is_a(block, "worked")]
        if "answer-reference" in box.classes:
            for link in inside(box, pf.Link):
                link.url = link.url.replace("answers.html#", f"answers-{slug}.html#")


def _page_of(header: pf.Header) -> str:
    """`sec-answers-tensors` → `answers-tensors`."""
    return header.identifier.removeprefix("sec-")


def _take_solution(exercise: pf.Div) -> list[pf.Block]:
    """The worked solution's blocks, taken out of the exercise."""
    worked = [block for block in exercise.content if is_a(block, "worked")]
    exercise.content = [block for block in exercise.content if not is_a(block, "worked")]
    for body in exercise.content:
        body.content = [block for block in body.content if not is_a(block, "answer-reference")]
    return [block for each in worked for block in each.content]


def _folded(solution: list[pf.Block], title: str, exercise: pf.Div | None) -> list[pf.Block]:
    if not solution or not exercise:
        return []
    # The id is within: a browser opens the fold around the place that a link leads to.
    name = f"worked-{exercise.identifier.removeprefix('exr-')}"
    opening = f'<details class="worked"><summary>{title}</summary><div id="{name}">'
    return [
        pf.RawBlock(opening, "html"),
        *solution,
        pf.RawBlock("</div></details>", "html"),
    ]


def _belongs(block: pf.Block, exercise: pf.Div) -> bool:
    return isinstance(block, pf.Div) and block.attributes.get("exercise") == exercise.identifier
