"""Formulas as drawings: their paths, sizes and words, and how they stand in the text."""

import re
from xml.etree import ElementTree as ET

import pytest

from workbook.problem import BookError
from workbook.render import pandoc
from workbook.render.epub import formulas


def drawn(tex: str, kind: str = "InlineMath") -> formulas.Drawing:
    return formulas.drawn([(kind, tex)])[kind, tex]


def images(markdown: str) -> list[tuple[str, ...]]:
    """The words and sizes of a document's formulas once they are drawn."""
    doc = pandoc.read(markdown, "test")
    files = formulas.draw(doc)
    shown = pandoc.write(doc, "html", source="test")
    assert "math" not in shown
    assert set(re.findall('src="(.*?)"', shown)) == set(files)
    return re.findall(r'style="(.*?)"\s+alt="(.*?)"', shown)


def test_a_drawing_holds_paths_and_nothing_else():
    svg = drawn(r"\frac{a}{b} = \text{偏置}").svg.decode()
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(svg).iter()}
    assert tags == {"svg", "g", "path"}
    assert "href" not in svg.replace("xmlns:xlink", "")
    assert len(re.findall(r'<path d="[^"]+" transform=', svg)) == 5


def test_its_size_is_in_em():
    size = re.search(
        r'viewBox="0 0 ([\d.]+) [\d.]+" width="([\d.]+)em"', drawn("x").svg.decode()
    )
    assert float(size[1]) / formulas.SIZE == pytest.approx(float(size[2]), abs=0.001)
    assert drawn("x").width == pytest.approx(float(size[2]), abs=0.001)


def test_it_hangs_below_the_line_by_what_hangs_below_its_baseline():
    depths = [drawn(tex).depth for tex in ("x", "p", r"\frac{a}{b}", r"-1")]
    assert depths == pytest.approx([0.060, 0.270, 0.644, 0.05], abs=0.002)


def test_equal_formulas_share_a_file():
    assert len(formulas.draw(pandoc.read("$x$ $y$ $x$", "test"))) == 2


def test_a_document_without_formulas_stays_as_it_is():
    assert images("Words.") == []


def test_what_stands_side_by_side_may_break_on_a_small_screen():
    assert [words for _, words in images(r"$$a = b, \qquad c = d$$")] == ["a = b,", "c = d"]
    assert [words for _, words in images(r"$a, \quad b$")] == ["a, b"]
    matrix = r"$$\begin{aligned} a &= b \qquad c \\ d &= e \end{aligned}$$"
    assert len(images(matrix)) == 1


def test_only_what_stands_in_a_line_has_a_place_in_it():
    (inline, _), (display, _) = images("$p$ and $$p$$")
    assert inline == "width: 0.698em; vertical-align: -0.270em"
    assert display == "width: 0.698em"


def test_a_formula_that_typst_refuses_is_told():
    with pytest.raises(BookError, match=r"formulas: Typst: .*; mend the formula"):
        formulas._compiled(["$nosuchname$"])


@pytest.mark.parametrize(
    ("tex", "words"),
    [
        (r"x W^\top + b", "xWᵀ + b"),
        (r"\frac{1}{2} h w^2", "(1/2)hw²"),
        (r"\frac{a}{b}", "a/b"),
        (r"e^{-8t}", "e^(−8t)"),
        (r"w_{t+1} w_t", "w_(t + 1) w_t"),
        (r"-1 + (-2)", "−1 + (−2)"),
        (r"\sqrt{k/n} + \sqrt a + \sqrt[3]{3u}", "√(k/n) + √a + ∛(3u)"),
        (r"\bar p \cdot \hat y \, \dot x", "p̄ ⋅ ŷ ẋ"),
        (r"\sum_{i=1}^n x_i", "∑_(i = 1)^n x_i"),
        (r"(y_i, y_j)", "(y_i, y_j)"),
        (r"2 \log_2 n", "2 log_2 n"),
        (r"\max(0, x)", "max (0, x)"),
        (r"f'(x)", "f′(x)"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "(a, b; c, d)"),
        (r"h = \text{偏置}", "h = 偏置"),
    ],
)
def test_a_formula_in_words(tex, words):
    assert drawn(tex).words == words
