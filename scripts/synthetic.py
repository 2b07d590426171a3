"""A book of any number of chapters, in both languages, for measuring how a build grows.

Each chapter has six sections of prose, a formula, a table, two cells, an exercise with room,
and references to its neighbours; no cell imports torch.
"""

from pathlib import Path

QUARTO = """
project: {type: book, execute-dir: project}
book: {author: Nobody, date: 2026-01-01}
bibliography: references.bib
"""
PROFILE = """
lang: LANG
book:
  title: COUNT chapters LANG
  output-file: synthetic-LANG
  chapters:
    - index.LANG.qmd
    - part: Part
      chapters:
CHAPTERS
  appendices:
    - chapters/LANG/90-answers.qmd
"""
WORDS = {
    "zh": {
        "title": "第一种说法",
        "section": "小节",
        "exercises": "练习",
        "task": "三倍",
        "prose": "张量是带有形状的数组，形状说明每一维有多少个数。读一段程序时，先看形状，"
        "再看步幅，最后看内存，错误就很难藏住。见[@sec-OTHER]和 `view`，其中 $a < b$。",
        "write": "写出 `thrice`。",
        "hint": "乘以三。",
        "not": "不是乘以二。",
        "worked": "乘就是了。",
    },
    "en": {
        "title": "A way to say it",
        "section": "Section",
        "exercises": "Exercises",
        "task": "Thrice",
        "prose": "A tensor is an array with a shape, which says how many numbers each "
        "dimension holds. Read the shape first, then the strides, and the memory last: few "
        "mistakes hide from that. See [@sec-OTHER] and `view`, where $a < b$.",
        "write": "Write `thrice`.",
        "hint": "Multiply by three.",
        "not": "Not by two.",
        "worked": "Just multiply.",
    },
}
CHAPTER = """---
description: "TITLE"
---

# TITLE NUMBER {#sec-SLUG}

PROSE

SECTIONS

## EXERCISES {.unnumbered}

::: {#exr-SLUG-thrice}

## TASK ★

WRITE

::: {.callout-tip collapse="true" title="TIP"}

HINT

NOT

:::

::: {.answer lines=4 .squared}
:::

::: {.slips}
`twice`
: HINT

:::

::: {.worked}

WORKED

:::

:::

```{python}
#| label: SLUG-thrice
#| exercise: exr-SLUG-thrice
def thrice(x: int) -> int:
    \"\"\"Return 3x.\"\"\"
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION
```

```{python}
#| label: SLUG-thrice-check
#| check: exr-SLUG-thrice
#| include: false
assert thrice(2) == 6, "twice"
```

```{python}
#| label: SLUG-thrice-wrong
#| wrong: exr-SLUG-thrice
#| include: false
#| eval: false
# %% twice
def thrice(x: int) -> int:
    return 2 * x


# %% returns
def thrice(x: int) -> None:
    3 * x
```
"""
CELL = """
```{python}
#| label: SLUG-run
[n * n for n in range(NUMBER)]
```
"""
TIPS = {"zh": "提示", "en": "Hint"}
PREFACE = {
    "zh": "# 前言 {.unnumbered}\n\n你好。\n",
    "en": "# Preface {.unnumbered}\n\nHello.\n",
}
SECTIONS = 6
PARAGRAPHS = 5


def write(root: Path, count: int) -> None:
    """Write the sources of a book of `count` chapters into the folder `root`."""
    (root / "_quarto.yml").write_text(QUARTO)
    (root / "references.bib").write_text("")
    for lang in WORDS:
        names = [f"chapters/{lang}/{n:03}-{slug(n)}.qmd" for n in range(1, count + 1)]
        listed = "\n".join(f"        - {name}" for name in names)
        profile = PROFILE.replace("CHAPTERS", listed).replace("COUNT", str(count))
        (root / f"_quarto-{lang}.yml").write_text(profile.replace("LANG", lang))
        (root / f"index.{lang}.qmd").write_text(PREFACE[lang])
        (root / "chapters" / lang).mkdir(parents=True)
        for number, name in enumerate(names, 1):
            (root / name).write_text(chapter(number, count, lang))


def slug(number: int) -> str:
    """The name of a chapter: letters alone, as in `chapter-ab`."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"chapter-{letters[number // 26]}{letters[number % 26]}"


def chapter(number: int, count: int, lang: str) -> str:
    """One chapter in one language."""
    words = WORDS[lang]
    sections = []
    for at in range(1, SECTIONS + 1):
        sections.append(f"## {words['section']} {at} {{#sec-{slug(number)}-{at}}}\n")
        sections += [words["prose"] + "\n" for _ in range(PARAGRAPHS)]
        sections += [CELL] if at == 2 else []
    said = {
        "SECTIONS": "\n".join(sections),
        "PROSE": words["prose"],
        "TITLE": words["title"],
        "EXERCISES": words["exercises"],
        "TASK": words["task"],
        "WRITE": words["write"],
        "TIP": TIPS[lang],
        "HINT": words["hint"],
        "NOT": words["not"],
        "WORKED": words["worked"],
        "OTHER": slug(number % count + 1),
        "SLUG": slug(number),
        "NUMBER": str(number),
    }
    text = CHAPTER
    for name, value in said.items():
        text = text.replace(name, value)
    return text
