"""Writes the answers appendix: a generated chapter, so both engines print it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbook.derive.tangle import Target
from workbook.source.chapter import Chapter, Exercise
from workbook.source.edition import Edition

SLUG = "answers"
_TEXT = {
    "zh": (
        "答案",
        "先自己做，再来对照。一道题常常不止一种解法：结果对得上、道理说得通，你的写法就是对的。",
    ),
    "en": (
        "Answers",
        "Work first, compare afterwards. Most exercises have more than one solution: if your "
        "result agrees and your reasoning holds, your way is right.",
    ),
}


def answers(edition: Edition, chapters: Sequence[Chapter]) -> Target | None:
    """The appendix of an edition that lists one; `chapters` are the edition's own."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    title, opening = _TEXT[edition.lang]
    parts = [f"# {title} {{#sec-{SLUG}}}", opening]
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
