"""Draws what a reader has done: a bar for each chapter, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbook.practice.attempt import PASS
from workbook.practice.catalog import Catalog, Unit
from workbook.practice.progress import Progress, Record
from workbook.practice.report import MARKS
from workbook.practice.words import say
from workbook.source.exercise import Exercise

_WIDTH = 20  # of a bar


def draw(catalog: Catalog, progress: Progress, lang: str) -> None:
    """Print the bars of all chapters; ReaderError where the progress file is damaged."""
    records = progress.read()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for column in ("right", "left", "left", "right", "left"):
        table.add_column(justify=column, no_wrap=column == "right")  # type: ignore[arg-type]
    for unit in catalog.units:
        done = sum(_state(e, records) == PASS for e in unit.exercises)
        table.add_row(unit.number, unit.title, *_bar(done, len(unit.exercises)),
                      _marks(unit, records))  # fmt: skip
    everything = [e for unit in catalog.units for e in unit.exercises]
    done = sum(_state(e, records) == PASS for e in everything)
    table.add_row("", Text(say(lang, "progress:total"), "bold"), *_bar(done, len(everything)))
    Console(highlight=False).print(table)
    click.echo()
    _tell_next(catalog, records, lang)
    click.echo(say(lang, "progress:file", file=progress.shown))


def following(catalog: Catalog, records: Mapping[str, Record]) -> Exercise | None:
    """What to do next: in the chapter worked in last, else the first that is not done."""
    last = max(records, key=lambda name: records[name].since, default="")
    units = list(catalog.units)
    units.sort(key=lambda unit: last not in [e.name for e in unit.exercises])
    left = (e for unit in units for e in unit.exercises if _state(e, records) != PASS)
    return next(left, None)


def _tell_next(catalog: Catalog, records: Mapping[str, Record], lang: str) -> None:
    exercise = following(catalog, records)
    if not exercise:
        click.echo(say(lang, "progress:all"))
        return
    click.echo(say(lang, "progress:next", name=exercise.name, title=exercise.title))
    click.echo(say(lang, "progress:command", name=exercise.name))


def _bar(done: int, total: int) -> tuple[Text, str]:
    full = _WIDTH * done // total if total else 0
    bar = Text("━" * full, "green").append("─" * (_WIDTH - full), "dim")
    return bar, f"{done}/{total}"


def _marks(unit: Unit, records: Mapping[str, Record]) -> Text:
    text = Text()
    for exercise in unit.exercises:
        mark, color = MARKS[_state(exercise, records)]
        text.append(mark, color or "")
    return text


def _state(exercise: Exercise, records: Mapping[str, Record]) -> str:
    return records.get(exercise.name, Record()).state or "todo"
