"""What print makes of exercises, held by the measures that read the finished pages."""

import re

import pytest
from small import edition, page

from workbook.render import pdf
from workbook.verify import mupdf, pencil
from workbook.verify.validator import Subject

FRONT = 4  # pages before the one that is numbered 1
LINE = "写一行。\n\n"
EXERCISE = """::: {{#exr-one-{name}}}
## 题 ★

{question}

::: {{.callout-tip collapse="true" title="提示"}}
先看{name}。

再看{name}。
:::

::: {{.answer .squared lines={lines}}}
:::
:::

"""


def exercise(name: str, lines: int = 8, question: str = "求值。") -> str:
    return EXERCISE.format(name=name, lines=lines, question=question)


@pytest.fixture
def book(tmp_path):
    """The sheets of a book with one chapter, and what it says, page by page."""

    def made(body: str):
        pages = [page("one", "1", f"# T {{#sec-one}}\n\n{body}")]
        subject = Subject(tmp_path, edition(*pages), tmp_path)
        pdf.write(subject.edition, pages, subject.pdf)
        with mupdf.opened(subject.pdf) as document:
            said = [each.get_text() for each in document]
        return list(pencil.sheets(subject)), said

    return made


def chapter(*exercises: str, above: int = 0) -> str:
    return LINE * above + "## 练习 {.unnumbered}\n\n" + "".join(exercises)


def test_room_goes_on_to_the_foot_and_no_page_of_exercises_has_a_hole(book):
    """Three of which two fill a page: the third takes a page to itself."""
    sheets, _ = book(chapter(*(exercise(name) for name in "abc")))
    placed = list(pencil.placed(sheets))
    assert [each.kind for each in placed] == ["page"] * 3
    assert placed[0].last == placed[1].last == placed[2].first - 1
    for sheet in sheets:
        if sheet.titles:
            assert sheet.area.bottom - max(sheet.rows) < 30
            assert sheet.emptiest < pencil.EMPTY


@pytest.mark.parametrize("above", [0, 10, 20, 40])
def test_an_exercise_longer_than_a_page_takes_an_opening(book, above):
    """Wherever it would begin, it begins on the left, and no page before it is blank."""
    long = exercise("b", 22, "求值。\n\n" * 18)
    sheets, _ = book(chapter(exercise("a"), long, exercise("c"), above=above))
    placed = list(pencil.placed(sheets))
    assert [each.kind for each in placed][1] == "opening"
    assert "leaf" not in {each.kind for each in placed}
    inside = [sheet for sheet in sheets if placed[0].first <= sheet.number <= placed[2].last]
    assert all(sheet.ink and sheet.emptiest < pencil.EMPTY for sheet in inside)


def test_what_the_page_before_the_exercises_has_left_is_for_notes(book):
    sheets, _ = book(chapter(exercise("a", 20, "求值。\n\n" * 9), above=20))
    before, first = (s for s in sheets if s.rows)
    assert not before.titles and first.titles
    assert before.emptiest < pencil.EMPTY


BOX = (
    f"::: {{.callout-warning}}\n{LINE * 3}{'又写一行，' * 11}\n:::\n\n"  # as high as one may be
)
BLOCKS = "写一行。\n\n写一行。\n\n```python\nx = 1\n```\n\n" * 3


@pytest.mark.parametrize("above", range(0, 16, 3))
def test_what_a_box_leaves_on_its_page_stands_between_the_blocks_above(book, above):
    """Wherever the page ends, and the last page of the chapter is as it was set."""
    sheets, _ = book(LINE * above + (BLOCKS + BOX) * 5)
    inside = [sheet for sheet in sheets if not sheet.opens]
    assert len(inside) > 1
    assert pencil.holes(sheets) == []


def test_what_a_box_leaves_is_shared_by_the_blank_lines_of_code(book):
    """The page has hardly another place: a listing is nearly all that stands on it."""
    lines = "x = 1\ny = 2\nz = 3\n\n" * 9
    sheets, _ = book(f"写一行。\n\n```python\n{lines}x = 1\n```\n\n{BOX * 2}{LINE}")
    assert len(sheets) > 1
    assert pencil.holes(sheets) == []


def test_a_spring_takes_and_adds_no_space_of_its_own(tmp_path):
    """On the last page of a chapter, which is not spread, all stands as without springs."""
    body = BLOCKS + "- 一条\n- 两条\n\n## 节\n\n写一行。\n\n" + BOX + LINE
    pages = [page("one", "1", f"# T {{#sec-one}}\n\n{body}")]
    each = edition(*pages)
    source = pdf.typeset(each, pages)
    assert source.count("#forms.spring(") > 8
    places = []
    for number, text in enumerate((source, re.sub(r"#forms\.spring\(.*?\)\n", "", source))):
        printed = tmp_path / f"{number}.pdf"
        printed.write_bytes(pdf.compile_pdf(text, {}, each.date))
        with mupdf.opened(printed) as document:
            last = [sheet for sheet in document if "节" in sheet.get_text()][-1]
            places.append([word[1] for word in last.get_text("words")])
    with_springs, without = places
    assert with_springs == pytest.approx(without, abs=12)  # of twenty springs


def test_hints_stand_at_the_back_with_their_pages_both_ways(book):
    sheets, said = book(chapter(exercise("a"), exercise("b")))
    asked = next(sheet.number for sheet in sheets if sheet.titles)
    hints = next(
        number for number, text in enumerate(said) if "先看" in text and number >= FRONT
    )
    assert "先看" not in said[asked - 1]
    assert f"提示（第{hints + 1 - FRONT}页）" in _tight(said[asked - 1])
    at_back = _tight(said[hints])
    assert f"习题1.2（第{asked - FRONT}页）题★1.先看b。2.再看b。" in at_back


def _tight(text: str) -> str:
    return "".join(text.split())
