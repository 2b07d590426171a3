"""What an exercise becomes for a reader: a stub to fill in, a check, a reference solution.

All three are made of the same cells: `exercises/tensors.py` is the reader's own, its checks
stand in `tests/chapters/test_tensors.py`, the solutions in `tests/chapters/solutions/`.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbook import messages
from workbook.derive.tangle import Target
from workbook.source.chapter import Chapter
from workbook.source.edition import LANGUAGES
from workbook.source.exercise import Exercise, parsed

EXERCISES = Path("exercises")
CHECKS = Path("tests/chapters")
SOLUTIONS = CHECKS / "solutions"
_WELCOME = '''\
"""Exercises: {title}

{write}

    {command} try {slug}

{alone}
"""
'''


def module(slug: str) -> str:
    """The name of a chapter's files: a slug that can be imported."""
    return f"{slug.replace('-', '_')}.py"


def assignments(
    zh: Sequence[Chapter], en: Sequence[Chapter], command: str = ".venv/bin/workbook"
) -> list[Target]:
    """The files of all chapters that have exercises, told from the twins.

    `command` is what the reader has to type.
    """
    english = {chapter.slug: chapter for chapter in en}
    return [
        target
        for chapter in zh
        if any(exercise.cell for exercise in chapter.exercises)
        for target in _chapter(chapter, english.get(chapter.slug, chapter), command)
    ]


def stub_piece(zh: Exercise, en: Exercise) -> str:
    """An exercise's piece of the reader's file, as it is before anyone wrote in it."""
    titles = "\n".join(f"# {title}" for title in dict.fromkeys((zh.title, en.title)))
    return f"# %% {zh.id}\n{titles}\n{zh.stub}\n"


def check_function(exercise: Exercise) -> str:
    """The check as a function that takes the names it needs from an exercise's namespace."""
    code = exercise.check.code if exercise.check else ""
    names = [f"{name} = exercise.{name}" for name in taken(exercise)]
    body = "\n".join([*names, "", code] if names else [code])
    return f"# %% {exercise.id}\ndef {check_name(exercise)}(exercise):\n{_indented(body)}\n"


def taken(exercise: Exercise) -> list[str]:
    """The names of the exercise's cell that its check uses, in the order of the cell."""
    code = parsed(exercise.check.code if exercise.check else "")
    used = {node.id for node in ast.walk(code) if isinstance(node, ast.Name)}
    imported = {name for node in code.body for name in _bound(node)}
    bound = [name for node in parsed(exercise.solution).body for name in _bound(node)]
    return [name for name in bound if name in used - imported]


def check_name(exercise: Exercise) -> str:
    """The name of the function that checks an exercise."""
    return f"test_{exercise.name.replace('-', '_')}"


def _chapter(zh: Chapter, en: Chapter, command: str) -> Iterator[Target]:
    pairs = list(zip(zh.exercises, en.exercises, strict=False))
    title = " · ".join(dict.fromkeys((zh.title, en.title)))
    tables = [messages.of("assignment", lang) for lang in LANGUAGES]
    words = {key: "\n".join(table[key] for table in tables) for key in tables[0]}
    welcome = _WELCOME.format(title=title, slug=zh.slug, command=command, **words)
    name, sources = module(zh.slug), (zh.path,)
    stubs = [stub_piece(*pair) for pair in pairs]
    solutions = [f"# %% {exercise.id}\n{exercise.solution}\n" for exercise in zh.exercises]
    checks = [check_function(exercise) for exercise in zh.exercises if exercise.check]
    yield Target(EXERCISES / name, sources, "\n" + "\n\n".join(stubs), welcome)
    yield Target(SOLUTIONS / name, sources, "\n\n".join(solutions))
    yield Target(CHECKS / f"test_{name}", sources, "\n\n".join(checks))


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a definition, an import or an assignment to a name binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _indented(code: str) -> str:
    """The code as a function's body; the inside of a string of several lines stays."""
    inside: set[int] = set()
    texts = tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in texts:
            inside |= set(range(token.start[0] + 1, token.end[0] + 1))
    lines = enumerate(code.split("\n"), 1)
    return "\n".join(x if n in inside or not x else f"    {x}" for n, x in lines)
