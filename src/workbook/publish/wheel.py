"""Makes the wheel that a reader installs: `torchbook`, the exercises and the readers' commands.

The same tree gives the same bytes, in any folder: the edition's date is the only one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from workbook import memo
from workbook.files import atomic_write
from workbook.practice import kit
from workbook.source.edition import LANGUAGES, read_edition

_PROJECT = "pyproject.toml"
_DATA = Path("chapters/data")  # where torchbook looks for it, below its own folder
# What goes into the wheel besides the exercises and the data.
_INSIDE = ("src/workbook", "code/torchbook", _PROJECT, "README.md", "LICENSE", "LICENSE-prose")


def made(root: Path, kept: Path) -> Path | None:
    """The wheel of the book at a root, in the folder `kept`; None for a book that has none.

    It is made anew only when what is in it has changed.
    """
    if not (root / _PROJECT).is_file():
        return None
    exercises = kit.packed(root)
    folder = kept / _key(root, exercises)
    found = next(folder.glob("*.whl"), None)
    if not found:
        found = _build(root, exercises, folder)
        for other in kept.iterdir():
            if other != folder:
                _remove(other)
    return found


def _key(root: Path, exercises: str) -> str:
    """The hash of all that is in the wheel."""
    places = [root / name for name in (*_INSIDE, _DATA)]
    inside = [p for place in places for p in (place.rglob("*") if place.is_dir() else [place])]
    files = (path for path in inside if path.is_file() and path.suffix != ".pyc")
    stamp = _timestamp(root)
    return hashlib.sha256(f"{memo.contents(files)} {stamp} {exercises}".encode()).hexdigest()


def _build(root: Path, exercises: str, folder: Path) -> Path:
    from hatchling.builders.wheel import WheelBuilder

    file = folder / kit.FILE.name
    atomic_write(file, exercises)
    with _environment(SOURCE_DATE_EPOCH=str(_timestamp(root))):
        builder = WheelBuilder(str(root), config=_config(root, file))
        [wheel] = builder.build(directory=str(folder), versions=["standard"])
    file.unlink()
    return Path(wheel)


def _config(root: Path, exercises: Path) -> Mapping[str, Any]:
    """The project's settings, with what the wheel holds besides its packages."""
    config = tomllib.loads((root / _PROJECT).read_text(encoding="utf-8"))
    target = config["tool"]["hatch"]["build"]["targets"]["wheel"]
    target["force-include"] = {
        str(exercises): f"workbook/practice/{kit.FILE.name}",
        str(root / _DATA): f"torchbook/{_DATA.as_posix()}",
    }
    return config


def _timestamp(root: Path) -> int:
    date = read_edition(root, LANGUAGES[0]).date
    return int(datetime.combine(date, time(), UTC).timestamp())


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """These variables hold within this context, for a library that asks for no arguments."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _remove(folder: Path) -> None:
    """Remove the folder of an older wheel."""
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
