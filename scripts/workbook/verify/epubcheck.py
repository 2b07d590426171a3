"""Calls EPUBCheck: `python epubcheck.py JAR BOOK…` prints its reports as one list.

A process of its own, because Python can start one Java machine and no other; one for all
books, because most of the time goes into reading the schemas.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import jpype


def main(jar: str, *books: str) -> None:
    """Check each book."""
    libraries = map(str, Path(jar).parent.glob("lib/*.jar"))
    # The full compiler costs more than the check.
    flags = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    jpype.startJVM(*flags, classpath=[jar, *libraries], convertStrings=True)
    quiet = jpype.java.io.PrintStream(jpype.java.io.OutputStream.nullOutputStream())
    jpype.java.lang.System.setOut(quiet)
    print(json.dumps([check(book) for book in books]))


def check(book: str) -> dict[str, Any]:
    """What EPUBCheck says of a book."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        jpype.JClass("com.adobe.epubcheck.tool.EpubChecker")().run(
            ["--json", report.name, book]
        )
        told: dict[str, Any] = json.load(report)
        return told


if __name__ == "__main__":
    main(*sys.argv[1:])
