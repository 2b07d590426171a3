"""Calls EPUBCheck: this module with JAR:JAR BOOK… prints its reports as one list.

One process for all books, because most of the time goes into reading the schemas.
"""

import json
import sys
import tempfile
from typing import Any

import jpype

from workbook.verify.java import start


def main(jars: str, *books: str) -> None:
    """Check each book."""
    start(jars, "-XX:TieredStopAtLevel=1")  # the full compiler costs more than the check
    quiet = jpype.java.io.PrintStream(jpype.java.io.OutputStream.nullOutputStream())
    jpype.java.lang.System.setOut(quiet)
    print(json.dumps([check(book) for book in books]))


def check(book: str) -> dict[str, Any]:
    """What EPUBCheck says of a book."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        jpype.JClass("com.adobe.epubcheck.tool.EpubChecker")().run(
            ["--json", report.name, book]
        )
        reported: dict[str, Any] = json.load(report)
        return reported


if __name__ == "__main__":
    main(*sys.argv[1:])
