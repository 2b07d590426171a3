"""The site's accessibility, as axe sees it in a browser: phone and desktop, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbook.problem import Problem
from workbook.verify import browser
from workbook.verify.tools import node_file, node_package
from workbook.verify.validator import Finding, Subject, Validator, count

# Light and dark differ in colors and in nothing else: in the dark only these rules can fail.
_COLORS = ["color-contrast", "link-in-text-block"]
_RULES = {"light": {}, "dark": {"runOnly": {"type": "rule", "values": _COLORS}}}
_RUN = "options => axe.run(document, {resultTypes: ['violations'], ...options})"


def axe(subject: Subject) -> Finding:
    """No rule is violated on any page, at either width, in either scheme."""
    script = node_file("axe-core/axe.min.js").read_text(encoding="utf-8")
    problems: list[Problem] = []
    views = 0
    with browser.opened() as chromium:
        for path in subject.pages:
            for where, violations in _views(chromium, path, script):
                views += 1
                problems += _problems(path, where, violations, subject)
    figure = f"{count(len(problems), 'violation')} in {count(views, 'view')}"
    return Finding(f"{figure} of {count(len(subject.pages), 'page')}", problems)


def _views(chromium: Any, path: Path, script: str) -> Iterator[tuple[str, list[Any]]]:
    for scheme, rules in _RULES.items():
        with browser.page_of(chromium, color_scheme=scheme) as page:
            page.goto(path.resolve().as_uri())
            page.evaluate(script)
            for width in browser.WIDTHS:
                page.set_viewport_size({"width": width, "height": browser.HEIGHT})
                yield f"{scheme}, {width} px", page.evaluate(_RUN, rules)["violations"]


def _problems(
    path: Path, where: str, violations: list[Any], subject: Subject
) -> Iterator[Problem]:
    for violation in violations:
        for node in violation["nodes"]:
            html = " ".join(node["html"].split())[:160]
            yield subject.told(path, f"{violation['id']} ({where}): {html}", violation["help"])


VALIDATORS = (
    Validator("axe", "html", node_package("axe-core", browser.version), axe, slow=True),
)
