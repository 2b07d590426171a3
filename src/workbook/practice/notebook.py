"""`check("tensors-windows")` in a notebook: judges what its cells have just defined.

It is the check of `workbook try`, with the same limits and words, and it runs in a fresh
interpreter: a kernel has threads, which no fork has, and may have set torch otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType

import click

from workbook.practice import report, sandbox
from workbook.practice.attempt import TODO, Outcome, attempt
from workbook.practice.catalog import Catalog, UnknownName, catalog
from workbook.practice.cells import Ran, helpers, ran, uses
from workbook.practice.check import check_of
from workbook.practice.folder import checkout, kit_of
from workbook.practice.kit import FILE
from workbook.practice.runner import import_torch
from workbook.practice.submission import Part, Submission, compiled, parse_submission
from workbook.practice.words import ReaderError, reader_language, say
from workbook.source.exercise import Exercise

__all__ = ["check", "speak"]

_language: list[str] = []  # that of the notebook, once it has said so


def speak(lang: str) -> None:
    """Have checks told in this language, `zh` or `en`, and not in the locale's."""
    _language[:] = [lang]


def check(name: str) -> None:
    """Put what was defined for an exercise to its check, and print what came of it."""
    lang = reader_language(*_language)
    try:
        outcome = _judged(str(getattr(name, "__name__", name)), lang)
    except ReaderError as error:
        click.echo(str(error))
    except UnknownName as error:
        click.echo(error.told(lang))
    else:
        click.echo(report.message(outcome, lang))


@dataclass(frozen=True)
class _Cells(Submission):
    """What cells define for one exercise, and above it what they define for that."""

    above: tuple[Ran, ...] = ()

    def code(self, exercise: str) -> list[CodeType]:
        last = Ran(str(self.path), self.parts[exercise])
        return [compiled(cell.part, cell.file) for cell in (*self.above, last)]


def _judged(name: str, lang: str) -> Outcome:
    book = _catalog(lang)
    unit, exercise = book.one(name)
    head = parse_submission(book.fresh(unit), unit.file).head
    submission = _submission(exercise, Ran(f"<{unit.file}>", head), ran(), lang)
    texts = [cell.part.text for cell in submission.above]
    texts += [submission.parts[exercise.id].text, check_of(exercise).source]
    sandbox.choose("fresh")
    if any("torch" in text for text in texts):
        import_torch()
    outcome = attempt(exercise, submission.path, submission)
    if outcome.seconds:
        sandbox.expect(1)  # the next one need not wait
    if outcome.state == TODO and exercise.by_hand:  # it is answered in this very cell
        outcome = replace(outcome, verdict=replace(outcome.verdict, cause=""))
    return outcome


def _submission(exercise: Exercise, head: Ran, cells: Sequence[Ran], lang: str) -> _Cells:
    """What the cells have for an exercise; ReaderError where a name that it needs is missing.

    Its piece is the last cell that defines something of it, and the imports are those of the
    chapter's file; what else they need is looked for in the other cells.
    """
    wanted = check_of(exercise).taken
    there = {name: cell for cell in cells for name in cell.names}
    for name in wanted:
        if name not in there:
            raise ReaderError(say(lang, "no:defined", name=name))
    chosen = max((there[name] for name in wanted), key=cells.index)
    piece = chosen.only(chosen.statements)
    others = [cell for cell in cells if cell is not chosen]
    needed = {*wanted, *uses(piece.part.text)}
    above = [head, *helpers(others, needed, known=head.names | piece.names)]
    return _Cells(Path(piece.file), Part(0, ""), {exercise.id: piece.part}, tuple(above))


def _catalog(lang: str) -> Catalog:
    """The exercises that this installation brings, or those of the checkout it is used in."""
    here = Path.cwd()
    root = checkout(here)
    if root and not FILE.exists():
        return catalog(root, lang)
    return kit_of(lang).catalog(here, lang)
