"""Drawings that follow the appearance of the page around them.

A drawing is a file of its own and sees no style of the page, but browsers hand it the page's
color scheme. So each of its colors becomes a variable, and in the dark each variable has the
contrast to the dark paper that the color has to white.

Pictures keep a white ground: those of pixels, and those that bring a ground along because
their shades mean something (the darker, the more).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from workbook.render import color, dom
from workbook.render.color import Color
from workbook.render.dom import Element
from workbook.render.theme import THEME

_PAINT = re.compile(rb"((?:fill|stroke|stop-color)(?:: |=\"))(#[0-9a-fA-F]{6})\b")
_ROOT = re.compile(rb"<svg\b[^>]*>")
_PIXELS = b"<image"
_GROUND = re.compile(  # the patch of matplotlib's figure, painted
    rb'<g id="patch_1">\s*<path[^>]*style="fill: #', re.S
)
_INK, _PAPER = "ink", "paper"
_DARK = re.compile(r':root\[data-theme="dark"\] \{(.*?)\}', re.S)
_BLACK = "#000000"  # what SVG paints where nothing is said


def keeps_ground(svg: bytes) -> bool:
    """Whether a picture needs white paper below it: one of pixels, or with its own ground."""
    return not _ROOT.search(svg) or _PIXELS in svg or bool(_GROUND.search(svg))


def mark_pictures(page: Element, images: Mapping[str, bytes]) -> None:
    """Tell the style sheet which images of a page keep a white ground."""
    for image in dom.having(page, "img"):
        if keeps_ground(images.get(image.get("src", ""), b"")):
            dom.add_class(image, "picture")


def themed(svg: bytes) -> bytes:
    """A drawing in two appearances, as it is where it keeps its ground."""
    root = _ROOT.search(svg)
    if root is None or keeps_ground(svg):
        return svg
    colors = {_BLACK, *(found.decode().lower() for _, found in _PAINT.findall(svg))}
    style = f"<style>{_rules(sorted(colors))}</style>".encode()
    painted = _PAINT.sub(lambda m: m[1] + b"var(--" + m[2][1:].lower() + b")", svg)
    end = root.end()  # nothing before it is painted
    return painted[:end] + style + painted[end:]


def _rules(colors: list[str]) -> str:
    """Each color under its own digits, and in the dark as it stands out there."""
    light = ";".join(f"--{each[1:]}:{each}" for each in colors)
    dark = ";".join(f"--{each[1:]}:{_in_the_dark(each)}" for each in colors)
    return (
        f":root{{fill:var(--{_BLACK[1:]});{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def _in_the_dark(paint: str) -> str:
    dark = palette()
    return color.code(color.against_dark(color.parse(paint), dark[_INK], dark[_PAPER]))


@cache
def palette() -> dict[str, Color]:
    """The colors of the site in the dark, by name."""
    text = (THEME / "palette.css").read_text(encoding="utf-8")
    found = _DARK.search(text)
    pairs = re.findall(r"--([\w-]+): (#[0-9a-f]+);", found[1]) if found else []
    return {name: color.parse(code) for name, code in pairs}
