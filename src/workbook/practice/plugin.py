"""Lets plain `pytest exercises/` check the reader's files, with the words of `workbook try`.

A stub that nobody has touched is skipped, not failed: there is nothing to check yet, the
summary still counts it (`-rs` names it), and a fresh copy of the book is green.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from workbook.derive.assignments import EXERCISES
from workbook.practice.attempt import PASS
from workbook.practice.catalog import Catalog, Unit, catalog
from workbook.practice.progress import Record, progress_of
from workbook.practice.report import details
from workbook.practice.runner import Runner, import_torch
from workbook.practice.words import ReaderError, reader_language, say
from workbook.source.exercise import Exercise


class Failed(Exception):
    """The check did not pass; holds what the reader is told."""


class ExerciseFile(pytest.File):
    """A reader's file: an item for each exercise of its chapter."""

    unit: Unit
    lang: str

    def collect(self) -> Iterator[Item]:
        for exercise in self.unit.exercises:
            yield Item.from_parent(self, name=exercise.name, exercise=exercise)


class Item(pytest.Item):
    """An exercise, put to its check in a process of its own."""

    def __init__(self, *, exercise: Exercise, **rest: Any) -> None:
        super().__init__(**rest)
        self.exercise = exercise

    def runtest(self) -> None:
        file = self.parent
        assert isinstance(file, ExerciseFile)
        root = root_above(self.path)
        runner = Runner(root, records=_records(root, file.lang))
        if runner.needs_torch(file.unit, [self.exercise]):
            import_torch()
        [outcome] = runner.tries(file.unit, [self.exercise])
        if outcome.verdict.cause == "untouched":
            pytest.skip(say(file.lang, "untouched"))
        if outcome.state != PASS:
            raise Failed("\n".join(map(click.unstyle, details(outcome, file.lang))))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.exercise.name} {self.exercise.title}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ExerciseFile | None:
    """Collect a reader's file as such; anything else is left to pytest."""
    book = _book(root_above(file_path))
    for unit in book.units:
        if book.root / unit.file == file_path:
            file: ExerciseFile = ExerciseFile.from_parent(parent, path=file_path)
            file.unit, file.lang = unit, book.lang
            return file
    return None


def root_above(path: Path) -> Path:
    """The book that a file belongs to."""
    return next(folder for folder in path.parents if (folder / "_quarto.yml").is_file())


@functools.cache
def _records(root: Path, lang: str) -> Mapping[str, Record]:
    """What was answered on paper; nothing where the progress file is damaged."""
    try:
        return progress_of(root, EXERCISES, lang).read()
    except ReaderError:
        return {}


@functools.cache
def _book(root: Path) -> Catalog:
    return catalog(root, reader_language())
