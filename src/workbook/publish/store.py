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

from workbook.files import atomic_write, read_json
from workbook.problem import BookError, problem


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
        self.staging = output / f".part-{os.getpid()}-{threading.get_ident()}"
        kept = read_json(memory)
        self.kept = kept if isinstance(kept, dict) else {}

    def product(self, name: str, key: str, write: Callable[[Path], int]) -> Product:
        """The book `name`: as it stands if its inputs are the same, else written aside.

        `write(path)` makes it and returns the number of its pages.
        """
        if unchanged := self.unchanged(name, key):
            return unchanged
        staged = self.staging / name
        staged.parent.mkdir(parents=True, exist_ok=True)
        return Product(self.output / name, key, write(staged), fresh=True)

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
        for product in products:
            if product.fresh:
                self._replace(
                    self.staging / product.path.relative_to(self.output), product.path
                )
            self.kept[str(product.path)] = {
                "key": product.key,
                "pages": product.pages,
                "bytes": product.size,
            }
        kept = {path: stamp for path, stamp in self.kept.items() if Path(path).exists()}
        atomic_write(self.memory, json.dumps(kept, indent=1))
        return products

    def _replace(self, staged: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():  # a folder cannot replace a folder in one step
            target.replace(staged.with_name(staged.name + ".old"))
        staged.replace(target)


@contextlib.contextmanager
def open_store(output: Path, memory: Path, force: bool) -> Iterator[Store]:
    """Open the store; BookError at once if it cannot be written, no trace of work left."""
    store = Store(output, memory, force)
    try:
        store.staging.mkdir(parents=True)
    except OSError as error:
        what = f"cannot be written ({error.strerror})"
        remedy = "give a folder that you may write to: --output FOLDER"
        raise BookError(problem(output, 0, what, remedy)) from None
    try:
        yield store
    finally:
        shutil.rmtree(store.staging, ignore_errors=True)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size if path.is_file() else 0
