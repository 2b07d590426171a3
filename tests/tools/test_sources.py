"""Whatever stands in a source, it is read whole or refused with its line."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny import CELLS, ONE, with_cells

from workbook.check import check, picture
from workbook.problem import BookError
from workbook.source.chapter import parse_chapter, read_chapter
from workbook.source.edition import Entry, read_edition
from workbook.weave import weave

PATH = Path("chapters/zh/01-one.qmd")
CHAPTER = with_cells(ONE["zh"])
PIECES = (  # of which house markup is made
    *CHAPTER.splitlines(keepends=True), "```", "````{python}\n", "#| label: ", "#| a: [1,\n",
    ":::\n", "::: {.x}\n", "::::", "$$", "---\n", "![", "](", ")", "{#fig-a", "}", "|", ": ",
    "\n", "\r\n", "\t", " ", "é", "汉", "\u200b", "🙂", "﷽", "`", "\\", "@", "[@sec-",
    "[^1]:", "> ", "<!-- ", "### BEGIN SOLUTION\n", "### END SOLUTION\n", "# %% ", "%YAML",
    "!!python/none", "&a",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_any_text_is_kept_whole_or_refused_with_its_line(text):
    try:
        chapter = parse_chapter(text, PATH)
    except BookError as error:
        last = len(text.splitlines())
        assert all(1 <= found.where.line <= last for found in error.problems)
        return
    assert chapter.source == text
    for block, following in zip(chapter.blocks, chapter.blocks[1:], strict=False):
        assert following.line == block.line + len(block.text.splitlines())
    chapter.title, chapter.exercises  # noqa: B018 - they are read, whatever stands there


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, st.text(max_size=40), st.sampled_from(["html", "pdf", "epub"]))
def test_any_text_is_woven_or_refused_with_its_line(text, printed, fmt):
    try:
        chapter = parse_chapter(text, PATH)
        outputs = [
            [{"output_type": "stream", "name": "stdout", "text": printed}]
            for _ in chapter.cells
        ]
        woven = weave(chapter, Entry(PATH, "one", "1"), outputs, fmt, Path("/nowhere"))
    except BookError as error:
        assert all(found.where.line for found in error.problems)
        return
    for block in chapter.blocks:
        if block.kind not in ("cell", "metadata"):
            assert block.text in woven.markdown


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "01-one.qmd"
    file.write_bytes(data)
    try:
        assert read_chapter(file).source.encode() == data
    except BookError as error:
        assert all(found.where.line for found in error.problems)


SEE = "见".encode()  # in the third line


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: b"\xef\xbb\xbf" + text, "1: a byte order mark; save it as UTF-8 without"),
        (
            lambda text: text.replace(b"\n", b"\r"),
            "1: a line ends in CR alone; save it with",
        ),
        (
            lambda text: text.replace(SEE, b"\xe9\xff"),
            "3: not UTF-8; save it as UTF-8",
        ),
        (lambda text: text.decode().encode("utf-16"), "1: not UTF-8; save it as UTF-8"),
        (lambda text: text.replace(SEE, b"a\0b"), "3: the control character U+0000;"),
        (
            lambda text: text.replace(SEE, b"\x1b[1m"),
            "3: the control character U+001B",
        ),
        (
            lambda text: text.replace(SEE, "\u2028".encode()),
            "3: the control character",
        ),
        (
            lambda text: text.replace(b" {", "\u200b {".encode(), 1),
            "1: the invisible character",
        ),
        (lambda text: text.replace(b" {", "\ue000 {".encode(), 1), "1: the private character"),
        (lambda text: text.replace(b" {", "🙂 {".encode(), 1), "1: the emoji U+1F642, which"),
    ],
    ids=[
        "BOM",
        "CR",
        "Latin-1",
        "UTF-16",
        "NUL",
        "escape",
        "line separator",
        "zero width",
        "private",
        "emoji",
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tiny, damage, told):
    file = tiny.root / PATH
    file.write_bytes(damage(file.read_bytes()))
    [found] = check(tiny.root)
    assert str(found).startswith(f"{PATH}:{told}")


def test_crlf_is_read_as_lf(tiny):
    for file in tiny.root.glob("chapters/*/*.qmd"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert [str(found) for found in check(tiny.root)] == []


def test_a_line_of_two_megabytes(tiny):
    tiny.edit("chapters/zh/02-two.qmd", "two}\n", "two}\n\n" + "字" * (2 << 20) + "\n")
    tiny.edit("chapters/en/02-two.qmd", "two}\n", "two}\n\n" + "a " * (1 << 20) + "\n")
    assert [str(found) for found in check(tiny.root)] == []


# --- profiles ------------------------------------------------------------------------------

FORMS = {
    "a list": (lambda text: "- 1\n", "1: is not key: value; mend it"),
    "a word": (lambda text: "zh\n", "1: is not key: value; mend it"),
    "book a list": (
        lambda text: "lang: zh\nbook: [1]\n",
        "2: book is not key: value; mend it",
    ),
    "title a list": (
        lambda text: text.replace("title: Tiny zh", "title: [Tiny, zh]"),
        "4: title is no text; write one line of text, in quotes",
    ),
    "lang a list": (
        lambda text: text.replace("lang: zh", "lang: [zh]"),
        "2: lang is none of ours: ['zh']; write one of zh, en",
    ),
    "a number for a chapter": (
        lambda text: text.replace("- index.zh.qmd", "- 42"),
        "6: chapters has an entry that is no file: 42; write a file, or part: with a title and "
        "chapters: with files",
    ),
    "nothing for a chapter": (
        lambda text: text.replace("- index.zh.qmd", "-"),
        "6: chapters has an entry that is no file: None; write a file, or part: with a title "
        "and chapters: with files",
    ),
    "chapters a text": (
        lambda text: text.replace("appendices:\n", "appendices: none\n").replace(
            "    - chapters/zh/90-answers.qmd\n", ""
        ),
        "12: appendices is no list; write one file on a line, after a dash",
    ),
    "date a word": (
        lambda text: text + "  date: someday\n",
        "14: date: someday is no date; write it as 2026-01-31",
    ),
    "a part among the appendices": (
        lambda text: text.replace(
            "    - chapters/zh/90-answers.qmd", "    - {part: A, chapters: [a.qmd]}"
        ),
        "12: appendices has an entry that is no file: {'chapters': ['a.qmd'], 'part': 'A'}; "
        "write a file",
    ),
    "a chapter of nobody": (
        lambda text: text.replace("chapters/zh/02-two.qmd", "/etc/02-two.qmd"),
        "11: /etc/02-two.qmd leads out of the book; "
        "write its path as seen from the book's root folder",
    ),
    "a chapter of the neighbours": (
        lambda text: text.replace("chapters/zh/02-two.qmd", "../02-two.qmd"),
        "11: ../02-two.qmd leads out of the book; "
        "write its path as seen from the book's root folder",
    ),
    "a chapter whose name is too long": (
        lambda text: text.replace("02-two", "a" * 300),
        f"11: chapters/zh/{'a' * 300}.qmd does not exist; "
        "write the chapter or take it off the list",
    ),
    "another language": (
        lambda text: text.replace("lang: zh", "lang: fr"),
        "2: lang is none of ours: 'fr'; write one of zh, en",
    ),
    "a file in a folder": (
        lambda text: text.replace("output-file: tiny-zh", "output-file: ../tiny-zh"),
        "5: output-file is no name of a file; write one, without a folder",
    ),
    "a file whose name is too long": (
        lambda text: text.replace("output-file: tiny-zh", "output-file: " + "a" * 151),
        "5: output-file is no name of a file; write one, without a folder",
    ),
    "date a year": (
        lambda text: text + "  date: 1200\n",
        "14: date: 1200 is no date; write it as 2026-01-31",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_profile_of_another_form(tiny, form):
    change, told = FORMS[form]
    tiny.write("_quarto-zh.yml", change(tiny.read("_quarto-zh.yml")))
    with pytest.raises(BookError) as caught:
        read_edition(tiny.root, "zh")
    assert str(caught.value) == f"_quarto-zh.yml:{told}"
    assert str(caught.value) in [str(found) for found in check(tiny.root)]


@pytest.mark.parametrize("file", ["_quarto-zh.yml", "_quarto.yml", "references.bib"])
def test_a_file_that_is_not_utf_8(tiny, file):
    (tiny.root / file).write_bytes(tiny.read(file).encode("utf-16"))
    with pytest.raises(BookError) as caught:
        read_edition(tiny.root, "zh")
    assert str(caught.value) == f"{file}:1: not UTF-8; save it as UTF-8"
    assert str(caught.value) in [str(found) for found in check(tiny.root)]


def test_a_bibliography_that_is_missing(tiny):
    (tiny.root / "references.bib").unlink()
    with pytest.raises(BookError, match=r"references\.bib: does not exist; make it, or mend"):
        read_edition(tiny.root, "zh")
    assert "references.bib: does not exist" in str(check(tiny.root)[0])


def test_a_citation_style_that_is_missing(tiny):
    tiny.edit("_quarto-zh.yml", "lang: zh", "lang: zh\ncsl: absent.csl")
    told = "absent.csl: does not exist; make it, or mend csl: in _quarto-zh.yml"
    assert told in [str(found) for found in check(tiny.root)]


def test_a_project_that_is_none(tiny):
    tiny.write("pyproject.toml", "project = 3")
    with pytest.raises(
        BookError, match=r"pyproject\.toml: project is not key = value; mend it"
    ):
        read_edition(tiny.root, "zh")


# --- code ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "-" * 5000 + "1",
        "x = a" + ".b" * 5000,
        "x = 1" + "+1" * 9000,
        "x = f" + "()" * 5000,
    ],
)
def test_code_of_too_many_levels(tiny, code):
    tiny.edit("chapters/LANG/02-two.qmd", "twice(4)", code)
    told = "not Python: too many levels; mend it; IPython's % and ! are not used"
    assert f"chapters/zh/02-two.qmd:5: {told}" in [str(found) for found in check(tiny.root)]


# --- pictures ------------------------------------------------------------------------------

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4">{}</svg>'
SVGS = {
    "": "",
    "<path d='M0 0L8 4'/>": "",
    "<use href='#a'/>": "",
    "<image href='data:image/png;base64,AA=='/>": "",
    "<script>alert(1)</script>": "runs something (line 1)",
    "<path d='M0 0' onclick='alert(1)'/>": "runs something (line 1)",
    "<foreignObject/>": "runs something (line 1)",
    "<a href=' javascript:alert(1)'/>": "refers to  javascript:alert(1) (line 1)",
    "<image href='https://example.org/a.png'/>": "refers to https://example.org/a.png (line 1)",
    "<path>": "is no SVG: ",
}


@pytest.mark.parametrize("inside", SVGS)
def test_an_svg_is_a_picture_and_no_program(tmp_path, inside):
    file = tmp_path / "a.svg"
    file.write_text(SVG.format(inside))
    found = picture.fault(file)
    assert (found[0] if found else "").startswith(SVGS[inside])
    assert bool(found) == bool(SVGS[inside])


def test_pictures_that_no_book_can_show(tmp_path):
    def told(name: str) -> str:
        found = picture.fault(tmp_path / name)
        return found[0] if found else ""

    Image.new("L", (40, 30)).save(tmp_path / "good.png")
    Image.new("L", (40, 30)).save(tmp_path / "good.jpg")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "larger.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "words.png").write_text("no picture")
    Image.effect_noise((40, 30), 50).save(tmp_path / "noise.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "noise.png").read_bytes()[:300])
    (tmp_path / "misnamed.png").write_bytes((tmp_path / "good.jpg").read_bytes())
    (tmp_path / "words.svg").write_text("<p>no picture</p>")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert [told("good.png"), told("good.jpg")] == ["", ""]
    assert told("large.png") == "has 10000 × 10000 pixels"
    assert told("larger.png") == "has too many pixels"
    assert told("empty.png") == "is empty"
    assert told("words.png").startswith("can't be read (")
    assert told("cut.png").startswith("can't be read (")
    assert told("misnamed.png") == "is JPEG, not what its name says"
    assert told("words.svg") == "is no SVG"
    for name in ("folder.png", "loop.png", "absent.png", "a" * 300 + ".png", "a\0.png"):
        assert told(name) == "does not exist"


def test_a_bad_picture_is_told_with_chapter_and_line(tiny):
    for lang in ("zh", "en"):
        caption = "图。" if lang == "zh" else "A figure."
        alt = "一条线" if lang == "zh" else "a line"
        tiny.edit(
            f"chapters/{lang}/02-two.qmd",
            "two}\n",
            f'two}}\n\n![{caption}](a.svg){{#fig-two-a fig-alt="{alt}"}}\n',
        )
        tiny.write(f"chapters/{lang}/a.svg", SVG.format("<script/>"))
    assert [str(found) for found in check(tiny.root) if "image" in str(found)] == [
        f"chapters/{lang}/02-two.qmd:3: image a.svg runs something (line 1); "
        "take it out: it is a picture"
        for lang in ("en", "zh")
    ]


def test_every_piece_of_the_tiny_book_is_fuzzed():
    assert all(line in PIECES for line in CHAPTER.splitlines(keepends=True))
    assert re.search("TWICE|THRICE", CHAPTER) is None and CELLS
