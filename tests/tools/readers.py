"""A small book with exercises, and a reader who works in it through the command line."""

import re
from pathlib import Path

from click.testing import CliRunner

from workbook.cli import main
from workbook.derive import tangle
from workbook.derive.assignments import assignments
from workbook.source.chapter import read_chapters
from workbook.source.edition import read_edition

QUARTO = "project: {type: book}\nbook: {author: Nobody, date: 2026-01-01}\n"
PROFILE = """\
lang: LANG
book:
  title: Tiny
  output-file: tiny
  chapters: [index.LANG.qmd, chapters/LANG/01-first-steps.qmd, chapters/LANG/02-more.qmd]
"""
EXERCISE = """
::: {#exr-NAME}

## TITLE

ASKED

::: {.callout-tip collapse="true" title="Hint"}
HINT1

HINT2 $\\frac{1}{2}x$
:::

::: {.slips}
`twice`
: SLIP

`sum`
: SUM
:::

:::

```{python}
#| label: NAME
#| exercise: exr-NAME
CODE
```

```{python}
#| label: NAME-check
#| check: exr-NAME
#| include: false
CHECK
```

```{python}
#| label: NAME-wrong
#| wrong: exr-NAME
#| include: false
#| eval: false
WRONG
```
"""
CODE = '''\
def NAME(x: int) -> int:
    """Return 2x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION'''
CHECK = """\
assert NAME(1) is not None, "returns"
for x in (0, 3):
    assert NAME(x) == 2 * x, f"twice: x = {x}\""""
WRONG = "# %% twice\ndef NAME(x):\n    return x\n\n\n# %% sum\ndef NAME(x):\n    return x + 1"
PAPER = '''\
def by_hand() -> dict[str, object]:
    """Return "share", a part of 1, "pair" and "name"."""
    ### BEGIN SOLUTION
    return {"share": 1 / 3, "pair": (12, 4), "name": "abc"}
    ### END SOLUTION'''
PAPER_CHECK = """\
import math

found = by_hand()
assert set(found) == {"share", "pair", "name"}, "keys"
assert math.isclose(found["share"], 1 / 3, abs_tol=1e-3), "twice"
assert tuple(found["pair"]) == (12, 4), "value: pair"
assert found["name"] == "abc", "value: name\""""
PAPER_WRONG = '# %% sum\n{"share": 2 / 3}'
WORD = '''\
def letters() -> str:
    """Return the vowels among a, b, c, d, e."""
    ### BEGIN SOLUTION
    return "ae"
    ### END SOLUTION'''
WORD_CHECK = 'assert set(letters()) - set(", ") == set("ae"), "value"'
WORD_WRONG = '# %% sum\n"a"'
ZH = ("翻倍", "写出函数。", "先想想。", "再看", "要乘二：`2 * x`。", "这是和。")
EN = (
    "Double",
    "Write the function.",
    "Think first.",
    "Then look at",
    "Multiply: `2 * x`.",
    "A sum.",
)


def exercise(lang: str, name: str, code: str, check: str, wrong: str) -> str:
    words = ZH if lang == "zh" else EN
    text = EXERCISE
    for place, word in zip(("TITLE", "ASKED", "HINT1", "HINT2", "SLIP", "SUM"), words,
                           strict=True):  # fmt: skip
        text = text.replace(place, word + " ★" * (place == "TITLE"))
    text = text.replace("CODE", code).replace("CHECK", check).replace("WRONG", wrong)
    return re.sub(r"\bNAME\b(?=\()", name.replace("-", "_"), text).replace("NAME", name)


def chapter(lang: str, slug: str, names: list[str]) -> str:
    title = {"zh": "第一步", "en": "First steps"}[lang]
    parts = [f"# {title} {{#sec-{slug}}}\n\n## E {{.unnumbered}}\n"]
    for name in names:
        kinds = {"by-hand": (PAPER, PAPER_CHECK, PAPER_WRONG),
                 "letters": (WORD, WORD_CHECK, WORD_WRONG)}  # fmt: skip
        kind = kinds.get(name, (CODE, CHECK, WRONG))
        parts.append(exercise(lang, f"{slug}-{name}", *kind))
    return "".join(parts)


class Reader:
    """Someone who works in a small book of their own."""

    file = Path("exercises/first_steps.py")

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("_quarto.yml", QUARTO)
        self.write("references.bib", "")
        for lang in ("zh", "en"):
            self.write(f"_quarto-{lang}.yml", PROFILE.replace("LANG", lang))
            self.write(f"index.{lang}.qmd", "# P {.unnumbered}\n")
            names = ["a", "b", "c", "by-hand", "letters"]
            self.write(
                f"chapters/{lang}/01-first-steps.qmd", chapter(lang, "first-steps", names)
            )
            self.write(f"chapters/{lang}/02-more.qmd", chapter(lang, "more", ["a", "b"]))
        tangle.write(root, assignments(*self.books()))

    def books(self):
        return [
            read_chapters(read_edition(self.root, lang), self.root) for lang in ("zh", "en")
        ]

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, name: str | Path = file) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def solve(self, name: str, body: str, file: str | Path = file) -> None:
        """Write the body of a function in place of its stub."""
        raised = f'    raise NotImplementedError("exr-{name}")'
        text = self.read(file)
        assert raised in text
        indented = "\n".join(f"    {line}" if line else "" for line in body.split("\n"))
        self.write(str(file), text.replace(raised, indented))

    def run(self, *arguments: str, lang: str = "en", status: int | None = None) -> str:
        """What a command says; its exit status is what is expected."""
        done = CliRunner().invoke(main, [*arguments, "--lang", lang], catch_exceptions=False)
        if status is not None:
            assert done.exit_code == status, done.output
        return done.output

    def states(self, *names: str, **options) -> dict[str, str]:
        """The mark of each exercise that was tried, by its name."""
        reported = self.run("try", *names, **options)
        return {
            name: mark
            for mark, name in re.findall(r"^  ([✓✗!·]) .*?  ([\w-]+)  ", reported, re.M)
        }
