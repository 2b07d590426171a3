"""Code is read in shades of grey: on paper, on the site in the light and in the dark."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.render.color import Color, contrast
from workbook.verify import browser, mupdf
from workbook.verify.tools import package
from workbook.verify.validator import Finding, Subject, Validator, count

LEAST = 4.5  # of WCAG, for text of this size
_SAMPLES = 5  # places at which the ground below each color is looked at
_CODE = "Mono"  # in the name of the typeface
_NUMBERS = re.compile(r"[\d.]+")
# The color of each piece of code that is shown, and the first ground below it.
_COLORS = """() => {
  const opaque = (color) => !/^rgba\\(.*, 0\\)$|transparent/.test(color);
  const ground = (e) => !e ? "rgb(255, 255, 255)"
    : opaque(getComputedStyle(e).backgroundColor) ? getComputedStyle(e).backgroundColor
    : ground(e.parentElement);
  const code = [...document.querySelectorAll("pre, pre *")].filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  return code.map((e) => [getComputedStyle(e).color, ground(e), e.className]);
}"""


@dataclass(frozen=True)
class Pair:
    """A color, what it is drawn on, and where that was seen."""

    ink: Color
    ground: Color
    path: Path
    where: str

    @property
    def ratio(self) -> float:
        """The contrast that is left when the hue is taken away, after WCAG."""
        return contrast(self.ink, self.ground)


def printed(subject: Subject) -> Finding:
    """The code of every PDF, against the ground that is drawn below it."""
    return _judged([pair for path in subject.pdfs for pair in _drawn(path)], subject)


def shown(subject: Subject) -> Finding:
    """The code of every page of the site, in both schemes, as the browser paints it."""
    pairs: list[Pair] = []
    with browser.opened() as chromium:
        for scheme in ("light", "dark"):
            with browser.page_of(chromium, color_scheme=scheme) as page:
                for path in subject.pages:
                    pairs += _painted(page, path, scheme)
    return _judged(pairs, subject)


def _judged(pairs: Iterable[Pair], subject: Subject) -> Finding:
    distinct: dict[tuple[Color, Color], Pair] = {}
    for pair in pairs:
        distinct.setdefault((pair.ink, pair.ground), pair)
    problems = [
        subject.fault(
            pair.path,
            f"code has a contrast of {pair.ratio:.2f} in greyscale ({pair.where})",
            f"give it {LEAST} or more",
        )
        for pair in distinct.values()
        if pair.ratio < LEAST
    ]
    least = min((pair.ratio for pair in distinct.values()), default=0.0)
    if not distinct:
        problems = [subject.fault(subject.folder, "no code was found", "see where it went")]
    return Finding(f"{least:.2f} or more, {count(len(distinct), 'color')}", problems)


def _painted(page: Any, path: Path, scheme: str) -> Iterator[Pair]:
    page.goto(path.resolve().as_uri())
    for ink, ground, name in page.evaluate(_COLORS):
        yield Pair(_css(ink), _css(ground), path, f"{scheme}, .{name or 'code'}")


def _css(color: str) -> Color:
    """`rgb(1, 2, 3)` → (1, 2, 3)."""
    red, green, blue, *_ = map(float, _NUMBERS.findall(color))
    return red, green, blue


def _drawn(path: Path) -> Iterator[Pair]:
    """Each color of code in a PDF, at the places where it is first seen."""
    seen: dict[tuple[float, ...], int] = defaultdict(int)
    with mupdf.opened(path) as document:
        for page in document:
            for span in page.get_texttrace():
                color = tuple(span["color"])
                if _CODE in span["font"] and seen[color] < _SAMPLES:
                    seen[color] += 1
                    where = f"page {page.number + 1}"
                    yield Pair(_rgb(color), _ground(page, span["bbox"]), path, where)


def _ground(page: Any, box: Any) -> Color:
    """The color that fills most of a box: letters are thin."""
    pixmap = page.get_pixmap(clip=box, dpi=144, alpha=False)
    data, step = pixmap.samples, pixmap.n
    pixels = Counter(data[at : at + step] for at in range(0, len(data), step))
    return _rgb(tuple(value / 255 for value in pixels.most_common(1)[0][0]))


def _rgb(color: tuple[float, ...]) -> Color:
    """A color of a PDF, grey or RGB from 0 to 1."""
    red, green, blue = color if len(color) == 3 else (color[0],) * 3
    return 255 * red, 255 * green, 255 * blue


VALIDATORS = (
    Validator("contrast-pdf", "pdf", package("pymupdf"), printed, apart=True),
    Validator("contrast-html", "html", browser.version, shown),
)
