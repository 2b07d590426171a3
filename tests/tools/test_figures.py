"""Drawings follow the appearance of the page, and pictures keep their paper."""

import re

import pytest
from small import SVG, edition, page

from workbook.render import color
from workbook.render.html import figures, website

DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4">
<g id="patch_1"><path d="M0 0L8 4" style="fill: none"/></g>
<path d="M0 0L8 4" style="fill: #FFFFFF; stroke: #2563a8"/><path stroke="#8a8a8a" d="M0 1L8 4"/>
</svg>"""
OWN_GROUND = DRAWING.replace(b'"fill: none"', b'"fill: #ffffff"')
PIXELS = DRAWING.replace(b"</svg>", b'<image href="data:image/png;base64,"/></svg>')
PNG = b"\x89PNG\r\n\x1a\n"
CYCLE = ("#111111", "#2563a8", "#8a8a8a", "#c2410c")  # of matplotlibrc
WHITE = (255, 255, 255)


def test_each_color_of_a_drawing_has_a_value_for_the_light_and_for_the_dark():
    themed = figures.themed(DRAWING).decode()
    assert 'style="fill: var(--ffffff); stroke: var(--2563a8)"' in themed
    assert 'stroke="var(--8a8a8a)"' in themed
    light, dark = re.findall(r":root\{(.*?)\}", themed)
    assert light == (
        "fill:var(--000000);--000000:#000000;--2563a8:#2563a8;--8a8a8a:#8a8a8a;--ffffff:#ffffff"
    )
    values = dict(re.findall(r"--(\w+):(#\w+)", dark))
    assert set(values) == {"000000", "2563a8", "8a8a8a", "ffffff"}
    paper = figures.palette()["paper"]
    assert color.contrast(color.parse(values["ffffff"]), paper) < 1.02
    assert color.contrast(color.parse(values["000000"]), paper) > 12


@pytest.mark.parametrize("paint", CYCLE)
def test_in_the_dark_a_line_stands_out_as_it_does_on_paper(paint):
    ink, paper = figures.palette()["ink"], figures.palette()["paper"]
    inked = color.parse(paint)
    turned = color.against_dark(inked, ink, paper)
    wanted = min(color.contrast(inked, WHITE), color.contrast(ink, paper))
    assert color.contrast(turned, paper) == pytest.approx(wanted, rel=0.01)
    assert color.parse(color.code(turned)) == tuple(map(round, turned))


def test_hue_stays():
    turned = color.against_dark(color.parse("#2563a8"), (223, 223, 218), (23, 24, 26))
    red, green, blue = turned
    assert red < green < blue


@pytest.mark.parametrize("picture", [OWN_GROUND, PIXELS, PNG], ids=["own", "pixels", "png"])
def test_what_needs_white_paper_is_left_as_it_is(picture):
    assert figures.keeps_ground(picture)
    assert figures.themed(picture) == picture
    assert not figures.keeps_ground(DRAWING)


def test_the_site_has_drawings_themed_and_tells_pictures_apart(tmp_path):
    text = '# T\n\n![x](a.svg){fig-alt="y"}\n\n![x](b.svg){fig-alt="z"}\n'
    one = page("one", "1", text, a_svg=SVG, b_svg=OWN_GROUND)
    website.write(edition(one), [one], tmp_path)
    images = re.findall(r"<img[^>]*>", (tmp_path / "one.html").read_text(encoding="utf-8"))
    assert ['class="picture"' in image for image in images] == [False, True]
    assert b"prefers-color-scheme:dark" in (tmp_path / "images/one/a.svg").read_bytes()
    assert (tmp_path / "images/one/b.svg").read_bytes() == OWN_GROUND
