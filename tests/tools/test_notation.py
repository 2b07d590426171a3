"""The list of notation: what its data may say, what the appendix says, what check finds."""

from pathlib import Path

import pytest

from workbook.check import check
from workbook.derive import notation
from workbook.derive.notation import PATH, read_notation, stands_in, tokens
from workbook.problem import BookError
from workbook.source.edition import read_edition

ROOT = Path(__file__).parents[2]
DATA = r"""
- group: {zh: 权重, en: Weights}
  symbols:
    - symbol: w_1
      means: {zh: 权重, en: a weight}
      section: sec-one
    - symbol: \frac{\partial L}{\partial w}
      means: {zh: 梯度, en: the gradient}
      section: sec-one
""".lstrip()
CHAPTER = "\n\n$$\ny = w_1 x, \\quad \\frac{\\partial L}{\\partial w}\n$$\n"
TABLE = r"""
# Notation {#sec-notation}

OPENING

## Weights {.unnumbered}

::: {.notation}
| Symbol | Meaning | Brought in by |
|:---|:---|:---|
| $w_1$ | a weight | [@sec-one] |
| $\frac{\partial L}{\partial w}$ | the gradient | [@sec-one] |
:::
"""


@pytest.fixture
def listed(tiny):
    """The tiny book with a list of notation in place of its answers, and two formulas."""
    tiny.write(PATH.as_posix(), DATA)
    tiny.edit("_quarto-LANG.yml", "90-answers", "93-notation")
    for lang in ("zh", "en"):
        path = tiny.root / f"chapters/{lang}/01-one.qmd"
        path.write_text(path.read_text().replace("[@sec-two]", f"[@sec-two]{CHAPTER}", 1))
    return tiny


def test_the_appendix(listed):
    target = notation.appendix(listed.root, read_edition(listed.root, "en"))
    lines = target.body.splitlines()
    lines[3] = "OPENING"
    assert (str(target.path), "\n".join(lines) + "\n") == (
        "chapters/en/93-notation.qmd",
        TABLE,
    )


def found(book) -> list[str]:
    return [str(p) for p in check(book.root) if str(p).startswith(str(PATH))]


def test_symbols_that_stand_are_no_problem(listed):
    assert found(listed) == []


PROBLEMS = {
    "a symbol that no formula has": (
        ("symbol: w_1", "symbol: w_2"),
        [f"{PATH}:3: no formula of sec-one has $w_2$ ({lang}); name the section that brings "
         "it in, or write it as there" for lang in ("en", "zh")],
    ),
    "a section that is none": (
        ("section: sec-one\n    - ", "section: sec-won\n    - "),
        [f"{PATH}:3: sec-won is no section of the {lang} chapters; name one that is"
         for lang in ("en", "zh")],
    ),
    "a key too many": (
        ("      section: sec-one\n    - ", "      section: sec-one\n      page: 3\n    - "),
        [f'{PATH}:3: unknown key "page"; write one of symbol, means, section'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_check_tells(listed, name):
    (old, new), reported = PROBLEMS[name]
    listed.edit(PATH.as_posix(), old, new)
    assert found(listed) == reported


def test_a_symbol_in_one_language_alone_is_told(listed):
    listed.edit("chapters/en/01-one.qmd", "w_1 x", "w_3 x")
    (reported,) = found(listed)
    assert reported.startswith(f"{PATH}:3: no formula of sec-one has $w_1$ (en)")


def test_a_symbol_has_one_meaning_in_a_section(listed):
    listed.edit(PATH.as_posix(), r"\frac{\partial L}{\partial w}", "w _ {1}")
    with pytest.raises(BookError, match="is already on line 3; keep one of the two"):
        read_notation(listed.root)


def test_spaces_and_braces_do_not_tell_symbols_apart():
    assert tokens(r"\frac{a}{b}\, c") == (r"\frac", "a", "b", "c")
    assert stands_in("x_1", {tokens("y = w x_{1}")})
    assert not stands_in("x", {tokens(r"\max y")})
    assert stands_in(r"D_{\text{out}}", {tokens(r"N \cdot D_{\text{}}")})


def test_an_edition_without_the_list_has_none(tiny):
    assert notation.appendix(tiny.root, read_edition(tiny.root, "zh")) is None


def test_this_books_list():
    symbols = [symbol for group in read_notation(ROOT) for symbol in group.symbols]
    assert len(symbols) >= 30
    assert not any(symbol.means["zh"] == symbol.means["en"] for symbol in symbols)
