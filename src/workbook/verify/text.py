"""The text of the chapters: English spelling, and the typesetting of Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from workbook.problem import Problem, problem
from workbook.verify.tools import output, package, program
from workbook.verify.validator import Finding, Subject, Validator, count

EXCEPTIONS = Path(__file__).with_name("exceptions.yml")
# What is written in English, beside the English chapters.
ENGLISH = ("*.md", "docs/**/*.md", "code/**/*.py", "scripts/**/*.py", "tests/**/*.py")
# What is written in Chinese; a message in YAML reads as a line of Markdown.
CHINESE = ("*.zh.md", "src/workbook/messages/*.yml")
_SLIP = re.compile(r"^(?P<path>.+?):(?P<line>\d+): (?P<what>.+?) ==> (?P<remedy>.+)$", re.M)
_CELL = re.compile(r"^(\s*`{3,}) *\{(\w+)\}", re.M)


def codespell(subject: Subject) -> Finding:
    """No word of the English text, the code and the tests is misspelled."""
    files = [p for p in _files(subject, ENGLISH) if not p.name.endswith(".zh.md")]
    report = output(
        program("codespell"),
        f"--ignore-words-list={','.join(exceptions('codespell'))}",
        *(path.relative_to(subject.root) for path in files),
        cwd=subject.root,
    )
    problems = [
        problem(slip["path"], int(slip["line"]), f"“{slip['what']}” is misspelled",
                f"write {slip['remedy']}, or add it to {EXCEPTIONS.name} with the reason")
        for slip in _SLIP.finditer(report)
    ]  # fmt: skip
    return Finding(f"{count(len(problems), 'slip')} in {count(len(files), 'file')}", problems)


def autocorrect(subject: Subject) -> Finding:
    """Chinese text has full-width punctuation, and a space beside Latin words and digits."""
    files = _files(subject, CHINESE)
    problems = [slip for path in files for slip in _slips(path, subject)]
    return Finding(f"{count(len(problems), 'slip')} in {count(len(files), 'file')}", problems)


def exceptions(validator: str) -> dict[str, str]:
    """What a validator must let pass, with the reason for each."""
    known = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    return known.get(validator) or {}


def _slips(path: Path, subject: Subject) -> Iterator[Problem]:
    import autocorrect_py

    # It reads the code of ```python, and takes ```{python} for text that it cannot know.
    text = _CELL.sub(r"\1\2", path.read_text(encoding="utf-8"))
    for slip in autocorrect_py.lint_for(text, "markdown").lines:
        if not any(passage in slip.old for passage in exceptions("autocorrect")):
            what, remedy = f"“{slip.old.strip()}”", f"write “{slip.new.strip()}”"
            yield subject.fault(path, what, remedy, slip.line)


def _files(subject: Subject, patterns: tuple[str, ...]) -> list[Path]:
    """The chapters of the edition, and the files that are named by patterns."""
    chapters = {subject.root / entry.path for entry in subject.edition.entries}
    named = chapters.union(*(subject.root.glob(pattern) for pattern in patterns))
    return sorted(path for path in named if path.is_file())


VALIDATORS = (
    Validator("codespell", "text", package("codespell"), codespell, ("en",)),
    Validator("autocorrect", "text", package("autocorrect-py"), autocorrect, ("zh",)),
)
