"""Java's libraries, called from Python.

Each in a process of its own, because Python can start one Java machine and no other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbook.verify.tools import package, program, report


def require() -> None:
    """Missing if Java, or what calls it, is not installed."""
    package("jpype1")()
    program("java")


def output_of(module: str, jars: Sequence[Path], *arguments: str | Path) -> Any:
    """What a module of this package says as a program that calls these jars."""
    classpath = os.pathsep.join(str(jar) for jar in jars)
    name = f"{__package__}.{module}"
    return report(sys.executable, "-P", "-m", name, classpath, *arguments)


def start(classpath: str, *flags: str) -> None:
    """Start Java in such a program."""
    import jpype

    jars = classpath.split(os.pathsep)
    jpype.startJVM("-XX:+UseSerialGC", *flags, classpath=jars, convertStrings=True)
