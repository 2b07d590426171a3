"""What `workbook try` does: runs what was asked for, tells it, keeps it, and may watch on."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from workbook.practice import report, sandbox
from workbook.practice.attempt import PASS, Outcome
from workbook.practice.catalog import Catalog, Unit
from workbook.practice.progress import Progress, Record
from workbook.practice.runner import Runner, import_torch
from workbook.practice.watch import Watch
from workbook.practice.words import ReaderError, say
from workbook.source.exercise import Exercise


@dataclass
class Session:
    """One run of the command."""

    root: Path
    catalog: Catalog
    progress: Progress
    lang: str
    damage: str = ""  # what is wrong with the progress file
    records: Mapping[str, Record] = field(default_factory=dict)
    last: dict[str, Outcome] = field(default_factory=dict)  # by the exercise's name

    def run(self, names: Sequence[str], watching: bool) -> int:
        """Try what the names mean; 0 if all of it passes."""
        chosen = self.catalog.find(names)
        runner = self._runner()
        watch = Watch(chosen, runner) if watching else None
        began = time.monotonic()
        try:
            if any(runner.needs_torch(*each, stubs=watching) for each in chosen):
                self._passing("try:loading")
                import_torch()
            for unit, exercises in chosen:
                self._passing()
                click.echo(report.heading(unit))
                self._tell(unit, exercises, runner)
            click.echo(report.counts(list(self.last.values()), self._since(began), self.lang))
            if watch:
                self._follow(watch)
        except KeyboardInterrupt:
            self._passing()
            click.echo(say(self.lang, "try:stopped", file=self.progress.shown), err=True)
            return 130
        finally:
            sandbox.close()
        if self.damage:
            raise ReaderError(self.damage)
        return 0 if all(outcome.state == PASS for outcome in self.last.values()) else 1

    def _runner(self) -> Runner:
        try:
            self.records = self.progress.read()
        except ReaderError as error:
            self.damage = str(error)  # told at the end: the checks do not need it
        return Runner(self.root, records=self.records)

    def _tell(self, unit: Unit, exercises: list[Exercise], runner: Runner) -> list[Outcome]:
        """Try exercises of a chapter and tell each outcome as it comes."""
        waiting, outcomes = iter(exercises), []
        self._passing("try:running", name=next(waiting).name)
        for outcome in runner.tries(unit, exercises):
            self._passing()
            click.echo(report.message(outcome, self.lang))
            self._keep(outcome)
            outcomes.append(outcome)
            if following := next(waiting, None):
                self._passing("try:running", name=following.name)
        return outcomes

    def _keep(self, outcome: Outcome) -> None:
        name = outcome.exercise.name
        before = self.last[name].state if name in self.last else ""
        known = before or self.records.get(name, Record()).state
        self.last[name] = outcome
        news = known != outcome.state and (known or outcome.verdict.cause != "untouched")
        if news and not self.damage:
            try:
                self.progress.note(name, outcome.state)
            except ReaderError as error:
                self.damage = str(error)

    def _follow(self, watch: Watch) -> None:
        files, runner = ", ".join(str(unit.file) for unit, _ in watch.chosen), watch.runner
        runner.import_learned()
        sandbox.expect(1)
        self._damage_now()
        click.echo(say(self.lang, "watch:on", files=files))
        try:
            watch.follow(lambda *changed: self._again(*changed, runner))
        except KeyboardInterrupt:
            click.echo(f"\n{say(self.lang, 'watch:off')}")

    def _again(self, unit: Unit, exercises: list[Exercise], runner: Runner) -> bool:
        """Try what has changed; False if it changed again meanwhile."""
        began = time.monotonic()
        clock = time.strftime("%H:%M:%S")
        click.echo(say(self.lang, "watch:again", time=clock, file=unit.file))
        outcomes = self._tell(unit, exercises, runner)
        if len(outcomes) < len(exercises):
            self._passing()
            return False
        click.echo(report.counts(outcomes, self._since(began), self.lang))
        runner.import_learned()
        sandbox.expect(1)
        self._damage_now()
        return True

    def _damage_now(self) -> None:
        if self.damage:
            click.echo(self.damage, err=True)
            self.damage = ""

    def _passing(self, key: str = "", /, **values: object) -> None:
        """A line that the next one replaces, where somebody is looking."""
        if sys.stdout.isatty():
            click.echo(f"\r\x1b[K{say(self.lang, key, **values) if key else ''}", nl=False)

    @staticmethod
    def _since(began: float) -> float:
        return time.monotonic() - began
