"""Rules over the structure of a chapter: headings, divs, exercises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workbook import messages
from workbook.problem import Problem, problem
from workbook.source.blocks import HEADING, Block, div_end
from workbook.source.chapter import Chapter
from workbook.source.inline import Attributes, attributes, generated

CALLOUTS = ("callout-note", "callout-tip", "callout-warning", "callout-important")
_NAME = "[a-z0-9]+(-[a-z0-9]+)*"


def title(chapter: Chapter) -> Iterator[Problem]:
    """One `#` heading with the chapter's id; the preface's is not numbered."""
    if chapter.slug == "index":
        form, fits = "# Title {.unnumbered}", ("", ("unnumbered",))
    else:
        form, fits = f"# Title {{#sec-{chapter.slug}}}", (f"sec-{chapter.slug}", ())
    found = [b for b, inside in nested(chapter) if level(b) == 1 and not inside]
    if not found:
        yield problem(chapter.path, 1, "chapter has no title", f'begin with "{form}"')
    for block in found[:1]:
        if (attributes(block).id, attributes(block).classes) != fits:
            what = "title does not carry the chapter's id"
            if chapter.slug == "index":
                what = "title of the preface is numbered"
            yield problem(chapter.path, block.line, what, f'write "{form}"')
    for block in found[1:]:
        yield problem(chapter.path, block.line, "second # heading", "write ## or a new chapter")


def sections(chapter: Chapter) -> Iterator[Problem]:
    """A section has an id that begins with its chapter's, or is not numbered."""
    for block, inside in nested(chapter):
        if level(block) < 2 or inside:
            continue
        found, form = attributes(block), f"{{#sec-{chapter.slug}-…}}"
        if found.id and not re.fullmatch(rf"sec-{re.escape(chapter.slug)}-{_NAME}", found.id):
            what = f'section id "{found.id}" does not begin with sec-{chapter.slug}-'
            yield problem(chapter.path, block.line, what, f'write "{form}" in kebab-case')
        elif level(block) == 2 and not found.id and "unnumbered" not in found.classes:
            remedy = f'add "{form}" or "{{.unnumbered}}"'
            yield problem(chapter.path, block.line, "section has no id", remedy)
        if set(found.classes) - {"unnumbered"} or found.values or found.rest:
            what = "heading has attributes that are not in the house markup"
            remedy = f'keep "{form}" and "{{.unnumbered}}" only'
            yield problem(chapter.path, block.line, what, remedy)


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


def divs(chapter: Chapter) -> Iterator[Problem]:
    """Callouts, exercises, answer spaces and worked solutions; each in its form."""
    if generated(chapter):  # has divs of its own
        return
    for block, inside in nested(chapter):
        if block.kind == "open":
            found = attributes(block)
            faults = _div_faults(
                block, found, role(found), [role(attributes(x)) for x in inside]
            )
            for what, remedy in faults:
                yield problem(chapter.path, block.line, what, remedy)
        elif block.kind not in ("cell", "code"):
            for number, line in enumerate(block.text.splitlines(), block.line):
                if re.match(r"\s*:::", line) and block.kind != "close":
                    what, remedy = "::: that opens no div", 'write "::: {…}" from column 1'
                    yield problem(chapter.path, number, what, remedy)


def _div_faults(
    block: Block, found: Attributes, kind: str, inside: Sequence[str]
) -> Iterator[tuple[str, str]]:
    if not kind:
        what = f"div {block.text.strip().lstrip(':').strip()} is not in the house markup"
        yield what, _instead(block, found)
        return
    allowed = {"callout": {"title", "collapse"}, "answer": {"lines"}}.get(kind, set())
    odd = [f"#{found.id}"] if found.id and kind != "exercise" else []
    known = {"squared"} if kind == "answer" else set()
    odd += [f".{name}" for name in found.classes[kind != "exercise" :] if name not in known]
    odd += [f"{key}=" for key in found.values if key not in allowed] + found.rest.split()
    if odd:
        yield f"{kind} with {' '.join(odd)}", "take it off"
    if found.values.get("collapse", "true") != "true":
        yield f'collapse="{found.values["collapse"]}"', 'write collapse="true" or take it off'
    if kind == "answer" and not re.fullmatch(
        r"[1-9]|[1-3]\d|40", found.values.get("lines", "")
    ):
        yield "answer space without lines=1 to 40", 'write "::: {.answer lines=4}"'
    for name, words in (("worked", "worked solution"), ("slips", "slips")):
        if kind == name and list(inside[-1:]) != ["exercise"]:
            yield f"{words} outside an exercise", 'move it inside "::: {#exr-…}"'
    if kind == "exercise" and inside:
        yield "exercise inside another div", "close that div first"


def _instead(block: Block, found: Attributes) -> str:
    word = block.text.strip().strip(":").strip()
    if word in (*CALLOUTS, "answer", "slips", "worked"):
        return f'write "::: {{.{word}}}"'
    if any(name.startswith("callout") for name in found.classes):
        return f"write .{', .'.join(CALLOUTS)}"
    if "panel-tabset" in found.classes:
        return "set the tabs one below the other"
    return "write a callout, an exercise, .answer, .slips or .worked"


def exercise_parts(chapter: Chapter) -> Iterator[Problem]:
    """An exercise has a title with stars, a hint, room to write and a worked solution."""
    if generated(chapter):
        return
    for at, block in enumerate(chapter.blocks):
        found = attributes(block)
        if block.kind == "open" and role(found) == "exercise":
            inside = chapter.blocks[at + 1 : div_end(chapter.blocks, at) - 1]
            if not re.fullmatch(rf"exr-{re.escape(chapter.slug)}-{_NAME}", found.id):
                what = f'exercise id "{found.id}" does not begin with exr-{chapter.slug}-'
                remedy = f'write "{{#exr-{chapter.slug}-…}}" in kebab-case'
                yield problem(chapter.path, block.line, what, remedy)
            yield from _exercise_title(chapter, block, inside)
            yield from _exercise_divs(chapter, block, inside)


def _exercise_title(
    chapter: Chapter, block: Block, inside: Sequence[Block]
) -> Iterator[Problem]:
    first = next((b for b in inside if b.kind != "blank"), block)
    if level(first) != 2:
        what, remedy = "exercise does not begin with its title", 'write "## title ★"'
        yield problem(chapter.path, block.line, what, remedy)
    elif not re.search(r"[^★]★{1,3}$", heading_text(first)):
        what = "title of the exercise does not end in ★, ★★ or ★★★"
        yield problem(chapter.path, first.line, what, "say how hard it is")


def _exercise_divs(
    chapter: Chapter, block: Block, inside: Sequence[Block]
) -> Iterator[Problem]:
    opened = [(at, attributes(b)) for at, b in enumerate(inside) if b.kind == "open"]
    hint = any(
        a.classes == ("callout-tip",) and a.values.get("collapse") == "true" for _, a in opened
    )
    if not hint:
        form = '::: {.callout-tip collapse="true" title="…"}'
        yield problem(chapter.path, block.line, "exercise has no hint", f"add {form}")
    if not any(role(a) == "answer" for _, a in opened):
        remedy = 'add "::: {.answer lines=4}"'
        yield problem(chapter.path, block.line, "exercise has no answer space", remedy)
    worked = [at for at, a in opened if role(a) == "worked"]
    if not worked:
        what, remedy = "exercise has no worked solution", 'add "::: {.worked}" as its last part'
        yield problem(chapter.path, block.line, what, remedy)
    elif any(b.kind != "blank" for b in inside[div_end(tuple(inside), worked[0]) :]):
        what, remedy = "worked solution is not last in its exercise", "move it to the end"
        yield problem(chapter.path, inside[worked[0]].line, what, remedy)


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
