"""Files that are never half there: written whole, and read as if garbage were not there."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_AT_FDCWD, _EXCHANGE = -100, 2  # of renameat2
_SWAP = 2  # of renamex_np
_TRIES, _PAUSE = 20, 0.05  # seconds between two tries to replace a file that is being read


def exchange(one: Path, other: Path) -> None:
    """Let two files or folders change places in one step, so that neither name is ever empty.

    Where the system knows no such step there are two, with a moment between them.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    ours, theirs = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        failed = libc.renameat2(_AT_FDCWD, ours, _AT_FDCWD, theirs, _EXCHANGE)
    elif hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(ours, theirs, _SWAP)
    else:
        failed, _ = -1, ctypes.set_errno(errno.ENOSYS)
    if not failed:
        return
    number = ctypes.get_errno()
    if number not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        raise OSError(number, os.strerror(number), str(one), None, str(other))
    aside = one.with_name(f".{one.name}.{os.getpid()}.old")
    other.replace(aside)
    one.replace(other)
    aside.replace(one)


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether this file or folder, which exists, is ours alone until the end of the context.

    The system lets go of a claim when its process ends, however that comes about.
    """
    import fcntl

    file = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def atomic_write(path: Path, data: str | bytes, durable: bool = True) -> None:
    """Write a file as a whole: an interruption leaves the old one or the new one.

    What is `durable` is on the disk when this returns, for a power cut as well.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    content = data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape")
    try:
        with aside.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        _move(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def renew(path: Path, data: str | bytes) -> bool:
    """Write a file as a whole if its content is another one; returns whether it was."""
    content = data if isinstance(data, bytes) else data.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    atomic_write(path, content, durable=False)
    return True


def _move(aside: Path, path: Path) -> None:
    """Put a file in the place of another, which Windows refuses while somebody reads that one.

    What synchronizes folders or looks for viruses reads a new file for a moment.
    """
    for _ in range(_TRIES - 1):
        try:
            aside.replace(path)
            return
        except PermissionError:
            if sys.platform != "win32":
                raise
            time.sleep(_PAUSE)
    aside.replace(path)


def read_json(path: Path) -> Any:
    """What a cache holds; None if it is not there, cut off or damaged: it is made again."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
