"""Rules over what an exercise says of slips: named, used, and the same in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from workbook.check.files import Sources
from workbook.check.structure import ROOM, role
from workbook.problem import Problem, problem
from workbook.source.blocks import Block, Cell, div_end
from workbook.source.chapter import Chapter
from workbook.source.exercise import COMMON_SLIPS, SLIP, Exercise, Piece, parsed
from workbook.source.inline import attributes, generated, option_line

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def whole(chapter: Chapter) -> Iterator[Problem]:
    """An exercise that is written has a check and wrong answers."""
    for exercise in _written(chapter):
        for option, what in (("check", "check"), ("wrong", "wrong answers")):
            if not any(cell.option(option) for cell in exercise.cells):
                remedy = f'add a cell with "#| {option}: {exercise.id}"'
                yield problem(chapter.path, exercise.line, f"exercise has no {what}", remedy)


def slips_explained(chapter: Chapter) -> Iterator[Problem]:
    """An exercise that is written says what helps with a slip."""
    for exercise in _written(chapter):
        if not exercise.slips:
            remedy = 'add "::: {.slips}" before its worked solution'
            yield problem(chapter.path, exercise.line, "exercise explains no slip", remedy)


def hints(chapter: Chapter) -> Iterator[Problem]:
    """Hints are steps: one alone would solve or not help."""
    for exercise in _written(chapter):
        if len(exercise.hints) == 1:
            remedy = "write two paragraphs at least: the first nudges, the last nearly tells"
            yield problem(chapter.path, exercise.line, "exercise has one hint only", remedy)


def _written(chapter: Chapter) -> list[Exercise]:
    """The exercises of an author that have their cell."""
    return [] if generated(chapter) else [each for each in chapter.exercises if each.cell]


def room_squared(chapter: Chapter) -> Iterator[Problem]:
    """Room to write code is squared."""
    for _, block in _rooms_for_code(chapter):
        if "squared" not in attributes(block).classes:
            yield problem(chapter.path, block.line, "room for code is ruled", "add .squared")


def room_enough(chapter: Chapter) -> Iterator[Problem]:
    """Room to write code has a line at least for each of the solution's."""
    for exercise, block in _rooms_for_code(chapter):
        need = len(exercise.solution.splitlines()) - len(exercise.stub.splitlines()) + 1
        stated = attributes(block).values.get("lines", "")
        lines = int(stated) if ROOM.fullmatch(stated) else need  # told of the answer space
        if lines < need:
            what = f"room of {lines} lines for a solution of {need}"
            yield problem(chapter.path, block.line, what, "give it as many at least")


def _rooms_for_code(chapter: Chapter) -> Iterator[tuple[Exercise, Block]]:
    for exercise in _complete(chapter):
        for block in () if exercise.by_hand else _answers(chapter, exercise):
            yield exercise, block


def _answers(chapter: Chapter, exercise: Exercise) -> Iterator[Block]:
    start = next(at for at, b in enumerate(chapter.blocks) if b.line == exercise.line)
    for block in chapter.blocks[start : div_end(chapter.blocks, start)]:
        if block.kind == "open" and role(attributes(block)) == "answer":
            yield block


def slip_list(chapter: Chapter) -> Iterator[Problem]:
    """Slips are a definition list: a name in code type, and one piece of text."""
    form = "write a name in code type and, on the next line, “: ” with what helps"
    for div, inside in _slip_divs(chapter):
        if not inside:
            yield problem(chapter.path, div.line, "no slip in .slips", f"{form}, or remove it")
        sound = _sound(inside)
        if len(sound) < len(inside):
            what = "the list of slips breaks off" if sound else "this is no list of slips"
            yield problem(chapter.path, inside[len(sound)].line, what, form)
        elif len(sound) % 2:
            what = f'slip "{_slip(sound[-1])}" says nothing'
            yield problem(chapter.path, sound[-1].line, what, form)


def slip_names(chapter: Chapter) -> Iterator[Problem]:
    """A slip's name is in kebab-case."""
    for _, inside in _slip_divs(chapter):
        for block in _sound(inside):
            name = _slip(block)
            if name and not _NAME.fullmatch(name):
                what, remedy = f'slip "{name}" is not kebab-case', "small letters and hyphens"
                yield problem(chapter.path, block.line, what, f"write {remedy}")


def slips_once(chapter: Chapter) -> Iterator[Problem]:
    """An exercise names a slip once."""
    for _, inside in _slip_divs(chapter):
        names: set[str] = set()
        for block in _sound(inside):
            name = _slip(block)
            if name in names:
                what = f'slip "{name}" is named twice'
                yield problem(chapter.path, block.line, what, "keep one of the two")
            names |= {name} - {""}


def _slip_divs(chapter: Chapter) -> Iterator[tuple[Block, list[Block]]]:
    """Each `.slips` with what stands in it."""
    for at, block in enumerate(chapter.blocks):
        if block.kind == "open" and role(attributes(block)) == "slips":
            inside = chapter.blocks[at + 1 : div_end(chapter.blocks, at) - 1]
            yield block, [each for each in inside if each.kind != "blank"]


def _sound(inside: list[Block]) -> list[Block]:
    """The names and meanings by turns, up to where they break off."""
    for at, block in enumerate(inside):
        fits = block.kind == "definition" if at % 2 else block.kind == "paragraph"
        if not fits or not (at % 2 or _slip(block)):
            return inside[:at]
    return inside


def _slip(block: Block) -> str:
    """The slip that a block names, if it does nothing else."""
    named = SLIP.fullmatch(block.text.strip())
    return named[1] if named else ""


def assertions(chapter: Chapter) -> Iterator[Problem]:
    """Each assertion of a check names a slip: `"dim"`, or `f"shape: {detail}"`."""
    for exercise in _complete(chapter):
        for line, words in _messages(exercise.check):
            name, colon, detail = words.partition(":") if words is not None else ("", "", "")
            what = ""
            if words is None:
                what, remedy = "assertion names no slip", 'add ", " and the name of one'
            elif not _NAME.fullmatch(name) or (colon and not detail.startswith(" ")):
                what = f'assertion says "{words}"'
                remedy = 'write the name of a slip, and a detail after ": " if there is one'
            elif name not in exercise.slips and name not in COMMON_SLIPS:
                what, remedy = f'slip "{name}" is not explained', "add it to .slips"
            if what:
                yield problem(chapter.path, line, what, remedy)


def slips_used(chapter: Chapter) -> Iterator[Problem]:
    """Each slip that is explained can be told of someone."""
    for exercise in _complete(chapter):
        texts = _strings(exercise.check)
        used = {text.partition(":")[0] for text in texts}
        if exercise.by_hand:
            used |= {piece.slip for piece in exercise.wrong}
        for name in exercise.slips:
            if name not in used and name not in COMMON_SLIPS:
                what = f'slip "{name}" of {exercise.id} is never told'
                remedy = "name it in an assertion, or take it out of .slips"
                yield problem(chapter.path, exercise.line, what, remedy)


def wrong_named(chapter: Chapter) -> Iterator[Problem]:
    """A wrong answer has the name of a slip that is explained."""
    for exercise in _complete(chapter):
        for piece in exercise.wrong:
            what, remedy = "", 'write "# %% name-of-the-slip" above it'
            if not piece.slip:
                what = "wrong answer without a name"
            elif piece.slip not in exercise.slips and piece.slip not in COMMON_SLIPS:
                what, remedy = f'slip "{piece.slip}" is not explained', "add it to .slips"
            if what:
                yield problem(chapter.path, piece.line, what, remedy)


def wrong_values(chapter: Chapter) -> Iterator[Problem]:
    """A wrong answer on paper ends in a value."""
    for exercise in _complete(chapter):
        for piece in exercise.wrong if exercise.by_hand else ():
            if not _ends_in_value(piece):
                what = "wrong value is not there"
                remedy = "end in an expression: the value that is wrong"
                yield problem(chapter.path, piece.line, what, remedy)


def _ends_in_value(piece: Piece) -> bool:
    try:
        code = parsed(piece.code).body
    except SyntaxError:
        return True  # told of the cell
    return bool(code) and isinstance(code[-1], ast.Expr)


def wrong_enough(chapter: Chapter) -> Iterator[Problem]:
    """There are two wrong answers in code at least, and one on paper."""
    for exercise in _complete(chapter):
        cell = next(c for c in exercise.cells if c.option("wrong"))
        least = 1 if exercise.by_hand else 2
        if len(exercise.wrong) < least:
            what = f"{len(exercise.wrong)} wrong answer, {least} at least"
            yield problem(chapter.path, cell.code_line, what, "name what readers get wrong")


def wrong_hidden(chapter: Chapter) -> Iterator[Problem]:
    """Wrong answers are neither run nor printed."""
    for cell in chapter.cells:
        for flag in ("include", "eval"):
            if "wrong" in cell.options and cell.flag(flag):
                what, remedy = f"wrong without {flag}: false", f'add "#| {flag}: false"'
                yield problem(chapter.path, option_line(cell, "wrong"), what, remedy)


def same_slips(book: Sources) -> Iterator[Problem]:
    """An exercise has the same slips in both languages, in one order."""
    english = {e.id: (c, e) for c in book.chapters["en"] for e in c.exercises}
    for zh in book.chapters["zh"]:
        for exercise in zh.exercises:
            en, twin = english.get(exercise.id, (zh, exercise))
            ours, theirs = list(exercise.slips), list(twin.slips)
            if ours != theirs:
                there = f"{zh.path}:{exercise.line}"
                listed = ", ".join(theirs) or "none"
                what = (
                    f"other slips ({listed}, not {', '.join(ours) or 'none'}) than at {there}"
                )
                yield problem(en.path, twin.line, what, "name the same, in one order")


def _complete(chapter: Chapter) -> Iterator[Exercise]:
    """The exercises that have all three cells and whose code can be read."""
    for exercise in chapter.exercises:
        if exercise.check and exercise.cell and any(c.option("wrong") for c in exercise.cells):
            try:
                parsed(exercise.check.code), parsed(exercise.solution)
            except SyntaxError:
                continue  # told of the cell
            yield exercise


def _messages(cell: Cell | None) -> Iterator[tuple[int, str | None]]:
    """Line and beginning of each assertion's message; None where there is none.

    What is not written as a string (a variable, a call) is left to the gate.
    """
    for node in ast.walk(parsed(cell.code if cell else "")):
        message: ast.expr | None
        if isinstance(node, ast.Assert):
            message = node.msg
        elif isinstance(node, ast.Raise) and "AssertionError" in ast.unparse(node.exc or node):
            call = node.exc
            message = call.args[0] if isinstance(call, ast.Call) and call.args else None
        else:
            continue
        line = (cell.code_line if cell else 0) + node.lineno - 1
        if isinstance(message, ast.JoinedStr):
            message = message.values[0] if message.values else None
        if message is None:
            yield line, None
        elif isinstance(message, ast.Constant):
            yield line, str(message.value)


def _strings(cell: Cell | None) -> Iterator[str]:
    for node in ast.walk(parsed(cell.code if cell else "")):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
