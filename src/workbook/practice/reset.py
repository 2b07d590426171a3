"""Puts stubs back into a reader's file, after keeping what stood there."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from pathlib import Path

from workbook.files import atomic_write
from workbook.practice.catalog import Catalog, Unit
from workbook.practice.submission import parse_submission, read_submission, replaced
from workbook.source.exercise import Exercise

BACKUP = "backup"


@dataclass(frozen=True)
class Reset:
    """What was put back."""

    exercises: list[Exercise]
    whole: bool  # the file as a whole was written anew
    backup: Path | None  # relative to the root


def reset_exercises(catalog: Catalog, unit: Unit, exercises: list[Exercise]) -> Reset:
    """Put the stubs of these exercises of a chapter back; OSError where that cannot be done."""
    file = catalog.root / unit.file
    fresh = catalog.fresh(unit)
    if not file.exists():
        atomic_write(file, fresh)
        return Reset(list(unit.exercises), True, None)
    stubs = parse_submission(fresh, file).parts
    submission = read_submission(file)
    text = before = "".join(
        [submission.head.text, *(part.text for part in submission.parts.values())]
    )
    for exercise in exercises:
        piece = stubs[exercise.id].text.rstrip("\n") + "\n"
        text = replaced(parse_submission(text, file), text, exercise.id, piece, unit.order)
    done = [e for e in exercises if _piece(before, file, e) != _piece(text, file, e)]
    whole = len(exercises) == len(unit.exercises) and before != fresh
    if not done and not whole:
        return Reset([], False, None)
    kept = _kept(catalog, file)
    atomic_write(file, fresh if whole else text)
    return Reset(done, whole, kept)


def _kept(catalog: Catalog, file: Path) -> Path:
    """A copy of the file, byte for byte, under a name that was not there."""
    folder = catalog.root / catalog.folder / BACKUP
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{datetime.datetime.now():%Y%m%d-%H%M%S}"
    count = 1
    while (copy := folder / f"{file.stem}-{stamp}{f'-{count}' * (count > 1)}.py").exists():
        count += 1
    shutil.copyfile(file, copy)
    return copy.relative_to(catalog.root)


def _piece(text: str, file: Path, exercise: Exercise) -> str:
    part = parse_submission(text, file).parts.get(exercise.id)
    return part.text.strip() if part else ""
