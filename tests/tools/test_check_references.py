"""Labels, cross references, citations and footnotes."""

import pytest
from house import PROFILE, changed, in_both, in_chapter, make_book, reported, text

from workbook.check import check

REFERENCES = {
    "label twice in a chapter": (
        text("```{python}\n#| label: tensors-a\nx = 1\n```\n\n" * 2),
        ['9: label "tensors-a" is taken by chapters/zh/04-tensors.qmd:4; choose another'],
    ),
    "reference without brackets": (
        text("见@fig-tensors-a 与 @paszke，[见@sec-a]。"),
        [
            '3: @fig-tensors-a without brackets; write "[@fig-tensors-a]"',
            '3: @paszke without brackets; write "[@paszke]"',
            '3: @sec-a without brackets; write "[@sec-a]"',
        ],
    ),
    "colon before a table": (
        text("如下：\n\n| a |\n|---|\n| 1 |\n\n: 表 {#tbl-tensors-a}\n\n"
             "见 [@tbl-tensors-b]：\n\n| a |\n|---|\n| 1 |\n\n: 表 {#tbl-tensors-b}"),
        [
            "3: a colon leads to a table that may float elsewhere; "
            'refer to it, as "[@tbl-tensors-a]"',
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


@pytest.mark.parametrize(("source", "expected"), REFERENCES.values(), ids=REFERENCES)
def test_references(source, expected):
    assert in_chapter(source) == expected


def test_cross_references_lead_somewhere(tmp_path):
    root = make_book(tmp_path, changed("[@fig-tensors-relu]", "[@fig-tensors-rely]"))
    assert reported(check(root)) == in_both(
        '4: [@fig-tensors-rely] leads nowhere; did you mean "fig-tensors-relu"?'
    )


def test_a_label_is_no_section_of_the_other_edition(tmp_path):
    root = make_book(tmp_path, changed("[@sec-tensors]", "[@sec-nn]"))
    assert reported(check(root)) == in_both(
        '38: [@sec-nn] leads nowhere; write the label "sec-nn" somewhere'
    )


def test_citations_are_in_the_bibliography(tmp_path):
    root = make_book(tmp_path, changed("@paszke2019pytorch", "@paszke2019torch"))
    assert reported(check(root)) == in_both(
        '5: [@paszke2019torch] is not in references.bib; did you mean "paszke2019pytorch"?'
    )


@pytest.mark.parametrize(
    ("works", "expected"),
    {
        "open": (
            "@misc{a,\n  title = {A}\n\n@misc{paszke2019pytorch,\n}\n",
            [1, "never closed"],
        ),
        "open at the end": ("@misc{paszke2019pytorch,\n  title = {A}\n", [1, "never closed"]),
        "twice": ("@misc{paszke2019pytorch,\n}\n" * 2, [3, "is that of line 1, too"]),
    }.values(),
)
def test_works_are_closed_and_have_a_key_of_their_own(tmp_path, works, expected):
    (problem,) = check(make_book(tmp_path, {"references.bib": works}))
    assert [problem.where.line, problem.what[-len(expected[1]) :]] == expected
    assert problem.where.path == "references.bib"


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
