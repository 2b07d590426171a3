"""Titles, sections, divs and the form of an exercise."""

from pathlib import Path

import pytest
from house import ANSWER, HINT, TITLE, WORKED, exercise, in_chapter, text

LINES = 'answer space without lines=1 to 40; write "::: {.answer lines=4}"'
STARS = "title of the exercise does not end in ★, ★★ or ★★★; say how hard it is"
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
        ["3: " + LINES],
    ),
    "answer with too many lines": (
        text("::: {.answer lines=41}\n:::"),
        ["3: " + LINES],
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
        ["6: " + STARS],
    ),
    "exercise with four stars": (
        exercise("## 外积 ★★★★\n" + HINT + ANSWER + WORKED),
        ["6: " + STARS],
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
