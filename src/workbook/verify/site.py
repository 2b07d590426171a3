"""The site: links that arrive, and pages that a browser shows without complaint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from workbook.problem import Problem
from workbook.verify import browser
from workbook.verify.tools import output, program, report
from workbook.verify.validator import Finding, Subject, Validator, count

_OWN = ("data:", "blob:", "about:")  # addresses that are made within the page
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
    reported = report(
        program("lychee"), "--offline", "--include-fragments", "--no-progress",
        "--format=json", subject.html,
    )  # fmt: skip
    links = reported["total"] - reported["excludes"]  # what leads to the network is left alone
    problems = list(_broken(reported, subject))
    return Finding(f"{len(problems)} broken of {count(links, 'link')}", problems)


def _broken(reported: dict[str, Any], subject: Subject) -> Iterator[Problem]:
    for page, failures in reported["error_map"].items():
        for failure in failures:
            line = failure.get("span", {}).get("line", 0)
            target = unquote(failure["url"]).replace(f"{subject.root.as_uri()}/", "")
            yield subject.fault(Path(page), f"broken link to {target}", "mend it", line)


def _lychee_version() -> str:
    return output(program("lychee"), "--version").split()[-1]


# --- browser -----------------------------------------------------------------------------


def requests(subject: Subject) -> Finding:
    """Each page, opened from its folder, asks for nothing outside it and says no error."""
    problems: list[Problem] = []
    complaints: list[str] = []
    asked: list[str] = []
    with browser.opened() as chromium, browser.page_of(chromium) as page:
        _listen(page, subject.html.resolve().as_uri() + "/", complaints, asked)
        for path in subject.pages:
            _visit(page, path, complaints)
            problems += (
                subject.fault(path, what, "mend the page") for what in dict.fromkeys(complaints)
            )
            complaints.clear()
    figure = f"{count(len(asked), 'request')} out of {count(len(subject.pages), 'page')}"
    return Finding(figure, problems)


def _listen(page: Any, home: str, complaints: list[str], asked: list[str]) -> None:
    """Note in `complaints` what goes wrong, and in `asked` each request beyond the folder."""

    def asks(request: Any) -> None:
        if not request.url.startswith((home, *_OWN)):
            asked.append(request.url)
            complaints.append(f"asks for {request.url}")

    page.on("request", asks)
    page.on("requestfailed", lambda request: complaints.append(f"cannot get {request.url}"))
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))


def _visit(page: Any, path: Path, complaints: list[str]) -> None:
    """Look at a page at every width."""
    page.goto(path.resolve().as_uri(), wait_until="load")
    for width in browser.WIDTHS:
        browser.resize(page, width)
        if wide := page.evaluate(_OVERFLOW):
            complaints.append(f"is wider than {width} px: {', '.join(wide)}")


def _complaint(message: Any) -> Iterator[str]:
    if message.type in ("error", "warning"):
        yield f"console {message.type}: {message.text}"


VALIDATORS = (
    Validator("lychee", "html", _lychee_version, lychee),
    Validator("requests", "html", browser.version, requests),
)
