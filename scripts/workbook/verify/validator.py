"""What a validator is, what it is given, and what it hands back."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook.book import LANGUAGES, Edition
from workbook.problem import Problem

INSTALL = "run make verify, which installs it"


class Missing(Exception):
    """A validator, or what it runs on, is not installed; the message names it."""


@dataclass(frozen=True)
class Subject:
    """One edition of the book: where its source and its finished books are."""

    root: Path
    edition: Edition
    folder: Path  # _book/zh

    @property
    def html(self) -> Path:
        return self.folder / "html"

    @property
    def pdf(self) -> Path:
        return self.folder / f"{self.edition.output_file}.pdf"

    @property
    def epub(self) -> Path:
        return self.folder / f"{self.edition.output_file}.epub"

    def product(self, name: str) -> Path:
        """The book that `name` (html, pdf, epub) stands for; else the source's folder."""
        return {"html": self.html, "pdf": self.pdf, "epub": self.epub}.get(name, self.root)

    def shown(self, path: Path) -> str:
        """A path as problems tell it: from the root, if it is below it."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)


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
    run: Callable[[Subject], Finding]
    languages: tuple[str, ...] = LANGUAGES


def package(name: str) -> Callable[[], str]:
    """Tells the version of a Python package."""

    def version() -> str:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise Missing(name) from None

    return version


def program(name: str) -> str:
    """The path of a program: of this environment, or of the machine."""
    own = shutil.which(name, path=sysconfig.get_path("scripts"))
    found = own or shutil.which(name)
    if not found:
        raise Missing(name)
    return found


def output(*command: str | Path, cwd: Path | None = None) -> str:
    """What a program prints, whatever status it ends with."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        cwd=cwd,
        encoding="utf-8",
        check=False,
    ).stdout


def count(number: int, one: str, many: str = "") -> str:
    """`1 page`, `1,024 pages`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
