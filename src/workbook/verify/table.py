"""The table of what every validator said of every edition: on the screen, and as a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbook.files import atomic_write
from workbook.verify.validator import Finding

FILE = "verify.md"
HEADINGS = ("validator", "version", "edition", "figure", "seconds", "verdict")
_ROW = "{:<13} {:<15} {:<9} {:<52} {:>7} {}"


@dataclass(frozen=True)
class Verdict:
    """What one validator said of one edition."""

    validator: str
    version: str  # empty where it is not installed
    edition: str
    finding: Finding
    seconds: float = 0
    kept: bool = False  # from an earlier run, since which nothing changed

    @property
    def good(self) -> bool:
        return not self.finding.problems

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        version = self.version or "not installed"
        figure, verdict = self.finding.figure, "good" if self.good else "BAD"
        return self.validator, version, self.edition, figure, f"{self.seconds:.1f}", verdict

    def __str__(self) -> str:
        return _ROW.format(*self.cells)


def header() -> str:
    """The first line of the table on the screen."""
    return _ROW.format(*HEADINGS)


def write(folder: Path, verdicts: Iterable[Verdict]) -> None:
    """Write the table as Markdown beside the books, for release notes."""
    lines = [_markdown(HEADINGS), _markdown(["---"] * len(HEADINGS))]
    lines += [_markdown(verdict.cells) for verdict in verdicts]
    atomic_write(folder / FILE, "\n".join(lines) + "\n")


def _markdown(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
