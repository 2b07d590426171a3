"""A very small book in a folder of its own, for tests that need a whole one."""

from pathlib import Path

QUARTO = """
project: {type: book, execute-dir: project}
book: {author: Nobody, date: 2026-01-01}
bibliography: references.bib
"""
PROFILE = """
lang: LANG
book:
  title: Tiny LANG
  output-file: tiny-LANG
  chapters:
    - index.LANG.qmd
    - part: Part
      chapters:
        - chapters/LANG/01-one.qmd
        - chapters/LANG/02-two.qmd
  appendices:
    - chapters/LANG/90-answers.qmd
"""
INDEX = {"zh": "# 前言 {.unnumbered}\n\n你好。\n", "en": "# Preface {.unnumbered}\n\nHello.\n"}
CELLS = {  # the same in both languages
    "TWICE": """```{python}
#| label: one-twice
#| tangle: one.py
def twice(x: int) -> int:
    \"\"\"Return 2x.\"\"\"
    return 2 * x
```""",
    "THRICE": """```{python}
#| label: one-thrice
#| exercise: exr-one-thrice
def thrice(x: int) -> int:
    \"\"\"Return 3x.\"\"\"
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION
```

```{python}
#| label: one-thrice-check
#| check: exr-one-thrice
#| include: false
assert thrice(2) == 6, "twice"
```

```{python}
#| label: one-thrice-wrong
#| wrong: exr-one-thrice
#| include: false
#| eval: false
# %% twice
def thrice(x: int) -> int:
    return 2 * x


# %% returns
def thrice(x: int) -> None:
    3 * x
```""",
    "USE": """```{python}
#| label: two-use
from torchbook.one import twice
twice(4)
```""",
}
ONE = {
    "zh": """# 一 {#sec-one}

见 [@sec-two]。

TWICE

```{python}
#| label: one-run
twice(21)  # 试一试
```

## 练习 {.unnumbered}

::: {#exr-one-thrice}

## 三倍 ★

写出 `thrice`。

::: {.callout-tip collapse="true" title="提示"}

乘以三。

不是乘以二。

:::

::: {.answer lines=2 .squared}
:::

::: {.slips}
`twice`
: 乘以三。

:::

::: {.worked}

乘就是了。

:::

:::

THRICE
""",
    "en": """# One {#sec-one}

See [@sec-two].

TWICE

```{python}
#| label: one-run
twice(21)  # try it
```

## Exercises {.unnumbered}

::: {#exr-one-thrice}

## Thrice ★

Write `thrice`.

::: {.callout-tip collapse="true" title="Hint"}

Multiply by three.

Not by two.

:::

::: {.answer lines=2 .squared}
:::

::: {.slips}
`twice`
: Multiply by three.

:::

::: {.worked}

Just multiply.

:::

:::

THRICE
""",
}
TWO = {"zh": "# 二 {#sec-two}\n\nUSE\n", "en": "# Two {#sec-two}\n\nUSE\n"}


def with_cells(chapter: str) -> str:
    for name, cells in CELLS.items():
        chapter = chapter.replace(name, cells)
    return chapter


class TinyBook:
    """A book of two chapters in two languages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("_quarto.yml", QUARTO)
        self.write("references.bib", "")
        for lang in ("zh", "en"):
            self.write(f"_quarto-{lang}.yml", PROFILE.replace("LANG", lang))
            self.write(f"index.{lang}.qmd", INDEX[lang])
            self.write(f"chapters/{lang}/01-one.qmd", with_cells(ONE[lang]))
            self.write(f"chapters/{lang}/02-two.qmd", with_cells(TWO[lang]))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text in one file; `LANG` in the name means in both languages' files."""
        for lang in ("zh", "en") if "LANG" in name else ("",):
            file = name.replace("LANG", lang)
            text = self.read(file)
            assert old in text, f"{old!r} is not in {file}"
            self.write(file, text.replace(old, new))
