"""Keeps two commands from changing one folder's files at a time, on every system."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Wait until nobody else has the folder; no file is left behind in it.

    The folder itself is the lock, where a folder can be one; on Windows it is a file of its
    name among the temporary ones.
    """
    if sys.platform == "win32":
        name = hashlib.sha256(str(folder.resolve()).lower().encode()).hexdigest()[:16]
        place = Path(tempfile.gettempdir()) / f"workbook-{name}.lock"
        handle = os.open(place, os.O_RDWR | os.O_CREAT)
    else:
        handle = os.open(folder, os.O_RDONLY)
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
