"""Results that were dear to make, kept under the hash of all that they were made from.

Every process of a build shares the folder. An entry tells whether it is whole, so a damaged
one is made again, and deleting any of them, or all, is safe.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from workbook.files import atomic_write

LIMIT = 512 << 20  # bytes that a memo keeps; beyond it the entries longest unused go

_FOLDER: ContextVar[Path | None] = ContextVar("folder", default=None)


@contextlib.contextmanager
def kept_in(folder: Path | None) -> Iterator[None]:
    """Within this context results are kept in a folder; None keeps nothing."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def folder() -> Path | None:
    """Where results are kept, for a process that is to keep them there too."""
    return _FOLDER.get()


def recall(make: Callable[[], str], *made_from: str) -> str:
    """What `make()` gives, or gave when it was made from the same."""
    (kept,) = recall_all(lambda _: [make()], [made_from])
    return kept


def recall_all(
    make: Callable[[Sequence[int]], Sequence[str]], made_from: Sequence[tuple[str, ...]]
) -> list[str]:
    """What was made from each of these, where `make` gives at once what is missing of it, by
    its places in `made_from`.
    """
    where = folder()
    entries = [_entry(where, each) for each in made_from] if where else []
    kept = {at: text for at, entry in enumerate(entries) if (text := _read(entry)) is not None}
    missing = [at for at in range(len(made_from)) if at not in kept]
    made = dict(zip(missing, make(missing), strict=True)) if missing else {}
    for at, text in made.items() if where else ():
        # A lost entry costs its making again, so nothing waits for the disk.
        with contextlib.suppress(OSError):
            atomic_write(entries[at], _sealed(text.encode()), durable=False)
    known = kept | made
    return [known[at] for at in range(len(made_from))]


def prune(kept: Path, limit: int = LIMIT) -> None:
    """Drop the entries longest unused until the rest is within `limit` bytes."""
    entries = []
    for path in kept.glob("*/*"):
        with contextlib.suppress(OSError):
            about = path.stat()
            entries.append((about.st_mtime, about.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def hashed(contents: Mapping[str, bytes]) -> str:
    """The hash of all these contents, under their names."""
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def contents(files: Iterable[Path]) -> str:
    """The hash of what stands in these files, under their names below what holds them all: the
    same files in another folder are the same.
    """
    files = sorted(files)
    digest = hashlib.sha256()
    above = os.path.commonpath([file.parent for file in files]) if files else ""
    for file in files:
        digest.update(f"{os.path.relpath(file, above)} {content(file)} ".encode())
    return digest.hexdigest()


def engine() -> str:
    """The hash of this package, for what any of its files may shape."""
    inside = Path(__file__).parent.rglob("*")
    return contents(path for path in inside if path.is_file() and path.suffix != ".pyc")


def content(file: Path) -> str:
    """The hash of what stands in a file, which is read again only if it was written since."""
    about = file.stat()
    return _content(file, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=4096)
def _content(file: Path, _written: int, _size: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _entry(folder: Path, made_from: tuple[str, ...]) -> Path:
    digest = hashlib.sha256()
    for part in made_from:
        digest.update(f"{len(part)} ".encode())
        digest.update(part.encode("utf-8", "surrogateescape"))
    name = digest.hexdigest()
    return folder / name[:2] / name[2:]


def _sealed(content: bytes) -> bytes:
    packed = zlib.compress(content, 1)
    return hashlib.sha256(packed).digest() + packed


def _read(entry: Path) -> str | None:
    """What an entry holds, if it is there and whole; it counts as used now."""
    try:
        seal, packed = (data := entry.read_bytes())[:32], data[32:]
        os.utime(entry)
    except OSError:
        return None
    if hashlib.sha256(packed).digest() != seal:
        return None
    return zlib.decompress(packed).decode()
