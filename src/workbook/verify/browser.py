"""A browser to look at the books with, and a server on this machine to look at the site."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from workbook.render import typefaces
from workbook.serve import Server
from workbook.verify.tools import chromium, output, package

WIDTHS = (360, 1280)  # CSS pixels: a small phone, a laptop
HEIGHT = 800
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_PATIENCE = 120_000  # milliseconds that a page may take on a busy machine
_FONT_CONFIG = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<dir>/usr/share/fonts</dir><dir>{fonts}</dir><cachedir>{cache}</cachedir>
</fontconfig>"""
# A page's observers are told of a new size with the frame that is drawn next.
_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def version() -> str:
    """The browser's version; Missing if it, or what drives it, is not installed."""
    package("playwright")()
    words = output(chromium(), "--version").split()
    return next((word for word in words if word[0].isdigit()), "unknown")


@contextmanager
def opened() -> Iterator[Any]:
    """Chromium with the fonts of the machine and the Chinese ones that the book has."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        config = Path(folder) / "fonts.conf"
        config.write_text(
            _FONT_CONFIG.format(fonts=typefaces.folder(), cache=folder), encoding="utf-8"
        )
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=FLAGS,
            env=os.environ | {"FONTCONFIG_FILE": str(config)},
            timeout=_PATIENCE,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(browser: Any, **options: Any) -> Iterator[Any]:
    """A fresh page, in a context of its own."""
    context = browser.new_context(viewport={"width": WIDTHS[-1], "height": HEIGHT}, **options)
    context.set_default_timeout(_PATIENCE)
    try:
        yield context.new_page()
    finally:
        context.close()


def resize(page: Any, width: int) -> None:
    """Give a page this width in CSS pixels, and wait until its scripts have seen it."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.evaluate(_DRAWN)


@contextmanager
def served(folder: Path) -> Iterator[Callable[[Path], str]]:
    """Serve a folder to this machine; gives a function from its files to their addresses."""
    with Server(folder) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield lambda path: f"{server.address}{path.relative_to(folder).as_posix()}"
        finally:
            server.shutdown()
