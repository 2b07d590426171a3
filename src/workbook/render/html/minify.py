"""Makes pages small and strict: no style attributes, and nothing that says nothing.

A page must stay small with all its code and formulas, and a strict content policy forbids
styles in attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import rcssmin
import rjsmin
from lxml import etree

from workbook.render import dom
from workbook.render.dom import Element

Size = tuple[int, int]  # width and height in CSS pixels

# Pandoc's kinds of tokens by what shows them: an element, and a class where it has no element
# of its own. Operators, numbers and names look like text.
_SHOWN = {
    **dict.fromkeys(("kw", "cf", "im"), ("b", "")),
    **dict.fromkeys(("co", "do", "an", "cv", "in", "wa"), ("i", "")),
    **dict.fromkeys(("st", "ss", "vs", "ch", "sc"), ("u", "")),
    **dict.fromkeys(("fu", "pp"), ("span", "fu")),
    **dict.fromkeys(("er", "al"), ("span", "er")),
}
_BRACKETS = frozenset("()[]{}")  # which form they have follows from which they are


def lift_styles(root: Element) -> dict[str, str]:
    """Put classes for the style attributes of a page, and drop its data attributes, so that
    the content policy can be strict; gives the names of the classes by style.
    """
    names: dict[str, str] = {}
    for element in root.iter(etree.Element):
        for name in [name for name in element.attrib if name.startswith("data-")]:
            del element.attrib[name]
        if style := element.attrib.pop("style", ""):
            names[style] = "-".join(["s", *re.findall(r"[a-z0-9]+", style.lower())])
            dom.add_class(element, names[style])
    return names


def rules(names: Mapping[str, str]) -> str:
    """The style sheet of what was lifted."""
    lines = [f".{name} {{ {style} }}\n" for style, name in sorted(names.items())]
    return "\n/* Styles that stood in attributes. */\n" + "".join(lines) if lines else ""


def minify(root: Element) -> None:
    """Take away what a browser does not need: half the tokens, the formulas' TeX."""
    for math in dom.having(root, "math"):
        _formula(math)
    for pair in dom.having(root, "div", "pair"):
        _halves(pair)
    for words in dom.having(root, "span", "en"):
        if words.get("class") == words.get("lang"):  # its language says it
            del words.attrib["class"]
    for box in dom.having(root, "div", "sourceCode"):
        _code(box)


def minified(name: str, text: str) -> str:
    """A script or a style sheet without what is meant for its authors."""
    if name.endswith(".css"):
        return rcssmin.cssmin(text)
    return rjsmin.jsmin(text) if name.endswith(".js") else text


def give_sizes(root: Element, images: Mapping[str, bytes]) -> None:
    """Say how large each image is, so that nothing jumps when it comes. None waits until it
    is scrolled to: a page that is printed at once would have holes.
    """
    for image in dom.having(root, "img"):
        if found := size(images.get(image.get("src", ""), b"")):
            image.set("width", str(found[0]))
            image.set("height", str(found[1]))


def size(svg: bytes) -> Size | None:
    """The size of a drawing in CSS pixels, if it says one; a point is 4/3 of a pixel."""
    try:
        root = etree.fromstring(svg)
    except etree.XMLSyntaxError:  # a photograph
        return None
    given = (root.get("width", ""), root.get("height", ""))
    sides = [re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(pt|px)?", side) for side in given]
    if dom.local(root) != "svg" or None in sides:
        return None
    scale = 4 / 3 if sides[0][2] == "pt" else 1
    return round(float(sides[0][1]) * scale), round(float(sides[1][1]) * scale)


def _formula(math: Element) -> None:
    """A formula without its TeX, and without what MathML says anyway."""
    for element in math.iter(etree.Element):
        element.tag = dom.local(element)
    etree.cleanup_namespaces(math)
    for name, end in (("annotation", dom.remove), ("semantics", dom.unwrap)):
        for element in dom.having(math, name):
            end(element)
    if math.get("display") == "inline":
        del math.attrib["display"]
    if len(math) == 1 and math[0].tag == "mrow" and not math[0].attrib:
        dom.unwrap(math[0])  # a formula is a row by itself
    for sign in dom.having(math, "mo"):
        if sign.text in _BRACKETS and sign.get("form") in ("prefix", "postfix"):
            del sign.attrib["form"]


def _halves(pair: Element) -> None:
    """The first half is in the page's language, and the second says that it is not."""
    for half in pair:
        if half.tag == "div" and half.get("class") in ("zh", "en"):
            del half.attrib["class"]


def _code(box: Element) -> None:
    """Code in bold and italics where pandoc writes a span for each token and each line."""
    if len(box) != 1 or box[0].tag != "pre" or len(box[0]) != 1 or box[0][0].tag != "code":
        return
    pre, code = box[0], box[0][0]
    dom.rename(box, "div", **{"class": "sourceCode"})
    dom.rename(pre, "pre")
    dom.rename(code, "code")
    for span in dom.having(code, "span"):
        shown = _SHOWN.get(span.get("class", ""))
        if shown is None:
            dom.unwrap(span)
        else:
            dom.rename(span, shown[0], **({"class": shown[1]} if shown[1] else {}))
