"""Brackets, minus signs and 倍: what is refused in running text, and what is not."""

from pathlib import Path

import pytest

from workbook.check import typing
from workbook.source.chapter import parse_chapter

ZH, EN = (Path(f"chapters/{lang}/04-tensors.qmd") for lang in ("zh", "en"))


def found(rule, text, path=ZH):
    chapter = parse_chapter(f"# 张量 {{#sec-tensors}}\n\n{text}\n", path)
    return [(int(str(p).split(":")[1]), p.what.partition(": ")[2]) for p in rule(chapter)]


@pytest.mark.parametrize(
    "text", ["第一行\n一格(即一个数)装。", "先答 (1)，再答 (b)。", "(2) 又如何？"]
)
def test_narrow_brackets_are_refused(text):
    assert len(found(typing.brackets, text)) == text.count("(")
    assert found(typing.brackets, text, EN) == []


def test_the_line_of_a_narrow_bracket_is_told():
    assert found(typing.brackets, "第一行\n一格(即一个数)装。") == [
        (4, "第一行 一格(即一个数)装。")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "形状 (2, 3) 与 (4,)",
        "`f(一)` 与 $f(1)$",
        "[文档](https://pytorch.org/a)说",
        "[见](/一 '二')",
    ],
)
def test_shapes_code_formulas_and_links_keep_their_brackets(text):
    assert found(typing.brackets, text) == []


@pytest.mark.parametrize("text", ["改成 -1。", "0 or -1: add", "（-2）", "on -0.5 too"])
def test_a_hyphen_is_no_minus_sign(text):
    assert len(found(typing.minus, text, EN)) == 1


@pytest.mark.parametrize(
    "text", ["`-1`", "$-1$", "−1", "pages 3-5", "float-32", "<https://a.b/-1>"]
)
def test_what_is_no_minus_sign_is_left_alone(text):
    assert found(typing.minus, text) == []


@pytest.mark.parametrize("text", ["低了十倍不止", "减小同样的倍数", "缩小 10 倍", "小 $10$ 倍"])
def test_less_is_not_told_in_multiples(text):
    assert len(found(typing.times_less, text.replace("$10$", "10"))) == 1


@pytest.mark.parametrize(
    "text", ["放大多少倍", "大小的两倍", "降到十分之一", "快了三倍", "长短两倍"]
)
def test_more_may_be_told_in_multiples(text):
    assert found(typing.times_less, text) == []


def test_captions_are_running_text():
    cell = '```{python}\n#| label: fig-tensors-a\n#| fig-cap: "核是 -1"\n'
    cell += '#| fig-alt: "一(格)"\n1\n```'
    assert [line for line, _ in found(typing.minus, cell)] == [5]
    assert [line for line, _ in found(typing.brackets, cell)] == [6]


def at_references(text, *where):
    rules = (typing.number_spaced, typing.section_unspaced)
    return [fault for rule in rules for fault in found(rule, text, *where)]


@pytest.mark.parametrize(
    "text",
    ["画出[@fig-tensors-a]。见[@tbl-a]里", "[@eq-a]给出", "[@exr-a-b]让你", "[@sec-a] 说过"],
)
def test_spaces_at_references_are_those_of_what_is_printed(text):
    assert len(at_references(text)) == 1
    assert at_references(text, EN) == []


@pytest.mark.parametrize(
    "text", ["[@fig-a] 里", "[@fig-a]、[@fig-b] 和", "[@sec-a]说过", "[@sec-a] and"]
)
def test_right_spaces_at_references_are_left_alone(text):
    assert at_references(text) == []
