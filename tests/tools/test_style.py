"""The figures of the Chinese prose: what is counted, and what is not."""

from pathlib import Path

from workbook.check.style import Profile, profile, table
from workbook.source.chapter import parse_chapter


def chapter(text: str, lang: str = "zh"):
    return parse_chapter(
        f"# 张量 {{#sec-tensors}}\n\n{text}\n", Path(f"chapters/{lang}/04-tensors.qmd")
    )


def test_punctuation_and_words_are_counted_outside_code_and_formulas():
    text = "它就是张量：`它：就`，$就；它$；因此再看 [@sec-它]。"
    text += "\n\n```{python}\n#| label: tensors-a\n# 就是它：\n```"
    found = profile(chapter(text), None)
    assert (found.colons, found.semicolons, found.jiu, found.ta, found.connectives) == (
        1,
        1,
        1,
        1,
        1,
    )
    assert (found.characters, found.clauses) == (9, 2)


def test_headings_and_tables_are_no_prose():
    found = profile(chapter("## 它就是它 {#sec-tensors-it}\n\n| 它 |\n|:---|\n| 就 |"), None)
    assert (found.characters, found.jiu, found.ta) == (0, 0, 0)


def test_a_long_paragraph_is_held_against_its_twin():
    long = "这一句有十个字以上的长度。" * 8
    same, fewer = "One sentence. " * 8, "One sentence. " * 5
    assert profile(chapter(long), chapter(same, "en")).alike == 1
    assert profile(chapter(long), chapter(fewer, "en")).alike == 0
    assert profile(chapter("短句。"), chapter("Short.", "en")).long == 0


def test_the_table_has_a_line_for_each_chapter_and_the_peers():
    lines = table([Profile("tensors", 1000, 100, 8, 3, 5, 5, 13, 4, 1)]).splitlines()
    assert lines[1].split() == [
        "tensors",
        "1000",
        "10.0",
        "8.0",
        "3.0",
        "5.0",
        "5.0",
        "13.0",
        "1/4",
    ]
    assert [line.split()[0] for line in lines[2:]] == ["d2l-zh", "hello-algo"]
