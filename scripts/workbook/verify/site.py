"""The site: links that arrive, and pages that a browser shows without complaint."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from workbook.problem import Problem, problem
from workbook.render.pdf import FONTS
from workbook.verify.validator import (
    Finding,
    Missing,
    Subject,
    Validator,
    count,
    output,
    package,
    program,
)

WIDTHS = (360, 1280)  # CSS pixels: a small phone, a laptop
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_OWN = ("data:", "blob:", "about:")  # addresses that are made within the page
_FONT_CONFIG = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{fonts}</dir><cachedir>{cache}</cachedir>
</fontconfig>"""
# Elements that stick out of the page and are not within a box that scrolls.
_OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const scrolls = (e) => e && (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX)
    && e !== document.documentElement && e !== document.body || scrolls(e.parentElement));
  const out = [...document.body.querySelectorAll("*")].filter((e) =>
    e.getBoundingClientRect().right > width + 0.5 && !scrolls(e.parentElement));
  const name = (e) => e.localName + (e.id && "#" + e.id)
    + [...e.classList].map((c) => "." + c).join("");
  return [`${document.documentElement.scrollWidth} px`, ...out.slice(-1).map(name)];
}"""


# --- links -------------------------------------------------------------------------------


def lychee(subject: Subject) -> Finding:
    """No link and no anchor of the site is broken, those to the twin edition included."""
    said = output(
        program("lychee"), "--offline", "--include-fragments", "--no-progress",
        "--format=json", subject.html,
    )  # fmt: skip
    report = json.loads(said)
    links = report["total"] - report["excludes"]  # what leads to the network is left alone
    problems = list(_broken(report, subject))
    return Finding(f"{len(problems)} broken of {count(links, 'link')}", problems)


def _broken(report: dict[str, Any], subject: Subject) -> Iterator[Problem]:
    for page, failures in report["error_map"].items():
        for failure in failures:
            line = failure.get("span", {}).get("line", 0)
            target = unquote(failure["url"]).replace(f"{subject.root.as_uri()}/", "")
            yield problem(
                subject.shown(Path(page)), line, f"broken link to {target}", "mend it"
            )


def _lychee_version() -> str:
    return output(program("lychee"), "--version").split()[-1]


# --- browser -----------------------------------------------------------------------------


def browser(subject: Subject) -> Finding:
    """Each page, opened from its folder, asks for nothing outside it and says no error."""
    pages = sorted(subject.html.rglob("*.html"))
    problems: list[Problem] = []
    requests: list[str] = []
    with _chromium() as chromium:
        for page in pages:
            problems += _opened(chromium, page, subject, requests)
    figure = f"{count(len(pages), 'page')}, {count(len(requests), 'request')} out"
    return Finding(figure, problems)


def _opened(
    chromium: Any, path: Path, subject: Subject, requests: list[str]
) -> Iterator[Problem]:
    """What is wrong with one page; adds the requests that leave the folder."""
    said: list[str] = []
    home = subject.html.resolve().as_uri() + "/"

    def asks(request: Any) -> None:
        if not request.url.startswith((home, *_OWN)):
            requests.append(request.url)
            said.append(f"asks for {request.url}")

    page = chromium.new_page()
    page.on("request", asks)
    page.on("requestfailed", lambda request: said.append(f"cannot get {request.url}"))
    page.on("console", lambda message: said.extend(_complaint(message)))
    page.on("pageerror", lambda error: said.append(f"script error: {error}"))
    page.goto(path.resolve().as_uri(), wait_until="load")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        if wide := page.evaluate(_OVERFLOW):
            said.append(f"is wider than {width} px: {', '.join(wide)}")
    page.close()
    for what in dict.fromkeys(said):
        yield problem(subject.shown(path), 0, what, "mend the page")


def _complaint(message: Any) -> Iterator[str]:
    if message.type in ("error", "warning"):
        yield f"console {message.type}: {message.text}"


@contextmanager
def _chromium() -> Iterator[Any]:
    """Chromium with the fonts of the machine and the Chinese ones that the book has."""
    from playwright.sync_api import sync_playwright

    spec = find_spec(FONTS)
    fonts = (spec.submodule_search_locations or [""])[0] if spec else ""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        config = Path(folder) / "fonts.conf"
        config.write_text(_FONT_CONFIG.format(fonts=fonts, cache=folder), encoding="utf-8")
        chromium = playwright.chromium.launch(
            executable_path=_browser(),
            args=_FLAGS,
            env=os.environ | {"FONTCONFIG_FILE": str(config)},
        )
        try:
            yield chromium
        finally:
            chromium.close()


def _browser() -> str:
    for name in _BROWSERS:
        try:
            return program(name)
        except Missing:
            continue
    raise Missing(_BROWSERS[0])


def _browser_version() -> str:
    package("playwright")()
    words = output(_browser(), "--version").split()
    return next((word for word in words if word[0].isdigit()), "unknown")


VALIDATORS = (
    Validator("lychee", "html", _lychee_version, lychee),
    Validator("chromium", "html", _browser_version, browser),
)
