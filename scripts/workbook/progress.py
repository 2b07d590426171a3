"""Shows what a build does: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from workbook.build import Reporter

COLUMNS = (
    TextColumn("{task.description:<24}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


class Lines:
    """One line for each thing that is done: for logs and pipes."""

    def start(self, stage: str, total: int) -> None:
        if total:
            click.echo(f"{stage}: {total} to do", err=True)

    def step(self, stage: str, what: str, done: int, total: int) -> None:
        if done == total:
            click.echo(f"{stage}: {what} done", err=True)

    def finish(self, stage: str) -> None:
        pass


class Bars:
    """A bar for each stage, and below it one for each chapter that is being run."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stages: dict[str, TaskID] = {}
        self.items: dict[str, TaskID] = {}

    def start(self, stage: str, total: int) -> None:
        if total:
            self.stages[stage] = self.progress.add_task(stage, total=total)

    def step(self, stage: str, what: str, done: int, total: int) -> None:
        self.progress.advance(self.stages[stage])
        if what not in self.items:
            self.items[what] = self.progress.add_task(f"  {what}", total=total)
        self.progress.update(self.items[what], completed=done)
        if done == total:
            self.progress.remove_task(self.items.pop(what))

    def finish(self, stage: str) -> None:
        if task := self.stages.pop(stage, None):
            self.progress.refresh()
            self.progress.stop_task(task)


@contextmanager
def reporter() -> Iterator[Reporter]:
    """Bars if somebody is looking, else lines; both on standard error."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress)
