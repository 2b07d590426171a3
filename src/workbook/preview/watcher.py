"""Notices that the book's sources have been saved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, watch

_FOLDERS = ("chapters", "recordings", "theme", "_extensions")
_AT_ROOT = (".yml", ".qmd", ".bib")
_GROUPED = 50  # milliseconds in which changes are one: an editor writes, renames and deletes
_STEP = 10  # milliseconds without a change that end it sooner


def _is_source(_change: Change, path: str) -> bool:
    """Not what editors and we ourselves lay aside while they write."""
    name = Path(path).name
    return not (name.startswith((".", "#")) or name.endswith(("~", ".swp", ".tmp", ".part")))


def _at_root(change: Change, path: str) -> bool:
    return _is_source(change, path) and (
        path.endswith(_AT_ROOT) or Path(path).name == "matplotlibrc"
    )


class Watcher:
    """Calls `on_change()` after each save below the book's root, until it is stopped.

    Folders are watched, not files: a file that is replaced as a whole is another one.
    """

    def __init__(self, root: Path, on_change: Callable[[], None]) -> None:
        self._stop = threading.Event()
        folders = [root / name for name in _FOLDERS if (root / name).is_dir()]
        # What stands in the root besides (an environment, books) is left alone.
        self._threads = [
            threading.Thread(target=self._follow, args=each, name="watcher", daemon=True)
            for each in (
                ([root], _at_root, False, on_change),
                (folders, _is_source, True, on_change),
            )
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _follow(
        self,
        folders: list[Path],
        wanted: Callable[[Change, str], bool],
        recursive: bool,
        on_change: Callable[[], None],
    ) -> None:
        for _ in watch(
            *folders,
            watch_filter=wanted,
            recursive=recursive,
            debounce=_GROUPED,
            step=_STEP,
            rust_timeout=200,  # how soon it notices that it is to stop
            stop_event=self._stop,
        ):
            on_change()
