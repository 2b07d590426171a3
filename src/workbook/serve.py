"""Serves the finished books to a browser on this machine, and on no other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """Answers with the files of a folder."""

    def log_message(self, *_: object) -> None:
        """Say nothing of the requests."""


class Server(ThreadingHTTPServer):
    """Answers requests for the files of a folder while `serve_forever` runs.

    Raises FileNotFoundError where there is no such folder, OSError where the port is taken;
    port 0 takes a free one.
    """

    def __init__(
        self, folder: Path, port: int = 0, handler: Callable[..., Handler] = Handler
    ) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(folder)
        super().__init__(("127.0.0.1", port), partial(handler, directory=str(folder)))

    @property
    def address(self) -> str:
        """Of the folder, with a slash at its end."""
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went on before it had its answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
