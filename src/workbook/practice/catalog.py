"""The exercises of the book by name, and what is meant by a name that is misspelled."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workbook.derive.assignments import EXERCISES, assignments, module
from workbook.practice.words import say
from workbook.source.chapter import Chapter, read_chapters
from workbook.source.edition import LANGUAGES, read_edition
from workbook.source.exercise import Exercise


@dataclass(frozen=True)
class Unit:
    """A chapter that has exercises."""

    slug: str
    number: str
    title: str
    file: Path  # the reader's, relative to the root
    exercises: tuple[Exercise, ...]
    questions: Mapping[str, str]  # what each asks, by its id: Markdown

    @property
    def order(self) -> list[str]:
        return [exercise.id for exercise in self.exercises]


class UnknownName(Exception):
    """There is neither an exercise nor a chapter of this name."""

    def __init__(self, name: str, close: Sequence[str]) -> None:
        self.name, self.close = name, tuple(close)
        super().__init__(name)

    def told(self, lang: str) -> str:
        """What the reader may have meant, in their words."""
        names = ("、" if lang == "zh" else ", ").join(self.close)
        hint = say(lang, "no:close", names=names) if names else say(lang, "no:list")
        return say(lang, "no:exercise", name=self.name) + hint


@dataclass(frozen=True)
class Catalog:
    """All chapters with exercises, in one language, and where a reader does them."""

    root: Path
    lang: str
    units: tuple[Unit, ...]
    folder: Path  # the reader's, relative to the root: progress and backups are kept there
    fresh: Callable[[Unit], str]  # a chapter's file as it is handed out

    @cached_property
    def names(self) -> dict[str, tuple[Unit, Exercise]]:
        return {e.name: (unit, e) for unit in self.units for e in unit.exercises}

    def find(self, names: Sequence[str]) -> list[tuple[Unit, list[Exercise]]]:
        """What these names mean, in the order of the book; all there is if there are none."""
        wanted = {e.name for name in names for e in self._meant(name)}
        found = []
        for unit in self.units:
            exercises = [e for e in unit.exercises if not names or e.name in wanted]
            if exercises:
                found.append((unit, exercises))
        return found

    def one(self, name: str) -> tuple[Unit, Exercise]:
        """The exercise of this name."""
        plain = _plain(name)
        if plain not in self.names:
            raise UnknownName(name, self._close(plain, self.names))
        return self.names[plain]

    def _meant(self, name: str) -> Iterable[Exercise]:
        plain = _plain(name)
        for unit in self.units:
            if plain in (unit.slug, f"sec-{unit.slug}", unit.number):
                return unit.exercises
        if plain in self.names:
            return [self.names[plain][1]]
        slugs = [unit.slug for unit in self.units]
        raise UnknownName(name, self._close(plain, [*slugs, *self.names]))

    def _close(self, plain: str, known: Iterable[str]) -> list[str]:
        known = list(known)
        close = difflib.get_close_matches(plain, known, 3, 0.6)
        return close or [name for name in known if plain and plain in name][:3]


def catalog(root: Path, lang: str) -> Catalog:
    """Read a checkout's book in a language; BookError where that cannot be done."""
    edition = read_edition(root, lang)
    units = []
    for chapter in read_chapters(edition, root, generated=False):
        if exercises := tuple(e for e in chapter.exercises if e.cell and e.check):
            entry = edition.entry(chapter.slug)
            number = entry.number if entry else ""
            file = EXERCISES / module(chapter.slug)
            questions = {each.id: _question(chapter, each) for each in exercises}
            units.append(Unit(chapter.slug, number, chapter.title, file, exercises, questions))

    def fresh(unit: Unit) -> str:
        twins = (
            read_chapters(read_edition(root, each), root, generated=False) for each in LANGUAGES
        )
        return next(t.text for t in assignments(*twins) if t.path == unit.file)

    return Catalog(root, lang, tuple(units), EXERCISES, fresh)


def _question(chapter: Chapter, exercise: Exercise) -> str:
    """What an exercise asks, as Markdown: what stands before its hints."""
    blocks = chapter.blocks
    at = next(i for i, block in enumerate(blocks) if block.line == exercise.line) + 1
    texts = []
    for block in blocks[at:]:
        if block.kind in ("open", "close", "cell"):
            break
        if block.kind != "heading":
            texts.append(block.text)
    return "".join(texts).strip()


def _plain(name: str) -> str:
    """A name as it is written in the book, from what a person may type, paste or complete."""
    plain = unicodedata.normalize("NFKC", name).strip().lower()
    if plain.endswith(".py"):
        plain = plain.removesuffix(".py").replace("\\", "/").rpartition("/")[2]
    plain = plain.lstrip("@").replace("_", "-")
    return plain.removeprefix("exr-")
