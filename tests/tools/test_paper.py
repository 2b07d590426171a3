"""What a page is given to check answers on paper by: asked of the exercises' own checks."""

import json

import pytest
from readers import Reader

from workbook.practice import paper
from workbook.problem import BookError
from workbook.render.html import practice
from workbook.source.blocks import Cell
from workbook.source.chapter import read_chapters
from workbook.source.edition import bilingual, read_edition
from workbook.source.exercise import Exercise


def exercise(check: str, solution: str, wrong: str = "", returns: str = "dict") -> Exercise:
    """An exercise on paper: `solution` is the value that its function returns."""
    code = f"def found() -> {returns}:\n    ### BEGIN SOLUTION\n    return {solution}\n"
    code += "    ### END SOLUTION"
    cells = {"exercise": code, "check": check, "wrong": wrong}
    made = (Cell("cell", 0, "", {kind: "exr-x"}, text) for kind, text in cells.items() if text)
    return Exercise("exr-x", 1, "X", "", (), {}, tuple(made))


def part(check: str, value: str, **more: str) -> dict:
    """The only part of an exercise that asks for this value."""
    [found] = paper.sheet(exercise(f"import math\nx = found()\n{check}", value, **more))[
        "parts"
    ]
    return found


@pytest.mark.parametrize(
    ("check", "ends"),
    [
        ('assert x == 23, "value"', (23, 23)),
        ('assert math.isclose(x, 23, rel_tol=0, abs_tol=0.01), "value"', (22.99, 23.01)),
        ('assert abs(x - 23) < 0.01, "value"', (22.99, 23.01)),
        ('assert int(x) == 23, "value"', (23, 24)),
        ('assert 20 <= x <= 40, "value"', (20, 40)),
    ],
)
def test_how_far_a_number_may_be_off_is_what_its_check_says(check, ends):
    right = part(check, "23")["right"]
    assert (right["from"], right["to"]) == pytest.approx(ends, abs=1e-6)


def test_the_end_that_a_hand_writes_is_told_as_the_check_takes_it():
    closed = part('assert abs(x - 2) <= 0.25, "value"', "2")["right"]
    assert closed == {"from": 1.75, "to": 2.25}
    open_ = part('assert abs(x - 2) < 0.25, "value"', "2")["right"]
    assert 1.75 < open_["from"] < 1.7500005 and 2.2499995 < open_["to"] < 2.25


def test_what_is_said_of_other_forms_is_what_the_check_says():
    check = (
        'assert hasattr(x, "__len__"), "type"\nassert len(x) == 2, "shape"\n'
        'assert not isinstance(x, str), "word"\n'
        'assert x[0] == 1, "one"\nassert x[1] == 2, "two"'
    )
    found = part(check, "(1, 2)")
    assert [found[key] for key in ("else", "bare", "short", "leaves")] == [
        "shape", "type", "shape", ["one", "two"],
    ]  # fmt: skip
    assert "flat" not in found and "open" not in found


def test_rows_that_a_check_reads_in_any_way_are_read_in_any_way():
    check = (
        "def all_of(x):\n    return [v for each in x for v in "
        "(all_of(each) if isinstance(each, list | tuple) else [each])]\n"
        'assert all_of(x) == [1, 2, 3], "value"'
    )
    assert part(check, "(1, 2, 3)")["flat"] is True


def test_where_others_are_right_too_the_page_knows_that_it_cannot_tell():
    found = part('assert x[0] + x[1] > 0 and x[0] < x[1], "value"', "(1, 2)")
    assert found["open"] is True
    assert found["right"]["items"][0] == {"from": 1, "to": 1}


def test_letters_in_any_order_are_worth_what_the_check_says_first():
    check = (
        'letters = set(x) - set(", ")\nassert letters <= set("abc"), "letters"\n'
        'assert "b" in letters, "b"\nassert "a" in letters, "a"\nassert "c" not in letters, "c"'
    )
    found = part(check, '"ab"', returns="str")
    assert (found["fold"], found["spaced"]) == (False, True)
    order = [letter for letter in found["letters"] if letter in "abc"]
    assert order == ["b", "a", "c"] and found["letters"]["z"] == "letters"


def test_wrong_values_come_along_with_their_types_and_not_those_that_are_right():
    check = 'x = found()\nassert x["p"] == 2, "p"\nassert x["q"] == 1.5, "q"'
    wrong = '# %% half\n{"p": 1, "q": 3 / 2}\n\n\n# %% twice\n{"q": (3.0, 3)}'
    sheet = paper.sheet(exercise(check, '{"p": 2, "q": 1.5}', wrong))
    assert [each["wrong"] for each in sheet["parts"]] == [
        [["half", 1]], [["twice", [{"f": 3.0}, 3]]],
    ]  # fmt: skip
    assert paper.slips(sheet) == {"half", "twice", "p", "q"}


@pytest.fixture
def small(tmp_path):
    root = Reader(tmp_path).root
    return root, {lang: read_edition(root, lang) for lang in ("zh", "en")}


def test_each_chapter_has_a_file_of_its_own_and_the_site_one_with_its_words(small):
    root, editions = small
    zh, en = (read_chapters(editions[lang], root) for lang in ("zh", "en"))
    sheets = paper.sheets(root, zh)
    assert list(sheets) == ["exr-first-steps-by-hand", "exr-first-steps-letters"]
    both = practice.files(bilingual(editions["zh"], editions["en"]), zh, en, sheets)
    assert list(both) == ["practice.js", "practice/first-steps.js"]
    about = json.loads(both["practice.js"].removeprefix("workbook.begin(").removesuffix(");\n"))
    assert about["paper"] == ["first-steps"]
    assert about["chapters"]["more"] == ["more-a", "more-b"]
    assert about["words"]["right"] == "对 right"


def test_a_check_that_cannot_be_asked_is_told_with_its_place(small):
    root, editions = small
    path = root / "chapters/zh/01-first-steps.qmd"
    text = path.read_text("utf-8").replace("import math\n", "import nowhere_at_all\n")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BookError) as caught:
        paper.sheets(root, read_chapters(editions["zh"], root))
    [told] = caught.value.problems
    assert told.where.path.endswith("01-first-steps.qmd") and told.where.line
    assert told.what == (
        "no page can check exr-first-steps-by-hand: ValueError: type of the reference solution"
    )
