"""What a validator is, what it is given, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.formats import EINK, EPUB, HTML, PDF, Format
from workbook.problem import Problem, problem
from workbook.source.edition import EDITIONS, Edition

BOOKS = ("html", "pdf", "epub")  # the products; text is none
INSTALL = "run make verify, which installs it"


class Missing(Exception):
    """A validator, or what it runs on, is not installed; the message names it."""


class Failed(Exception):
    """A validator gave no report; the message is the last that it said."""


@dataclass(frozen=True)
class Subject:
    """One edition of the book: where its source and its finished books are."""

    root: Path
    edition: Edition
    folder: Path  # _book/zh

    @property
    def html(self) -> Path:
        return self._book(HTML)

    @property
    def pages(self) -> list[Path]:
        """The pages of the site."""
        return sorted(self.html.rglob("*.html"))

    @property
    def pdf(self) -> Path:
        return self._book(PDF)

    @property
    def pdfs(self) -> list[Path]:
        """The printed book, and those on other papers that were made beside it."""
        return sorted({self.pdf, *self.folder.glob(f"{self.edition.output_file}-*.pdf")})

    @property
    def epubs(self) -> list[Path]:
        """The book with MathML, and the one for e-ink readers."""
        return [self._book(EPUB), self._book(EINK)]

    def _book(self, fmt: Format) -> Path:
        return self.folder / Path(fmt.path(self.edition)).name

    def products(self, name: str) -> list[Path]:
        """The books that `name` (html, pdf, epub) stands for; else the source's folder."""
        books = {"html": [self.html], "pdf": self.pdfs, "epub": self.epubs}
        return books.get(name, [self.root])

    def shown(self, path: Path) -> str:
        """A path as problems tell it: from the root, if it is below it."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)

    def fault(self, path: Path, what: str, remedy: str, line: int = 0) -> Problem:
        """A problem of a file."""
        return problem(self.shown(path), line, what, remedy)


@dataclass(frozen=True)
class Finding:
    """What a validator says: what it measured, in a few words, and what is wrong."""

    figure: str
    problems: Sequence[Problem] = ()


@dataclass(frozen=True)
class Validator:
    """One tool's view of one product; `version` raises Missing where the tool is."""

    name: str
    product: str  # html, pdf, epub; text for the chapters themselves
    version: Callable[[], str]
    run: Callable[[Any], Any]  # of a subject to its finding
    editions: tuple[str, ...] = EDITIONS
    slow: bool = False  # begins before those that are not, so that no core is idle at the end
    together: bool = False  # runs once: of all subjects to a list of their findings
    apart: bool = False  # computes in Python: in a process that reads one edition for all such
    alone: bool = False  # measures time: runs when all the others are done

    def findings(self, subjects: Sequence[Subject]) -> list[Finding]:
        """What it finds in each of these."""
        if self.together:
            return list(self.run(subjects))
        return [self.run(subject) for subject in subjects]


def count(number: int, one: str, many: str = "") -> str:
    """`1 page`, `1,024 pages`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
