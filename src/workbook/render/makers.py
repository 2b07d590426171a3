"""What shapes a book besides its chapters: files, packages and words, and their hash."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
from collections.abc import Iterator
from pathlib import Path

from workbook import memo, messages
from workbook.render.theme import ROOT

# The packages that shape a book, and those that its colophon names.
_PACKAGES = (
    "pypandoc_binary", "typst", "jinja2", "pagefind", "panflute", "lxml", "rcssmin", "rjsmin",
    "nbformat", "pylopdf-fonts-zh-cn", "justmytype-intl-cjk", "justmytype-western-core",
    "uharfbuzz", "segno", "fonttools", "torch", "numpy", "matplotlib",
)  # fmt: skip
_ROOMS = ("source", "render", "publish")  # of this package, beside weave and formats
_READERS = (
    "assignment",
    "folder",
    "practice",
    "progress",
    "terminal",
)  # words that stand in no book


def of_filters() -> list[Path]:
    """The filters with what they read: each other, and the recordings."""
    inner = sorted((ROOT / "theme").rglob("*.lua"))
    return [*_files(ROOT / "_extensions", ROOT / "recordings"), *inner]


def files(root: Path) -> list[Path]:
    """The files that shape every book: theme, filter, recordings, and the rooms of this
    package that turn chapters and outputs into books. What else is in it may change freely.
    """
    package = Path(__file__).parents[1]
    folders = [root / name for name in ("theme", "_extensions", "recordings")]
    folders += [package / room for room in _ROOMS]
    shaping = [*_files(*folders), package / "weave.py", package / "formats.py"]
    return sorted(path for path in shaping if path.suffix != ".pyc")


def fingerprint(root: Path) -> str:
    """The hash of all that shapes books besides the chapters: files, packages, words."""
    python = platform.python_version()  # the colophon names it
    return " ".join([memo.contents(files(root)), python, *_versions(), words()])


@functools.cache
def _versions() -> tuple[str, ...]:
    return tuple(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)


def words() -> str:
    """All that books say, besides the chapters' own words."""
    return messages.fingerprint(without=_READERS)


def _files(*folders: Path) -> Iterator[Path]:
    return (path for folder in folders for path in folder.rglob("*") if path.is_file())
