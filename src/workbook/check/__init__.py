"""Checks the chapters against the house markup: one function per rule, collected in tables.

A rule yields problems and knows nothing of the other rules. No code is run: no kernel
is started and torch is not imported.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from workbook import memo
from workbook.check import (
    cells,
    code,
    exercises,
    files,
    formulas,
    markup,
    matplotlibrc,
    notation,
    references,
    structure,
    terms,
    typing,
)
from workbook.problem import Location, Problem
from workbook.source.chapter import Chapter

CHAPTER_RULES = (  # each looks at one chapter
    cells.fence,
    cells.label,
    cells.known_options,
    cells.options_once,
    cells.scalar_options,
    cells.figure_texts,
    cells.figure_label,
    cells.figure_shown,
    cells.table_caption,
    cells.table_label,
    cells.reason,
    cells.error,
    cells.recorded_on,
    cells.recorded_not_run,
    cells.repeated,
    cells.check_hidden,
    cells.exercise_named,
    cells.tangle_target,
    cells.tangle_alone,
    code.solution,
    code.solution_markers,
    code.line_width,
    code.length,
    code.letters,
    code.python,
    code.annotations,
    structure.titled,
    structure.title_id,
    structure.one_title,
    structure.section_ids,
    structure.section_attributes,
    structure.heading_levels,
    structure.headings_in_divs,
    structure.div_known,
    structure.div_attributes,
    structure.collapsed,
    structure.answer_lines,
    structure.parts_in_exercises,
    structure.stray_fences,
    structure.exercise_outermost,
    structure.exercise_id,
    structure.exercise_title,
    structure.exercise_hint,
    structure.exercise_answer,
    structure.exercise_worked,
    structure.worked_last,
    structure.exercise_place,
    exercises.whole,
    exercises.slips_explained,
    exercises.hints,
    exercises.room_squared,
    exercises.room_enough,
    exercises.slip_list,
    exercises.slip_names,
    exercises.slips_once,
    exercises.assertions,
    exercises.slips_used,
    exercises.wrong_named,
    exercises.wrong_values,
    exercises.wrong_enough,
    exercises.wrong_hidden,
    markup.refused_text,
    markup.refused_code_blocks,
    markup.shortcodes,
    markup.setext_headings,
    markup.lettered_start,
    markup.spans,
    markup.schemes,
    markup.figure_caption,
    markup.figure_id,
    markup.figure_alt,
    markup.figure_attributes,
    markup.table_rule,
    markup.grid_tables,
    markup.table_captions,
    markup.equations,
    references.in_brackets,
    references.to_tables,
    references.footnotes,
    typing.brackets,
    typing.minus,
    typing.times_less,
    typing.number_spaced,
    typing.section_unspaced,
)
EDITION_RULES = (  # each looks at the chapters of one language
    references.duplicate_labels,
)
BOOK_RULES = (  # each looks at everything
    files.unlisted,
    files.same_chapters,
    files.images,
    matplotlibrc.style,
    files.twin_chapters,
    files.described,
    files.recordings_readable,
    files.recordings_placed,
    files.recordings_fresh,
    exercises.same_slips,
    references.cross_references,
    references.citations,
    references.bibliography,
    terms.data,
    terms.in_glossary,
    terms.marked_in_both,
    terms.translations,
    terms.explained_at_first_use,
    terms.one_translation,
    terms.placed,
    notation.symbols_stand,
    formulas.readable,
)


def check(root: Path) -> list[Problem]:
    """Every fault of the book in `root`, in the order of files and lines."""
    book, problems = files.read_sources(root)
    engine = memo.engine()
    for chapters in book.chapters.values():
        for chapter in chapters:
            problems += _in_chapter(chapter, engine)
        problems += [found for rule in EDITION_RULES for found in rule(chapters)]
    problems += [found for rule in BOOK_RULES for found in rule(book)]
    return sorted(set(problems))


def _in_chapter(chapter: Chapter, engine: str) -> list[Problem]:
    """What the rules over one chapter find; kept by its text and by the files of the engine."""

    def found() -> str:
        problems = (problem for rule in CHAPTER_RULES for problem in rule(chapter))
        return json.dumps([dataclasses.astuple(problem) for problem in problems])

    text = "".join(block.text for block in chapter.blocks)
    kept = memo.recall(found, "check", engine, str(chapter.path), text)
    return [Problem(Location(*where), *rest) for where, *rest in json.loads(kept)]


def check_chapter(chapter: Chapter) -> list[Problem]:
    """The faults that can be seen in one chapter alone, in the order of lines."""
    problems = [found for rule in CHAPTER_RULES for found in rule(chapter)]
    problems += [found for rule in EDITION_RULES for found in rule([chapter])]
    return sorted(set(problems))
