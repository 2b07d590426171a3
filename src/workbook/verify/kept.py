"""What was found good: a validator need not look again at a book that has not changed since.

What reads the sources themselves is quick, and looks each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workbook import memo
from workbook.files import atomic_write, read_json
from workbook.verify.validator import BOOKS, Finding, Subject, Validator


class Kept:
    """The good findings of earlier runs, each under the hash of all that it was about."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        kept = read_json(file) if file else None
        self._found: dict[str, dict[str, str]] = kept if isinstance(kept, dict) else {}
        self._engine = memo.engine()

    def good(self, validator: Validator, subject: Subject, version: str) -> Finding | None:
        """What this validator found in this subject, if it was good and all is as it was."""
        kept = self._found.get(_name(validator, subject))
        if kept and kept.get("key") == self._key(validator, subject, version):
            return Finding(kept["figure"])
        return None

    def keep(
        self, validator: Validator, subject: Subject, version: str, finding: Finding
    ) -> None:
        """Remember what was found; what is not good is looked at again."""
        name = _name(validator, subject)
        self._found.pop(name, None)
        if validator.product in BOOKS and not finding.problems:
            key = self._key(validator, subject, version)
            self._found[name] = {"key": key, "figure": finding.figure}

    def write(self) -> None:
        """Keep it for the next run."""
        if self.file:
            atomic_write(self.file, json.dumps(self._found, indent=1, ensure_ascii=False))

    def _key(self, validator: Validator, subject: Subject, version: str) -> str:
        books = memo.contents(_files(validator, subject))
        return " ".join([version, self._engine, memo.contents(_sources(subject)), books])


def _name(validator: Validator, subject: Subject) -> str:
    return f"{subject.folder} {validator.name}"


def _files(validator: Validator, subject: Subject) -> Iterator[Path]:
    """The files of the books that a validator reads; the sources have a hash of their own."""
    for product in subject.products(validator.product):
        inside = product.rglob("*") if product.is_dir() else [product]
        yield from (path for path in inside if path.is_file())


def _sources(subject: Subject) -> Iterator[Path]:
    """What an edition is written in, with what all editions share."""
    root = subject.root
    for pattern in ("*.yml", "*.bib", "*.md", "docs/*.md", "chapters/*.yml", "chapters/data/*"):
        yield from (path for path in root.glob(pattern) if path.is_file())
    for lang in subject.edition.languages:
        yield from (*root.glob(f"*.{lang}.qmd"), *root.glob(f"chapters/{lang}/*"))
    yield from (path for path in (root / "theme").rglob("*") if path.is_file())
