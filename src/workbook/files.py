"""Files that are never half there: written whole, and read as if garbage were not there."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


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
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def renew(path: Path, data: str | bytes) -> bool:
    """Write a file as a whole if its content is another one; returns whether it was."""
    content = data if isinstance(data, bytes) else data.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    atomic_write(path, content, durable=False)
    return True


def read_json(path: Path) -> Any:
    """What a cache holds; None if it is not there, cut off or damaged: it is made again."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
