"""Copies of the real book's source, to build in."""

import fcntl
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

from workbook.build import WORK, Request, Summary, build

ROOT = Path(__file__).resolve().parents[2]
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv*", "_book", WORK, "__pycache__", ".*_cache", ".hypothesis", "*_files"
)


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


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Any:
    """What `make(folder)` returns, made by one of the workers; the others wait for it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    result = shared / f"{name}.json"
    with open(shared / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not result.is_file():
            result.write_text(json.dumps(make(factory.mktemp(name))))
    return json.loads(result.read_text())
