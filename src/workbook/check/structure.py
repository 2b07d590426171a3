"""Rules over the structure of a chapter: headings, divs, exercises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbook import messages
from workbook.problem import Problem, problem
from workbook.source.blocks import HEADING, Block, div_end
from workbook.source.chapter import Chapter
from workbook.source.inline import Attributes, attributes, generated

CALLOUTS = ("callout-note", "callout-tip", "callout-warning", "callout-important")
ROOM = re.compile(r"[1-9]|[1-3]\d|40")  # lines of an answer space
_NAME = "[a-z0-9]+(-[a-z0-9]+)*"


def titled(chapter: Chapter) -> Iterator[Problem]:
    """A chapter has a title."""
    if not _titles(chapter):
        form, _ = _title_form(chapter)
        yield problem(chapter.path, 1, "chapter has no title", f'begin with "{form}"')


def title_id(chapter: Chapter) -> Iterator[Problem]:
    """The title carries the chapter's id; the preface's is not numbered."""
    form, fits = _title_form(chapter)
    for block in _titles(chapter)[:1]:
        if (attributes(block).id, attributes(block).classes) != fits:
            what = "title does not carry the chapter's id"
            if chapter.slug == "index":
                what = "title of the preface is numbered"
            yield problem(chapter.path, block.line, what, f'write "{form}"')


def one_title(chapter: Chapter) -> Iterator[Problem]:
    """A chapter has no second title."""
    for block in _titles(chapter)[1:]:
        yield problem(chapter.path, block.line, "second # heading", "write ## or a new chapter")


def _titles(chapter: Chapter) -> list[Block]:
    return [b for b, inside in nested(chapter) if level(b) == 1 and not inside]


def _title_form(chapter: Chapter) -> tuple[str, tuple[str, tuple[str, ...]]]:
    """How a chapter's title is written, and the id and classes that it has then."""
    if chapter.slug == "index":
        return "# Title {.unnumbered}", ("", ("unnumbered",))
    return f"# Title {{#sec-{chapter.slug}}}", (f"sec-{chapter.slug}", ())


def section_ids(chapter: Chapter) -> Iterator[Problem]:
    """A section has an id that begins with its chapter's, or is not numbered."""
    form = f"{{#sec-{chapter.slug}-…}}"
    for block, found in _sections(chapter):
        if found.id and not re.fullmatch(rf"sec-{re.escape(chapter.slug)}-{_NAME}", found.id):
            what = f'section id "{found.id}" does not begin with sec-{chapter.slug}-'
            yield problem(chapter.path, block.line, what, f'write "{form}" in kebab-case')
        elif level(block) == 2 and not found.id and "unnumbered" not in found.classes:
            remedy = f'add "{form}" or "{{.unnumbered}}"'
            yield problem(chapter.path, block.line, "section has no id", remedy)


def section_attributes(chapter: Chapter) -> Iterator[Problem]:
    """A section's heading carries nothing else."""
    for block, found in _sections(chapter):
        if set(found.classes) - {"unnumbered"} or found.values or found.rest:
            what = "heading has attributes that are not in the house markup"
            remedy = f'keep "{{#sec-{chapter.slug}-…}}" and "{{.unnumbered}}" only'
            yield problem(chapter.path, block.line, what, remedy)


def _sections(chapter: Chapter) -> Iterator[tuple[Block, Attributes]]:
    for block, inside in nested(chapter):
        if level(block) > 1 and not inside:
            yield block, attributes(block)


def heading_levels(chapter: Chapter) -> Iterator[Problem]:
    """Headings go down one level at a time."""
    above = 0
    for block, inside in nested(chapter):
        if block.kind != "heading" or inside:
            continue
        if level(block) > above + 1 and above:
            what = f"heading of level {level(block)} follows level {above}"
            yield problem(chapter.path, block.line, what, f'write "{"#" * (above + 1)}"')
        above = level(block)


def headings_in_divs(chapter: Chapter) -> Iterator[Problem]:
    """Inside a div the only heading is an exercise's title."""
    titled: set[Block] = set()
    for block, inside in nested(chapter):
        if block.kind != "heading" or not inside:
            continue
        kind, div = role(attributes(inside[-1])), inside[-1]
        if kind == "exercise" and div not in titled:
            titled.add(div)
            continue
        what = "second heading in an exercise" if kind == "exercise" else "heading inside a div"
        remedy = 'write title="…" in its braces' if kind == "callout" else "set it in **bold**"
        yield problem(chapter.path, block.line, what, remedy)


@dataclass(frozen=True)
class _Div:
    """A div that an author opened."""

    block: Block
    found: Attributes
    role: str
    around: str  # the role of the div that it stands in

    def fault(self, chapter: Chapter, what: str, remedy: str) -> Problem:
        return problem(chapter.path, self.block.line, what, remedy)


def _divs(chapter: Chapter) -> Iterator[_Div]:
    """The divs of a chapter that an author wrote; a generated one has divs of its own."""
    for block, inside in () if generated(chapter) else nested(chapter):
        if block.kind == "open":
            found = attributes(block)
            around = role(attributes(inside[-1])) if inside else ""
            yield _Div(block, found, role(found), around)


def div_known(chapter: Chapter) -> Iterator[Problem]:
    """A div is a callout, an exercise, room to write, slips or a worked solution."""
    for div in _divs(chapter):
        if not div.role:
            words = div.block.text.strip().lstrip(":").strip()
            what = f"div {words} is not in the house markup"
            yield div.fault(chapter, what, _instead(div.block, div.found))


def div_attributes(chapter: Chapter) -> Iterator[Problem]:
    """A div carries what belongs to its kind and nothing else."""
    for div in _divs(chapter):
        odd = _odd_attributes(div) if div.role else []
        if odd:
            yield div.fault(chapter, f"{div.role} with {' '.join(odd)}", "take it off")


def _odd_attributes(div: _Div) -> list[str]:
    kind, found = div.role, div.found
    allowed = {"callout": {"title", "collapse"}, "answer": {"lines"}}.get(kind, set())
    known = {"squared"} if kind == "answer" else set()
    odd = [f"#{found.id}"] if found.id and kind != "exercise" else []
    odd += [f".{name}" for name in found.classes[kind != "exercise" :] if name not in known]
    return odd + [f"{key}=" for key in found.values if key not in allowed] + found.rest.split()


def collapsed(chapter: Chapter) -> Iterator[Problem]:
    """What is collapsed is so by `true`."""
    for div in _divs(chapter):
        value = div.found.values.get("collapse", "true")
        if div.role and value != "true":
            remedy = 'write collapse="true" or take it off'
            yield div.fault(chapter, f'collapse="{value}"', remedy)


def answer_lines(chapter: Chapter) -> Iterator[Problem]:
    """Room to write has 1 to 40 lines."""
    for div in _divs(chapter):
        lines = div.found.values.get("lines", "")
        if div.role == "answer" and not ROOM.fullmatch(lines):
            what, remedy = "answer space without lines=1 to 40", 'write "::: {.answer lines=4}"'
            yield div.fault(chapter, what, remedy)


def parts_in_exercises(chapter: Chapter) -> Iterator[Problem]:
    """Worked solutions and slips stand in an exercise."""
    names = {"worked": "worked solution", "slips": "slips"}
    for div in _divs(chapter):
        if div.role in names and div.around != "exercise":
            what = f"{names[div.role]} outside an exercise"
            yield div.fault(chapter, what, 'move it inside "::: {#exr-…}"')


def exercise_outermost(chapter: Chapter) -> Iterator[Problem]:
    """An exercise stands in no other div."""
    for block, inside in () if generated(chapter) else nested(chapter):
        if block.kind == "open" and role(attributes(block)) == "exercise" and inside:
            what, remedy = "exercise inside another div", "close that div first"
            yield problem(chapter.path, block.line, what, remedy)


def stray_fences(chapter: Chapter) -> Iterator[Problem]:
    """A line of ::: opens or closes a div."""
    for block in () if generated(chapter) else chapter.blocks:
        if block.kind in ("open", "close", "cell", "code"):
            continue
        for number, line in enumerate(block.text.splitlines(), block.line):
            if re.match(r"\s*:::", line):
                what, remedy = "::: that opens no div", 'write "::: {…}" from column 1'
                yield problem(chapter.path, number, what, remedy)


def _instead(block: Block, found: Attributes) -> str:
    word = block.text.strip().strip(":").strip()
    if word in (*CALLOUTS, "answer", "slips", "worked"):
        return f'write "::: {{.{word}}}"'
    if any(name.startswith("callout") for name in found.classes):
        return f"write .{', .'.join(CALLOUTS)}"
    if "panel-tabset" in found.classes:
        return "set the tabs one below the other"
    return "write a callout, an exercise, .answer, .slips or .worked"


@dataclass(frozen=True)
class _Box:
    """An exercise's div and what stands in it."""

    block: Block
    id: str
    inside: tuple[Block, ...]

    @property
    def divs(self) -> list[tuple[int, Attributes]]:
        """Place and attributes of the divs in it."""
        return [(at, attributes(b)) for at, b in enumerate(self.inside) if b.kind == "open"]

    @property
    def worked(self) -> list[int]:
        """Where its worked solutions begin."""
        return [at for at, found in self.divs if role(found) == "worked"]


def _boxes(chapter: Chapter) -> Iterator[_Box]:
    for at, block in enumerate(() if generated(chapter) else chapter.blocks):
        found = attributes(block)
        if block.kind == "open" and role(found) == "exercise":
            inside = chapter.blocks[at + 1 : div_end(chapter.blocks, at) - 1]
            yield _Box(block, found.id, tuple(inside))


def exercise_id(chapter: Chapter) -> Iterator[Problem]:
    """An exercise's id begins with its chapter's slug."""
    for box in _boxes(chapter):
        if not re.fullmatch(rf"exr-{re.escape(chapter.slug)}-{_NAME}", box.id):
            what = f'exercise id "{box.id}" does not begin with exr-{chapter.slug}-'
            remedy = f'write "{{#exr-{chapter.slug}-…}}" in kebab-case'
            yield problem(chapter.path, box.block.line, what, remedy)


def exercise_title(chapter: Chapter) -> Iterator[Problem]:
    """An exercise begins with a title that says how hard it is."""
    for box in _boxes(chapter):
        first = next((b for b in box.inside if b.kind != "blank"), box.block)
        if level(first) != 2:
            what, remedy = "exercise does not begin with its title", 'write "## title ★"'
            yield problem(chapter.path, box.block.line, what, remedy)
        elif not re.search(r"[^★]★{1,3}$", heading_text(first)):
            what = "title of the exercise does not end in ★, ★★ or ★★★"
            yield problem(chapter.path, first.line, what, "say how hard it is")


def exercise_hint(chapter: Chapter) -> Iterator[Problem]:
    """An exercise has a hint, which is folded."""
    form = '::: {.callout-tip collapse="true" title="…"}'
    for box in _boxes(chapter):
        if not any(
            found.classes == ("callout-tip",) and found.values.get("collapse") == "true"
            for _, found in box.divs
        ):
            yield problem(chapter.path, box.block.line, "exercise has no hint", f"add {form}")


def exercise_answer(chapter: Chapter) -> Iterator[Problem]:
    """An exercise has room to write."""
    for box in _boxes(chapter):
        if not any(role(found) == "answer" for _, found in box.divs):
            what, remedy = "exercise has no answer space", 'add "::: {.answer lines=4}"'
            yield problem(chapter.path, box.block.line, what, remedy)


def exercise_worked(chapter: Chapter) -> Iterator[Problem]:
    """An exercise has a worked solution."""
    for box in _boxes(chapter):
        if not box.worked:
            what = "exercise has no worked solution"
            remedy = 'add "::: {.worked}" as its last part'
            yield problem(chapter.path, box.block.line, what, remedy)


def worked_last(chapter: Chapter) -> Iterator[Problem]:
    """Nothing follows an exercise's worked solution."""
    for box in _boxes(chapter):
        for at in box.worked[:1]:
            if any(b.kind != "blank" for b in box.inside[div_end(box.inside, at) :]):
                what = "worked solution is not last in its exercise"
                yield problem(chapter.path, box.inside[at].line, what, "move it to the end")


def exercise_place(chapter: Chapter) -> Iterator[Problem]:
    """Exercises stand under the heading of that name."""
    if generated(chapter):
        return
    lang = "zh" if {"zh"} & set(re.split(r"[/.]", chapter.path.as_posix())) else "en"
    heading = messages.of("chapters", lang)["exercises"]
    wanted, above = f"## {heading} {{.unnumbered}}", ""
    for block, inside in nested(chapter):
        if level(block) in (1, 2) and not inside:
            above = block.text.strip()
        elif block.kind == "open" and role(attributes(block)) == "exercise" and above != wanted:
            what, remedy = (
                "exercise outside the section of exercises",
                f'write "{wanted}" above',
            )
            yield problem(chapter.path, block.line, what, remedy)


def nested(chapter: Chapter) -> Iterator[tuple[Block, tuple[Block, ...]]]:
    """Each block with the divs around it."""
    opened: list[Block] = []
    for block in chapter.blocks:
        if block.kind == "close":
            opened.pop()
        yield block, tuple(opened)
        if block.kind == "open":
            opened.append(block)


def role(found: Attributes) -> str:
    """What a div is: callout, exercise, answer, slips, worked, or nothing that we know."""
    first = found.classes[0] if found.classes else ""
    if first in CALLOUTS:
        return "callout"
    if first in ("answer", "slips", "worked"):
        return first
    return "exercise" if found.id.startswith("exr-") else ""


def level(block: Block) -> int:
    """The level of a heading; 0 for other blocks."""
    return len(block.text) - len(block.text.lstrip("#")) if block.kind == "heading" else 0


def heading_text(block: Block) -> str:
    """A heading's words."""
    match = HEADING.match(block.text)
    return match[2] if match else ""
