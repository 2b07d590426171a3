"""Serves the finished books to a browser on this machine, and on no other."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import LineTooLong
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_HEADERS = 1 << 16  # bytes; browsers send a few hundred


class _Headers:
    """Gives the lines below a request's first, until they are more than a request may have."""

    def __init__(self, file: Any) -> None:
        self._file, self._left = file, _HEADERS

    def readline(self, size: int) -> bytes:
        line: bytes = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise LineTooLong("headers")
        return line


class Handler(SimpleHTTPRequestHandler):
    """Gives the files below its folder, and nothing that a link there leads to outside."""

    timeout = 30.0  # seconds that a client may say nothing, or take nothing of its answer
    linger = 2.0  # seconds that it may go on sending when it has its answer
    default_request_version = "HTTP/1.0"  # 0.9 would answer a broken request without a status

    def parse_request(self) -> bool:
        """Read the request; its headers all together are no longer than one may be."""
        whole, self.rfile = self.rfile, _Headers(self.rfile)  # type: ignore[assignment]
        try:
            return super().parse_request()
        finally:
            self.rfile = whole

    def finish(self) -> None:
        """Take what the client still sends: where some of it is unread when the connection is
        closed, the kernel resets it, and the client may lose the answer.
        """
        super().finish()
        until = time.monotonic() + self.linger
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(self.linger)
            while self.connection.recv(1 << 16) and time.monotonic() < until:
                pass

    def send_error(self, code: int, *_: object) -> None:
        """Say the status in its own words, and nothing of the request, however long it is."""
        super().send_error(code)

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

    request_queue_size = socket.SOMAXCONN  # clients that may wait for their threads

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
