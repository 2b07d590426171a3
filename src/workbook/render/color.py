"""Colors as WCAG sees them: their luminance, and the contrast that is left without hue."""

from __future__ import annotations

Color = tuple[float, float, float]  # red, green, blue from 0 to 255

_FLARE = 0.05  # of WCAG: the light that a screen throws back
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722  # shares of the luminance


def parse(code: str) -> Color:
    """`#1a2b3c` or `#abc` as a color."""
    digits = code.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def code(color: Color) -> str:
    """A color as `#1a2b3c`."""
    return "#" + bytes(round(value) for value in color).hex()


def luminance(color: Color) -> float:
    """From 0, black, to 1, white."""
    return _weighed(_linear(color))


def contrast(one: Color, other: Color) -> float:
    """From 1, the same luminance, to 21, black on white."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + _FLARE) / (darker + _FLARE)


def against_dark(color: Color, ink: Color, paper: Color) -> Color:
    """The color of this hue that stands out from a dark paper as much as `color` does from
    white, but no more than its ink does: what was near white comes near the paper.
    """
    wanted = min(contrast(color, (255, 255, 255)), contrast(ink, paper))
    return _with_luminance(color, wanted * (luminance(paper) + _FLARE) - _FLARE)


def _with_luminance(color: Color, wanted: float) -> Color:
    """Dimmed or lit as a lamp would, and mixed with white where that is not enough."""
    linear = _linear(color)
    brightest = max(linear)
    full = [part / brightest for part in linear] if brightest else [1.0, 1.0, 1.0]
    most = _weighed(full)
    if wanted <= most:
        lit = [part * wanted / most for part in full]
    else:
        white = (wanted - most) / (1 - most)
        lit = [part + (1 - part) * white for part in full]
    red, green, blue = map(_coded, lit)
    return red, green, blue


def _weighed(linear: list[float]) -> float:
    red, green, blue = linear
    return _RED * red + _GREEN * green + _BLUE * blue


def _linear(color: Color) -> list[float]:
    scaled = [value / 255 for value in color]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in scaled]


def _coded(part: float) -> float:
    """The inverse of `_linear` for one part."""
    return 255 * (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055)
