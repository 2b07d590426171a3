"""Draws formulas for readers that know no MathML: SVG by Typst, and words for its alt text.

All formulas of a book are one Typst document of a page each. A drawing holds paths only, no
text and no fonts, so it looks the same on every device; its size is in em, so it grows with
the reader's letters; and it hangs below the line by what Typst measured.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import panflute as pf
import typst
from lxml import etree

from workbook.problem import BookError, problem
from workbook.render import dom, pandoc, typefaces, xhtml
from workbook.render.elements import inside
from workbook.render.math_text import in_words
from workbook.render.theme import EPUB

SIZE = 10  # of the letters in theme/epub/formula.typ, in points
_BETWEEN = "#horizontalrule"  # how pandoc writes a rule
_HREF = "{http://www.w3.org/1999/xlink}href"

Formula = tuple[str, str]  # InlineMath or DisplayMath, TeX


@dataclass(frozen=True)
class Drawing:
    """A formula as an image."""

    svg: bytes
    width: float  # in em
    depth: float  # how far it reaches below the baseline, in em
    words: str

    @property
    def path(self) -> str:
        """Where its file stands: named by its content."""
        return f"formulas/{sha256(self.svg).hexdigest()[:16]}.svg"


def draw(doc: pf.Doc) -> dict[str, bytes]:
    """Put an image in the place of each formula of a document; returns the images' files."""
    found = {part: None for math in inside(doc, pf.Math) for part in _parts(math)}
    drawings = drawn(list(found))
    doc.walk(lambda e, _: _image(e, drawings) if isinstance(e, pf.Math) else None)
    return {drawing.path: drawing.svg for drawing in drawings.values()}


def drawn(formulas: Sequence[Formula]) -> dict[Formula, Drawing]:
    """The drawings of all these formulas, made by one run of Typst."""
    if not formulas:
        return {}
    pages, depths = _compiled(_in_typst(formulas))
    words = [in_words(math) for math in _in_mathml(formulas)]
    made = map(_drawing, pages, depths, words)
    return dict(zip(formulas, made, strict=True))


def _parts(math: pf.Math) -> list[Formula]:
    return [(math.format, part) for part in xhtml.formulas_in(math)]


def _image(math: pf.Math, drawings: Mapping[Formula, Drawing]) -> pf.Span:
    images: list[pf.Inline] = []
    for part in _parts(math):
        drawing = drawings[part]
        attributes = {"alt": drawing.words, "style": _size(drawing, math.format)}
        images += [pf.Space] if images else []
        images.append(pf.Image(pf.Str(drawing.words), url=drawing.path, attributes=attributes))
    kind = "inline" if math.format == "InlineMath" else "display"
    return pf.Span(*images, classes=["formula", kind])


def _size(drawing: Drawing, kind: str) -> str:
    """In em; what is displayed stands in no line."""
    width = f"width: {drawing.width:.3f}em"
    depth = f"; vertical-align: -{drawing.depth:.3f}em"
    return width + (depth if kind == "InlineMath" else "")


# --- the ways there --------------------------------------------------------------------


def _in_typst(formulas: Sequence[Formula]) -> list[str]:
    blocks = [b for f in formulas for b in (_paragraph(f), pf.HorizontalRule())]
    options = ("--wrap=none", f"--lua-filter={EPUB / 'formula.lua'}")
    written = pandoc.write(pf.Doc(*blocks), "typst", *options, source="formulas")
    return [part.strip() for part in written.split(_BETWEEN)[:-1]]


def _in_mathml(formulas: Sequence[Formula]) -> list[dom.Element]:
    doc = pf.Doc(*map(_paragraph, formulas))
    written = pandoc.write(doc, "html", "--mathml", source="formulas")
    return dom.having(dom.parse(written), "math")


def _paragraph(formula: Formula) -> pf.Para:
    kind, source = formula
    return pf.Para(pf.Math(source, format=kind))


def _compiled(formulas: Sequence[str]) -> tuple[list[bytes], list[float]]:
    """The pages of the Typst document of all formulas, and the depth of each."""
    lines = [f"  {formula}," for formula in formulas]
    source = ['#import "formula.typ": formula-pages', "#formula-pages((", *lines, "))"]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "formula.typ").write_bytes((EPUB / "formula.typ").read_bytes())
        (root / "main.typ").write_text("\n".join(source), encoding="utf-8")
        compiler = typst.Compiler(
            root / "main.typ",
            root=root,
            font_paths=[typefaces.folder()],
            ignore_system_fonts=True,
        )
        try:
            pages = compiler.compile(format="svg")
        except typst.TypstError as error:
            what, remedy = f"Typst: {error.message}", "mend the formula"
            raise BookError(problem("formulas", 0, what, remedy)) from None
        depths = json.loads(compiler.query("<workbook-depth>", field="value"))
    return pages if isinstance(pages, list) else [pages], depths


def _drawing(page: bytes, depth: float, words: str) -> Drawing:
    svg = etree.fromstring(page)
    _outline(svg)
    width, height = (float(side) / SIZE for side in svg.get("viewBox").split()[2:])
    svg.set("width", f"{width:.3f}em")
    svg.set("height", f"{height:.3f}em")
    return Drawing(etree.tostring(svg), width, depth, words)


def _outline(svg: dom.Element) -> None:
    """Draw each glyph where it stands: not all readers know the use of symbols."""
    glyphs = {each.get("id"): each[0].get("d") for each in svg.iter("{*}symbol")}
    for use in list(svg.iter("{*}use")):
        rest = dict(use.attrib)
        place = f"translate({rest.pop('x')} {rest.pop('y')})"
        outline = glyphs[rest.pop(_HREF).removeprefix("#")]
        path = {"d": outline, "transform": place, **rest}
        use.getparent().replace(use, svg.makeelement(use.tag.replace("}use", "}path"), path))
    for definitions in list(svg.iter("{*}defs")):
        dom.remove(definitions)
    etree.cleanup_namespaces(svg)
