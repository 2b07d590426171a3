"""What is kept from one run of the tests to the next, each thing under a hash of its makings.

It lies in `.workbook/tests`, which may be deleted at any time: that costs time and nothing
else. Nothing is found again once anything has changed that it was made from.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".workbook" / "tests"
NEWEST = 2  # folders of one kind: another run may still be reading the one before


def digest(files: Iterable[Path], *more: object) -> str:
    """The hash of files below the root, of what else is named, and of what is installed."""
    found = sorted(f"{d.name} {d.version}" for d in importlib.metadata.distributions())
    made_with = (sys.version, platform.platform(), found, more)
    hashed = hashlib.sha256(repr(made_with).encode())
    for path in sorted(files):
        hashed.update(f"{path.relative_to(ROOT)}\0".encode())
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()[:24]


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """No other process is in here with the same lock."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def folder(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make(folder)` filled when the key was this; it is made where lost."""
    place, whole = KEPT / f"{kind}-{key}", f"{kind}.whole"
    with alone(KEPT / f"{kind}.lock"):
        if not (place / whole).is_file():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            make(place)
            (place / whole).touch()
        os.utime(place)
        by_age = sorted(KEPT.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-NEWEST]:
            shutil.rmtree(old)
    return place


def learnt(kind: str, make: Callable[[], Any], *made_of: Path) -> Any:
    """What a training came to, kept for as long as the book's code and data and these files are
    the same.
    """
    data = (path for path in (ROOT / "chapters/data").rglob("*") if path.is_file())
    return value(kind, digest([*(ROOT / "code").rglob("*.py"), *data, *made_of], kind), make)


def value(kind: str, key: str, make: Callable[[], Any]) -> Any:
    """What `make()` returned when the key was this, as JSON holds it."""

    def write(place: Path) -> None:
        (place / "value.json").write_text(json.dumps(make()), encoding="utf-8")

    return json.loads((folder(kind, key, write) / "value.json").read_text(encoding="utf-8"))
