"""Whether a file is a picture that all formats can show, and that does nothing but be seen."""

from __future__ import annotations

import os
from pathlib import Path

PIXELS = 25_000_000  # of a drawing in pixels: a page at 600 dots an inch has 35 million
_SUFFIXES = {"PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "GIF": (".gif",), "WEBP": (".webp",)}
_SVG = "{http://www.w3.org/2000/svg}"
_ACTIVE = tuple(_SVG + name for name in ("script", "foreignObject", "iframe", "handler"))
_HERE = ("#", "data:image/")  # what a picture may refer to: itself, and pictures inside it

Fault = tuple[str, str]  # what is wrong with a file, and what mends it


def fault(file: Path) -> Fault | None:
    """What is wrong with a picture, if anything is."""
    if not os.path.isfile(file):  # nor is one whose name is too long for a file
        return "does not exist", "make it or mend the path"
    if not file.stat().st_size:
        return "is empty", "make it again"
    return _in_svg(file) if file.suffix.lower() == ".svg" else _in_pixels(file)


def _in_svg(file: Path) -> Fault | None:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(file.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        return f"is no SVG: {error.msg}", "make it again"
    if root.tag != f"{_SVG}svg":
        return "is no SVG", 'its root must be <svg xmlns="http://www.w3.org/2000/svg">'
    for element in root.iter(etree.Element):
        if element.tag in _ACTIVE or any(name.startswith("on") for name in element.attrib):
            return f"runs something (line {element.sourceline})", "take it out: it is a picture"
        for name, value in element.attrib.items():
            if name.rpartition("}")[2] == "href" and not value.strip().startswith(_HERE):
                what = f"refers to {value[:40]} (line {element.sourceline})"
                return what, "draw it inside the picture"
    return None


def _in_pixels(file: Path) -> Fault | None:
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=list(_SUFFIXES)) as image:
                kind, (width, height) = image.format, image.size
                if width * height <= PIXELS:
                    image.load()
    except Image.DecompressionBombError:
        return "has too many pixels", f"make it smaller than {PIXELS:,} pixels"
    except (OSError, SyntaxError, ValueError) as error:
        return f"can't be read ({error})".replace(
            str(file), "it"
        ), "save it as PNG, JPEG or SVG"
    if width * height > PIXELS:
        what = f"has {width} × {height} pixels"
        return what, f"make it smaller than {PIXELS:,} pixels"
    if file.suffix.lower() not in _SUFFIXES.get(kind or "", ()):
        return f"is {kind}, not what its name says", "rename it"
    return None
