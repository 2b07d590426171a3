"""The cover as a picture, which Typst draws: of the EPUB, and of a link to the site."""

from __future__ import annotations

import json

import typst

from workbook.render import typefaces
from workbook.render.theme import PRINT
from workbook.source.edition import Edition

_HEIGHT = 200 / 25.4  # inches, as theme/print/cover.typ has it


def draw(edition: Edition, height: int = 2560) -> bytes:
    """A PNG of so many pixels; the usual one is 1600 by 2560, as shops and readers want it."""
    inputs = {"author": edition.author, "name": edition.name}
    for key in ("titles", "subtitles"):
        inputs[key] = json.dumps(getattr(edition, key))
    return typst.compile(
        PRINT / "cover.typ",
        format="png",
        ppi=height / _HEIGHT,
        sys_inputs=inputs,
        font_paths=[typefaces.folder()],
        ignore_system_fonts=True,
    )


def place(edition: Edition) -> str:
    """Where the picture of a link to an edition stands, below the output folder."""
    return f"front/cover-{edition.name}.png"
