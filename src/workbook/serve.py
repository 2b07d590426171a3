"""Serves the finished books to a browser on this machine, and on no other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(SimpleHTTPRequestHandler):
    """Gives the files below its folder, and nothing that a link there leads to outside."""

    def send_head(self) -> Any:
        if not self._is_inside():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def _is_inside(self) -> bool:
        try:
            asked = Path(self.translate_path(self.path)).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # absent, a NUL, links that go round
            return False
        return asked.is_relative_to(Path(os.fspath(self.directory)).resolve())

    def list_directory(self, _path: Any) -> None:
        """A folder without a page of its own has nothing to show."""
        self.send_error(HTTPStatus.NOT_FOUND)

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
