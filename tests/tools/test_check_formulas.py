"""Formulas that no format could show are told with chapter and line, before anything is run."""

import pytest
from house import make_book, reported

from workbook.check import check

ZH, EN = (f"chapters/{lang}/04-tensors.qmd" for lang in ("zh", "en"))


def told(tmp_path, text: str) -> list[str]:
    """What is said of a book with this text in both chapters, from its line 5 on."""
    root = make_book(tmp_path)
    for path in (ZH, EN):
        lines = (root / path).read_text(encoding="utf-8").split("\n")
        assert lines[1] == ""
        (root / path).write_text("\n".join([*lines[:2], "", "", text, "", *lines[2:]]), "utf-8")
    return [line for line in reported(check(root)) if "formula" in line]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (r"$\unheard{x}$", 5, r"unexpected control sequence \unheard"),
        (r"$\frac{x$", 5, "unexpected eof"),
        ("$$\nx\n\\unheard\n$$ {#eq-tensors-x}", 5, r"unexpected control sequence \unheard"),
        ("> $x$\n> $\\unheard\n> x$", 6, r"unexpected control sequence \unheard"),
    ],
    ids=["command", "brace", "displayed", "quoted"],
)
def test_a_formula_that_nobody_can_read(tmp_path, text, line, why):
    assert told(tmp_path, text) == [
        f"{path}:{line}: formula that pandoc cannot read: {why}; mend it" for path in (EN, ZH)
    ]


@pytest.mark.parametrize(
    "text", [r"$x_1 \odot \text{a $b$}$", "`$\\unheard$`", "> $x\n> + y$", r"\$\unheard\$"]
)
def test_a_formula_that_can_be_read(tmp_path, text):
    assert told(tmp_path, text) == []
