"""Where the finished books stand. Each is made aside and moved into place as a whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.files import atomic_write, claimed, exchange, read_json
from workbook.problem import BookError, problem

_PART = ".part-"  # begins the name of a folder in which books are being made
_STAMP = {"key": str, "pages": int, "bytes": int}  # what is remembered of a book


@dataclass(frozen=True)
class Product:
    """One finished book."""

    path: Path
    key: str  # the hash of what it was made from
    pages: int  # of a PDF, of a site; 0 for an EPUB
    fresh: bool  # made by this build, not left as it was

    @property
    def size(self) -> int:
        """Bytes; of all its files for a site."""
        return _size(self.path)


class Store:
    """The output folder, and a memory of which inputs each book on it was made from."""

    def __init__(self, output: Path, memory: Path, force: bool) -> None:
        self.output, self.memory, self.force = output, memory, force
        self.staging = output / f"{_PART}{os.getpid()}-{threading.get_ident()}"
        self.kept = _remembered(memory)
        self.withdrawn: list[str] = []

    def product(self, name: str, key: str, write: Callable[[Path], int]) -> Product:
        """The book `name`: as it stands if its inputs are the same, else written aside.

        `write(path)` makes it and returns the number of its pages.
        """
        if unchanged := self.unchanged(name, key):
            return unchanged
        staged = self.staging / name
        staged.parent.mkdir(parents=True, exist_ok=True)
        return Product(self.output / name, key, write(staged), fresh=True)

    def withdraw(self, name: str) -> None:
        """Take the file `name` away when the books are installed, if it is there."""
        self.withdrawn.append(name)

    def unchanged(self, name: str, key: str) -> Product | None:
        """The book `name` as an earlier build left it, if its inputs are the same."""
        target = self.output / name
        stamp = self.kept.get(str(target))
        if stamp and not self.force and stamp["key"] == key and stamp["bytes"] == _size(target):
            return Product(target, key, stamp["pages"], fresh=False)
        return None

    def has(self, name: str) -> bool:
        """Whether an earlier build left this book."""
        return (self.output / name).exists()

    def found(self, name: str, products: Sequence[Product]) -> Path | None:
        """Where a book of this build or an earlier one stands by now, if there is one."""
        target, staged = self.output / name, self.staging / name
        made = any(product.path == target for product in products)
        if not made and not target.exists():
            return None
        return staged if staged.exists() else target

    def listing(self, name: str, products: Sequence[Product]) -> tuple[str, int, int] | None:
        """Name, bytes and pages of a book of this build or an earlier one, if there is one."""
        path, target = self.found(name, products), self.output / name
        if path is None:
            return None
        made = next((product for product in products if product.path == target), None)
        pages = made.pages if made else self.kept.get(str(target), {}).get("pages", 0)
        return name, _size(path), pages

    def inside(self, name: str, pattern: str) -> tuple[str, int] | None:
        """Name and bytes of a file in a folder, of this build or an earlier one."""
        staged = self.staging / name
        folder = staged if staged.exists() else self.output / name
        found = next(iter(sorted(folder.glob(pattern))), None)
        return (
            (f"{name}/{found.relative_to(folder).as_posix()}", _size(found)) if found else None
        )

    def install(self, products: Sequence[Product]) -> Sequence[Product]:
        """Move all fresh books into place, once every one of them is made."""
        fresh = [product for product in products if product.fresh]
        for product in fresh:  # wherever this is broken off, no book passes for another
            self.kept.pop(str(product.path), None)
        if fresh:
            self._remember()
        for product in fresh:
            self._replace(self.staging / product.path.relative_to(self.output), product.path)
        for name in self.withdrawn:
            (self.output / name).unlink(missing_ok=True)
        for product in products:
            stamp = {"key": product.key, "pages": product.pages, "bytes": product.size}
            self.kept[str(product.path)] = stamp
        self.kept = {path: stamp for path, stamp in self.kept.items() if Path(path).exists()}
        self._remember()
        return products

    def _replace(self, staged: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and (target.is_dir() or staged.is_dir()):
            exchange(staged, target)  # a folder cannot replace a folder by being moved
        else:
            staged.replace(target)

    def _remember(self) -> None:
        """Write the memory; where that cannot be, none is left, and books are made again."""
        try:
            atomic_write(self.memory, json.dumps(self.kept, indent=1))
        except OSError:
            with contextlib.suppress(IsADirectoryError, PermissionError):  # unreadable, too
                self.memory.unlink(missing_ok=True)


def _remembered(memory: Path) -> dict[str, dict[str, Any]]:
    """The stamps of an earlier build, as far as they are whole."""
    kept = read_json(memory)
    return {
        path: stamp
        for path, stamp in (kept.items() if isinstance(kept, dict) else ())
        if isinstance(stamp, dict)
        and all(isinstance(stamp.get(name), kind) for name, kind in _STAMP.items())
    }


@contextlib.contextmanager
def open_store(output: Path, memory: Path, force: bool) -> Iterator[Store]:
    """Open the store; BookError at once if it cannot be written, no trace of work left.

    What a build that was killed has left there goes.
    """
    store = Store(output, memory, force)
    try:
        output.mkdir(parents=True, exist_ok=True)
        _sweep(output)
        store.staging.mkdir()
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        remedy = "give a folder that you may write to: --output FOLDER"
        raise BookError(problem(output, 0, what, remedy)) from None
    try:
        with claimed(store.staging):
            yield store
    finally:
        shutil.rmtree(store.staging, ignore_errors=True)


def _sweep(output: Path) -> None:
    """Remove the folders of builds that have ended without doing so."""
    for folder in output.glob(f"{_PART}*"):
        with contextlib.suppress(OSError), claimed(folder) as ended:
            if ended:
                shutil.rmtree(folder, ignore_errors=True)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size if path.is_file() else 0
