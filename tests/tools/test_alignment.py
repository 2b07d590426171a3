"""The two files of a chapter beside each other: what is paired, and what has drifted."""

from pathlib import Path

import pytest

from workbook.check.alignment import align, compare
from workbook.check.parity import without_comments
from workbook.source.chapter import parse_chapter

ZH, EN = Path("chapters/zh/04-a.qmd"), Path("chapters/en/04-a.qmd")

GOOD_ZH = """\
# 甲 {#sec-a}

第一段，$x = 1$，见 [@b; @sec-a]。

第二段。

```{python}
#| label: a-one
x = 1  # 一
```

::: {.callout-tip title="先想再跑"}
一行。

::: {.answer lines=2}
:::
:::

| 子 | 丑 |
|----|----|
| 寅 | 卯 |

: 表 {#tbl-a}

$$
y = x \\text{ 若 }
$$ {#eq-a}

## 练习 {.unnumbered}

::: {#exr-a-b}
## 题 ★★
:::

```{python}
#| label: fig-a-two
#| fig-cap: "图 $x$"
#| fig-alt: "线"
plt.show()
```

尾。
"""
GOOD_EN = """\
# A {#sec-a}

First paragraph, see [@sec-a] and [@b]; $x  =  1$.

Second paragraph.

```{python}
#| label: a-one
x = 1  # one
```

::: {.callout-tip title="Predict"}
One line.

::: {.answer lines=2}
:::
:::

| a | b |
|---|---|
| c | d |

: Table {#tbl-a}

$$
y = x \\text{ if }
$$ {#eq-a}

## Exercises {.unnumbered}

::: {#exr-a-b}
## Task ★★
:::

```{python}
#| label: fig-a-two
#| fig-cap: "Figure $x$"
#| fig-alt: "A line"
plt.show()
```

Tail.
"""


def drift(zh, en):
    return [str(p) for p in compare(parse_chapter(zh, ZH), parse_chapter(en, EN))]


def test_good_twins_say_the_same():
    assert drift(GOOD_ZH, GOOD_EN) == []


def test_blocks_are_paired_and_blank_lines_left_out():
    zh = parse_chapter("# 甲\n\n一。\n\n二。\n\n- 三\n", ZH)
    en = parse_chapter("# A\n\nOne.\n\n\n- Three\n", EN)
    texts = [(a and a.text.strip(), b and b.text.strip()) for a, b in align(zh, en)]
    assert texts == [("# 甲", "# A"), ("一。", "One."), ("二。", None), ("- 三", "- Three")]


def test_every_block_is_in_one_pair_in_order():
    zh, en = parse_chapter(GOOD_ZH, ZH), parse_chapter(GOOD_EN.replace("Tail.", "- T"), EN)
    pairs = align(zh, en)
    for side, chapter in enumerate((zh, en)):
        found = [pair[side] for pair in pairs if pair[side]]
        assert found == [block for block in chapter.blocks if block.kind != "blank"]


MISSING = {
    "a paragraph in English": (
        "Second paragraph.\n\n",
        ["chapters/en/04-a.qmd:5: no twin of the paragraph at chapters/zh/04-a.qmd:5; "
         "translate it here"],
    ),
    "the last paragraph": (
        "\nTail.\n",
        ["chapters/en/04-a.qmd:41: no twin of the paragraph at chapters/zh/04-a.qmd:42; "
         "translate it here"],
    ),
    "a cell": (
        GOOD_EN[GOOD_EN.index("```{python}\n#| label: a-one"):GOOD_EN.index("::: {.call")],
        ["chapters/en/04-a.qmd:7: no twin of the cell at chapters/zh/04-a.qmd:7; "
         "translate it here"],
    ),
    "a callout": (
        GOOD_EN[GOOD_EN.index("::: {.callout"):GOOD_EN.index("| a | b |")],
        ["chapters/en/04-a.qmd:12: no twin of the callout and 2 more at "
         "chapters/zh/04-a.qmd:12; translate it here"],
    ),
    "an answer space": (
        "\n::: {.answer lines=2}\n:::\n",
        ["chapters/en/04-a.qmd:14: no twin of the answer space at "
         "chapters/zh/04-a.qmd:15; translate it here"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("part", "expected"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_told_once(part, expected):
    assert GOOD_EN.count(part) == 1
    assert drift(GOOD_ZH, GOOD_EN.replace(part, "")) == expected


def test_what_is_missing_in_chinese_is_told_there():
    assert drift(GOOD_ZH.replace("第二段。\n\n", ""), GOOD_EN) == [
        "chapters/zh/04-a.qmd:5: no twin of the paragraph at chapters/en/04-a.qmd:5; "
        "translate it here"
    ]


def test_other_blocks_in_one_place_are_one_problem():
    assert drift(GOOD_ZH, GOOD_EN.replace("Second paragraph.", "- a\n- b")) == [
        "chapters/en/04-a.qmd:5: list item and 1 more where chapters/zh/04-a.qmd:5 has "
        "paragraph; write the same kinds of block in both"
    ]


def test_missing_divs_do_not_cascade():
    tip, note = "::: {.callout-tip}\nA.\n:::\n", "::: {.callout-tip}\nA.\n\nB.\n:::\n"
    zh, en = f"一\n\n{tip}\n二\n\n{note}\n三\n", f"1\n\n2\n\n{note}\n3\n"
    assert drift(zh, en) == [
        "chapters/en/04-a.qmd:3: no twin of the callout and 1 more at chapters/zh/04-a.qmd:3; "
        "translate it here"
    ]


def test_a_missing_paragraph_far_from_any_label_does_not_cascade():
    zh = "# 甲 {#sec-a}\n\n" + "".join(f"第 {n} 段。\n\n- 项\n\n" for n in range(20))
    en = "# A {#sec-a}\n\n" + "".join(f"Number {n}.\n\n- item\n\n" for n in range(20))
    assert drift(zh, en.replace("Number 7.\n\n", "")) == [
        "chapters/en/04-a.qmd:31: no twin of the paragraph at chapters/zh/04-a.qmd:31; "
        "translate it here"
    ]


THERE = "than at chapters/zh/04-a.qmd"
CHANGES = {
    "another section id": (
        "# A {#sec-a}", "# A {#sec-b}",
        [f'1: another id ("sec-b", not "sec-a") {THERE}:1; give both the same'],
    ),
    "another class of heading": (
        "{.unnumbered}", "{.unlisted}",
        [f"29: another class (.unlisted, not .unnumbered) {THERE}:29; give both the same"],
    ),
    "another level of heading": (
        "## Exercises", "### Exercises",
        ["29: heading of level 3 where chapters/zh/04-a.qmd:29 has heading of level 2; "
         "write the same kinds of block in both"],
    ),
    "another label": (
        "label: a-one", "label: a-eins",
        [f'7: another label ("a-eins", not "a-one") {THERE}:7; give both the same'],
    ),
    "another exercise id": (
        "exr-a-b", "exr-a-c",
        [f'31: another id ("exr-a-c", not "exr-a-b") {THERE}:31; give both the same'],
    ),
    "another equation id": (
        "eq-a", "eq-b",
        [f'25: another id ("eq-b", not "eq-a") {THERE}:25; give both the same'],
    ),
    "another table id": (
        "tbl-a", "tbl-b",
        [f'23: another id ("tbl-b", not "tbl-a") {THERE}:23; give both the same'],
    ),
    "another callout": (
        ".callout-tip", ".callout-note",
        [f"12: another class (.callout-note, not .callout-tip) {THERE}:12; give both the same"],
    ),
    "a callout without its title": (
        ' title="Predict"', "",
        [f"12: another title (none, not 先想再跑) {THERE}:12; write it in both"],
    ),
    "another number of lines": (
        "lines=2", "lines=3",
        [f"15: another lines (3, not 2) {THERE}:15; give both the same"],
    ),
    "another number of stars": (
        "★★", "★★★",
        [f"32: another number of ★ (3, not 2) {THERE}:32; give both the same"],
    ),
    "another number of rows": (
        "| c | d |\n", "| c | d |\n| e | f |\n",
        [f"19: another number of table rows (4, not 3) {THERE}:19; write the same rows"],
    ),
    "other references": (
        "[@b]", "[@c]",
        [f"3: other references (without b, with c) {THERE}:3; write the same in both"],
    ),
    "another formula": (
        "$x  =  1$", "$x = 2$",
        [f"3: other formulas (without x = 1, with x = 2) {THERE}:3; write the same in both"],
    ),
    "another equation": (
        "y = x", "y = z",
        [f"25: other formulas (without y = x \\text{{}}, with y = z \\text{{}}) {THERE}:25; "
         "write the same in both"],
    ),
    "other code": (
        "x = 1  #", "x = 2  #",
        ['9: column 5 of cell "a-one" differs from chapters/zh/04-a.qmd:9, column 5; '
         "make them the same, comments apart"],
    ),
    "more code": (
        "x = 1  # one", "x = 1  # one\nx",
        ['10: column 1 of cell "a-one" differs from chapters/zh/04-a.qmd:10, column 1; '
         "make them the same, comments apart"],
    ),
    "an option more": (
        "#| label: a-one", "#| label: a-one\n#| echo: false",
        ["7: option echo is given here and missing at chapters/zh/04-a.qmd:7; "
         "give both the same"],
    ),
    "a caption less": (
        '#| fig-alt: "A line"\n', "",
        ["35: option fig-alt is missing here and given at chapters/zh/04-a.qmd:35; "
         "write it in both"],
    ),
    "a caption left in Chinese": (
        "A line", "线",
        ["38: fig-alt is in Chinese; translate it"],
    ),
    "a table caption left in Chinese": (
        ": Table", ": 表",
        ["23: caption is in Chinese; translate it"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CHANGES.values(), ids=CHANGES)
def test_what_differs_in_english(old, new, expected):
    assert GOOD_EN.count(old) == 1
    assert drift(GOOD_ZH, GOOD_EN.replace(old, new)) == [f"{EN}:{line}" for line in expected]


def test_a_caption_left_in_english():
    zh = GOOD_ZH.replace('"图 $x$"', '"Figure $x$"').replace(": 表", ": Table")
    assert drift(zh, GOOD_EN) == [
        "chapters/zh/04-a.qmd:23: caption has no Chinese in it; translate it",
        "chapters/zh/04-a.qmd:37: fig-cap has no Chinese in it; translate it",
    ]


@pytest.mark.parametrize("caption", ["$x$", "`ReLU`", "2 × 3"])
def test_a_caption_of_code_and_symbols_may_be_the_same(caption):
    zh, en = (
        f'![{caption}](a.svg){{#fig-a fig-alt="{alt}"}}\n' for alt in ("线", "line")
    )  # fmt: skip
    assert drift(zh, en) == []


def test_alternative_text_of_a_file_is_translated():
    assert drift(
        '![图](a.svg){#fig-a fig-alt="线"}\n', '![F](a.svg){#fig-a fig-alt="线"}\n'
    ) == ["chapters/en/04-a.qmd:1: fig-alt is in Chinese; translate it"]


def cell(options, code):
    return f"```{{python}}\n#| label: a-one\n{options}\n{code}\n```\n"


@pytest.mark.parametrize(
    "options",
    [
        "#| tangle: a.py",
        "#| exercise: exr-a-b",
        "#| check: exr-a-b\n#| include: false",
        "#| recorded: cuda\n#| eval: false",
    ],
)
def test_code_that_is_kept_is_the_same_byte_for_byte(options):
    line = 3 + options.count("\n") + 1
    assert drift(cell(options, "x = 1  # 一"), cell(options, "x = 1  # one")) == [
        f'chapters/en/04-a.qmd:{line}: column 10 of cell "a-one" differs from '
        f"chapters/zh/04-a.qmd:{line}, column 10; make them the same, also in comments"
    ]


def test_reasons_are_translated_and_there_in_both():
    zh, en = (
        cell(f"#| eval: false\n#| why: {why}", "x") for why in ("两台设备", "two devices")
    )
    assert drift(zh, en) == []
    assert drift(zh, cell("#| eval: false", "x")) == [
        "chapters/en/04-a.qmd:1: option why is missing here and given at "
        "chapters/zh/04-a.qmd:1; write it in both"
    ]


def test_only_comments_are_masked():
    code = 's = "# 不是注释"  # 注释\n# 整行\nf(  # 括号里\n    1)'
    assert without_comments(code) == 's = "# 不是注释"  #\n#\nf(  #\n    1)'


def test_strings_are_the_same_in_both():
    assert drift(cell("#| echo: true", 'x = "# 一"'), cell("#| echo: true", 'x = "# 1"')) == [
        'chapters/en/04-a.qmd:4: column 8 of cell "a-one" differs from '
        "chapters/zh/04-a.qmd:4, column 8; make them the same, comments apart"
    ]


def test_code_that_cannot_be_read_is_compared_as_it_is():
    assert without_comments("x = (  # 一") == "x = (  # 一"
