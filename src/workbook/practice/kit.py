"""The exercises as they travel: a book's in one JSON, which an installed wheel brings along.

`packed` makes it of the chapters, `shipped` reads what this installation has; a catalog of
either is the same to all that runs, judges and tells exercises.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook import memo
from workbook.derive.assignments import assignments, module
from workbook.practice.catalog import Catalog, Unit, catalog
from workbook.practice.terminal_text import Plain, for_terminal
from workbook.source.blocks import Cell
from workbook.source.chapter import read_chapters
from workbook.source.edition import LANGUAGES, read_edition
from workbook.source.exercise import Exercise

FILE = Path(__file__).with_name("kit.json")  # in a wheel, and nowhere else
_KINDS = ("exercise", "check", "wrong")  # an exercise's cells, by the option that names it


class NoKit(Exception):
    """This installation has no exercises with it: it is a checkout's."""


@dataclass(frozen=True)
class Kit:
    """What a wheel brings of the exercises."""

    date: str  # the edition's, as 2026-01-01
    content: Mapping[str, Any]

    @property
    def files(self) -> Mapping[str, str]:
        """Each chapter's file as it is handed out, by its name."""
        return self.content["files"]

    def catalog(self, root: Path, lang: str) -> Catalog:
        """The exercises in a language, for a reader whose folder is `root`."""
        cells = self.content["cells"]
        units = tuple(_unit(entry, cells) for entry in self.content["units"][lang])
        return Catalog(root, lang, units, Path(), lambda unit: self.files[str(unit.file)])


def packed(root: Path) -> str:
    """The exercises of the book at a root as JSON: the same tree gives the same text."""
    books = {lang: catalog(root, lang) for lang in LANGUAGES}
    editions = [read_edition(root, lang) for lang in LANGUAGES]
    twins = [read_chapters(edition, root, generated=False) for edition in editions]
    files = {t.path.name: t.text for t in assignments(*twins, command="workbook") if t.welcome}
    content = {
        "date": editions[0].date.isoformat(),
        "files": files,
        "cells": {
            exercise.id: dict(_cells(exercise))
            for unit in books[LANGUAGES[0]].units
            for exercise in unit.exercises
        },
        "units": {lang: list(_entries(book)) for lang, book in books.items()},
    }
    return json.dumps(content, ensure_ascii=False, indent=0, sort_keys=True) + "\n"


@functools.cache
def shipped(file: Path = FILE) -> Kit:
    """The exercises that came with this installation; NoKit where none did."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoKit from None
    return Kit(content["date"], content)


def _cells(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """The code of an exercise's cells, by their kind; the languages have the same code."""
    for cell in exercise.cells:
        for kind in _KINDS:
            if cell.option(kind):
                yield kind, cell.code


def _entries(book: Catalog) -> Iterator[dict[str, Any]]:
    """What a language says of its chapters, as text for a terminal."""
    said = [
        text
        for unit in book.units
        for each in unit.exercises
        for text in (unit.questions[each.id], *each.hints, *each.slips.values())
    ]
    made = memo.recall(lambda: json.dumps(for_terminal(said, book.lang)), book.lang, *said)
    plain = iter(json.loads(made))
    for unit in book.units:
        exercises = [
            {
                "id": each.id,
                "title": each.title,
                "question": next(plain),
                "hints": [next(plain) for _ in each.hints],
                "slips": {name: next(plain) for name in each.slips},
            }
            for each in unit.exercises
        ]
        yield {
            "slug": unit.slug, "number": unit.number, "title": unit.title,
            "exercises": exercises,
        }  # fmt: skip


def _unit(entry: Mapping[str, Any], cells: Mapping[str, Mapping[str, str]]) -> Unit:
    exercises = tuple(_exercise(each, cells[each["id"]]) for each in entry["exercises"])
    questions = {each["id"]: Plain(each["question"]) for each in entry["exercises"]}
    file = Path(module(entry["slug"]))
    return Unit(entry["slug"], entry["number"], entry["title"], file, exercises, questions)


def _exercise(entry: Mapping[str, Any], cells: Mapping[str, str]) -> Exercise:
    made = (Cell("cell", 0, "", {kind: entry["id"]}, code) for kind, code in cells.items())
    hints: Sequence[str] = tuple(map(Plain, entry["hints"]))
    slips = {name: Plain(text) for name, text in entry["slips"].items()}
    return Exercise(entry["id"], 0, entry["title"], "", tuple(hints), slips, tuple(made))
