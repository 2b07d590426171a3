"""The reader of chapters: every byte kept, each block with its kind and line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.problem import BookError
from workbook.source.blocks import div_end
from workbook.source.chapter import parse_chapter, read_chapter

PATH = Path("chapters/zh/04-tensors.qmd")


def parse(source):
    return parse_chapter(source, PATH)


def kinds(source):
    return [(block.kind, block.line) for block in parse(source).blocks if block.kind != "blank"]


def refused(source):
    with pytest.raises(BookError) as error:
        parse(source)
    return [str(problem) for problem in error.value.problems]


KINDS = {
    "heading and text": ("# 张\n一\n二\n\n三\n", ["heading 1", "paragraph 2", "paragraph 5"]),
    "front matter": ("---\noutput-file: a\n---\n# A\n", ["metadata 1", "heading 4"]),
    "list": ("- 一\n  二\n- 三\n\n1. 四\n", ["item 1", "item 3", "item 5"]),
    "code and cell": ("```bash\n# a\n```\n```{python}\nx\n```\n", ["code 1", "cell 4"]),
    "longer fence": ("````\n```\na\n```\n````\nb\n", ["code 1", "paragraph 6"]),
    "tildes": ("~~~\n```\n~~~\n", ["code 1"]),
    "divs": ("::: {.a}\n::: c\n:::\n:::\n", ["open 1", "open 2", "close 3", "close 4"]),
    "formula": ("$$\na\n\nb\n$$ {#eq-a}\n$$ c $$\n", ["math 1", "math 6"]),
    "table": ("| a |\n|---|\n: b {#tbl-a}\n", ["table 1", "caption 3"]),
    "table and text": ("| a |\n|---|\ntext\n", ["table 1", "paragraph 3"]),
    "figure": ('![a](b.svg){#fig-a fig-alt="c"}\n', ["figure 1"]),
    "footnote": ("[^1]: a\n  b\n", ["footnote 1"]),
    "quote": ("> a\n> b\nc\n", ["quote 1"]),
    "definition": ("a\n:   b\n", ["paragraph 1", "definition 2"]),
    "rule": ("a\n\n---\n", ["paragraph 1", "rule 3"]),
    "number sign in code": ("```\n# a\n::: b\n$$\n```\n", ["code 1"]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), KINDS.values(), ids=KINDS)
def test_kinds_and_lines(source, expected):
    assert [f"{kind} {line}" for kind, line in kinds(source)] == expected


PIECES = [
    "# 张量 {#sec-a}\n", "一段。\n", "\n", "  \n", "- 项\n", "::: {.callout-note}\n:::\n",
    "```{python}\n#| label: a\nx = 1\n```\n", "$$\nx\n$$\n", "| a |\n|---|\n", "\r\n", "---\n",
    "```\n\t\n```\n", "> q\r\n", "\u3000全角\n", "no newline at the end",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_the_source_comes_back_byte_for_byte(source):
    try:
        chapter = parse(source)
    except BookError:
        return  # two pieces on one line can open what nothing closes
    assert chapter.source == source
    lines = source.splitlines(keepends=True)
    for block in chapter.blocks:
        start = "".join(lines[block.line - 1 :])
        assert start.startswith(block.text)


CELL = """\
text

```{python}
#| label: tensors-a
#| echo: false
#| why: "a: b"

x = 1

y = 2

```
"""


def test_a_cell_knows_its_options_its_code_and_where_it_stands():
    (cell,) = parse(CELL).cells
    assert (cell.line, cell.code_line, cell.code) == (3, 8, "x = 1\n\ny = 2")
    assert cell.options == {"label": "tensors-a", "echo": False, "why": "a: b"}
    assert (cell.label, cell.option("why"), cell.option("tangle")) == ("tensors-a", "a: b", "")
    assert (cell.flag("echo"), cell.flag("eval"), cell.flag("error", default=False)) == (
        False, True, False,
    )  # fmt: skip


def test_a_cell_without_code_or_options():
    first, second = parse("```{python}\n```\n```{python}\n#| label: a\n```\n").cells
    assert (first.options, first.code) == ({}, "")
    assert (second.options, second.code) == ({"label": "a"}, "")


SOLVED = """\
```{python}
#| label: tensors-a
#| exercise: exr-tensors-a
def f(x):
    \"\"\"Return x.\"\"\"
    ### BEGIN SOLUTION
    y = x
    return y
    ### END SOLUTION


def g(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION
```
"""


def test_the_stub_raises_where_the_solution_stood():
    (cell,) = parse(SOLVED).cells
    assert cell.stub == (
        'def f(x):\n    """Return x."""\n    raise NotImplementedError("exr-tensors-a")\n\n\n'
        'def g(x):\n    raise NotImplementedError("exr-tensors-a")'
    )
    assert cell.solution == (
        'def f(x):\n    """Return x."""\n    y = x\n    return y\n\n\ndef g(x):\n    return x'
    )


EXERCISE = """\
::: {#exr-tensors-a}

## 外积 ★★

正文。

::: {.callout-tip collapse="true"}
提示。
:::

::: {.worked}
先写一行。

再写一列。
:::

:::

"""


def test_an_exercise_has_title_worked_solution_and_cells():
    check = SOLVED.replace("exercise:", "check:").replace("tensors-a\n", "tensors-b\n", 1)
    (found,) = parse(EXERCISE + SOLVED + check).exercises
    assert (found.id, found.line, found.title) == ("exr-tensors-a", 1, "外积 ★★")
    assert found.worked == "先写一行。\n\n再写一列。"
    assert [cell.label for cell in found.cells] == ["tensors-a", "tensors-b"]


def test_where_a_div_ends():
    blocks = parse("::: {.a}\n::: {.b}\n:::\n:::\nc\n").blocks
    assert (div_end(blocks, 0), div_end(blocks, 1)) == (4, 3)


def test_title_slug_and_ids():
    chapter = parse('# 张量 {#sec-tensors}\n![a](b){#fig-a fig-alt="c"}\n')
    assert (chapter.title, chapter.slug) == ("张量", "tensors")
    assert [block.id for block in chapter.blocks] == ["sec-tensors", "fig-a"]
    assert parse("words\n").title == "tensors"


BROKEN = {
    "fence": ("a\n```{python}\n", ["2: code fence is never closed; close it with ```"]),
    "formula": ("$$\na\n", ["1: formula is never closed; close it with $$"]),
    "front matter": ("---\na: b\n", ["1: front matter is never closed; close it with ---"]),
    "open div": ("::: {.a}\n", ["1: div ::: {.a} is never closed; close it with :::"]),
    "close of nothing": ("a\n\n:::\n", ["3: ::: closes nothing; remove it or open a div"]),
    "options": (
        "```{python}\n#| label: a\n#| why: a: b\n```\n",
        ['3: cell options are not YAML; write "#| key: value", quoting text'],
    ),
    "options that are a list": (
        "```{python}\n#| - a\n```\n",
        ["2: cell options are not key: value; mend them"],
    ),
}


@pytest.mark.parametrize(("source", "expected"), BROKEN.values(), ids=BROKEN)
def test_broken_structure_is_told_with_its_line(source, expected):
    assert refused(source) == [f"{PATH}:{line}" for line in expected]


def test_a_file_is_told_relative_to_the_root(tmp_path):
    (tmp_path / "a.qmd").write_bytes("# 张\n\n".encode() + b"\xff\n")
    with pytest.raises(BookError) as error:
        read_chapter(tmp_path / "a.qmd", tmp_path)
    assert str(error.value) == "a.qmd:3: not UTF-8; save it as UTF-8"
    (tmp_path / "a.qmd").write_bytes(b"# A\r\n\r\nb\r\n")
    chapter = read_chapter(tmp_path / "a.qmd", tmp_path)
    assert (chapter.path, chapter.source) == (Path("a.qmd"), "# A\r\n\r\nb\r\n")
