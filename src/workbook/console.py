"""What the terminal shows of a build: bars or lines while it runs, a table when it is done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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

from workbook.build import Reporter, Summary

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


def summarize(summary: Summary) -> str:
    """A table of the books, then the seconds of each stage."""
    width = max((len(_shown(p.path)) for p in summary.products), default=0)
    lines = [
        f"{_shown(p.path):<{width}}  {_bytes(p.size):>9}  {_pages(p.pages):>10}"
        f"  {'made' if p.fresh else 'unchanged'}"
        for p in summary.products
    ]
    lines += [f"wrote {path}" for path in summary.tangled]
    if "execute" in summary.seconds:
        ran = ", ".join(summary.executed) or "nothing, no chapter changed"
        lines.append(f"executed: {ran}")
    stages = "  ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())
    return "\n".join([*lines, f"{stages}  total {sum(summary.seconds.values()):.1f} s"])


def _shown(path: Path) -> str:
    page = path / "index.html"
    return os.path.relpath(page if page.is_file() else path)


def _bytes(size: int) -> str:
    return f"{size / 1024:,.0f} kB" if size < 1024 * 1024 else f"{size / 1024 / 1024:,.1f} MB"


def _pages(pages: int) -> str:
    return f"{pages} pages" if pages else ""
