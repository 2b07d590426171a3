"""The printed lines, measured: each validator finds its fault, and passes what is right."""

import datetime
import shutil
from pathlib import Path

import pytest
import typst

from workbook.render import typefaces
from workbook.render.theme import PRINT
from workbook.source.edition import Edition
from workbook.verify import typesetting
from workbook.verify.validator import Subject

# Pages with the faces of theme/print, and two before them that are not looked at.
PAGE = """
#import "paper.typ": margins, paper-of
#import "workbook.typ": workbook-math
#let paper = (width: paper-of("a4", "zh").width, margin: margins(paper-of("a4", "zh")))
#set page(width: 160mm, height: 120mm, margin: 10mm, numbering: "1")
#set text(lang: "zh", size: 11pt, font: ("Libertinus Serif", "Noto Serif SC"))
#set par(justify: true)
#show math.equation: set text(font: workbook-math)
Title #pagebreak() Colophon #pagebreak()
"""
CHINESE = "一行里的字挨着排，不被拉开，句子再长也是这样。" * 4
ENGLISH = "Words that fill a line of prose and another one after it. " * 6


@pytest.fixture
def found(tmp_path):
    """What one validator says of a book with this body."""

    def look(name: str, body: str) -> list[str]:
        for style in PRINT.glob("*.typ"):
            shutil.copy(style, tmp_path)
        main = tmp_path / "main.typ"
        main.write_text(PAGE + body, encoding="utf-8")
        book = typst.compile(main, font_paths=[typefaces.folder()], ignore_system_fonts=True)
        (tmp_path / "book.pdf").write_bytes(book)
        date = datetime.date(2026, 1, 1)
        edition = Edition("zh", ("zh",), "T", "S", "A", date, "book", Path("none.bib"), ())
        (validator,) = [v for v in typesetting.VALIDATORS if v.name == name]
        return [
            str(each) for each in validator.run(Subject(tmp_path, edition, tmp_path)).problems
        ]

    return look


def test_long_lines_of_english_are_found(found):
    assert found("measure", f"#block(width: 110mm)[{ENGLISH}]") == []
    (reported,) = found("measure", ENGLISH)
    assert "letters in the middle, more than 75" in reported


def test_a_torn_line_of_chinese_is_found(found):
    assert found("spacing", CHINESE) == []
    torn = f"#block(width: 60mm)[一二三四五六七八九十#box(width: 30mm)[ab]{CHINESE}]"
    assert any("is spaced to" in reported for reported in found("spacing", torn))


FITTED = """#import "type.typ": *
#import "fit.typ": fit-chinese
#show raw.where(block: false): inline-code
#show: body => type-zh(11pt, body)
#show: fit-chinese
"""
WHOLE = {  # what no line breaks, and so goes to the next one
    "code": "`torch.nn.functional.cross_entropy`的用法",
    "code with a bracket": "`save_everything(model, path)`的用法",
    "word in brackets": "（tracing），由此得到图",
    "citation after a sign": '26.2%（#link("a")[Krizhevsky 等 2012]）',
    "citation of many words": '（#link("a")[文档：Extending everything]）',
    "box with Chinese": "图~1.1#box[（见下文）]所示",
    "formula": "#box[$1 + b + c + d + e > 0$]，好",
}


def after_texts(whole: str, form: str = "{}") -> str:
    """After so much text that at some place of it the line could be filled only by force."""
    said = (form.format("字" * n + whole + "，后面还有话。" * 4) for n in range(24, 36, 2))
    return "\n\n".join(said)


@pytest.mark.parametrize("whole", WHOLE.values(), ids=list(WHOLE))
@pytest.mark.parametrize("form", ["{}", "- {}", "+ {}"], ids=["paragraph", "item", "number"])
def test_no_line_is_loose_whatever_goes_to_the_next_one(form, whole, found):
    assert found("spacing", FITTED + after_texts(whole, form)) == []


def test_without_fitting_they_are(found):
    plain = FITTED.replace("#show: fit-chinese", "")
    loose = found("spacing", plain + "\n\n".join(map(after_texts, WHOLE.values())))
    assert len(loose) > len(WHOLE)


def test_a_short_formula_that_is_broken_is_found(found):
    formula = "$x + y = z$"
    line = "#block(width: 60mm)[一二三四五六七八九十一二{formula}，好的。{rest}]"
    rest = CHINESE
    assert found("formulas", line.format(formula=f"#box[{formula}]", rest=rest)) == []
    (reported,) = found("formulas", line.format(formula=formula, rest=rest))
    assert "a formula is broken after" in reported


def test_a_formula_that_leaves_its_number_no_room_is_found(found):
    """Typst sets both in one line, however wide the formula is."""
    numbered = (
        "#set page(..paper)\n#math.equation(block: true, numbering: _ => [(16.2)], $ {} $)"
    )
    assert found("formula numbers", numbered.format("x + y = z")) == []
    wide = " + ".join(["x"] * 22)
    (reported,) = found("formula numbers", numbered.format(wide))
    assert "em from its number (16.2); break the formula" in reported
    prose = f"{CHINESE}#h(1fr)$x$，(16.2)"
    assert found("formula numbers", f"#set page(..paper)\n{prose}") == []


def test_an_outline_is_found_and_a_real_medium_is_not(found):
    assert found("weight", '#text(font: "Noto Sans SC", weight: "medium")[标题]') == []
    (reported,) = found("weight", '#text(font: "Noto Sans SC", stroke: 0.02em)[标题]')
    assert "NotoSansSC-Regular is outlined" in reported


@pytest.mark.parametrize(
    ("lang", "face", "text"),
    (("zh", "Libertinus Serif", "他说“好的”。"), ("en", "Noto Sans SC", "What you don’t say.")),
)
def test_a_mark_in_the_face_of_the_other_language_is_found(lang, face, text, found):
    typed = f'#import "type.typ": *\n#show: body => type-{lang}(11pt, body)\n'
    assert found("marks", typed + text) == []
    reported = found("marks", f'#text(font: "{face}")[{text}]')
    assert len(reported) == sum(map(text.count, "“”’"))
    assert all(f"is in {face.replace(' ', '')}" in each for each in reported)


def test_a_mark_after_a_formula_and_a_joiner_has_the_face_of_its_language(found):
    typed = '#import "type.typ": *\n#show: body => type-zh(11pt, body)\n'
    assert found("marks", typed + "这里“所以 $z = 0$\\u{2060}”求出。") == []


@pytest.mark.parametrize("reference", ("（第 {} 页）", "(page {})"))
def test_a_reference_to_its_own_page_is_found(found, reference):
    assert found("page references", "见" + reference.format(4)) == []
    (reported,) = found("page references", "见" + reference.format(3))
    assert "leads to its own page" in reported
