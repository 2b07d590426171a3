"""Serves the finished books to a browser on this machine, and on no other."""

from __future__ import annotations

import functools
import http.server
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Tells nothing of the requests that it answers."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path, port: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """Open the port; gives the address and what answers requests until it is interrupted.

    Raises FileNotFoundError where there is no such folder, OSError where the port is taken;
    port 0 takes a free one.
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        yield f"http://127.0.0.1:{server.server_port}/", server.serve_forever
