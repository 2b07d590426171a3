"""Every rule of the house markup: a chapter that breaks it, and all that is said of it."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbook.check import check, check_chapter
from workbook.source.chapter import parse_chapter

ZH = Path("chapters/zh/04-tensors.qmd")

GOOD_ZH = """\
# 张量 {#sec-tensors}

一张表能装下照片吗？`x<b>y`、$a<b>c$ 与 <https://pytorch.org> 都不是 HTML。
见 [@fig-tensors-relu]、[@tbl-tensors-ops; @eq-tensors-linear]与 [@exr-tensors-outer]，
来历见 [@paszke2019pytorch, 第 3 页]。

::: {.callout-note title="本章目标"}
- 创建[张量]{.term}（tensor）[^1]；
- 说出它的形状，写信给 a@example.org。
:::

## 从列表创建 {#sec-tensors-list}

::: {.callout-tip title="先想再跑"}
`x.shape` 是什么？

::: {.answer lines=1}
:::
:::

```{python}
#| label: tensors-list
#| tangle: tensors.py
x = [[20.0, 30.0], [90.0, 60.0]]
```

```{python}
#| label: tensors-shape
len(x)  # 行数
```

$$
y = W x + b \\quad \\text{其中}
$$ {#eq-tensors-linear}

```{python}
#| label: fig-tensors-relu
#| fig-cap: "ReLU 与它的导数，见 [@sec-tensors]"
#| fig-alt: "一条折线"
plt.plot([-1, 0, 1], [0, 0, 1])
plt.show()
```

| 操作 | 代码 |
|:-----|-----:|
| 转置 | `x.T` |

: 常用操作 {#tbl-tensors-ops}

![步幅](strides.svg){#fig-tensors-strides fig-alt="两行箭头"}

```{python}
#| label: tensors-error
#| error: true
#| raises: ValueError
raise ValueError("no")
```

```{python}
#| label: tensors-speed
#| recorded: cuda
#| eval: false
print("measured")
```

```{python}
#| label: tensors-later
#| eval: false
#| why: "需要两台设备"
print("not run")
```

```bash
pip install torch
```

[^1]: 物理学里另有一说。

## 小结 {.unnumbered}

张量是多维数组。

## 练习 {.unnumbered}

::: {#exr-tensors-outer}

## 外积 ★★

写出 `outer`。

::: {.callout-tip collapse="true" title="提示"}
结果有几行几列？

两层循环。
:::

::: {.answer lines=4 .squared}
:::

::: {.slips}
`rows`
: 结果有几行几列？
:::

::: {.worked}
先写一行。
:::

:::

```{python}
#| label: tensors-outer
#| exercise: exr-tensors-outer
def outer(a, b):
    \"\"\"Return the outer product, shape (len(a), len(b)).\"\"\"
    ### BEGIN SOLUTION
    return [[i * j for j in b] for i in a]
    ### END SOLUTION
```

```{python}
#| label: tensors-outer-check
#| check: exr-tensors-outer
#| include: false
assert outer([1], [2]) == [[2]], "rows"
```

```{python}
#| label: tensors-outer-wrong
#| wrong: exr-tensors-outer
#| include: false
#| eval: false
# %% rows
def outer(a, b):
    return [[i * j for i in a] for j in b]


# %% returns
def outer(a, b):
    [[i * j for j in b] for i in a]
```
"""

GOOD_EN = """\
# Tensors {#sec-tensors}

Does a table hold a photo? `x<b>y`, $a<b>c$ and <https://pytorch.org> are no HTML. See
[@exr-tensors-outer], [@fig-tensors-relu] and [@tbl-tensors-ops; @eq-tensors-linear];
for the origin [@paszke2019pytorch, p. 3].

::: {.callout-note title="Goals"}
- Create a [tensor]{.term} [^1].
- Tell its shape, and write to a@example.org.
:::

## From lists {#sec-tensors-list}

::: {.callout-tip title="Predict"}
What is `x.shape`?

::: {.answer lines=1}
:::
:::

```{python}
#| label: tensors-list
#| tangle: tensors.py
x = [[20.0, 30.0], [90.0, 60.0]]
```

```{python}
#| label: tensors-shape
len(x)  # rows
```

$$
y = W x + b \\quad \\text{where}
$$ {#eq-tensors-linear}

```{python}
#| label: fig-tensors-relu
#| fig-cap: "ReLU and its derivative, see [@sec-tensors]"
#| fig-alt: "A bent line"
plt.plot([-1, 0, 1], [0, 0, 1])
plt.show()
```

| operation | code |
|:----------|-----:|
| transpose | `x.T` |

: Common operations {#tbl-tensors-ops}

![Strides](strides.svg){#fig-tensors-strides fig-alt="Two rows of arrows"}

```{python}
#| label: tensors-error
#| error: true
#| raises: ValueError
raise ValueError("no")
```

```{python}
#| label: tensors-speed
#| recorded: cuda
#| eval: false
print("measured")
```

```{python}
#| label: tensors-later
#| eval: false
#| why: "needs two devices"
print("not run")
```

```bash
pip install torch
```

[^1]: Physics has another word for it.

## Summary {.unnumbered}

A tensor is an array of many dimensions.

## Exercises {.unnumbered}

::: {#exr-tensors-outer}

## Outer product ★★

Write `outer`.

::: {.callout-tip collapse="true" title="Hint"}
How many rows and columns?

Two loops.
:::

::: {.answer lines=4 .squared}
:::

::: {.slips}
`rows`
: How many rows and columns?
:::

::: {.worked}
Write one row first.
:::

:::

```{python}
#| label: tensors-outer
#| exercise: exr-tensors-outer
def outer(a, b):
    \"\"\"Return the outer product, shape (len(a), len(b)).\"\"\"
    ### BEGIN SOLUTION
    return [[i * j for j in b] for i in a]
    ### END SOLUTION
```

```{python}
#| label: tensors-outer-check
#| check: exr-tensors-outer
#| include: false
assert outer([1], [2]) == [[2]], "rows"
```

```{python}
#| label: tensors-outer-wrong
#| wrong: exr-tensors-outer
#| include: false
#| eval: false
# %% rows
def outer(a, b):
    return [[i * j for i in a] for j in b]


# %% returns
def outer(a, b):
    [[i * j for j in b] for i in a]
```
"""

PROFILE = """\
book:
  title: Book
  output-file: book
  chapters:
    - index.{lang}.qmd
    - part: One
      chapters:
        - chapters/{lang}/04-tensors.qmd
"""


def make_book(root, changes=()):
    """A book of a preface and one chapter in both languages; None takes a file away."""
    files = {
        "_quarto.yml": "book:\n  author: We\n  date: 2026-01-01\n",
        "references.bib": "@inproceedings{paszke2019pytorch,\n  title = {PyTorch},\n}\n",
        "index.zh.qmd": "# 前言 {.unnumbered}\n\n给读者。\n",
        "index.en.qmd": "# Preface {.unnumbered}\n\nTo the reader.\n",
        "chapters/zh/04-tensors.qmd": GOOD_ZH,
        "chapters/en/04-tensors.qmd": GOOD_EN,
        "chapters/zh/strides.svg": "<svg/>",
        "chapters/en/strides.svg": "<svg/>",
        "_quarto-zh.yml": PROFILE.format(lang="zh"),
        "_quarto-en.yml": PROFILE.format(lang="en"),
    } | dict(changes)
    for name, text in files.items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
    return root


def reported(problems):
    return [str(problem) for problem in problems]


def in_chapter(source, path=ZH):
    """What is said of a chapter, without its path."""
    return [
        line.removeprefix(f"{path}:")
        for line in reported(check_chapter(parse_chapter(source, path)))
    ]


def cell(text, label="#| label: tensors-a\n"):
    return f"# T {{#sec-tensors}}\n\n```{{python}}\n{label}{text}\n```\n"


def text(words):
    return f"# T {{#sec-tensors}}\n\n{words}\n"


def exercise(body, ident="exr-tensors-a", above="## 练习 {.unnumbered}"):
    return f"# T {{#sec-tensors}}\n\n{above}\n\n::: {{#{ident}}}\n{body}:::\n"


TITLE = "## 外积 ★\n"
HINT = '::: {.callout-tip collapse="true"}\n:::\n'
HINTS = HINT.replace("\n", "\nFirst.\n\nThen.\n", 1)
ANSWER = "::: {.answer lines=4}\n:::\n"
SQUARED = ANSWER.replace("4", "4 .squared")
SLIPS = "::: {.slips}\n`sign`\n: Minus.\n:::\n"
WORKED = "::: {.worked}\n:::\n"
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


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def recording(label, code, module="x = 1\n"):
    inputs = {"cell": sha1(code), "torchbook/tensors.py": sha1(module)}
    return json.dumps({"label": label, "device": "H200", "inputs": inputs, "stdout": ""})


RECORDED = "recordings/cuda/tensors-speed.json"
CODE = 'print("measured")'
AGAIN = "run workbook record --device cuda"


def test_a_good_book_has_no_problems(tmp_path):
    assert check(make_book(tmp_path)) == []


@pytest.mark.parametrize("source", [GOOD_ZH, GOOD_EN])
def test_a_good_chapter_has_no_problems(source):
    lang = "zh" if source is GOOD_ZH else "en"
    chapter = parse_chapter(source, Path(f"chapters/{lang}/04-tensors.qmd"))
    assert check_chapter(chapter) == []


ONE_LINE = 'write "#| why: text" on one line, in quotes if need be'
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
        ['4: label "autograd-a" does not begin with the chapter\'s slug; write "tensors-…"'],
    ),
    "figure label without slug": (
        cell("#| fig-cap: a\n#| fig-alt: b\nx = 1", label="#| label: fig-a\n"),
        ['4: label "fig-a" does not begin with the chapter\'s slug; write "fig-tensors-…"'],
    ),
    "label twice in a chapter": (
        text("```{python}\n#| label: tensors-a\nx = 1\n```\n\n" * 2),
        ['9: label "tensors-a" is taken by chapters/zh/04-tensors.qmd:4; choose another'],
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
        ['3: figure has no fig-alt; add "#| fig-alt: …"'],
    ),
    "fig-alt without fig-cap": (
        cell("#| fig-alt: a\nx = 1", label="#| label: fig-tensors-a\n"),
        ['3: figure has no fig-cap; add "#| fig-cap: …"'],
    ),
    "figure label without captions": (
        cell("x = 1", label="#| label: fig-tensors-a\n"),
        [
            '3: figure has no fig-alt; add "#| fig-alt: …"',
            '3: figure has no fig-cap; add "#| fig-cap: …"',
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
        ['5: recorded: mps is no device we know; write "recorded: cuda"'],
    ),
    "recorded and run": (
        cell("#| recorded: cuda\nx = 1"),
        ['5: recorded without eval: false; add "#| eval: false"'],
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
    "markers without an exercise": (
        cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"),
        [
            '5: solution markers in a cell that is no exercise; take them out or add '
            '"#| exercise: exr-…"'
        ],
    ),
    "wide line": (
        cell("x = 1  # " + "宽" * 32),
        ["5: code line of 73 columns; break it before 73"],
    ),
    "wide line in a listing": (
        text("```text\n" + "x" * 73 + "\n```"),
        ["4: code line of 73 columns; break it before 73"],
    ),
    "long cell": (
        cell("\n".join(["x = 1"] * 41)),
        ["5: cell of 41 lines; split it: 40 at most"],
    ),
    "long cell that is not printed": (
        cell("#| include: false\n" + "\n".join(["x = 1"] * 41)),
        [],
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


@pytest.mark.parametrize(("source", "expected"), CELLS.values(), ids=CELLS)
def test_cells(source, expected):
    assert in_chapter(source) == expected


def test_widths_of_exactly_72_columns_and_40_lines_are_fine():
    assert in_chapter(cell("\n".join(["x = 1  # " + "宽" * 31 + "n"] * 40))) == []


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


STRUCTURE = {
    "no title": (
        "words\n",
        ['1: chapter has no title; begin with "# Title {#sec-tensors}"'],
    ),
    "two titles": (
        text("# Again"),
        ["3: second # heading; write ## or a new chapter"],
    ),
    "title without id": (
        "# T\n",
        ['1: title does not carry the chapter\'s id; write "# Title {#sec-tensors}"'],
    ),
    "section without id": (
        text("## S"),
        ['3: section has no id; add "{#sec-tensors-…}" or "{.unnumbered}"'],
    ),
    "section of another chapter": (
        text("## S {#sec-autograd-a}"),
        [
            '3: section id "sec-autograd-a" does not begin with sec-tensors-; '
            'write "{#sec-tensors-…}" in kebab-case'
        ],
    ),
    "section with another class": (
        text("## S {#sec-tensors-a .unlisted}"),
        [
            "3: heading has attributes that are not in the house markup; "
            'keep "{#sec-tensors-…}" and "{.unnumbered}" only'
        ],
    ),
    "jump of levels": (
        text("### S"),
        ['3: heading of level 3 follows level 1; write "##"'],
    ),
    "heading in a callout": (
        text("::: {.callout-tip}\n## S\n:::"),
        ['4: heading inside a div; write title="…" in its braces'],
    ),
    "unknown callout": (
        text("::: {.callout-caution}\n:::"),
        [
            "3: div {.callout-caution} is not in the house markup; write .callout-note, "
            ".callout-tip, .callout-warning, .callout-important"
        ],
    ),
    "callout with an icon": (
        text('::: {.callout-tip icon="false"}\n:::'),
        ["3: callout with icon=; take it off"],
    ),
    "callout open at first": (
        text('::: {.callout-tip collapse="false"}\n:::'),
        ['3: collapse="false"; write collapse="true" or take it off'],
    ),
    "div of one word": (
        text("::: callout-tip\n:::"),
        ['3: div callout-tip is not in the house markup; write "::: {.callout-tip}"'],
    ),
    "tabset": (
        text("::: {.panel-tabset}\n:::"),
        [
            "3: div {.panel-tabset} is not in the house markup; "
            "set the tabs one below the other"
        ],
    ),
    "unknown div": (
        text('::: {#fig-tensors-a layout-ncol="2"}\n:::'),
        [
            '3: div {#fig-tensors-a layout-ncol="2"} is not in the house markup; '
            "write a callout, an exercise, .answer, .slips or .worked"
        ],
    ),
    "div not in column 1": (
        text("- a\n  ::: {.answer lines=1}"),
        ['4: ::: that opens no div; write "::: {…}" from column 1'],
    ),
    "answer without lines": (
        text("::: {.answer}\n:::"),
        ['3: answer space without lines=1 to 40; write "::: {.answer lines=4}"'],
    ),
    "answer with too many lines": (
        text("::: {.answer lines=41}\n:::"),
        ['3: answer space without lines=1 to 40; write "::: {.answer lines=4}"'],
    ),
    "worked solution outside": (
        text("::: {.worked}\n:::"),
        ['3: worked solution outside an exercise; move it inside "::: {#exr-…}"'],
    ),
    "exercise of another chapter": (
        exercise(TITLE + HINT + ANSWER + WORKED, ident="exr-autograd-a"),
        [
            '5: exercise id "exr-autograd-a" does not begin with exr-tensors-; '
            'write "{#exr-tensors-…}" in kebab-case'
        ],
    ),
    "exercise without a title": (
        exercise("words\n\n" + HINT + ANSWER + WORKED),
        ['5: exercise does not begin with its title; write "## title ★"'],
    ),
    "exercise without stars": (
        exercise("## 外积\n" + HINT + ANSWER + WORKED),
        ["6: title of the exercise does not end in ★, ★★ or ★★★; say how hard it is"],
    ),
    "exercise with four stars": (
        exercise("## 外积 ★★★★\n" + HINT + ANSWER + WORKED),
        ["6: title of the exercise does not end in ★, ★★ or ★★★; say how hard it is"],
    ),
    "exercise with two headings": (
        exercise(TITLE + "## 又 ★\n" + HINT + ANSWER + WORKED),
        ["7: second heading in an exercise; set it in **bold**"],
    ),
    "exercise without its parts": (
        exercise(TITLE),
        [
            '5: exercise has no answer space; add "::: {.answer lines=4}"',
            '5: exercise has no hint; add ::: {.callout-tip collapse="true" title="…"}',
            '5: exercise has no worked solution; add "::: {.worked}" as its last part',
        ],
    ),
    "worked solution first": (
        exercise(TITLE + WORKED + HINT + ANSWER),
        ["7: worked solution is not last in its exercise; move it to the end"],
    ),
    "exercise elsewhere": (
        exercise(TITLE + HINT + ANSWER + WORKED, above="## Exercises {.unnumbered}"),
        [
            '5: exercise outside the section of exercises; write "## 练习 {.unnumbered}" above'
        ],
    ),
    "exercise inside a callout": (
        text(
            "## 练习 {.unnumbered}\n::: {.callout-note}\n::: {#exr-tensors-a}\n"
            f"{TITLE}{HINT}{ANSWER}{WORKED}:::\n:::"
        ),
        ["5: exercise inside another div; close that div first"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), STRUCTURE.values(), ids=STRUCTURE)
def test_structure(source, expected):
    assert in_chapter(source) == expected


def test_the_preface_is_not_numbered():
    assert in_chapter("# 前言 {#sec-index}\n", Path("index.zh.qmd")) == [
        '1: title of the preface is numbered; write "# Title {.unnumbered}"'
    ]


MARKUP = {
    "raw HTML in a line": (
        text("a <br> b\nc <span class='x'>d"),
        [
            "3: raw HTML; write it in Markdown, and < and > in `code` or $math$",
            "4: raw HTML; write it in Markdown, and < and > in `code` or $math$",
        ],
    ),
    "raw HTML block": (
        text("<div>\n"),
        ["3: raw HTML; write it in Markdown, and < and > in `code` or $math$"],
    ),
    "HTML comment": (
        text("<!-- later -->"),
        ["3: raw HTML; write it in Markdown, and < and > in `code` or $math$"],
    ),
    "less than": (text("a < b，1<2，\\<br>，``a ` <br>``，$$a<b>c$$。"), []),
    "raw block": (
        text("```{=html}\n<br>\n```"),
        ["3: raw block {=html}; write it in Markdown"],
    ),
    "other engine": (
        text("```{r}\nx\n```"),
        ['3: cell in another language {r}; write "```{python}"'],
    ),
    "code block with a class": (
        text("```{.python}\nx\n```"),
        ['3: code block {.python}; write "```name" for code that does not run'],
    ),
    "shortcode": (
        text("a\n{{< include x.qmd >}}"),
        ["4: shortcode {{< include x.qmd >}}; write the text itself"],
    ),
    "reference link": (
        text("见[文档][docs]。\n\n[docs]: https://pytorch.org"),
        [
            "3: reference-style link; write [text](address)",
            "5: link definition; write [text](address) where it is used",
        ],
    ),
    "a note that would be a power": (
        text("自 [2.0](https://a.example/1) 起，[2.0 版](https://a.example/2)。\n\n"
             "| a | b |\n|:-|:-|\n| 一 | [1.0](https://a.example/3) |"),
        [
            "3: link whose words end in a digit: on paper the number of its note would be a "
            "power; let the words end in a letter: [version 2.0 made](address)",
        ],
    ),
    "raw TeX": (
        text("a \\newpage b"),
        ["3: raw TeX; write it between $ and $"],
    ),
    "a paragraph that is a list for pandoc": (
        text("(1) b\n\n（2）c"),
        [
            '3: a paragraph that begins with "(1)" is a list; begin with a word: For (1), …',
            "3: narrow brackets in Chinese text: (1) b; write （…）, or a shape as `(2, 3)`",
        ],
    ),
    "underlined heading": (
        text("Title\n====="),
        ['4: underlined heading; write "## …", or a blank line above'],
    ),
    "other span": (
        text("[x]{.smallcaps} 与 `y`{.python} 与 [z](https://a.b){target=_blank}"),
        [
            "3: attributes {.python} inside text; take them off; a term is [word]{.term}",
            "3: attributes {.smallcaps} inside text; take them off; a term is [word]{.term}",
            "3: attributes {target=_blank} inside text; take them off; a term is [word]{.term}",
        ],
    ),
    "image in a sentence": (
        text("a ![b](c.svg) d"),
        [
            "3: image inside text; give it its own line: "
            '![caption](path){#fig-… fig-alt="…"}'
        ],
    ),
    "image alone": (
        text("![](c.svg)"),
        [
            "3: image without a caption; write "
            '![caption](path){#fig-tensors-… fig-alt="…"}',
            "3: image without an id fig-tensors-…; write "
            '![caption](path){#fig-tensors-… fig-alt="…"}',
            "3: image without fig-alt; write "
            '![caption](path){#fig-tensors-… fig-alt="…"}',
        ],
    ),
    "image with a class": (
        text('![a](c.svg){#fig-tensors-a .x fig-alt="b" width=40%}'),
        ['3: image with .x width=; write ![caption](path){#fig-tensors-… fig-alt="…"}'],
    ),
    "table caption without id": (
        text("| a |\n|---|\n| b |\n\n: words"),
        [
            "7: table caption without an id; "
            'write ": caption {#tbl-tensors-…}" below the table'
        ],
    ),
    "table caption of another chapter": (
        text("| a |\n|---|\n| b |\n\n: words {#tbl-a}"),
        [
            "7: table caption without an id tbl-tensors-… alone; "
            'write ": caption {#tbl-tensors-…}" below the table'
        ],
    ),
    "table caption above": (
        text(": words {#tbl-tensors-a}\n\n| a |\n|---|\n| b |"),
        [
            "3: caption does not follow a table; "
            'write ": caption {#tbl-tensors-…}" below the table'
        ],
    ),
    "line block": (
        text("| a\n| b"),
        ['3: | without a table; write "|---|---|" below the head of the table'],
    ),
    "grid table": (
        text("+---+\n| a |\n+---+"),
        ["3: grid table; write a pipe table: | a | b |"],
    ),
    "equation of another chapter": (
        text("$$\na\n$$ {#eq-a}"),
        [
            "5: formula has the attributes {#eq-a}; "
            'write "$$ {#eq-tensors-…}" in kebab-case'
        ],
    ),
    "reference without brackets": (
        text("见@fig-tensors-a 与 @paszke，[见@sec-a]。"),
        [
            '3: @fig-tensors-a without brackets; write "[@fig-tensors-a]"',
            '3: @paszke without brackets; write "[@paszke]"',
            '3: @sec-a without brackets; write "[@sec-a]"',
        ],
    ),
    "footnotes": (
        text("a[^1] b[^2]\n\n[^2]: c\n\n[^3]: d"),
        [
            '3: footnote [^1] is not defined; add "[^1]: …"',
            '7: footnote [^3] is not used; write "[^3]" in the text',
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), MARKUP.values(), ids=MARKUP)
def test_markup(source, expected):
    assert in_chapter(source) == expected


def test_generated_chapters_may_be_long_and_carry_a_comment():
    source = (
        "<!-- Generated from chapters/zh by the tooling -->\n\n# 答案 {#sec-answers}\n\n"
        "```python\n" + "x" * 80 + "\n```\n\n::: {#exr-tensors-outer}\n:::\n\n"
        "```{python}\n#| label: answers-a\n#| exercise: exr-tensors-outer\nx = 1\n```\n"
    )
    path = Path("chapters/zh/90-answers.qmd")
    assert in_chapter(source, path) == []
    assert len(in_chapter(source.replace("Generated", "Written"), path)) > 5


def changed(old, new):
    """The good chapter with one thing changed in both languages."""
    assert old in GOOD_ZH
    assert old in GOOD_EN
    return {
        "chapters/zh/04-tensors.qmd": GOOD_ZH.replace(old, new, 1),
        "chapters/en/04-tensors.qmd": GOOD_EN.replace(old, new, 1),
    }


def test_cross_references_lead_somewhere(tmp_path):
    root = make_book(tmp_path, changed("[@fig-tensors-relu]", "[@fig-tensors-rely]"))
    assert reported(check(root)) == [
        'chapters/en/04-tensors.qmd:4: [@fig-tensors-rely] leads nowhere; '
        'did you mean "fig-tensors-relu"?',
        'chapters/zh/04-tensors.qmd:4: [@fig-tensors-rely] leads nowhere; '
        'did you mean "fig-tensors-relu"?',
    ]  # fmt: skip


def test_a_label_is_no_section_of_the_other_edition(tmp_path):
    root = make_book(tmp_path, changed("[@sec-tensors]", "[@sec-nn]"))
    assert reported(check(root)) == [
        'chapters/en/04-tensors.qmd:38: [@sec-nn] leads nowhere; '
        'write the label "sec-nn" somewhere',
        'chapters/zh/04-tensors.qmd:38: [@sec-nn] leads nowhere; '
        'write the label "sec-nn" somewhere',
    ]  # fmt: skip


def test_citations_are_in_the_bibliography(tmp_path):
    root = make_book(tmp_path, changed("@paszke2019pytorch", "@paszke2019torch"))
    assert reported(check(root)) == [
        "chapters/en/04-tensors.qmd:5: [@paszke2019torch] is not in references.bib; "
        'did you mean "paszke2019pytorch"?',
        "chapters/zh/04-tensors.qmd:5: [@paszke2019torch] is not in references.bib; "
        'did you mean "paszke2019pytorch"?',
    ]


def test_labels_are_unique_over_the_edition(tmp_path):
    files = {}
    for lang in ("zh", "en"):
        first = "标" if lang == "zh" else "T"
        files[f"chapters/{lang}/05-tensors-two.qmd"] = (
            f"# {first} {{#sec-tensors-two}}\n\n## {first} {{#sec-tensors-two-a}}\n\n"
            "```{python}\n#| label: tensors-two-a\nx = 1\n```\n"
        )
        files[f"_quarto-{lang}.yml"] = (
            PROFILE.format(lang=lang) + f"        - chapters/{lang}/05-tensors-two.qmd\n"
        )
    old = "#| label: tensors-shape"
    root = make_book(tmp_path, files | changed(old, "#| label: tensors-two-a"))
    assert reported(check(root)) == [
        'chapters/en/05-tensors-two.qmd:6: label "tensors-two-a" is taken by '
        "chapters/en/04-tensors.qmd:28; choose another",
        'chapters/zh/05-tensors-two.qmd:6: label "tensors-two-a" is taken by '
        "chapters/zh/04-tensors.qmd:28; choose another",
    ]


def test_an_image_exists(tmp_path):
    root = make_book(tmp_path, {"chapters/en/strides.svg": None})
    assert reported(check(root)) == [
        "chapters/en/04-tensors.qmd:50: image strides.svg does not exist; "
        "make it or mend the path"
    ]


def test_twins_are_compared(tmp_path):
    english = GOOD_EN.replace("\nA tensor is an array of many dimensions.\n", "")
    root = make_book(tmp_path, {"chapters/en/04-tensors.qmd": english})
    assert reported(check(root)) == [
        "chapters/en/04-tensors.qmd:81: no twin of the paragraph at "
        "chapters/zh/04-tensors.qmd:81; translate it here"
    ]


def test_a_chapter_that_does_not_parse_hides_nothing_else(tmp_path):
    files = {
        "chapters/zh/04-tensors.qmd": "# 张量\n\n```{python}\n",
        "index.zh.qmd": "# 前言 {.unnumbered}\n\n给读者<br>，见 [@sec-tensors-list]。\n",
        "index.en.qmd": "# Preface {.unnumbered}\n\nTo the reader, see [@sec-tensors-list].\n",
        RECORDED: recording("tensors-zzz", CODE),  # its cell may be in what was not read
    }
    assert reported(check(make_book(tmp_path, files))) == [
        "chapters/zh/04-tensors.qmd:3: code fence is never closed; close it with ```",
        "index.zh.qmd:3: raw HTML; write it in Markdown, and < and > in `code` or $math$",
    ]


def test_files_and_profiles_agree(tmp_path):
    root = make_book(
        tmp_path,
        {
            "chapters/zh/06-nn.qmd": "# 神经网络 {#sec-nn}\n",
            "chapters/en/07-optim.qmd": "# Optim {#sec-optim}\n",
            "_quarto-en.yml": PROFILE.format(lang="en")
            + "        - chapters/en/07-optim.qmd\n        - chapters/en/08-data.qmd\n",
        },
    )
    assert reported(check(root)) == [
        "_quarto-en.yml:10: chapters/en/08-data.qmd does not exist; "
        "write the chapter or take it off the list",
        '_quarto-zh.yml: chapter "data" is in the other edition only; '
        "write its twin and list it here",
        '_quarto-zh.yml: chapter "optim" is in the other edition only; '
        "write its twin and list it here",
        "chapters/zh/06-nn.qmd: chapter is not in _quarto-zh.yml; list it there or remove it",
    ]


def test_chapters_stand_in_one_order(tmp_path):
    files = {}
    for lang in ("zh", "en"):
        word = "优化" if lang == "zh" else "Optim"
        files[f"chapters/{lang}/05-optim.qmd"] = f"# {word} {{#sec-optim}}\n"
    files["_quarto-zh.yml"] = PROFILE.format(lang="zh") + "    - chapters/zh/05-optim.qmd\n"
    files["_quarto-en.yml"] = PROFILE.format(lang="en").replace(
        "    - part", "    - chapters/en/05-optim.qmd\n    - part"
    )
    assert reported(check(make_book(tmp_path, files))) == [
        '_quarto-en.yml:6: chapter "optim" stands where _quarto-zh.yml has "tensors"; '
        "put the chapters of both editions in one order"
    ]


@pytest.mark.parametrize("profile", ["book: [", None])
def test_a_broken_profile_is_told_and_chapters_are_still_checked(tmp_path, profile):
    chapter = GOOD_EN.replace("# Tensors {#sec-tensors}", "# Tensors")
    changes = {"_quarto-en.yml": profile, "chapters/en/04-tensors.qmd": chapter}
    found = reported(check(make_book(tmp_path, changes)))
    assert found[0].startswith("_quarto-en.yml")
    title = "chapters/en/04-tensors.qmd:1: title does not carry the chapter's id"
    assert f'{title}; write "# Title {{#sec-tensors}}"' in found


RECORDINGS = {
    "fresh": ({RECORDED: recording("tensors-speed", CODE)}, []),
    "cell changed": (
        {RECORDED: recording("tensors-speed", "print()")},
        [f"{RECORDED}: recording is stale: cell changed since; {AGAIN}"],
    ),
    "module changed": (
        {RECORDED: recording("tensors-speed", CODE, "x = 2\n")},
        [f"{RECORDED}: recording is stale: torchbook/tensors.py changed since; {AGAIN}"],
    ),
    "module gone": (
        {RECORDED: recording("tensors-speed", CODE), "code/torchbook/tensors.py": None},
        [f"{RECORDED}: recording is stale: torchbook/tensors.py changed since; {AGAIN}"],
    ),
    "orphan": (
        {RECORDED: recording("tensors-list", CODE)},
        [
            f'{RECORDED}: recording of "tensors-list", which is no recorded cell; '
            f"remove it, or {AGAIN}"
        ],
    ),
    "not JSON": (
        {RECORDED: "{"},
        [f"{RECORDED}: recording cannot be read; {AGAIN}"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), RECORDINGS.values(), ids=RECORDINGS)
def test_recordings(tmp_path, files, expected):
    root = make_book(tmp_path, {"code/torchbook/tensors.py": "x = 1\n"} | files)
    assert reported(check(root)) == expected


def test_forty_chapters_are_checked_within_a_second(tmp_path):
    files = {}
    for lang, source in (("zh", GOOD_ZH), ("en", GOOD_EN)):
        names = [f"c{n}x" for n in range(20)]
        listed = "".join(f"        - chapters/{lang}/{n}.qmd\n" for n in names)
        files[f"_quarto-{lang}.yml"] = PROFILE.format(lang=lang) + listed
        for name in names:
            files[f"chapters/{lang}/{name}.qmd"] = source.replace("tensors", name)
    root = make_book(tmp_path, files)
    start = time.process_time()
    assert check(root) == []
    assert time.process_time() - start < 1


def test_nothing_heavy_is_imported():
    heavy = {"torch", "nbclient", "ipykernel", "jupyter_client"}
    code = "import sys, workbook.check; print(*sorted(sys.modules))"
    names = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert heavy & set(names.split()) == set()
