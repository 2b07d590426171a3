"""Rules over what an exercise says of slips: named, used, and the same in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from workbook.check.files import Sources
from workbook.check.structure import role
from workbook.problem import Problem, problem
from workbook.source.blocks import Block, Cell, div_end
from workbook.source.chapter import Chapter
from workbook.source.exercise import COMMON_SLIPS, SLIP, Exercise, Piece, parsed
from workbook.source.inline import attributes, generated, option_line

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def whole(chapter: Chapter) -> Iterator[Problem]:
    """An exercise that is written has all that a reader needs to do it alone."""
    for exercise in () if generated(chapter) else chapter.exercises:
        if not exercise.cell:
            continue
        for option, what in (("check", "check"), ("wrong", "wrong answers")):
            if not any(cell.option(option) for cell in exercise.cells):
                remedy = f'add a cell with "#| {option}: {exercise.id}"'
                yield problem(chapter.path, exercise.line, f"exercise has no {what}", remedy)
        if not exercise.slips:
            remedy = 'add "::: {.slips}" before its worked solution'
            yield problem(chapter.path, exercise.line, "exercise explains no slip", remedy)
        if len(exercise.hints) == 1:
            remedy = "write two paragraphs at least: the first nudges, the last nearly tells"
            yield problem(chapter.path, exercise.line, "exercise has one hint only", remedy)


def room(chapter: Chapter) -> Iterator[Problem]:
    """Room to write code is squared, with a line at least for each of the solution's."""
    for exercise in _complete(chapter):
        need = len(exercise.solution.splitlines()) - len(exercise.stub.splitlines()) + 1
        for block in () if exercise.by_hand else _answers(chapter, exercise):
            found = attributes(block)
            lines = int(found.values.get("lines", 0))
            if "squared" not in found.classes:
                what = "room for code is ruled"
                yield problem(chapter.path, block.line, what, "add .squared")
            if lines < need:
                what = f"room of {lines} lines for a solution of {need}"
                yield problem(chapter.path, block.line, what, "give it as many at least")


def _answers(chapter: Chapter, exercise: Exercise) -> Iterator[Block]:
    start = next(at for at, b in enumerate(chapter.blocks) if b.line == exercise.line)
    for block in chapter.blocks[start : div_end(chapter.blocks, start)]:
        if block.kind == "open" and role(attributes(block)) == "answer":
            yield block


def slip_list(chapter: Chapter) -> Iterator[Problem]:
    """Slips are a definition list: a name in code type, and one piece of text."""
    for at, block in enumerate(chapter.blocks):
        if block.kind == "open" and role(attributes(block)) == "slips":
            inside = chapter.blocks[at + 1 : div_end(chapter.blocks, at) - 1]
            yield from _entries(chapter, block, [b for b in inside if b.kind != "blank"])


def _entries(chapter: Chapter, div: Block, inside: list[Block]) -> Iterator[Problem]:
    form = "write a name in code type and, on the next line, “: ” with what helps"
    if not inside:
        yield problem(chapter.path, div.line, "no slip in .slips", f"{form}, or remove it")
    names: list[str] = []
    for at, block in enumerate(inside):
        named = SLIP.fullmatch(block.text.strip())
        wanted = "definition" if at % 2 else "paragraph"
        if block.kind != wanted or (not at % 2 and not named):
            what = "this is no list of slips" if at == 0 else "the list of slips breaks off"
            yield problem(chapter.path, block.line, what, form)
            return
        if named and not _NAME.fullmatch(named[1]):
            what = f'slip "{named[1]}" is not kebab-case'
            yield problem(chapter.path, block.line, what, "write small letters and hyphens")
        if named and named[1] in names:
            what = f'slip "{named[1]}" is named twice'
            yield problem(chapter.path, block.line, what, "keep one of the two")
        names += [named[1]] if named else []
    if len(inside) % 2:
        what = f'slip "{names[-1]}" says nothing'
        yield problem(chapter.path, inside[-1].line, what, form)


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


def wrong_answers(chapter: Chapter) -> Iterator[Problem]:
    """Named wrong answers: each with a slip, enough of them, in their form."""
    for exercise in _complete(chapter):
        cell = next(c for c in exercise.cells if c.option("wrong"))
        for piece in exercise.wrong:
            for what, remedy in _piece_faults(exercise, piece):
                yield problem(chapter.path, piece.line, what, remedy)
        least = 1 if exercise.by_hand else 2
        if len(exercise.wrong) < least:
            what = f"{len(exercise.wrong)} wrong answer, {least} at least"
            yield problem(chapter.path, cell.code_line, what, "name what readers get wrong")


def _piece_faults(exercise: Exercise, piece: Piece) -> Iterator[tuple[str, str]]:
    if not piece.slip:
        yield "wrong answer without a name", 'write "# %% name-of-the-slip" above it'
    elif piece.slip not in exercise.slips and piece.slip not in COMMON_SLIPS:
        yield f'slip "{piece.slip}" is not explained', "add it to .slips"
    try:
        code = parsed(piece.code).body
    except SyntaxError:
        return  # told of the cell
    if exercise.by_hand and not (code and isinstance(code[-1], ast.Expr)):
        yield "wrong value is not there", "end in an expression: the value that is wrong"


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
            message = message.values[0]
        if message is None:
            yield line, None
        elif isinstance(message, ast.Constant):
            yield line, str(message.value)


def _strings(cell: Cell | None) -> Iterator[str]:
    for node in ast.walk(parsed(cell.code if cell else "")):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
