"""Tries again what has changed whenever the reader saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbook.exercise import Exercise
from workbook.practice.catalog import Unit
from workbook.practice.runner import Runner
from workbook.practice.sheet import Sheet

PAUSE = 0.2  # seconds between two looks at the files
Chosen = Sequence[tuple[Unit, list[Exercise]]]
Stamp = tuple[int, int] | None


def watch(
    chosen: Chosen, runner: Runner, again: Callable[[Unit, list[Exercise]], None]
) -> None:
    """Call `again` with what changed in a chapter's file, until Ctrl-C."""
    sheets = {unit.slug: runner.sheet(unit) for unit, _ in chosen}
    stamps = {unit.slug: _stamp(runner.root / unit.file) for unit, _ in chosen}
    while True:
        time.sleep(PAUSE)
        for unit, exercises in chosen:
            stamp = _stamp(runner.root / unit.file)
            if stamp == stamps[unit.slug]:
                continue
            stamps[unit.slug] = _settled(runner.root / unit.file)
            sheet = runner.sheet(unit)
            if changed := _changed(exercises, sheets[unit.slug], sheet):
                again(unit, changed)
            sheets[unit.slug] = sheet


def _settled(path: Path) -> Stamp:
    """The stamp of a file once nobody is writing it any more; editors also replace files."""
    stamp = _stamp(path)
    for _ in range(20):
        time.sleep(PAUSE / 4)
        before, stamp = stamp, _stamp(path)
        if stamp == before and stamp is not None:
            break
    return stamp


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _changed(
    exercises: list[Exercise], before: Sheet | None, now: Sheet | None
) -> list[Exercise]:
    """The exercises whose own piece, or the opening of the file, is another one."""
    old, new = _texts(before), _texts(now)
    if old.get("") != new.get(""):
        return exercises
    return [e for e in exercises if old.get(e.id) != new.get(e.id)]


def _texts(sheet: Sheet | None) -> Mapping[str, str]:
    if sheet is None:
        return {}
    return {"": sheet.head.text} | {name: part.text for name, part in sheet.parts.items()}
