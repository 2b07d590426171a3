"""A rule is a function in a table: a toy one, added from outside, is told like ours."""

from collections.abc import Iterator

from workbook import check
from workbook.problem import Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.inline import prose


def no_tabs(chapter: Chapter) -> Iterator[Problem]:
    """Tabs are as wide as each editor likes."""
    for line, text in prose(chapter):
        if "\t" in text:
            yield problem(chapter.path, line, "a tab", "write spaces")


def test_a_toy_rule_is_told_with_file_and_line(tiny, monkeypatch):
    tiny.edit("index.LANG.qmd", "\n\n", "\n\nA\tB\n\n")
    assert check.check(tiny.root) == []
    monkeypatch.setattr(check, "CHAPTER_RULES", (*check.CHAPTER_RULES, no_tabs))
    assert [str(each) for each in check.check(tiny.root)] == [
        "index.en.qmd:3: a tab; write spaces",
        "index.zh.qmd:3: a tab; write spaces",
    ]
