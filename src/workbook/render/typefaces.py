"""The faces of print and figures, laid into one folder from the packages that bring them.

No package has a static Medium of Noto Sans SC, and Typst before 0.15 and matplotlib read no
variable font: HarfBuzz cuts it from the variable one, once, in about a second.
"""

from __future__ import annotations

import contextlib
import io
from importlib.util import find_spec
from pathlib import Path

from workbook.files import atomic_write
from workbook.problem import BookError, problem
from workbook.render.theme import ROOT

FOLDER = ROOT / ".workbook" / "fonts"
MEDIUM = "NotoSansSC-Medium.ttf"
WEIGHT = 500

# Face → the package that brings it, and where it lies in there.
_FACES = {
    "NotoSerifSC-Regular.otf": ("pylopdf_fonts_zh_cn", "."),
    "NotoSansSC-Regular.otf": ("pylopdf_fonts_zh_cn", "."),
    "STIXTwoMath-Regular.ttf": ("justmytype_western_core", "fonts/ofl/stixtwomath"),
}
_VARIABLE = ("justmytype_intl_cjk", "fonts/ofl/notosanssc", "NotoSansSC[wght].ttf")
_NAMES = {4: "Noto Sans SC Medium", 6: "NotoSansSC-Medium", 17: "Medium"}  # by OpenType's ids


def folder() -> Path:
    """The folder of all faces that no wheel of Typst has; lays what is not there yet.

    Raises BookError for a package that is not installed.
    """
    if FOLDER.is_symlink():  # as it was when one package brought them all
        FOLDER.unlink()
    for name, (package, place) in _FACES.items():
        _link(FOLDER / name, _within(package) / place / name)
    package, place, name = _VARIABLE
    _cut_medium(FOLDER / MEDIUM, _within(package) / place / name)
    return FOLDER


def _within(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        remedy = f"pip install {package.replace('_', '-')}"
        raise BookError(problem("PDF", 0, "a font of the book is not installed", remedy))
    return Path(spec.submodule_search_locations[0])


def _link(link: Path, face: Path) -> None:
    """A link, since the faces are large; builds side by side may lay it at the same time."""
    if link.is_symlink() and link.readlink() == face:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(face)


def _cut_medium(out: Path, variable: Path) -> None:
    """The variable face at one weight, with all its glyphs; the same bytes each time."""
    if out.exists() and out.stat().st_mtime >= variable.stat().st_mtime:
        return
    import uharfbuzz as hb
    from fontTools.ttLib import TTFont

    face = hb.Face(hb.Blob.from_file_path(str(variable)))
    wanted = hb.SubsetInput()
    wanted.keep_everything()
    wanted.pin_axis_location(face, "wght", WEIGHT)
    cut = hb.subset(face, wanted).blob.data
    font = TTFont(io.BytesIO(cut), recalcTimestamp=False)  # HarfBuzz leaves it called Thin
    for record in font["name"].names:
        if record.nameID in _NAMES:
            record.string = _NAMES[record.nameID]
    named = io.BytesIO()
    font.save(named)
    atomic_write(out, named.getvalue())
