"""Validates the finished books with tools that know the formats better than we do.

Each validator is a function in one of this package's modules, registered in `VALIDATORS`
there. It says what it measured and what is wrong; a book is good if nothing is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook.book import LANGUAGES, read_edition
from workbook.problem import problem
from workbook.verify import epub, paper, pdf, site, text
from workbook.verify.validator import INSTALL, Finding, Missing, Subject, Validator

VALIDATORS: tuple[Validator, ...] = (
    *epub.VALIDATORS,
    *pdf.VALIDATORS,
    *paper.VALIDATORS,
    *site.VALIDATORS,
    *text.VALIDATORS,
)
HEADINGS = ("validator", "version", "edition", "figure", "verdict")
_ROW = "{:<12} {:<16} {:<8} {:<36} {}"


@dataclass(frozen=True)
class Verdict:
    """What one validator said of one edition."""

    validator: Validator
    version: str  # empty where it is not installed
    lang: str
    finding: Finding

    @property
    def good(self) -> bool:
        return not self.finding.problems

    def __str__(self) -> str:
        verdict = "good" if self.good else "BAD"
        version = self.version or "not installed"
        name, figure = self.validator.name, self.finding.figure
        return _ROW.format(name, version, self.lang, figure, verdict)


def verify(
    root: Path, output: Path, validators: Sequence[Validator] = VALIDATORS
) -> Iterator[Verdict]:
    """Run every validator over every edition on the shelf `output`, one after the other."""
    for validator in validators:
        for lang in LANGUAGES:
            if lang in validator.languages:
                subject = Subject(root, read_edition(root, lang), output / lang)
                yield _verdict(validator, lang, subject)


def header() -> str:
    """The first line of the table."""
    return _ROW.format(*HEADINGS)


def _verdict(validator: Validator, lang: str, subject: Subject) -> Verdict:
    """The verdict of one validator; that it is missing, or the book, is a fault."""
    version = ""
    try:
        version = validator.version()
        product = subject.product(validator.product)
        if not product.exists():
            fault = problem(subject.shown(product), 0, "is not there", "run make book")
            return Verdict(validator, version, lang, Finding("no book", [fault]))
        return Verdict(validator, version, lang, validator.run(subject))
    except Missing as missing:
        fault = problem(validator.name, 0, f"{missing} is not installed", INSTALL)
        return Verdict(validator, version, lang, Finding("nothing validated", [fault]))
