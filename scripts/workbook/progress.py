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
    """A bar for each stage and for each chapter that is being run."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[tuple[str, str], TaskID] = {}

    def start(self, stage: str, total: int) -> None:
        if total:
            self.tasks[stage, ""] = self.progress.add_task(stage, total=total)

    def step(self, stage: str, what: str, done: int, total: int) -> None:
        key = (stage, what)
        if key not in self.tasks:
            self.tasks[key] = self.progress.add_task(f"  {what}", total=total)
        self.progress.update(self.tasks[key], completed=done)
        self.progress.advance(self.tasks[stage, ""])
        if done == total:
            self.progress.remove_task(self.tasks[key])

    def finish(self, stage: str) -> None:
        if (stage, "") in self.tasks:
            task = self.tasks[stage, ""]
            self.progress.update(task, completed=self.progress.tasks[task].total)


@contextmanager
def reporter() -> Iterator[Reporter]:
    """Bars if somebody is looking, else lines; both on standard error."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bars(progress)
