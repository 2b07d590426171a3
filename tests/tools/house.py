"""A good book of the house markup, and ways to break it, for the tests of the rules."""

from pathlib import Path

from workbook.check import check_chapter
from workbook.source.chapter import parse_chapter

ZH = Path("chapters/zh/04-tensors.qmd")

# The exercise of both languages.
OUTER = """\
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

GOOD_ZH = (
    """\
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

"""
    + OUTER
)

GOOD_EN = (
    """\
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

"""
    + OUTER
)

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

RAW_HTML = "raw HTML; write it in Markdown, and < and > in `code` or $math$"


def make_book(root, changes=()):
    """A book of a preface and one chapter in both languages; None takes a file away."""
    files = {
        "_quarto.yml": "book:\n  author: We\n  date: 2026-01-01\n",
        "references.bib": "@inproceedings{paszke2019pytorch,\n  title = {PyTorch},\n}\n",
        "index.zh.qmd": "# 前言 {.unnumbered}\n\n给读者。\n",
        "index.en.qmd": "# Preface {.unnumbered}\n\nTo the reader.\n",
        "chapters/zh/04-tensors.qmd": GOOD_ZH,
        "chapters/en/04-tensors.qmd": GOOD_EN,
        "chapters/zh/strides.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
        "chapters/en/strides.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
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


def in_both(line):
    """What is said of both twins, if it is the same."""
    return [f"chapters/{lang}/04-tensors.qmd:{line}" for lang in ("en", "zh")]


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


def changed(old, new):
    """The good chapter with one thing changed in both languages."""
    assert old in GOOD_ZH
    assert old in GOOD_EN
    return {
        "chapters/zh/04-tensors.qmd": GOOD_ZH.replace(old, new, 1),
        "chapters/en/04-tensors.qmd": GOOD_EN.replace(old, new, 1),
    }
