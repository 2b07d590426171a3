"""Files that are never half there: written whole, and read as if garbage were not there."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

_TRIES, _PAUSE = 20, 0.05  # seconds between two tries to replace a file that is being read


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
    except (OSError, ValueError):
        return None
