"""Cells: labels, options and what goes with what."""

import pytest
from house import ANSWER, HINT, TITLE, WORKED, cell, exercise, in_chapter, text

ONE_LINE = 'write "#| why: text" on one line, in quotes if need be'


NOT_OURS = 'label "{}" does not begin with the chapter\'s slug; write "{}tensors-…"'
NO_ALT = 'figure has no fig-alt; add "#| fig-alt: …"'
NO_CAP = 'figure has no fig-cap; add "#| fig-cap: …"'
CELLS = {
    "no label": (
        cell("x = 1", label=""),
        ['3: cell has no label; add "#| label: tensors-…"'],
    ),
    "label in snake case": (
        cell("x = 1", label="#| label: tensors_First\n"),
        ['4: label "tensors_First" is not kebab-case; write "tensors-first"'],
    ),
    "label of another chapter": (
        cell("x = 1", label="#| label: autograd-a\n"),
        [f"4: {NOT_OURS}".format("autograd-a", "")],
    ),
    "figure label without slug": (
        cell("#| fig-cap: a\n#| fig-alt: b\nx = 1", label="#| label: fig-a\n"),
        [f"4: {NOT_OURS}".format("fig-a", "fig-")],
    ),
    "options in the fence": (
        text("```{python, echo=FALSE}\n#| label: tensors-a\nx = 1\n```"),
        [
            '3: cell opens with ```{python, echo=FALSE}; write "```{python}" '
            'and the options as "#| key: value" below it'
        ],
    ),
    "misspelt option": (
        cell("#| figcap: a\nx = 1"),
        ['5: unknown cell option "figcap"; did you mean "fig-cap"?'],
    ),
    "unknown option": (
        cell("#| layout-ncol: 2\nx = 1"),
        ['5: unknown cell option "layout-ncol"; take it off'],
    ),
    "option twice": (
        cell("#| echo: false\n#| echo: true\nx = 1"),
        ['5: cell option "echo" is given twice; keep one of the two'],
    ),
    "list as an option": (
        cell("#| why: [a, b]\nx = 1"),
        ['5: cell option "why" is not a scalar; ' + ONE_LINE],
    ),
    "empty option": (
        cell("#| why:\nx = 1"),
        ['5: cell option "why" has no text; ' + ONE_LINE],
    ),
    "flag that is text": (
        cell("#| output: asis\nx = 1"),
        ['5: cell option "output" is neither true nor false; write "#| output: false"'],
    ),
    "fig-cap without fig-alt": (
        cell("#| fig-cap: a\nx = 1", label="#| label: fig-tensors-a\n"),
        ["3: " + NO_ALT],
    ),
    "fig-alt without fig-cap": (
        cell("#| fig-alt: a\nx = 1", label="#| label: fig-tensors-a\n"),
        ["3: " + NO_CAP],
    ),
    "figure label without captions": (
        cell("x = 1", label="#| label: fig-tensors-a\n"),
        [
            "3: " + NO_ALT,
            "3: " + NO_CAP,
        ],
    ),
    "captions without a figure label": (
        cell("#| fig-cap: a\n#| fig-alt: a\nx = 1"),
        ['4: label "tensors-a" of a figure does not begin with fig-; write "fig-tensors-…"'],
    ),
    "figure without anything": (
        cell("plt.show()"),
        ["3: cell shows a figure without a caption; add fig-cap and fig-alt"],
    ),
    "table label without caption": (
        cell("x = 1", label="#| label: tbl-tensors-a\n"),
        ['3: table has no tbl-cap; add "#| tbl-cap: …"'],
    ),
    "caption without a table label": (
        cell("#| tbl-cap: a\nx = 1"),
        ['4: label "tensors-a" of a table does not begin with tbl-; write "tbl-tensors-…"'],
    ),
    "eval false without why": (
        cell("#| eval: false\nx = 1"),
        ['5: eval: false without a reason; add "#| why: …"'],
    ),
    "error without raises": (
        cell("#| error: true\nx = 1"),
        ['5: error: true without raises; add "#| raises: RuntimeError"'],
    ),
    "raises without error": (
        cell("#| raises: ValueError\nx = 1"),
        ['5: raises without error: true; add "#| error: true"'],
    ),
    "recorded elsewhere": (
        cell("#| recorded: mps\n#| eval: false\nx = 1"),
        ['5: recorded: mps is no device we know; write "recorded: cuda" or "recorded: cpu"'],
    ),
    "recorded and run": (
        cell("#| recorded: cuda\nx = 1"),
        ['5: recorded without eval: false; add "#| eval: false"'],
    ),
    "recorded and not shown": (
        cell("#| recorded: cuda\n#| eval: false\n#| echo: false\nx = 1"),
        ['7: recorded with echo: false; write "#| repeats: …" instead'],
    ),
    "repeats nothing recorded": (
        cell("#| recorded: cuda\n#| eval: false\n#| repeats: tensors-b\nx = 1"),
        [
            '7: repeats "tensors-b", which is no recorded cell before it; '
            "name the cell that shows the code"
        ],
    ),
    "repeats what it does not record": (
        cell("#| repeats: tensors-b\nx = 1"),
        ["5: repeats without recorded; record it, or take the option off"],
    ),
    "check that is printed": (
        exercise(TITLE + HINT + ANSWER + WORKED)
        + "```{python}\n#| label: tensors-a\n#| check: exr-tensors-a\nx = 1\n```\n",
        ['16: check without include: false; add "#| include: false"'],
    ),
    "check of an exercise that is not there": (
        cell("#| check: exr-tensors-b\n#| include: false\nx = 1"),
        [
            '5: check: no exercise "exr-tensors-b" in this chapter; '
            'write "::: {#exr-tensors-b}" above'
        ],
    ),
    "exercise misspelt": (
        exercise(TITLE + HINT + ANSWER + WORKED, ident="exr-tensors-outer")
        + "```{python}\n#| label: tensors-a\n#| exercise: exr-tensors-uoter\n"
        + "### BEGIN SOLUTION\n### END SOLUTION\n```\n",
        [
            '16: exercise: no exercise "exr-tensors-uoter" in this chapter; '
            'did you mean "exr-tensors-outer"?'
        ],
    ),
    "tangle to no module": (
        cell("#| tangle: my-tensors.py\nx = 1"),
        ['5: tangle: "my-tensors.py" is no module; write "tangle: name.py"'],
    ),
    "tangle with a recording": (
        cell("#| tangle: tensors.py\n#| recorded: cuda\n#| eval: false\nx = 1"),
        [
            "5: tangle together with eval: false; take off one of them, or make two cells",
            "5: tangle together with recorded; take off one of them, or make two cells",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), CELLS.values(), ids=CELLS)
def test_cells(source, expected):
    assert in_chapter(source) == expected
