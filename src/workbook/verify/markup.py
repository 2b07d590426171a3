"""The site's HTML, CSS and drawings, as the Nu Html Checker of the W3C sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from workbook.problem import Problem
from workbook.verify.tools import node_file, node_package, program, report
from workbook.verify.validator import Finding, Subject, Validator, count

_JAR = "vnu-jar/build/dist/vnu.jar"
_KINDS = (".html", ".css", ".svg")


def vnu(subjects: Sequence[Subject]) -> list[Finding]:
    """No error. Warnings are left out: they are about what is allowed, MathML's accents for
    instance, and about a content policy that the checker applies to a folder.
    """
    reported = report(
        program("java"), "-jar", node_file(_JAR), "--stdout", "--exit-zero-always",
        "--errors-only", "--format", "json",
        "--also-check-css", "--also-check-svg", "--skip-non-html",
        *(subject.html for subject in subjects),
    )  # fmt: skip
    return [_judged(subject, reported["messages"]) for subject in subjects]


def _judged(subject: Subject, messages: list[dict[str, Any]]) -> Finding:
    files = [path for path in subject.html.rglob("*") if path.suffix in _KINDS]
    problems = list(_errors(messages, subject))
    return Finding(f"{count(len(problems), 'error')} in {count(len(files), 'file')}", problems)


def _errors(messages: list[dict[str, Any]], subject: Subject) -> Iterator[Problem]:
    for message in messages:
        path = Path(unquote(urlsplit(message.get("url", "")).path))
        if not path.is_relative_to(subject.html.resolve()):
            continue
        what = f"{message['message']} “{' '.join(message.get('extract', '').split())}”"
        yield subject.fault(path, what, "mend it", _line(path, message))


def _line(path: Path, message: dict[str, Any]) -> int:
    """The line of a message, 0 if unknown: the checker miscounts where it checks CSS, too."""
    text = path.read_text(encoding="utf-8")
    at = text.find(message.get("extract", "").rstrip())
    return text.count("\n", 0, at + message.get("hiliteStart", 0)) + 1 if at >= 0 else 0


VALIDATORS = (
    Validator(
        "vnu", "html", node_package("vnu-jar", lambda: program("java")), vnu, together=True
    ),
)
