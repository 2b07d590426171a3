"""Exercises: what is read of them, and the rules over slips and wrong answers."""

from pathlib import Path

import pytest

from workbook.check import check, check_chapter
from workbook.source.chapter import parse_chapter
from workbook.source.exercise import Piece

PATH = Path("chapters/en/04-tensors.qmd")
GOOD = """\
# Tensors {#sec-tensors}

## Exercises {.unnumbered}

::: {#exr-tensors-center}

## Center the columns ★★

Write `center`.

::: {.callout-tip collapse="true" title="Hint"}

Which dimension goes away?

The input
must keep its values.

:::

::: {.callout-tip collapse="true" title="Hint"}
`dim=0`.
:::

::: {.answer lines=5 .squared}
:::

::: {.slips}
`dim`
: Take the mean over the rows:
  `dim=0`.

`input`
: Build a new tensor.

:::

::: {.worked}
`dim=0`.
:::

:::

```{python}
#| label: tensors-center
#| exercise: exr-tensors-center
def center(table):
    ### BEGIN SOLUTION
    return table - table.mean(dim=0)
    ### END SOLUTION
```

```{python}
#| label: tensors-center-check
#| check: exr-tensors-center
#| include: false
table = make()
kept = table.clone()
assert center(table).shape == (2, 2), f"shape: {tuple(table.shape)}"
assert table == kept, "input"
assert center(table) == right(), "dim"
```

```{python}
#| label: tensors-center-wrong
#| wrong: exr-tensors-center
#| include: false
#| eval: false
# %% dim
def center(table):
    return table - table.mean()


# %% input
def center(table):
    table -= table.mean(dim=0)
    return table
```
"""
WRONG = GOOD[GOOD.index("# %% dim") : GOOD.rindex("\n```")]
PAPER = (
    GOOD.replace("def center(table):\n    ### BEGIN", "def boxes():\n    ### BEGIN")
    .replace("return table - table.mean(dim=0)", 'return {"box": 23}')
    .replace(WRONG, "# %% dim\n3 * 4")
)


def read(source=GOOD):
    [exercise] = parse_chapter(source, PATH).exercises
    return exercise


def reported(*changes: tuple[str, str], source=GOOD):
    """What is said of the chapter after these changes, without its path."""
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    problems = check_chapter(parse_chapter(source, PATH))
    return [str(problem).removeprefix(f"{PATH}:") for problem in problems]


def test_an_exercise_knows_its_parts():
    found = read()
    assert (found.name, found.title, found.stars) == (
        "tensors-center", "Center the columns ★★", 2,
    )  # fmt: skip
    assert found.hints == (
        "Which dimension goes away?",
        "The input\nmust keep its values.",
        "`dim=0`.",
    )
    assert found.slips == {
        "dim": "Take the mean over the rows: `dim=0`.",
        "input": "Build a new tensor.",
    }
    assert found.stub.endswith('raise NotImplementedError("exr-tensors-center")')
    assert found.solution.endswith("return table - table.mean(dim=0)")
    assert found.check.label == "tensors-center-check"
    assert found.wrong == (
        Piece("dim", 68, "def center(table):\n    return table - table.mean()"),
        Piece(
            "input", 73, "def center(table):\n    table -= table.mean(dim=0)\n    return table"
        ),
    )


@pytest.mark.parametrize(
    ("signature", "paper"),
    [
        ("def center(table):", ""),
        ("def boxes():", "boxes"),
        ("def boxes(*, most=3):", ""),
        ("def one():\n    return 1\n\n\ndef center():", ""),
        ("class Center:\n  def center(self):", ""),
    ],
)
def test_what_can_be_done_on_paper_is_one_function_that_takes_nothing(signature, paper):
    assert (
        read(GOOD.replace("def center(table):\n    ### ", f"{signature}\n    ### ")).by_hand
        == paper
    )


def test_a_good_exercise_has_no_problems():
    assert reported() == []
    assert reported(source=PAPER) == []


SLIP_FORM = "write a name in code type and, on the next line, “: ” with what helps"
FAULTS = {
    "wrong answers without a name": (
        [("# %% dim\n", ""), ("# %% input\n", "")],
        ["68: 1 wrong answer, 2 at least; name what readers get wrong",
         '68: wrong answer without a name; write "# %% name-of-the-slip" above it'],
    ),
    "message of nothing": (
        [('"dim"', 'f""')],
        ['5: slip "dim" of exr-tensors-center is never told; '
         "name it in an assertion, or take it out of .slips",
         '60: assertion names no slip; add ", " and the name of one'],
    ),
    "hint that looks like a list": (
        [("The input\nmust", "(2) The input\nmust")],
        ['15: a paragraph that begins with "(2)" is a list; begin with a word: For (2), …'],
    ),
    "room for code that is ruled": (
        [(" .squared", "")],
        ["24: room for code is ruled; add .squared"],
    ),
    "room for so many lines as are no number": (
        [("lines=", "lines=x")],
        ["24: answer space without lines=1 to 40; write \"::: {.answer lines=4}\""],
    ),
    "room for less than the solution": (
        [("    return table - table.mean(dim=0)\n    ###",
          "    mean = 0\n    mean += 1\n    for i in mean:\n        del i\n"
          "    while mean:\n        mean = 0\n    return table\n    ###")],
        ["24: room of 5 lines for a solution of 7; give it as many at least"],
    ),
    "exercise without a check": (
        [(GOOD[GOOD.index("```{python}\n#| label: tensors-center-check") :
               GOOD.index("```{python}\n#| label: tensors-center-wrong")], "")],
        ['5: exercise has no check; add a cell with "#| check: exr-tensors-center"'],
    ),
    "exercise that knows no slips": (
        [(GOOD[GOOD.index("::: {.slips}") : GOOD.index("::: {.worked}")], ""),
         ('"dim"', '"value"'), ("# %% dim", "# %% value")],
        ['5: exercise explains no slip; add "::: {.slips}" before its worked solution'],
    ),
    "exercise with one hint": (
        [("away?\n\nThe", "away? The"),
         ("`dim=0`.\n:::\n\n::: {.answer", ":::\n\n::: {.answer")],
        ["5: exercise has one hint only; "
         "write two paragraphs at least: the first nudges, the last nearly tells"],
    ),
    "slip that is never told": (
        [("`input`\n", "`sign`\n: Mind the sign.\n\n`input`\n")],
        ['5: slip "sign" of exr-tensors-center is never told; '
         "name it in an assertion, or take it out of .slips"],
    ),
    "slip in no definition list": (
        [("`dim`\n: Take", "dim\n: Take")],
        [f"28: this is no list of slips; {SLIP_FORM}",
         '60: slip "dim" is not explained; add it to .slips',
         '68: slip "dim" is not explained; add it to .slips'],
    ),
    "slip in capitals": (
        [("`dim`", "`Dim_0`"), ('"dim"', '"shape"'), ("# %% dim", "# %% shape")],
        ['5: slip "Dim_0" of exr-tensors-center is never told; '
         "name it in an assertion, or take it out of .slips",
         '28: slip "Dim_0" is not kebab-case; write small letters and hyphens'],
    ),
    "slip twice": (
        [("`input`\n:", "`dim`\n:")],
        ['32: slip "dim" is named twice; keep one of the two'],
    ),
    "slip without words": (
        [("\n: Build a new tensor.\n", "\n")],
        [f'32: slip "input" says nothing; {SLIP_FORM}'],
    ),
    "list of no slips": (
        [(GOOD[GOOD.index("`dim`\n: T") : GOOD.index(":::\n\n::: {.worked")], ""),
         ('"dim"', '"value"'), ("# %% dim", "# %% value")],
        ['5: exercise explains no slip; add "::: {.slips}" before its worked solution',
         f"27: no slip in .slips; {SLIP_FORM}, or remove it"],
    ),
    "slips outside an exercise": (
        [("## Exercises", "::: {.slips}\n`a`\n: A.\n:::\n\n## Exercises")],
        ['3: slips outside an exercise; move it inside "::: {#exr-…}"'],
    ),
    "assertion without a slip": (
        [(', "input"', "")],
        ['59: assertion names no slip; add ", " and the name of one'],
    ),
    "assertion that speaks": (
        [('"input"', '"the input must stay"')],
        ['59: assertion says "the input must stay"; '
         'write the name of a slip, and a detail after ": " if there is one'],
    ),
    "raise that speaks": (
        [("kept = table.clone()", "kept = table.clone()\nraise AssertionError('No')")],
        ['58: assertion says "No"; '
         'write the name of a slip, and a detail after ": " if there is one'],
    ),
    "assertion of an unknown slip": (
        [('"input"', '"inptu"')],
        ['59: slip "inptu" is not explained; add it to .slips'],
    ),
    "wrong answer without a slip": (
        [("# %% dim", "# %% rows")],
        ['68: slip "rows" is not explained; add it to .slips'],
    ),
    "wrong answer without a name": (
        [("# %% dim\n", "")],
        ['68: wrong answer without a name; write "# %% name-of-the-slip" above it'],
    ),
    "one wrong answer": (
        [(WRONG[WRONG.index("\n\n\n# %% input") :], "")],
        ["68: 1 wrong answer, 2 at least; name what readers get wrong"],
    ),
    "wrong answers that run": (
        [("#| include: false\n#| eval: false\n", "")],
        ['65: wrong without eval: false; add "#| eval: false"',
         '65: wrong without include: false; add "#| include: false"'],
    ),
    "wrong answers to nothing": (
        [("#| wrong: exr-tensors-center", "#| wrong: exr-tensors-centre")],
        ['5: exercise has no wrong answers; '
         'add a cell with "#| wrong: exr-tensors-center"',
         '65: wrong: no exercise "exr-tensors-centre" in this chapter; '
         'did you mean "exr-tensors-center"?'],
    ),
    "answer of another class": (
        [(".squared", ".dotted")],
        ["24: answer with .dotted; take it off", "24: room for code is ruled; add .squared"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), FAULTS.values(), ids=FAULTS)
def test_faults(changes, expected):
    assert reported(*changes) == expected


def test_a_wrong_value_is_an_expression():
    assert reported(("3 * 4", "x = 3 * 4"), source=PAPER) == [
        "68: wrong value is not there; end in an expression: the value that is wrong"
    ]


def test_a_message_that_is_put_together_is_left_to_the_gate():
    assert reported(('"input"', "input_slip(table)"), ("# %% input", "# %% dim")) == []


def test_twins_have_the_same_slips_and_wrong_answers(tiny):
    for lang in ("zh", "en"):
        tiny.edit(f"chapters/{lang}/01-one.qmd", "2 * x\n\n\n#", f"2 * x  # {lang}\n\n\n#")
    tiny.edit("chapters/en/01-one.qmd", "`twice`\n: M", "`double`\n: M")
    problems = [str(p) for p in check(tiny.root) if "90-answers" not in str(p)]
    assert problems == [
        "chapters/en/01-one.qmd:20: other slips (double, not twice) than at "
        "chapters/zh/01-one.qmd:20; name the same, in one order",
        'chapters/en/01-one.qmd:20: slip "double" of exr-one-thrice is never told; '
        "name it in an assertion, or take it out of .slips",
        'chapters/en/01-one.qmd:65: slip "twice" is not explained; add it to .slips',
        'chapters/en/01-one.qmd:73: slip "twice" is not explained; add it to .slips',
        'chapters/en/01-one.qmd:75: column 21 of cell "one-thrice-wrong" differs from '
        "chapters/zh/01-one.qmd:75, column 21; make them the same, also in comments",
    ]
