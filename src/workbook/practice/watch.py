"""Tries again what has changed whenever the reader saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from workbook.practice.catalog import Unit
from workbook.practice.runner import Runner
from workbook.practice.submission import Submission
from workbook.source.exercise import Exercise

PAUSE = 0.2  # seconds between two looks at the files
Chosen = Sequence[tuple[Unit, list[Exercise]]]
Stamp = tuple[int, int] | None


class Watch:
    """Notices what has changed in files since this was made: make it before the first run."""

    def __init__(self, chosen: Chosen, runner: Runner) -> None:
        self.chosen, self.runner = chosen, runner
        self.stamps = {unit.slug: _stamp(self._path(unit)) for unit, _ in chosen}
        self.left_over: list[Exercise] = []  # of a run that the reader did not wait for
        self.submissions = {unit.slug: runner.submission(unit) for unit, _ in chosen}

    def follow(self, again: Callable[[Unit, list[Exercise]], bool]) -> None:
        """Call `again` with what has changed in a chapter's file, until Ctrl-C.

        If the reader saves while `again` runs, it is to stop and return False: what it did
        not come to counts as changed the next time.
        """
        while True:
            for unit, exercises in self.chosen:
                if changed := self._changed(unit, exercises):
                    self.runner.unwanted = partial(self._stale, unit)
                    if not again(unit, changed):
                        self.left_over += changed
            time.sleep(PAUSE)

    def _stale(self, unit: Unit) -> bool:
        """Whether the file has been saved since it was read; gone for a moment is not saved."""
        stamp = _stamp(self._path(unit))
        return stamp is not None and stamp != self.stamps[unit.slug]

    def _changed(self, unit: Unit, exercises: list[Exercise]) -> list[Exercise]:
        if _stamp(self._path(unit)) == self.stamps[unit.slug]:
            return []
        self.stamps[unit.slug] = _settled(self._path(unit))
        before, now = self.submissions[unit.slug], self.runner.submission(unit)
        self.submissions[unit.slug] = now
        changed = _differing(exercises, before, now)
        again = [e for e in exercises if e in changed or e in self.left_over]
        self.left_over = [e for e in self.left_over if e not in again]
        return again

    def _path(self, unit: Unit) -> Path:
        return self.runner.root / unit.file


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


def _differing(
    exercises: list[Exercise], before: Submission | None, now: Submission | None
) -> list[Exercise]:
    """The exercises whose own piece, or the opening of the file, is another one."""
    old, new = _texts(before), _texts(now)
    if old.get("") != new.get(""):
        return exercises
    return [e for e in exercises if old.get(e.id) != new.get(e.id)]


def _texts(submission: Submission | None) -> Mapping[str, str]:
    if submission is None:
        return {}
    return {"": submission.head.text} | {
        name: part.text for name, part in submission.parts.items()
    }
