"""The faces of print: all there, the Medium a face of its own, the same bytes each time."""

import pytest
from fontTools.ttLib import TTFont

from workbook.problem import BookError
from workbook.render import typefaces


def test_every_face_is_a_font_that_can_be_read():
    names = {}
    for path in typefaces.folder().iterdir():
        font = TTFont(path)
        names[path.name] = font["name"].getDebugName(6), font["OS/2"].usWeightClass
    assert names == {
        "NotoSansSC-Medium.ttf": ("NotoSansSC-Medium", 500),
        "NotoSansSC-Regular.otf": ("NotoSansSC-Regular", 400),
        "NotoSerifSC-Regular.otf": ("NotoSerifSC-Regular", 400),
        "STIXTwoMath-Regular.ttf": ("STIXTwoMath-Regular", 400),
    }


def test_the_medium_is_heavier_than_the_regular_and_has_all_its_characters():
    medium = TTFont(typefaces.folder() / typefaces.MEDIUM)
    regular = TTFont(typefaces.folder() / "NotoSansSC-Regular.otf")
    assert set(regular.getBestCmap()) <= set(medium.getBestCmap())
    assert "fvar" not in medium


def test_cutting_twice_gives_the_same_bytes(tmp_path, monkeypatch):
    kept = (typefaces.folder() / typefaces.MEDIUM).read_bytes()
    monkeypatch.setattr(typefaces, "FOLDER", tmp_path / "fonts")
    assert (typefaces.folder() / typefaces.MEDIUM).read_bytes() == kept


def test_the_link_of_an_earlier_version_is_replaced(tmp_path, monkeypatch):
    fonts = tmp_path / "fonts"
    fonts.symlink_to(tmp_path)
    monkeypatch.setattr(typefaces, "FOLDER", fonts)
    typefaces.folder()
    assert not fonts.is_symlink()
    assert (fonts / typefaces.MEDIUM).is_file()


def test_a_package_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(typefaces._FACES, "NotoSansSC-Regular.otf", ("no_such_fonts", "."))
    with pytest.raises(BookError, match="pip install no-such-fonts"):
        typefaces.folder()
