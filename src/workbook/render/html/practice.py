"""What the site's `practice.js` is given: words, exercises by chapter, and in a file of each
chapter's own the values by which it checks answers on paper.

A file a chapter, so that a page brings no other chapter's values along; in base64, so that
nobody who looks into it for something else reads an answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workbook import memo, messages
from workbook.practice import paper
from workbook.practice.terminal_text import for_terminal
from workbook.practice.words import say
from workbook.source.chapter import Chapter
from workbook.source.edition import LANGUAGES, Edition
from workbook.source.exercise import COMMON_SLIPS, Exercise

SCRIPT = "practice.js"
Sheets = Mapping[str, Mapping[str, Any]]  # what a page has to know, by the exercise's id


def files(
    edition: Edition, chapters: Sequence[Chapter], twins: Sequence[Chapter], sheets: Sheets
) -> dict[str, str]:
    """What stands at the end of `practice.js`, and each chapter's own file, by their places.

    `twins` are the chapters of an edition's second language.
    """
    columns = dict(zip(edition.languages, (chapters, twins), strict=False))
    said = _said(edition, columns, sheets)
    made = {}
    for chapter in chapters:
        asked = {
            e.name: _asked(sheets[e.id], e, said) for e in chapter.exercises if e.id in sheets
        }
        if asked:
            made[f"practice/{chapter.slug}.js"] = f'workbook.sheets("{_packed(asked)}");\n'
    about = {
        "words": dict(messages.of("paper", *edition.languages)),
        "header": [messages.of("progress", lang)["header"] for lang in LANGUAGES],
        "chapters": {
            chapter.slug: names
            for chapter in chapters
            if (names := [e.name for e in chapter.exercises if e.cell and e.check])
        },
        "paper": [place.removeprefix("practice/").removesuffix(".js") for place in made],
    }
    return {SCRIPT: f"workbook.begin({_json(about)});\n", **made}


_Said = Mapping[tuple[str, str], list[tuple[str, str]]]  # by exercise and slip: language, text


def _said(edition: Edition, columns: Mapping[str, Sequence[Chapter]], sheets: Sheets) -> _Said:
    """What `workbook answer` says of each slip, in the languages of the edition."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for lang, chapters in columns.items():
        texts = dict(_texts(lang, chapters, sheets))
        marked = list(texts.values())

        def plain(marked: list[str] = marked, lang: str = lang) -> str:
            return json.dumps(for_terminal(marked, lang))

        shown = json.loads(memo.recall(plain, "slips", lang, *marked))
        for key, text in zip(texts, shown, strict=True):
            found.setdefault(key, []).append((lang, text))
    return found


def _texts(
    lang: str, chapters: Sequence[Chapter], sheets: Sheets
) -> Iterator[tuple[tuple[str, str], str]]:
    """The Markdown of each slip: the chapter's, else the book's, else its name."""
    for chapter in chapters:
        for exercise in chapter.exercises:
            for slip in sorted(
                paper.slips(sheets[exercise.id]) if exercise.id in sheets else ()
            ):
                common = say(lang, f"slip:{slip}") if slip in COMMON_SLIPS else slip
                yield (exercise.id, slip), exercise.slips.get(slip, common)


def _asked(sheet: Mapping[str, Any], exercise: Exercise, said: _Said) -> Mapping[str, Any]:
    slips = {slip: said[exercise.id, slip] for slip in sorted(paper.slips(sheet))}
    return {**sheet, "slips": slips}


def _packed(content: Any) -> str:
    return base64.b64encode(_json(content).encode()).decode()


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
