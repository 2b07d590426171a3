"""The site's accessibility, as axe sees it in a browser: phone and desktop, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbook.problem import Problem
from workbook.verify import browser
from workbook.verify.tools import node_file, node_package
from workbook.verify.validator import Finding, Subject, Validator, count

_AXE = "axe-core/axe.min.js"
# Light and dark differ in colors and in nothing else: in the dark only these rules can fail.
_COLORS = ["color-contrast", "link-in-text-block"]
_RULES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": _COLORS}}}
_RUN = "options => axe.run(document, options)"
LEAN = Path(__file__).with_name("axe-lean.js")


def axe(subject: Subject) -> Finding:
    """No rule is violated on any page, at either width, in either scheme."""
    problems: list[Problem] = []
    views = 0
    with browser.opened() as chromium:
        for path, where, violations in _views(chromium, subject.pages):
            views += 1
            problems += _problems(path, where, violations, subject)
    figure = f"{count(len(problems), 'violation')} in {count(views, 'view')}"
    return Finding(f"{figure} of {count(len(subject.pages), 'page')}", problems)


def _views(chromium: Any, paths: list[Path]) -> Iterator[tuple[Path, str, list[Any]]]:
    scripts = [file.read_text(encoding="utf-8") for file in (node_file(_AXE), LEAN)]
    for scheme, rules in _RULES.items():
        with browser.page_of(chromium, color_scheme=scheme) as page:
            for path in paths:
                page.goto(path.resolve().as_uri())
                for script in scripts:
                    page.evaluate(script)
                for width in browser.WIDTHS:
                    browser.resize(page, width)
                    found = page.evaluate(_RUN, rules)["violations"]
                    yield path, f"{scheme}, {width} px", found


def _problems(
    path: Path, where: str, violations: list[Any], subject: Subject
) -> Iterator[Problem]:
    for violation in violations:
        for node in violation["nodes"]:
            html = " ".join(node["html"].split())[:160]
            yield subject.fault(path, f"{violation['id']} ({where}): {html}", violation["help"])


VALIDATORS = (
    Validator("axe", "html", node_package("axe-core", browser.version), axe, slow=True),
)
