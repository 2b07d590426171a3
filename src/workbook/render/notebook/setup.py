"""What a notebook needs, and its first cell, which says how to install what is missing."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook import messages

_OURS = "torchbook"  # a package that comes with the wheel and nothing else
_CHAPTERS = re.compile(r"^Requires-Dist: ([\w.-]+).*; extra == .chapters.$", re.M)
_CELL = """\
from importlib.util import find_spec
{imports}
wheel = {wheel}
{elsewhere}needed = {needed}
if missing := [what for name, what in needed.items() if not find_spec(name)]:
    raise ModuleNotFoundError(
{said}
        "    pip install " + " ".join(missing)
    )

from workbook.practice.notebook import {names}
"""
_ELSEWHERE = """\
if not Path(wheel).exists():
    wheel = {folder} + wheel
"""


@dataclass(frozen=True)
class Setup:
    """What can be installed."""

    wheel: str  # the file that stands beside the notebooks
    home: str = ""  # the address of the site, with a slash at its end; empty if it has none
    packages: tuple[str, ...] = ()  # what some chapters run beside what the wheel brings

    @classmethod
    def of(cls, wheel: Path, home: str = "") -> Setup:
        """What a wheel brings, and what it says that some chapters need."""
        with zipfile.ZipFile(wheel) as archive:
            about = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            packages = _CHAPTERS.findall(archive.read(about).decode())
        return cls(wheel.name, home, tuple(packages))

    def cell(self, languages: Sequence[str], code: Sequence[str]) -> str:
        """The first cell of a notebook that has this code.

        Its checks speak its language; in two languages, the reader's.
        """
        words = [messages.of("notebook", lang) for lang in languages]
        said = [each["install" if self.home else "install-file"] + "\n" for each in words]
        folder = _quoted(f"{self.home}notebooks/")
        one = len(languages) == 1
        filled = _CELL.format(
            wheel=_quoted(self.wheel),
            imports="from pathlib import Path\n" if self.home else "",
            elsewhere=_ELSEWHERE.format(folder=folder) if self.home else "",
            needed=self._needed("\n".join(code)),
            said="\n".join(f"        {_quoted(each)}" for each in said),
            names="check, speak" if one else "check",
        )
        return filled + (f'\nspeak("{languages[0]}")' if one else "")

    def _needed(self, code: str) -> str:
        """What pip is to be told, by the module that is looked for, as a dictionary."""
        used = [name for name in self.packages if re.search(rf"\b{re.escape(name)}\b", code)]
        listed = [f'"{_OURS}": wheel', *(f'"{name}": "{name}"' for name in used)]
        return "{" + ", ".join(listed) + "}"


def _quoted(text: str) -> str:
    """The text as Python and JSON both write it."""
    return json.dumps(text, ensure_ascii=False)
