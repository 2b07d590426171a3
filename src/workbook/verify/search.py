"""The site's search, asked in a browser as a reader asks it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from workbook.problem import Problem
from workbook.verify import browser
from workbook.verify.tools import package
from workbook.verify.validator import Finding, Subject, Validator, count

# What is looked for, and the chapter that must be among what is found. Chinese has no spaces
# between its words: 微分 stands inside 自动微分.
_CHINESE = {
    "自动微分": "autograd",
    "微分": "autograd",
    "张量": "tensors",
    "多维数组": "glossary",
    "autograd": "autograd",
}
_ENGLISH = {"autograd": "autograd", "broadcasting": "tensors", "learning rate": "optim"}
PROBES = {"zh": _CHINESE, "en": _ENGLISH, "bilingual": _CHINESE | _ENGLISH}
_PATIENCE = 30.0  # seconds until a word is given up
_PAUSE = 200  # milliseconds between two looks
_FOUND = "dialog .found a"
_MORE = "dialog .found button"


def search(subject: Subject) -> Finding:
    """Every word is found in its chapter, and looking for it asks for nothing elsewhere."""
    probes = PROBES[subject.edition.name]
    requests: list[str] = []
    with (
        browser.opened() as chromium,
        browser.served(subject.folder.parent) as address,
        browser.page_of(chromium) as page,
    ):
        start = address(subject.html / "index.html")
        home = address(subject.folder.parent).rstrip("/.")
        page.on("request", lambda request: requests.extend(_elsewhere(request.url, home)))
        page.goto(start)
        lost = [word for word, slug in probes.items() if not _finds(page, word, slug)]
    problems = list(_problems(subject, probes, lost, requests))
    return Finding(
        f"{len(probes) - len(lost)} of {count(len(probes), 'probe')} found", problems
    )


def _finds(page: Any, word: str, slug: str) -> bool:
    """Type a word into the box and look through all that it comes to show."""
    page.reload()
    page.keyboard.press("/")
    page.keyboard.type(word)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        links = page.locator(_FOUND).evaluate_all("links => links.map(link => link.pathname)")
        if any(link.endswith(f"/{slug}.html") for link in links):
            return True
        page.locator(_MORE).evaluate_all("buttons => buttons.forEach(button => button.click())")
        page.wait_for_timeout(_PAUSE)
    return False


def _elsewhere(url: str, home: str) -> Iterator[str]:
    if not url.startswith((f"{home}/", "data:", "blob:")):
        yield url


def _problems(
    subject: Subject, probes: dict[str, str], lost: list[str], requests: list[str]
) -> Iterator[Problem]:
    for word in lost:
        what = f"looking for “{word}” does not find {probes[word]}.html"
        yield subject.fault(subject.html, what, "see what the index holds")
    for url in dict.fromkeys(requests):
        yield subject.fault(subject.html, f"search asks for {url}", "keep it on the site")


def _version() -> str:
    browser.version()
    return package("pagefind")()


VALIDATORS = (Validator("search", "html", _version, search),)
