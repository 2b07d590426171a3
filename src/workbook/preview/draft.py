"""The book as far as it can be read: what cannot stays as it was when it last could."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from workbook.build import bilingual_book
from workbook.problem import BookError, Problem, problem
from workbook.publish.books import Book
from workbook.source.chapter import Chapter, read_chapter
from workbook.source.edition import (
    BILINGUAL,
    GENERATED,
    LANGUAGES,
    Edition,
    Entry,
    read_edition,
)

_WRITING = 0.05  # seconds in which an editor has written what it saves


class Draft:
    """The editions as they were last readable, each with the chapters that have been."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.books: dict[str, Book] = {}
        self.note = ""  # why the book of both languages stays as it was
        self._editions: dict[str, Edition] = {}
        self._chapters: dict[Path, Chapter] = {}

    def read(self) -> list[Problem]:
        """Read everything anew; returns what could not be read."""
        problems: list[Problem] = []
        for lang in LANGUAGES:
            try:
                self._editions[lang] = read_edition(self.root, lang)
            except BookError as error:
                problems += error.problems
            if edition := self._editions.get(lang):
                self.books[lang] = self._book(edition, problems)
        self._join(problems)
        return problems

    def _book(self, edition: Edition, problems: list[Problem]) -> Book:
        """An edition with the chapters that are, or were, to be read."""
        read = {entry: self._chapter(entry, problems) for entry in edition.entries}
        chapters = {entry: chapter for entry, chapter in read.items() if chapter}
        entries = tuple(chapters)
        return Book(dataclasses.replace(edition, entries=entries), tuple(chapters.values()))

    def _chapter(self, entry: Entry, problems: list[Problem]) -> Chapter | None:
        path = self.root / entry.path
        try:
            chapter = read_chapter(path, self.root)
            if not chapter.source.strip():  # an editor has cut it and not written it yet
                time.sleep(_WRITING)
                chapter = read_chapter(path, self.root)
            if not chapter.source.strip():
                problems.append(problem(entry.path, 0, "is empty", "write the chapter"))
            else:
                self._chapters[entry.path] = chapter
        except BookError as error:
            problems += error.problems
        except OSError as error:
            if entry.slug not in GENERATED:  # those are written once nothing else is wrong
                what = f"cannot be read ({error.strerror})"
                remedy = "write it or take it off the list"
                problems.append(problem(entry.path, 0, what, remedy))
        return self._chapters.get(entry.path)

    def _join(self, problems: list[Problem]) -> None:
        """Set the languages beside each other, if they have the same chapters."""
        self.note = ""
        if not all(lang in self.books for lang in LANGUAGES):
            return
        zh, en = (
            [entry.slug for entry in self.books[lang].edition.entries] for lang in LANGUAGES
        )
        if zh != en:
            apart = sorted({*zh} ^ {*en}) or [a for a, b in zip(zh, en, strict=True) if a != b]
            self.note = f"waits until both languages have the same chapters: {', '.join(apart)}"
            return
        try:
            self.books[BILINGUAL] = bilingual_book(self.root, self.books)
        except BookError as error:
            problems += error.problems
