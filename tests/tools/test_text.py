"""Text and YAML as authors write them: read, or refused with the line, in whichever file."""

from pathlib import Path

import pytest

from workbook.check import check
from workbook.derive import cheatsheet, claims, glossary, notation
from workbook.problem import BookError
from workbook.source.chapter import parse_chapter
from workbook.source.edition import read_edition
from workbook.source.text import NotYaml, parse_yaml, read_text

ODD = {  # the second line of a text, and what is told of it
    "a day that is none": (
        "b: 2026-99-99",
        "'2026-99-99' is not what its form or its tag says",
    ),
    "an hour that is none": (
        "b: 2026-01-01 99:00:00",
        "'2026-01-01 99:00:00' is not what its form or its tag says",
    ),
    "no number": ("b: !!float x", "'x' is not what its form or its tag says"),
    "no integer": ("b: !!int ''", "'' is not what its form or its tag says"),
    "no truth": ("b: !!bool x", "'x' is not what its form or its tag says"),
    "no time": ("b: !!timestamp x", "'x' is not what its form or its tag says"),
    "a key that is a list": ("? [b]\n: c", "found unhashable key"),
    "a tag of nobody": ("b: !c d", "could not determine a constructor for the tag '!c'"),
    "a control character": ("b: \x07", "control characters are not allowed"),
    "open": ("b: [", "did not find expected node content"),
}


@pytest.mark.parametrize(("line", "told"), ODD.values(), ids=ODD)
def test_yaml_of_no_sense_is_told_with_its_line(line, told):
    with pytest.raises(NotYaml) as error:
        parse_yaml(f"é: 汉\n{line}")
    assert (error.value.line, error.value.why) == (2, told)


@pytest.mark.parametrize("level", ["- ", "? ", "[", "{a: ", "!!seq [", "&a ["])
@pytest.mark.parametrize("levels", [301, 100_000])
def test_yaml_of_too_many_levels(level, levels):
    with pytest.raises(NotYaml) as error:
        parse_yaml("\n" + level * levels)
    assert (error.value.line, error.value.why) == (2, "too many levels")


def test_yaml_of_many_levels_in_many_lines():
    lines = "\n".join(" " * n + "a:" for n in range(301))
    with pytest.raises(NotYaml, match="too many levels"):
        parse_yaml(lines)
    assert parse_yaml("[[1]," * 290 + "2" + "]" * 290)


def test_yaml_that_makes_sense():
    assert parse_yaml("a: 2026-01-31\r\nb: [1, yes]\r\n")["b"] == [1, True]
    assert parse_yaml("") is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a\nb\xff", "2: not UTF-8; save it as UTF-8"),
        (b"a\r\nb\0", "2: the control character U+0000; take it out"),
        ("a\n\u2028".encode(), "2: the control character U+2028; take it out"),
        (b"a\rb", "1: a line ends in CR alone; save it with LF or CRLF as line ends"),
        ("a\nb\u200bc".encode(), "2: the invisible character U+200B; take it out"),
        ("a\nb\u202ec".encode(), "2: the invisible character U+202E; take it out"),
        ("a\nb\xadc".encode(), "2: the invisible character U+00AD; take it out"),
        ("a\nb\ue000".encode(), "2: the private character U+E000; take it out"),
        ("a\nb\u0378".encode(), "2: the unknown character U+0378; take it out"),
        ("a\nb\uffff".encode(), "2: the unknown character U+FFFF; take it out"),
        ("a\n🙂".encode(), "2: the emoji U+1F642, which no paper shows; say it in words"),
        ("🙂\n\0".encode(), "1: the emoji U+1F642, which no paper shows; say it in words"),
        (b"\xef\xbb\xbfa", "1: a byte order mark; save it as UTF-8 without one"),
    ],
)
def test_what_is_no_text_is_told_with_its_line(tmp_path, content, told):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BookError) as error:
        read_text(tmp_path / "a", "chapters/a")
    assert str(error.value) == f"chapters/a:{told}"


def test_text_that_can_be_printed_is_kept(tmp_path):
    text = "一\t“é”…\u3000★✗→𝒜﷽\r\n\nשלום مرحبا"
    (tmp_path / "a").write_bytes(text.encode())
    assert read_text(tmp_path / "a", "a") == text


# --- in each kind of file ------------------------------------------------------------------

RECORDS = {
    glossary.PATH: glossary.read_glossary,
    claims.PATH: claims.read_claims,
    notation.PATH: notation.read_notation,
    cheatsheet.PATH: cheatsheet.read_cheatsheet,
}
NO_DAY = "'2026-99-99' is not what its form or its tag says; mend it"


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
@pytest.mark.parametrize("levels", [299, 100_000])
def test_records_of_too_many_levels(tmp_path, path, levels):
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_text("- " * levels)
    with pytest.raises(BookError, match=f"{path}:1: ") as error:
        RECORDS[path](tmp_path)
    assert levels < 300 or "too many levels" in str(error.value)


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"- a: b\n- c: 2026-99-99\n", f"2: {NO_DAY}"),
        (b"- a: b\n- ? [c]\n  : d\n", "2: a key that is no text; mend it"),
        (b"- a: b\n- c: \xff\n", "2: not UTF-8; save it as UTF-8"),
        (b"- a: b\n- c: \0\n", "2: the control character U+0000; take it out"),
    ],
    ids=["value", "key", "encoding", "NUL"],
)
def test_records(tmp_path, path, content, told):
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_bytes(content)
    with pytest.raises(BookError) as error:
        RECORDS[path](tmp_path)
    assert str(error.value) == f"{path}:{told}"


@pytest.mark.parametrize("file", ["_quarto.yml", "_quarto-zh.yml"])
def test_profiles(tiny, file):
    tiny.write(file, "\n" + tiny.read(file).replace("book:", "when: 2026-99-99\nbook:", 1))
    line = 1 + tiny.read(file)[: tiny.read(file).index("when")].count("\n")
    with pytest.raises(BookError) as error:
        read_edition(tiny.root, "zh")
    assert str(error.value) == f"{file}:{line}: not YAML: {NO_DAY}"
    assert str(error.value) in map(str, check(tiny.root))


def test_an_alias_within_itself(tiny):
    tiny.edit(
        "_quarto-zh.yml", "lang: zh", "lang: zh\nrest: &rest [*rest, chapters/zh/03-three.qmd]"
    )
    told = [str(found) for found in check(tiny.root)]
    assert '_quarto-en.yml: chapter "three" is in the other edition only' in told[0]


HEADS = {
    "a: [": "2: front matter is not key: value; mend it, quoting text",
    "a: b\nc: 2026-99-99": "3: front matter is not key: value; mend it, quoting text",
    "- a": "2: front matter is not key: value; mend it, quoting text",
    "": "",
    "description:": "",
    "description: 说明": "说明",
}


@pytest.mark.parametrize("head", HEADS)
def test_front_matter(head):
    path = Path("chapters/zh/01-one.qmd")
    try:
        told = parse_chapter(f"---\n{head}\n---\n\n# 一\n", path).description
    except BookError as error:
        told = str(error).removeprefix(f"{path}:")
    assert told == HEADS[head]


@pytest.mark.parametrize(("option", "line"), [("a: 2026-99-99", 3), ("a: [", 3), ("? [a]", 3)])
def test_cell_options(option, line):
    with pytest.raises(BookError) as error:
        parse_chapter(f"```{{python}}\n#| label: a\n#| {option}\nx\n```\n", Path("a.qmd"))
    assert str(error.value).startswith(f"a.qmd:{line}: cell options are not YAML; ")
