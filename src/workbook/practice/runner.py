"""Tries exercises one after the other, with torch imported once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workbook.practice import sandbox
from workbook.practice.attempt import PASS, TODO, UNWANTED, Outcome, attempt, begun, read
from workbook.practice.catalog import Unit
from workbook.practice.check import check_of
from workbook.practice.judge import Verdict
from workbook.practice.progress import Record
from workbook.practice.sandbox import Limits
from workbook.practice.submission import Submission
from workbook.source.exercise import Exercise

_MANY = 20  # modules; importing fewer is no work


@dataclass
class Runner:
    """Tries exercises of the book at a root."""

    root: Path
    limits: Limits = field(default_factory=lambda: Limits())
    records: Mapping[str, Record] = field(default_factory=dict)  # those done on paper count
    unwanted: Callable[[], bool] = lambda: False  # whether to stop and tell no more outcomes
    learned: set[str] = field(default_factory=set)  # what the exercises had to import

    def submission(self, unit: Unit) -> Submission | None:
        """The reader's file of a chapter, under the name that the reader is told."""
        found = read(self.root / unit.file)
        return Submission(unit.file, found.head, found.parts) if found else None

    def tries(self, unit: Unit, exercises: list[Exercise]) -> Iterator[Outcome]:
        """The outcome of each exercise as soon as it is there."""
        submission = self.submission(unit)
        sandbox.expect(sum(_runs(exercise, submission) for exercise in exercises))
        for exercise in exercises:
            outcome = attempt(exercise, unit.file, submission, self.limits, self.unwanted)
            if outcome.verdict.cause == UNWANTED:
                return
            if outcome.state == TODO and self._answered(exercise):
                outcome = Outcome(exercise, unit.file, Verdict(PASS, "answered"))
            yield outcome
            self.learned.update(outcome.imported)
            if exercise is not exercises[-1]:
                self.import_learned()

    def needs_torch(self, unit: Unit, exercises: list[Exercise], stubs: bool = False) -> bool:
        """Whether any of these will be run, or may be (with `stubs`), and uses torch."""
        submission = self.submission(unit)
        if not submission:
            return False
        return any(
            "torch" in submission.head.text + submission.parts[e.id].text + check_of(e).source
            for e in exercises
            if e.id in submission.parts and (stubs or _runs(e, submission))
        )

    def import_learned(self) -> None:
        """Import what an exercise had to import, so that the next need not."""
        if len(self.learned) > _MANY:
            sandbox.preload(sorted(self.learned))
        self.learned.clear()

    def _answered(self, exercise: Exercise) -> bool:
        return bool(exercise.by_hand) and self.records.get(exercise.name, Record()).answered


def _runs(exercise: Exercise, submission: Submission | None) -> bool:
    """Whether there is anything to run."""
    there = submission is not None and exercise.id in submission.parts
    return bool(there and submission and begun(exercise, submission))


def import_torch() -> None:
    """Import torch for all exercises that will run, once."""
    sandbox.preload(["torch"])
