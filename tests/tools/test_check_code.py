"""Code on the page: markers of a solution, widths, lengths, Python."""

import pytest
from house import HINTS, SLIPS, SQUARED, TITLE, WORKED, cell, exercise, in_chapter, text

WIDE = "code line of 73 columns; break it before 73"
CODE = {
    "markers without an exercise": (
        cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"),
        [
            '5: solution markers in a cell that is no exercise; take them out or add '
            '"#| exercise: exr-…"'
        ],
    ),
    "wide line": (
        cell("x = 1  # " + "宽" * 32),
        ["5: " + WIDE],
    ),
    "wide line in a listing": (
        text("```text\n" + "x" * 73 + "\n```"),
        ["4: " + WIDE],
    ),
    "long cell": (
        cell("\n".join(["x = 1"] * 41)),
        ["5: cell of 41 lines; split it: 40 at most"],
    ),
    "long cell that is not printed": (
        cell("#| include: false\n" + "\n".join(["x = 1"] * 41)),
        [],
    ),
    "letters too small for a phone": (
        cell('a = {"fontsize": 8}\nax.text(0, 0, "a", fontsize=7.5)\nlegend(prop={"size": 7})'),
        [
            "6: letters of 7.5 points in a figure; 8 are the least",
            "7: letters of 7 points in a figure; 8 are the least",
        ],
    ),
    "letters whose size is put together": (
        cell('ax.text(0, 0, "a", fontsize=...)\nax.text(0, 0, "a", fontsize=.5.real)'),
        ["6: letters of 0.5 points in a figure; 8 are the least"],
    ),
    "not Python": (
        cell("x = 1\n%timeit x"),
        ["6: not Python: invalid syntax; mend it; IPython's % and ! are not used"],
    ),
    "not Python on purpose": (
        cell("#| error: true\n#| raises: SyntaxError\nx = = 1"),
        [],
    ),
    "code annotation": (
        cell("x = 1  # <1>"),
        ["5: code annotation; say it in a comment or in the prose"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), CODE.values(), ids=CODE)
def test_code(source, expected):
    assert in_chapter(source) == expected


def test_widths_of_exactly_72_columns_and_40_lines_are_fine():
    assert in_chapter(cell("\n".join(["x = 1  # " + "宽" * 31 + "n"] * 40))) == []


CHECKED = """
```{python}
#| label: tensors-a-check
#| check: exr-tensors-a
#| include: false
assert a(1) == 1, "sign"
```

```{python}
#| label: tensors-a-wrong
#| wrong: exr-tensors-a
#| include: false
#| eval: false
# %% sign
def a(x):
    return -x


# %% returns
def a(x):
    x
```
"""


SOLUTIONS = {
    "no markers": (
        "x = 1",
        [
            '21: exercise cell has no solution; set it between "### BEGIN SOLUTION" '
            'and "### END SOLUTION"'
        ],
    ),
    "no end": (
        "### BEGIN SOLUTION\nx = 1",
        ['24: solution never ends; add "### END SOLUTION"'],
    ),
    "no beginning": (
        "x = 1\n### END SOLUTION",
        ["25: ### END SOLUTION without a beginning; set BEGIN and END by turns"],
    ),
    "one inside the other": (
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
        ["25: ### BEGIN SOLUTION inside a solution; set BEGIN and END by turns"],
    ),
    "another spelling": (
        "## begin solution\n### END SOLUTION",
        ['24: solution marker is written "## begin solution"; write "### BEGIN SOLUTION"'],
    ),
    "half a statement": (
        "if True:\n### BEGIN SOLUTION\n    x = 1\n### END SOLUTION",
        [
            "24: not Python without the solution: expected an indented block after 'if' "
            "statement on line 1; set the markers around whole statements"
        ],
    ),
}


@pytest.mark.parametrize(("code", "expected"), SOLUTIONS.values(), ids=SOLUTIONS)
def test_solutions(code, expected):
    options = "#| label: tensors-a\n#| exercise: exr-tensors-a\n"
    before = exercise(TITLE + HINTS + SQUARED + SLIPS + WORKED)
    assert in_chapter(f"{before}```{{python}}\n{options}{code}\n```\n{CHECKED}") == expected
