"""Writes the answers appendix: a generated chapter, so both engines print it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbook import messages
from workbook.derive.tangle import Target
from workbook.source.chapter import Chapter, Exercise
from workbook.source.edition import Edition

SLUG = "answers"


def answers(edition: Edition, chapters: Sequence[Chapter]) -> Target | None:
    """The appendix of an edition that lists one; `chapters` are the edition's own."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    words = messages.of(SLUG, edition.lang)
    parts = [f"# {words['title']} {{#sec-{SLUG}}}", words["opening"]]
    sources = []
    for chapter in chapters:
        if chapter.exercises:
            sources.append(chapter.path)
            parts += [f"## {chapter.title} {{#sec-{SLUG}-{chapter.slug}}}", *_worked(chapter)]
    return Target(entry.path, tuple(sources), "\n" + "\n\n".join(parts) + "\n")


def _worked(chapter: Chapter) -> Iterator[str]:
    for exercise in chapter.exercises:
        # Not a heading: Quarto leaves references in headings unresolved in its contents.
        name = exercise.id.removeprefix("exr-")
        yield f"::: {{#ans-{name} .answer-title}}\n**[@{exercise.id}]** {exercise.title}\n:::"
        if exercise.worked:
            yield exercise.worked
        yield from _code(exercise)


def _code(exercise: Exercise) -> Iterator[str]:
    for cell in exercise.cells:
        if cell.option("exercise"):
            yield f"```python\n{cell.solution}\n```"
