"""The Chinese font of an EPUB, cut down to the characters of the book."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from workbook.render import typefaces

FILE = "NotoSerifSC.otf"  # in the book
# Where pandoc puts fonts, seen from its style sheets. Latin letters stay the reader's own.
CSS = f"""@font-face {{
  font-family: "Noto Serif SC";
  src: url(../fonts/{FILE});
  unicode-range: U+2E80-9FFF, U+F900-FAFF, U+FE30-FE4F, U+FF00-FFEF, U+20000-2FFFF,
    U+2014, U+2018-201D, U+2026, U+00B7;
}}
:lang(zh) {{ font-family: "Noto Serif SC", serif; }}
:lang(zh) :is(code, pre) {{ font-family: monospace, "Noto Serif SC", monospace; }}
"""


def embedded(folder: Path) -> list[str]:
    """What tells pandoc to embed the font: an empty one, as the text is not written yet."""
    font, css = folder / FILE, folder / "typeface.css"
    font.touch()
    css.write_text(CSS, encoding="utf-8")
    return [f"--epub-embed-font={font}", f"--css={css}"]


def subset(text: Iterable[str]) -> bytes:
    """An OpenType font with the glyphs of these characters; the same bytes each time."""
    from fontTools import subset as cutter  # a second to import, and seldom wanted
    from fontTools.ttLib import TTFont

    options = cutter.Options(
        layout_features=["kern", "locl", "halt", "palt"],
        hinting=False,
        name_IDs=["*"],  # the license is among them
        notdef_outline=True,
    )
    font = TTFont(typefaces.folder() / "NotoSerifSC-Regular.otf", recalcTimestamp=False)
    knife = cutter.Subsetter(options)
    knife.populate(text="".join(text))
    knife.subset(font)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
