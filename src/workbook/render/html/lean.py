"""Makes pandoc's HTML lean and strict: no style attributes, and nothing that says nothing.

A page must stay small with all its code and formulas, and a strict content policy forbids
styles in attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Size = tuple[int, int]  # width and height in CSS pixels

_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_STYLE = re.compile(r'\s+style="([^"]*)"')
_CLASS = re.compile(r'\sclass="([^"]*)"')
_VOID = re.compile(r"(<(?:img|br|hr|col)\b[^>]*?)\s*/>")
_DATA = re.compile(r'\s+data-[\w-]+="[^"]*"')
_IMAGE = re.compile(r'<img src="([^"]+)"')
_BLOCK = re.compile(
    r'<div class="sourceCode" id="cb\d+"><pre[^>]*><code[^>]*>(.*?)</code></pre></div>', re.S
)
_LINE = re.compile(r"^<span>(.*)</span>$", re.M)
_TOKEN = re.compile(r'<span class="(\w\w)">([^<]*)</span>')
# Pandoc's kinds of tokens by what shows them. Operators, numbers and names look like text.
_SHOWN = {
    **dict.fromkeys(("kw", "cf", "im"), "<b>{}</b>"),
    **dict.fromkeys(("co", "do", "an", "cv", "in", "wa"), "<i>{}</i>"),
    **dict.fromkeys(("st", "ss", "vs", "ch", "sc"), '<span class="st">{}</span>'),
    **dict.fromkeys(("fu", "pp"), '<span class="fu">{}</span>'),
    **dict.fromkeys(("er", "al"), '<span class="er">{}</span>'),
}
_MATH = (
    (re.compile(r"<annotation\b.*?</annotation>", re.S), ""),
    (re.compile(r"</?semantics>"), ""),
    (re.compile(r' (?:display="inline"|xmlns="http://www\.w3\.org/1998/Math/MathML")'), ""),
    # A formula is a row by itself.
    (
        re.compile(r"(<math[^>]*>)<mrow>((?:(?!</?mrow>|</math>).)*)</mrow></math>", re.S),
        r"\1\2</math>",
    ),
    # Which form a bracket has follows from which bracket it is.
    (re.compile(r' form="(?:prefix|postfix)"(?=>[()\[\]{}]<)'), ""),
)
_PAIR = (  # the first is Chinese, as the page is, and the second says that it is not
    (re.compile(r'(<div class="pair">\s*<div) class="zh"'), r"\1"),
    (re.compile(r'<div class="en"(?= lang="en")'), "<div"),
)
_SVG = re.compile(rb'<svg\b[^>]*?\swidth="([\d.]+)(pt|px)?"\s+height="([\d.]+)(?:pt|px)?"')


class Styles:
    """Lifts style attributes out of the pages, so that the content policy can be strict."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def lift(self, html: str) -> str:
        """The page with classes for style attributes, without data attributes, as HTML."""
        return _TAG.sub(lambda match: self._tag(match[0]), html)

    def rules(self) -> str:
        """The style sheet of what was lifted."""
        lines = [f".{name} {{ {style} }}\n" for style, name in sorted(self._names.items())]
        return "\n/* Styles that stood in attributes. */\n" + "".join(lines) if lines else ""

    def _tag(self, tag: str) -> str:
        tag = _VOID.sub(r"\1>", _DATA.sub("", tag))
        style = _STYLE.search(tag)
        if not style:
            return tag
        name = "s-" + re.sub(r"[^a-z0-9]+", "-", style[1].lower()).strip("-")
        self._names[style[1]] = name
        tag = _STYLE.sub("", tag)
        if _CLASS.search(tag):
            return _CLASS.sub(rf' class="\1 {name}"', tag)
        end = "/>" if tag.endswith("/>") else ">"
        return f'{tag.removesuffix(end).rstrip()} class="{name}"{end}'


def lean(html: str) -> str:
    """The page without what a browser does not need: half the tokens, the formulas' TeX."""
    for pattern, instead in _MATH + _PAIR:
        html = pattern.sub(instead, html)
    return _BLOCK.sub(_code, html)


def compact(name: str, text: str) -> str:
    """A script or a style sheet without what is meant for its authors."""
    if name.endswith(".css"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        return re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", text).strip() + "\n"
    if not name.endswith(".js"):
        return text
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def sized(html: str, sizes: Mapping[str, Size]) -> str:
    """Images with their width and height, so that nothing jumps when they load late."""

    def image(match: re.Match[str]) -> str:
        if match[1] not in sizes:
            return match[0]
        width, height = sizes[match[1]]
        return f'{match[0]} width="{width}" height="{height}" loading="lazy"'

    return _IMAGE.sub(image, html)


def size(svg: bytes) -> Size | None:
    """The size of a drawing in CSS pixels, if it says one; a point is 4/3 of a pixel."""
    match = _SVG.search(svg[:2000])
    if not match:
        return None
    scale = 4 / 3 if match[2] == b"pt" else 1
    return round(float(match[1]) * scale), round(float(match[3]) * scale)


def _code(block: re.Match[str]) -> str:
    code = _LINE.sub(r"\1", block[1]).replace("&quot;", '"').replace("&#39;", "'")
    code = _TOKEN.sub(lambda token: _SHOWN.get(token[1], "{}").format(token[2]), code)
    return f'<div class="sourceCode"><pre><code>{code}</code></pre></div>'
