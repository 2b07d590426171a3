"""Says what the messages have for a reader, in their language."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path

from workbook import messages
from workbook.source.edition import LANGUAGES


class ReaderError(Exception):
    """Stops a reader's command; says in their language what is wrong and what to do."""


def say(lang: str, key: str, /, **values: object) -> str:
    """A sentence of the messages, filled in."""
    return messages.of("practice", lang)[key].format(**{"workbook": program(), **values})


@functools.cache
def program(moves: bool = False) -> str:
    """The command as the reader has to type it: with its folder, if that is not on the path.

    Where they are about to change to another folder (`moves`), its whole path.
    """
    path = Path(sys.argv[0])
    found = shutil.which("workbook")
    if path.stem != "workbook" or (found and _same(found, path)):
        return "workbook"
    whole = path.absolute()
    near = not moves and whole.is_relative_to(Path.cwd())
    typed = str(whole.relative_to(Path.cwd()) if near else whole)
    return f'"{typed}"' if " " in typed else typed


def reader_language(given: str | None = None) -> str:
    """The language asked for, else that of the locale: Chinese where it says so."""
    if given in LANGUAGES:
        return str(given)
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((name for name in names if name), "") or _windows_locale()
    return "zh" if locale.lower().startswith("zh") else "en"


def _same(found: str, path: Path) -> bool:
    """Whether the command on the path is the one that runs; Windows leaves its `.exe` out."""
    paths = (path, path.with_suffix(".exe"))
    return any(each.exists() and each.samefile(found) for each in paths)


def _windows_locale() -> str:
    """The language of Windows, which says nothing of it in the environment: `zh_CN`."""
    if sys.platform != "win32":
        return ""
    import ctypes
    import locale

    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
