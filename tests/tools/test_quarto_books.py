"""The books that real Quarto makes of the chapters: what we hand over for them.

`quarto-golden/whole/` keeps what Quarto made of a small book with parts, exercises, appendices
and references. Its Typst is compiled here with our theme; what its filters leave to ours is
tested with pandoc alone.
"""

import re
import shutil
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
import typst
import yaml
from pypdf import PdfReader

from workbook.render import pandoc, theme, typefaces

WHOLE = Path(__file__).parent / "quarto-golden" / "whole"
ROOT = theme.ROOT
EXTENSION = ROOT / "_extensions" / "workbook"
# What Quarto's own template defines above ours; icons are of no use in our boxes.
DEFINED = "\n".join(
    f"#let fa-{name}() = none"
    for name in ("info", "lightbulb", "exclamation-triangle", "exclamation")
)


@pytest.fixture(scope="module", params=("zh", "en"))
def book(request, tmp_path_factory):
    """A language, and the pages of the book that our theme makes of Quarto's Typst."""
    root = tmp_path_factory.mktemp("quarto")
    shutil.copytree(ROOT / "theme", root / "theme")
    partials = "\n".join(
        (ROOT / "theme" / "quarto" / f"{name}.typ").read_text(encoding="utf-8")
        for name in ("numbering", "page")
    )
    main = root / f"index.{request.param}.typ"
    source = (WHOLE / f"{request.param}.typ").read_text(encoding="utf-8")
    main.write_text(f"{partials}\n{DEFINED}\n{source}", encoding="utf-8")
    content, warnings = typst.compile_with_warnings(
        main, root=root, font_paths=[typefaces.folder()], ignore_system_fonts=True
    )
    assert not warnings
    return request.param, PdfReader(BytesIO(content))


def plain(text: str) -> str:
    """The words of a page, however long its lines are: no hyphens and dots that fill them."""
    return re.sub(r"-\n|(?:\. ?){4,}|\s+", "", text)


def unplaced(text: str) -> str:
    """The words without what depends on where pages break."""
    return re.sub(r"（第\w+页）|（见[上下]文）|\(page\w+\)|\((?:above|below)\)|-", "", text)


def texts(reader: PdfReader) -> list[str]:
    return [plain(page.extract_text()) for page in reader.pages]


def page_with(reader: PdfReader, words: str) -> str:
    (found,) = [text for text in texts(reader) if plain(words) in text]
    return found


# The printed book -----------------------------------------------------------------------


def test_the_printed_book_is_the_one_that_quarto_made(book):
    lang, reader = book
    kept = (WHOLE / "rendered" / f"{lang}.pdf.txt").read_text(encoding="utf-8").split("\f\n")
    assert len(reader.pages) == len(kept)
    # Two readers of PDFs give the pieces of a line in another order, and a measure of today
    # breaks pages and names elsewhere than the one that Quarto had.
    shown, seen = (unplaced("".join(map(plain, pages))) for pages in (texts(reader), kept))
    assert Counter(shown) == Counter(seen)


def test_the_fonts_are_ours_and_embedded(book):
    _, reader = book
    fonts = {
        font.get_object()["/BaseFont"]: font.get_object()["/DescendantFonts"][0].get_object()
        for page in reader.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    families = {re.sub(r"^/\w+\+|-.*$", "", name) for name in fonts}
    assert families <= {"LibertinusSerif", "NotoSerifSC", "NotoSansSC", "DejaVuSansMono",
                        "STIXTwoMath"}  # fmt: skip
    assert all(
        {"/FontFile2", "/FontFile3"} & set(font["/FontDescriptor"].get_object())
        for font in fonts.values()
    )


def test_parts_and_what_belongs_to_none_stand_in_the_contents(book):
    lang, reader = book
    titles = {
        "zh": "前言 第一部分基础 第1章格子 1.1数格子 第二部分训练 第2章步子 第3章结束 附录 "
        "附录A答案 A.1格子 附录B术语表 附录D速查表 参考文献",
        "en": "Preface PartI:Foundations Chapter1Boxes 1.1Counting PartII:Training "
        "Chapter2Steps Chapter3Theend Appendices AppendixAAnswers A.1Boxes "
        "AppendixBGlossary AppendixDCheatsheet References",
    }[lang].split()
    contents = texts(reader)[2]
    found = [contents.index(title) for title in titles]
    assert found == sorted(found)
    # Nothing without a number is listed but what a chapter's title is.
    assert "练习" not in contents and "Exercises" not in contents
    assert not re.search(r"\d[BG]\.", contents)


def test_bookmarks_are_numbered_as_the_contents(book):
    lang, reader = book
    wanted = {
        "zh": "第1章格子 1.1数格子 附录A答案 A.1格子",
        "en": "Chapter1Boxes 1.1Counting AppendixAAnswers A.1Boxes",
    }[lang].split()
    titles = []

    def collect(entries):
        for entry in entries:
            if isinstance(entry, list):
                collect(entry)
            else:
                titles.append(plain(entry.title))

    collect(reader.outline)
    assert [title for title in wanted if title not in titles] == []


def test_a_part_has_a_page_for_its_title_alone(book):
    lang, reader = book
    titles = {
        "zh": ["第一部分基础", "第二部分训练", "附录"],
        "en": ["PartI:Foundations", "PartII:Training", "Appendices"],
    }[lang]
    for title in titles:
        assert any(re.fullmatch(re.escape(title) + r"\d+", text) for text in texts(reader))


def test_references_say_the_page_or_that_it_is_this_one(book):
    lang, reader = book
    text = page_with(reader, {"zh": "怎样走", "en": "how to walk"}[lang])
    wanted = {
        "zh": "第1.1节（见下文） 第2章（第7页） 式2.1（第7页） 附录A（第13页） 表1.1（见下文）",
        "en": "Section1.1(below) Chapter2(page7) Equation2.1(page7) AppendixA(page13) "
        "Table1.1(below)",
    }[lang].split()
    assert [w for w in wanted if w not in text] == []


def test_the_stub_stands_before_the_room_and_the_answer_after(book):
    lang, reader = book
    text = page_with(reader, {"zh": "一张表有", "en": "A table has"}[lang])
    stub = text.index("raiseNotImplementedError")
    answer = text.index({"zh": "答案（第13页）", "en": "Answer(page13)"}[lang])
    assert (
        text.index({"zh": "习题1.1写出步幅", "en": "Exercise1.1Writethestrides"}[lang])
        < stub
        < answer
    )


def test_the_cheat_sheet_has_a_page_and_the_references_another(book):
    lang, reader = book
    sheet = page_with(reader, {"zh": "右边是运行左边", "en": "On the right is"}[lang])
    assert "x.stride()" in sheet and "(2,3)" in sheet
    assert "Harris" not in sheet and "Harris" in texts(reader)[-1]


def test_what_was_made_with_is_told(book):
    _, reader = book
    assert "Quarto1.11.0" in texts(reader)[1]


# What Quarto's filters leave to ours ------------------------------------------------------

QUARTO = """
quarto = {
  version = '1.11.0',
  project = { directory = %r },
  doc = { input_file = 'chapters/zh/01-boxes.qmd' },
}
return dofile %r
"""


def filtered(
    name: str, markdown: str, tmp_path, to: str = "html", lang: str = "zh", more: tuple = (),
    project: Path = WHOLE,
) -> str:  # fmt: skip
    script = tmp_path / "filter.lua"
    script.write_text(QUARTO % (str(project), str(EXTENSION / name)), encoding="utf-8")
    options = ["--from=markdown", f"--to={to}", "--wrap=none", "--syntax-highlighting=none"]
    options += [f"--metadata=lang:{lang}", f"--lua-filter={script}", *more]
    return pandoc.run(options, markdown, source="test")


EXERCISE = """:::: {#exr-boxes-strides}

## 写出步幅 ★

::: {.answer lines=3}
:::

::::

::: {.cell exercise="exr-boxes-strides"}
``` {.python .cell-code}
stub
```
:::

::: {.cell}
other
:::
"""


def test_a_stub_goes_into_its_box_above_the_room(tmp_path):
    html = filtered("quarto.lua", EXERCISE, tmp_path)
    order = [
        html.index(what) for what in ("写出步幅", "stub", 'class="answer', "答案", "other")
    ]
    assert order == sorted(order)
    assert 'href="90-answers.qmd#ans-boxes-strides"' in html


def test_in_one_file_the_way_to_the_answer_names_no_file(tmp_path):
    shown = filtered("quarto.lua", EXERCISE, tmp_path, "typst")
    assert "#forms.answer-reference(forms.reference(<ans-boxes-strides>)[答案])" in shown


@pytest.mark.parametrize("to", ["html", "typst"])
def test_no_space_stands_before_a_chinese_citation(tmp_path, to):
    text = "张量 [@paszke2019pytorch]是，见 [@sec-boxes] 与 [@fig-x]。"
    shown = filtered("workbook.lua", text, tmp_path, to)
    assert not re.search(r"张量\s+\S*paszke", re.sub("<[^>]+>", "", shown))
    assert re.search(r"见\s", re.sub("<[^>]+>", "", shown))  # references keep theirs
    english = filtered("workbook.lua", "tensors [@paszke2019pytorch]", tmp_path, to, "en")
    assert re.search(r"tensors\s", english)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ("sec-boxes", "第\xa0{}\xa0章"),
        ("sec-boxes-count", "第\xa0{}\xa0节"),
        ("sec-answers-boxes", "第\xa0{}\xa0节"),
        ("sec-answers", "{}"),  # 附录 A, which Quarto says by itself
    ],
)
def test_sections_read_in_chinese_as_in_our_own_books(tmp_path, target, label):
    link = f"[[{target}]{{.quarto-unresolved-ref}}](#{target}){{.quarto-xref}}"
    shown = re.sub("<[^>]+>", "", filtered("labels.lua", link, tmp_path)).strip()
    assert shown.replace("&#160;", "\xa0").replace("&nbsp;", "\xa0") == label.format(target)
    assert "ref-noprefix" not in filtered("labels.lua", link, tmp_path, lang="en")


def test_the_epub_keeps_parts_and_gives_no_figure_the_text_of_its_picture(tmp_path):
    text = (
        "::: {.quarto-book-part}\n# 第一部分\n:::\n\n[小节\u00a01.1](#sec-a){.quarto-xref}\n\n"
        "::: {#fig-a alt='一条线'}\n图\n:::\n"
    )
    out = tmp_path / "book.epub"
    filtered(
        "labels.lua", text, tmp_path, "epub3", more=(f"--output={out}", "--metadata=title:T")
    )
    with zipfile.ZipFile(out) as archive:
        chapter = archive.read("EPUB/text/ch001.xhtml").decode()
    assert "quarto-book-part" not in chapter and "第一部分" in chapter
    assert ">第\u00a01.1\u00a0节</a>" in chapter.replace("&#160;", "\u00a0")
    assert 'id="fig-a"' in chapter and "alt=" not in chapter


# What the configuration names -------------------------------------------------------------


@pytest.mark.parametrize("formula", ["$a \\odot b$", "$$\na \\odot b\n$$"])
def test_formulas_have_the_names_that_typst_has_today(formula, tmp_path):
    written = filtered("typst.lua", formula, tmp_path, "typst", project=ROOT)
    assert "a dot.o b" in written
    source = f"#set page(width: 5cm, height: 2cm)\n{written}"
    _, warnings = typst.compile_with_warnings(source.encode())
    assert not warnings
    assert filtered("typst.lua", formula, tmp_path, "html", project=ROOT).count("dot.o") == 0


def test_typst_gets_the_marks_that_the_text_has(tmp_path):
    text = "## What you don’t write\n\n“所以 $z = 0$”求出 ‘a’\n"
    written = filtered("typst.lua", text, tmp_path, "typst", project=ROOT)
    assert "don’t" in written and "“所以" in written and "”求出" in written and "‘a’" in written
    assert not {"'", '"'} & set(written)


def test_what_the_configuration_names_is_there():
    config = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    printed = config["format"]["typst"]
    assert [p for p in printed["template-partials"] if not (ROOT / p).is_file()] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"{place}:" in makefile for place in printed["font-paths"])
    told = yaml.safe_load((EXTENSION / "_extension.yml").read_text(encoding="utf-8"))
    for each in told["contributes"]["filters"]:
        name = each["path"] if isinstance(each, dict) else each
        assert (EXTENSION / name).is_file()


def test_the_samples_are_of_the_configuration_as_it_is():
    for lang in ("zh", "en"):
        ours, sample = (
            yaml.safe_load((root / f"_quarto-{lang}.yml").read_text(encoding="utf-8"))
            for root in (ROOT, WHOLE)
        )
        assert {k: v for k, v in ours.items() if k != "book"} == {
            k: v for k, v in sample.items() if k != "book"
        }
        assert ours["book"].keys() == sample["book"].keys()
