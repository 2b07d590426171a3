"""What a browser is told of the preview, at once and whenever it changes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from typing import Any


class State:
    """The state of the preview, shared by the threads that change it and those that tell it.

    Each page has a stamp, which grows when its content changes: a page that was loaded with
    another stamp than it has now is loaded again, whatever a browser has missed.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = self._begun = int(time.time())  # newer than any of an earlier preview
        self._closed = False
        self._stamps: dict[str, int] = {}
        self._told: dict[str, Any] = {"problems": [], "notes": {}, "busy": "", "checked": 0.0}

    def stamp(self, page: str) -> int:
        """Of a page, by its address below the root."""
        with self._changed:
            return self._stamps.get(page, self._begun)

    def renewed(self, pages: Iterable[str]) -> None:
        """These pages have another content."""
        with self._changed:
            self._grow()
            self._stamps |= dict.fromkeys(pages, self._version)

    def tell(self, **told: Any) -> None:
        """Tell problems, notes by edition, what is being done, and what has been checked."""
        with self._changed:
            if self._told | told != self._told:
                self._told |= told
                self._grow()

    def close(self) -> None:
        """Let everybody who waits go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def after(self, version: int, timeout: float) -> tuple[int, str] | None:
        """The number and the text of a state newer than `version`, as soon as there is one.

        Nothing when there is none in `timeout` seconds; (-1, "") when there will be none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._version > version, timeout)
            if self._closed:
                return -1, ""
            if self._version <= version:
                return None
            return self._version, json.dumps(self._whole(), ensure_ascii=False)

    def _whole(self) -> dict[str, Any]:
        return {"begun": self._begun, "stamps": self._stamps, **self._told}

    def _grow(self) -> None:
        self._version += 1
        self._changed.notify_all()
