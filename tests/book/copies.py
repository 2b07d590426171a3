"""Copies of the real book's source, to build in."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kept import ROOT, alone, digest

from workbook.build import WORK, Request, Summary, build

NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv*", "_book", WORK, "__pycache__", ".*_cache", ".hypothesis", "*_files"
)
NO_BOOK = {Path(name) for name in (".github", "docs", "exercises")}  # shape no book
NO_BOOK |= {Path("tests", name) for name in ("book", "gate", "tools")}


class Silent:
    """Wants no reports."""

    def start(self, *_): ...
    def step(self, *_): ...
    def finish(self, *_): ...


@dataclass(frozen=True)
class Tree:
    """A copy of the book's source, with what is built there."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "_book"

    def build(self) -> Summary:
        return build(Request(self.root, self.store), Silent())

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess:
        """Run a line of Python there, with the tooling of this copy."""
        path = os.pathsep.join(str(self.root / folder) for folder in ("src", "code"))
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=1800,
        )

    def files(self) -> dict[str, str]:
        """Every file in the store, by the hash of its bytes."""
        found = sorted(path for path in self.store.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.store)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in found
        }


def copied(folder: Path) -> Tree:
    """The source as it stands, without what was made from it."""
    return Tree(Path(shutil.copytree(ROOT, folder, ignore=NOT_SOURCE)))


def shaping() -> str:
    """The hash of all that shapes the books: every source file, and what is installed."""
    return digest(_sources(ROOT))


def _sources(root: Path) -> list[Path]:
    """The files that `copied` copies, but for tests that no book depends on."""
    found = []
    for folder, folders, files in os.walk(root):
        passed_over = NOT_SOURCE(folder, [*folders, *files])
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if name not in passed_over and here.relative_to(root) / name not in NO_BOOK
        ]
        found += [here / name for name in files if name not in passed_over]
    return sorted(path for path in found if path.is_file())


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Any:
    """What `make(folder)` returns, made by one of the workers; the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    result = shared / f"{name}.json"
    with alone(shared / f"{name}.lock"):
        if not result.is_file():
            result.write_text(json.dumps(make(factory.mktemp(name))))
    return json.loads(result.read_text())
