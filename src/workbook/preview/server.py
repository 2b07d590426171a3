"""Serves the sites of the preview, each page with the script that follows it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from workbook.preview.state import State
from workbook.problem import BookError
from workbook.serve import Handler, Server

OWN = "/-/"  # what no book has
_FILES = {"preview.js": "text/javascript", "preview.css": "text/css"}
_HERE = Path(__file__).parent
_HEARTBEAT = 15.0  # seconds; a browser that has gone is noticed when it is written to
_PAGE = re.compile(r"/(?P<edition>\w+)/html/(?P<file>[\w.-]*)")

Make = Callable[[str, str], str]  # an edition and a format: the address of the book below root


class _Handler(Handler):
    def __init__(self, *given: object, state: State, make: Make, **options: object) -> None:
        self.state, self.make = state, make
        super().__init__(*given, **options)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a page and its script, with a file, or with what is going on."""
        try:
            url = urlsplit(self.path)
        except ValueError:  # http://[
            self.send_error(404)
            return
        if url.path.startswith(OWN):
            self._own(url.path.removeprefix(OWN), url.query)
        elif (page := _PAGE.fullmatch(url.path)) and self._is_page(url.path):
            self._page(url.path, page["edition"])
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def _is_page(self, path: str) -> bool:
        return self._is_inside() and self._file(path).suffix == ".html"

    def _file(self, path: str) -> Path:
        file = Path(self.translate_path(path))
        return file / "index.html" if file.is_dir() else file

    def _own(self, name: str, query: str) -> None:
        if name == "events":
            self._events()
        elif name == "make":
            asked = parse_qs(query)
            self._make(*(asked.get(key, [""])[0] for key in ("edition", "format")))
        elif name in _FILES:
            self._answer((_HERE / name).read_bytes(), _FILES[name])
        else:
            self.send_error(404)

    def _page(self, path: str, edition: str) -> None:
        file = self._file(path)
        place = f"/{edition}/html/{file.name}"
        stamp = self.state.stamp(place)  # first: a page that is newer than it says loads again
        try:
            text = file.read_text(encoding="utf-8")
        except OSError:
            self.send_error(404)
            return
        follow = (
            f'<link rel="stylesheet" href="{OWN}preview.css">'
            f'<script src="{OWN}preview.js" defer data-page="{html.escape(place)}" '
            f'data-edition="{edition}" data-stamp="{stamp}"></script></head>'
        )
        self._answer(text.replace("</head>", follow, 1).encode(), "text/html")

    def _answer(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _events(self) -> None:
        """Server-sent events: the whole state now, and again whenever it changes."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        version = -1
        while True:
            newer = self.state.after(version, _HEARTBEAT)
            if newer is None:
                self.wfile.write(b": still here\n\n")
                continue
            version, text = newer
            if version < 0:
                return
            self.wfile.write(f"data: {text}\n\n".encode())

    def _make(self, edition: str, fmt: str) -> None:
        """Have a book made, and lead to it; what stands in the way is told as text."""
        try:
            place = self.make(edition, fmt)
        except BookError as error:
            self._answer(f"{error}\n".encode(), "text/plain", 409)
            return
        self.send_response(303)
        self.send_header("Location", f"/{place}")
        self.send_header("Content-Length", "0")
        self.end_headers()


def open_server(folder: Path, port: int, state: State, make: Make) -> Server:
    """A server on this port, or on the next that is free of twenty; OSError if none is."""
    handler = partial(_Handler, state=state, make=make)
    for each in range(port, min(port + 20, 65536)):
        try:
            return Server(folder, each, handler)
        except OSError:
            if each == min(port + 19, 65535):
                raise
    raise OSError(f"no port from {port} on")
