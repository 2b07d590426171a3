"""The printed book: what pandoc and Typst make of numbered pages."""

import dataclasses
import datetime
import platform
import re
import textwrap
from pathlib import Path

import pymupdf
import pytest
import segno
from pypdf import PdfReader

from workbook import messages
from workbook.problem import BookError
from workbook.render import pdf, theme, typefaces
from workbook.render.html.website import LICENSE_URL, asset
from workbook.source.edition import PAPERS, Edition, Entry
from workbook.source.published import Published
from workbook.weave import Woven

DATE = datetime.date(2025, 3, 4)
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50">
<line x1="0" y1="50" x2="100" y2="0" stroke="black"/></svg>"""
BIBLIOGRAPHY = """@book{doe2020,
  title = {On Tensors}, author = {Doe, Jane}, publisher = {Press}, year = {2020}}
"""
RULED = b"0.54901963 SCN"  # the grey of ruled lines
TENSORS = """# 张量 {#sec-tensors}

[张量]{.term}见 [@fig-tensors-line] 与 [@sec-autograd]，**粗**，$x^2$ [@doe2020]。

## 形状 ★ {#sec-tensors-shape}

$$y = Wx$$ {#eq-tensors-y}

![一条线](line.svg){#fig-tensors-line fig-alt="上升的 \\"线\\""}

::: {.callout-warning}
小心。
:::

::: {#exr-tensors-one}

## 外积 ★

写出来。

::: {.answer lines=2}
:::
:::

| 甲 | 乙 |
|---|---|
| 1 | 2 |

: 两列 {#tbl-tensors-two}
"""
AUTOGRAD = """# 自动微分 {#sec-autograd}

回到 [@tbl-tensors-two]、[@eq-tensors-y] 与 [@exr-tensors-one]。

## 小结 {.unnumbered}

→ ─│┌ ✓
"""


def woven(slug: str, markdown: str, number: str = "1", **options) -> Woven:
    entry = Entry(Path(f"chapters/zh/{slug}.qmd"), slug, number, **options)
    return Woven(entry, markdown, {"line.svg": SVG} if "line.svg" in markdown else {})


@pytest.fixture
def edition(tmp_path):
    """Makes the edition of some pages."""
    bibliography = tmp_path / "references.bib"
    bibliography.write_text(BIBLIOGRAPHY)

    def make(pages: list[Woven], lang: str = "zh") -> Edition:
        return Edition(
            lang, (lang,), 'Das "Buch" \\1', "Untertitel", "Nobody", DATE, "book",
            bibliography, tuple(page.entry for page in pages),
        )  # fmt: skip

    return make


def typeset(edition, markdown: str, lang: str = "zh") -> str:
    """The Typst of the one chapter of a book, below its heading and above its end."""
    pages = [woven("tensors", f"# T {{#sec-t}}\n\n{markdown}")]
    source = pdf.typeset(edition(pages, lang), pages)
    return source.partition('id: "sec-t")[T]')[2].partition("#forms.chapter-end")[0].strip()


def problems(edition, markdown: str, tmp_path) -> list[str]:
    pages = [
        woven("one", "# One {#sec-one}\n\nGood."),
        woven("two", f"# Two {{#sec-two}}\n\n{markdown}", "2"),
    ]
    with pytest.raises(BookError) as caught:
        pdf.write(edition(pages), pages, tmp_path / "book.pdf")
    assert not (tmp_path / "book.pdf").exists()
    return [str(p).splitlines()[0] for p in caught.value.problems]


# Typst ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("$x_1$.T", '#forms.formula("x_1", $x_1$);.T'),
        (
            "$$\na\n$$ {#eq-a}",
            '#forms.formula("a", number: "1.1", id: "eq-a", $ a $)',
        ),
        (
            "## 节 {#sec-a}",
            '#forms.headline(2, kind: "section", number: "1.1", id: "sec-a")[节]',
        ),
        (
            "## 小结 {.unnumbered}",
            '#forms.headline(2, kind: "section", number: "", id: "tensors-summary")[小结]',
        ),
        (
            '![图](line.svg){#fig-a fig-alt="a \\"b\\""}',
            '#forms.illustration(floats: true, name: "图\N{NO-BREAK SPACE}1.1", '
            'caption: [#forms.label-text[图~1.1]; 图], '
            'id: "fig-a")[\n'
            '#forms.picture("/tensors/line.svg", alt: "a \\"b\\"");\n]',
        ),
        (
            "![](line.svg){width=50%}",
            '#forms.centered[#forms.picture("/tensors/line.svg", width: 50%);]',
        ),
        (
            "::: {.callout-tip}\n正文。\n:::",
            '#forms.callout("tip", short: true)[提示][\n正文。\n\n]',
        ),
        (
            "::: {#exr-a}\n## 题 ★\n\n正文。\n:::",
            '#forms.exercise(id: "exr-a")[#forms.label-text[习题~1.1]; 题 ★][][\n'
            "正文。\n\n]",
        ),
        (
            "::: {#exr-a}\n## 题 ★\n\n正文。\n\n::: {.answer .squared lines=9}\n:::\n:::",
            '#forms.exercise(id: "exr-a", room: (9, true))'
            "[#forms.label-text[习题~1.1]; 题 ★][][\n正文。\n\n]",
        ),
        (
            "见 [@sec-t] 与 `x`",
            "见#forms.reference(<sec-t>)[第~1~章];与 `x`",
        ),
        ("词\n:   一句话。", "#forms.entry[词][一句话。]"),
        (
            "词\n\n:   一段。\n\n    又一段。",
            "#forms.definition[词][\n一段。\n\n又一段。\n\n]",
        ),
        ("---", "#forms.rule"),
        (
            "[选择器](https://a.example/b)",
            '#forms.outside("https://a.example/b")[选择器];',
        ),
        ("<https://a.example/b>", '#link("https://a.example/b")'),
        ("[a.example](https://a.example/)", '#link("https://a.example/")[a.example]'),
        (
            "提问。\n\n::: {.answer lines=2}\n:::",
            "#forms.kept[\n提问。\n\n]\n#workbook-answer(2)",
        ),
    ],
)  # fmt: skip
def test_each_construct_becomes_a_call(edition, markdown, expected):
    assert typeset(edition, markdown) == expected


def test_references_between_latin_words_keep_their_spaces(edition):
    shown = typeset(edition, "See [@sec-t] here", "en")
    assert shown == "See #forms.reference(<sec-t>)[Chapter~1]; here"


def test_a_cell_leaves_its_code_and_its_outputs(edition):
    markdown = textwrap.dedent("""\
        ::: {#cell-a .cell execution_count=1}
        ``` {.python .cell-code}
        1 + 1
        ```

        ::: {#a .cell-output .cell-output-display}
        ```
        2
        ```
        :::
        :::
        """)
    assert typeset(edition, markdown) == (
        "#forms.code(kept: true, spread: true)[\n```python\n1 + 1\n```\n\n]\n```\n2\n```"
    )


def test_pictures_of_one_figure_stand_side_by_side(edition):
    markdown = textwrap.dedent("""\
        ::: {#fig-two .cell layout-ncol='2'}

        ::: {.cell-output .cell-output-display}
        ![左](line.svg){#fig-two-1 fig-alt='l'}
        :::

        ::: {.cell-output .cell-output-display}
        ![右](line.svg){#fig-two-2 fig-alt='r'}
        :::

        两幅
        :::
        """)
    shown = typeset(edition, markdown)
    assert shown.startswith(
        '#forms.parts(2, floats: true, name: "图\N{NO-BREAK SPACE}1.1", '
        "caption: [#forms.label-text[图~1.1]; 两幅]"
    )
    assert shown.count("\n][\n") == 1
    assert shown.count("#forms.illustration(") == 2
    assert shown.count("floats: true") == 1


def test_only_long_tables_may_break(edition):
    short = "| a |\n|---|\n" + "| 1 |\n" * 15
    assert "#forms.long[" not in typeset(edition, short)
    assert "#forms.long[" in typeset(edition, short + "| 1 |\n")


def test_what_a_book_is_told_cannot_break_out_of_its_string(edition):
    pages = [woven("tensors", "# T\n")]
    first = pdf.typeset(edition(pages), pages).partition("\n\n")[0].splitlines()[-1]
    assert first.startswith(
        '#show: workbook-book.with(edition: "zh", author: "Nobody", '
        'date: datetime(year: 2025, month: 3, day: 4), paper: "a4", version: "", address: "", '
        'titles: ("Das \\"Buch\\" \\\\1", ), subtitles: ("Untertitel", ), versions: ('
    )


@pytest.mark.parametrize(
    ("source", "symbol"),
    [
        (r"a \odot b", "a dot.o b"),
        (r"a \otimes b", "a times.o b"),
        (r"A \cap B", "A inter B"),
        (r"\bigcap_i A_i", "inter.big_i A_i"),
        (r"A \sqcap B", "A inter.sq B"),
        (r"A \models B", "A tack.r.r B"),
        (r"a \unlhd b \lhd c", "a lt.closed.eq b lt.closed c"),
    ],
)
def test_symbols_have_the_names_that_typst_knows(edition, source, symbol, tmp_path):
    shown = typeset(edition, f"${source}$").partition(", ")[2]
    assert shown == f"${symbol}$);"
    pages = [woven("tensors", f"# T\n\n${source}$")]
    pdf.write(edition(pages), pages, tmp_path / "book.pdf")  # or Typst would complain


def test_a_long_box_may_go_on_overleaf(edition):
    short = "::: {.callout-note}\n" + "很长。" * 20 + "\n:::"
    assert "short: true" in typeset(edition, short)
    assert "short: true" not in typeset(edition, short.replace("很长。", "很长。" * 20))


@pytest.mark.parametrize(("lines", "is_short"), [(2, True), (4, False)])
def test_a_box_is_as_long_as_its_room(edition, lines, is_short):
    box = f":::: {{.callout-tip}}\n提问。\n\n::: {{.answer lines={lines}}}\n:::\n::::"
    shown = typeset(edition, box)
    assert ("short: true" in shown) == is_short
    assert f"\n#workbook-answer({lines})\n" in shown and "#block" not in shown


# The book ------------------------------------------------------------------------------


@pytest.fixture
def pages():
    return [
        Woven(Entry(Path("index.zh.qmd"), "index", ""), "# 前言 {.unnumbered}\n\n你好。\n", {}),
        woven("tensors", TENSORS, "1", part=("第一部分 基础",)),
        woven("autograd", AUTOGRAD, "2", part=("第一部分 基础",)),
        woven("answers", "# 答案 {#sec-answers}\n\n完。\n", "A", appendix=True),
    ]


@pytest.fixture
def book(edition, pages, tmp_path):
    out = tmp_path / "new" / "book.pdf"
    count = pdf.write(edition(pages), pages, out)
    reader = PdfReader(out)
    assert count == len(reader.pages)
    return reader


def texts(reader: PdfReader) -> list[str]:
    """The text of each page, every kind of space as one space."""
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader.pages]


def page_of(reader: PdfReader, words: str) -> int:
    """The one page after the contents that says these words in one place."""
    found = [n for n, text in enumerate(texts(reader)) if words in text and n > 2]
    assert found, f"{words} is nowhere"
    return found[0]


def outline(reader: PdfReader, items=None, depth: int = 1) -> list[tuple[int, str]]:
    found = []
    for item in reader.outline if items is None else items:
        if isinstance(item, list):
            found += outline(reader, item, depth + 1)
        else:
            found.append((depth, item.title.replace("\N{NO-BREAK SPACE}", " ")))
    return found


def test_the_outline_has_parts_chapters_and_sections(book):
    assert outline(book) == [
        (1, "前言"),
        (1, "第一部分 基础"),
        (2, "第 1 章 张量"),
        (3, "1.1 形状 ★"),
        (2, "第 2 章 自动微分"),
        (3, "小结"),
        (1, "附录"),
        (2, "附录 A 答案"),
        (1, "参考文献"),
    ]


def test_parts_and_chapters_open_on_right_hand_pages(book):
    places = [book.get_destination_page_number(item) for item in flat(book.outline)]
    titles = [title for _, title in outline(book)]
    sections = ("1.1 形状 ★", "小结")
    openings = [n for title, n in zip(titles, places, strict=True) if title not in sections]
    assert all(n % 2 == 0 for n in openings), openings  # counted from 0
    assert len(set(openings)) == len(openings)


def flat(items):
    for item in items:
        yield from flat(item) if isinstance(item, list) else [item]


def test_pages_are_numbered_from_the_first_part(book):
    labels = book.page_labels
    part = page_of(book, "第一部分 基础")
    assert labels[: part + 3] == [*["i", "ii", "iii", "iv", "v", "vi"][:part], "1", "2", "3"]


def test_references_name_the_page(book):
    start = page_of(book, "第一部分 基础")
    second = page_of(book, "回到")
    assert f"第 2 章（第 {second - start + 1} 页）" in texts(book)[start + 2]


def test_the_contents_list_parts_chapters_and_numbered_sections(book):
    contents = texts(book)[2]
    titles = ("前言", "第一部分", "第 1 章", "1.1", "第 2 章", "附录 A", "参考文献")
    places = [contents.index(title) for title in titles]
    assert places == sorted(places)
    assert "小结" not in contents
    assert ". . ." in contents or "..." in contents.replace(" ", "")


def test_the_document_says_what_it_is(book):
    assert book.metadata.title == 'Das "Buch" \\1'
    assert book.metadata.author == "Nobody"
    assert book.metadata.creation_date.date() == DATE
    catalog = book.trailer["/Root"]
    assert catalog["/Lang"] == "zh-CN"
    assert catalog["/MarkInfo"]["/Marked"]
    assert [round(float(x)) for x in book.pages[0].mediabox[2:]] == [595, 842]
    assert "2025 年 3 月 4 日" in texts(book)[1]
    assert "CC BY-SA 4.0" in texts(book)[1]


def test_the_colophon_names_what_the_book_was_made_with(book):
    colophon = texts(book)[1]
    tools = [*pdf.versions(), "Typst "]
    assert [tool for tool in tools if tool not in colophon] == []
    assert f"Python {platform.python_version()}" in tools


ADDRESS = "https://book.example/workbook/"


def colophon(edition, pages, out: Path, **about) -> pymupdf.Document:
    """The book of an edition that says this of itself, for a look at its second page."""
    pdf.write(dataclasses.replace(edition(pages), **about), pages, out)
    return pymupdf.open(out)


def test_the_colophon_has_version_and_address_and_a_code_that_leads_there(
    edition, pages, tmp_path
):
    about = {"published": Published(ADDRESS), "version": "1.2"}
    with colophon(edition, pages, tmp_path / "book.pdf", **about) as book:
        page = book[1]
        assert ADDRESS in page.get_text() and "版本 1.2" in page.get_text()
        assert ADDRESS in [link.get("uri") for link in page.get_links()]
        code = segno.make(ADDRESS, error="m", micro=False)
        matrix = [[bool(cell) for cell in row] for row in code.matrix]
        [place] = [d["rect"] for d in page.get_drawings() if abs(d["rect"].height - 56.7) < 2]
        scale = 8  # pixels for a square of the code
        square = place.width / len(matrix)
        place += (0, -square / 2, 0, square / 2)  # rows are lines, told by their middle
        zoom = pymupdf.Matrix(scale / square, scale / square)
        picture = page.get_pixmap(matrix=zoom, clip=place, colorspace="gray")
        centers = [(2 * k + 1) * scale // 2 for k in range(len(matrix))]
        seen = [[picture.pixel(x, y)[0] < 128 for x in centers] for y in centers]
        assert seen == matrix


def test_without_an_address_the_colophon_has_no_code(edition, pages, tmp_path):
    with colophon(edition, pages, tmp_path / "book.pdf") as book:
        assert "版本" not in book[1].get_text()
        assert [d for d in book[1].get_drawings() if d["rect"].height > 40] == []


def spoken(reader: PdfReader) -> list[str]:
    """What the links are read aloud as, in order."""
    notes = [note.get_object() for page in reader.pages for note in page.get("/Annots", [])]
    plain = (str(note["/Contents"]).replace("\N{NO-BREAK SPACE}", " ") for note in notes)
    return [words.strip() for words in plain]


def test_links_are_read_aloud_in_the_language_of_the_book(book):
    said = spoken(book)
    start = said.index("前言, 页 v")
    assert said[start : start + 4] == [
        "前言, 页 v",
        "第一部分 基础, 页 1",
        "第 1 章",
        "小节 1.1",
    ]
    assert "图 1.1, 页 3" in said
    assert "式 (1.1)" in said
    assert not any("chapter" in words or "section" in words for words in said)


def printed(edition, tmp_path, markdown: str, lang: str = "zh") -> list[str]:
    """The pages of a chapter, as text with its lines."""
    pages = [woven("one", f"# T\n\n{markdown}")]
    pdf.write(edition(pages, lang), pages, tmp_path / "book.pdf")
    return [p.extract_text() for p in PdfReader(tmp_path / "book.pdf").pages][4:]


def test_an_address_that_the_words_hide_stands_at_the_foot(edition, tmp_path):
    (page,) = printed(edition, tmp_path, "见[官网](https://a.example/b)。\n\n又一段。")
    assert page.splitlines()[-2:] == ["1 https://a.example/b", "1"]


def test_the_addresses_of_a_table_stand_below_it(edition, tmp_path):
    """They go with it to the next page, each under one letter however often it is linked."""
    rows = "\n".join(
        f"| {n} | [甲](https://a.example/x), [乙](https://b.example/y) |" for n in "12"
    )
    table = (
        f"| n | 网址 |\n|:-|:-|\n{rows}\n\n: 表 {{#tbl-one-t}}\n\n见[丙](https://c.example/z)。"
    )
    filler = "\n\n".join(["一段。"] * 26)
    first, second = printed(edition, tmp_path, f"{filler}\n\n{table}")
    assert "a.example" not in first
    assert "1 https://c.example/z" in first.splitlines()  # the text goes on before it
    said = second.splitlines()
    at = said.index("a https://a.example/x")
    assert said[at + 1] == "b https://b.example/y"
    assert "1 甲a, 乙b" in said and "2 甲a, 乙b" in said


def test_a_short_formula_stays_in_one_line(edition, tmp_path):
    paragraphs = [f"{'数' * n}$x - y$，{'数' * 60}" for n in range(30, 50)]
    pages = printed(edition, tmp_path, "\n\n".join(paragraphs))
    lines = [line.strip() for page in pages for line in page.splitlines() if "数" in line]
    assert len(lines) > 40
    assert not [line for line in lines if line[-1] in "−=" or line[0] in "−="]


def test_footnotes_are_numbered_by_chapter(edition, tmp_path):
    note = "[官网](https://a.example/b)。\n"
    pages = [woven("one", f"# A\n\n{note}"), woven("two", f"# B\n\n{note}", "2")]
    pdf.write(edition(pages), pages, tmp_path / "book.pdf")
    shown = "".join(texts(PdfReader(tmp_path / "book.pdf")))
    assert shown.count("1 https://a.example/b") == 2


def test_code_goes_on_overleaf_only_after_a_blank_line(edition, tmp_path):
    functions = (f"def f{n}(x):\n    y = x\n    z = y\n    return z" for n in range(30))
    code = "\n\n\n".join(functions)
    pages = printed(edition, tmp_path, f"```python\n{code}\n```", "en")
    bodies = [[x for x in page.splitlines() if x[:3] in ("def", "   ")] for page in pages]
    assert len(bodies) > 2
    assert all(body[0].startswith("def") and "return" in body[-1] for body in bodies)


def test_code_without_a_blank_line_breaks_where_it_must(edition, tmp_path):
    code = "\n".join(f"x{n} = {n}" for n in range(100))
    pages = printed(edition, tmp_path, f"```python\n{code}\n```", "en")
    lines = [line for page in pages for line in page.splitlines() if line.startswith("x")]
    assert lines == code.splitlines()
    counts = [sum(line.startswith("x") for line in page.splitlines()) for page in pages]
    assert min(counts) > 1


@pytest.mark.parametrize("lines", range(20, 44))
def test_a_question_keeps_the_room_for_its_answer(edition, tmp_path, lines):
    """Wherever on the page it falls, its lines are drawn on the page of the question."""
    filler = "\n\n".join(["一行。"] * lines)
    question = "::: {.callout-tip}\n" + "问。" * 70 + "\n\n::: {.answer lines=2}\n:::\n:::"
    printed(edition, tmp_path, f"{filler}\n\n{question}")
    pages = PdfReader(tmp_path / "book.pdf").pages[4:]
    (asked,) = [page for page in pages if "问" in page.extract_text()]
    assert asked.get_contents().get_data().count(RULED) >= 2


def test_a_long_name_in_a_line_breaks_without_a_hyphen(edition, tmp_path):
    name = "torch.nn.functional.binary_cross_entropy_with_logits"
    (page,) = printed(
        edition, tmp_path, "这一行写到将近末尾的地方出现了很长的名字叫做" + f" `{name}` 完。"
    )
    lines = page.splitlines()
    first = next(n for n, line in enumerate(lines) if "torch" in line)
    assert lines[first].endswith(("_", "."))
    broken = (*lines[first].partition("torch")[1:], lines[first + 1])
    assert "".join(broken).startswith(name)


@pytest.mark.parametrize("mark", "：；？！、，。）”")
def test_no_line_begins_with_a_mark_after_a_formula(edition, tmp_path, mark):
    """Wherever the formula falls on the line: each paragraph is one character longer."""
    lengths = range(20, 45)
    text = "\n\n".join("字" * n + f"$x_i${mark}" + "尾" * 9 for n in lengths)
    pages = printed(edition, tmp_path, text)
    lines = [line.strip() for page in pages for line in page.splitlines()]
    assert sum(mark in line for line in lines) >= len(lengths)
    assert [line for line in lines if line.startswith(mark)] == []


def test_chinese_citations_stand_in_full_width_brackets(edition, tmp_path):
    style = theme.THEME / "cite-zh.csl"
    pages = [woven("one", "# T\n\n张量 [@doe2020]。")]
    source = pdf.typeset(dataclasses.replace(edition(pages), citation_style=style), pages)
    assert "张量（#link(<ref-doe2020>)[Doe 2020]）。" in source
    assert "Doe J (2020). #emph[On Tensors]. Press." in source


def test_both_styles_of_citation_differ_in_their_marks_alone():
    zh, en = ((theme.THEME / f"cite-{lang}.csl").read_text("utf-8") for lang in ("zh", "en"))
    marks = {"文档：": "documentation: ", "（": "(", "）": ")", "，": ", ", "；": "; "}
    names = {"zh-CN": "en-US", "(Chinese)": "(English)", "workbook-zh<": "workbook-en<"}
    for chinese, english in (marks | names).items():
        zh = zh.replace(chinese, english)
    assert zh == en


def test_every_format_names_the_same_license():
    printed = (theme.PRINT / "type.typ").read_text(encoding="utf-8")
    licenses = [messages.of("books", lang)["license"] for lang in ("zh", "en")]
    assert [f"license: [{said}]" in printed for said in licenses] == [True, True]
    assert LICENSE_URL in (theme.PRINT / "book.typ").read_text(encoding="utf-8")


def test_every_font_is_embedded(book):
    embedded = {}
    for page in book.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            files = {"/FontFile2", "/FontFile3"} & set(descendant["/FontDescriptor"])
            embedded[font.get_object()["/BaseFont"]] = files
    assert all(embedded.values())
    names = " ".join(embedded)
    assert all(name in names for name in ("NotoSerifSC", "NotoSansSC", "LibertinusSerif"))


def test_stars_arrows_and_boxes_are_on_the_page(book):
    everything = "".join(texts(book))
    assert all(character in everything for character in "★→─│┌✓▲")


@pytest.fixture
def screen(edition, pages, tmp_path):
    """The same book for the screen."""
    out = tmp_path / "screen.pdf"
    pdf.write(edition(pages).for_screen(), pages, out)
    with pymupdf.open(out) as book:
        yield book


LINK = int(re.search(r"--link: #(\w+);", asset("site.css"))[1], 16)


def test_on_the_screen_no_page_is_blank(screen, book):
    assert [page.number for page in screen if not page.get_text().strip()] == []
    assert any(not text.strip() for text in texts(book)), "on paper some are"
    assert len(screen) < len(book.pages)


def test_on_the_screen_all_pages_have_the_same_margins(screen):
    rules = [  # below a running head, above a title: as wide as the text
        (
            page.number % 2,
            round(drawing["rect"].x0),
            round(page.rect.width - drawing["rect"].x1),
        )
        for page in screen
        for drawing in page.get_drawings()
        if drawing["rect"].width > page.rect.width / 2 and drawing["rect"].height < 3
    ]
    margin = round(17 / 25.4 * 72)
    assert {*rules} == {(0, margin, margin), (1, margin, margin)}


def test_on_the_screen_links_have_the_color_of_the_site_and_on_paper_none(
    screen, book, tmp_path
):
    def colors(book):
        return {
            (span["color"], span["text"].strip())
            for page in book
            for block in page.get_text("dict")["blocks"]
            for line in block.get("lines", ())
            for span in line["spans"]
        }

    linked = {text for color, text in colors(screen) if color == LINK}
    assert any("表" in text for text in linked), linked
    with pymupdf.open(tmp_path / "new" / "book.pdf") as printed:
        assert not any(color == LINK for color, _ in colors(printed))


def test_two_builds_are_the_same_byte_for_byte(edition, pages, tmp_path):
    first, second = tmp_path / "a.pdf", tmp_path / "b" / "other.pdf"
    pdf.write(edition(pages), pages, first)
    pdf.write(edition(pages), pages, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("paper", PAPERS)
def test_seventy_two_columns_of_code_fit_the_line(edition, tmp_path, paper):
    line = "x = " + "0123456789" * 6 + "12345678"
    assert len(line) == 72
    code = f"```python\n{line}\n```"
    pages = [woven("one", f"# A\n\n::: {{.callout-note}}\n{code}\n:::\n")]
    pdf.write(edition(pages, "en").on(paper), pages, tmp_path / "book.pdf")
    shown = "\n".join(page.extract_text() for page in PdfReader(tmp_path / "book.pdf").pages)
    assert line in shown.splitlines()


def test_two_chapters_may_have_images_of_one_name(edition, tmp_path):
    markdown = '# A\n\n![a](line.svg){fig-alt="a"}\n'
    books = []
    for drawing in (SVG, SVG.replace(b'y2="0"', b'y2="25"')):
        second = Woven(woven("two", "", "2").entry, markdown, {"line.svg": drawing})
        pages = [woven("one", markdown), second]
        pdf.write(edition(pages), pages, tmp_path / "book.pdf")
        books.append((tmp_path / "book.pdf").read_bytes())
    assert books[0] != books[1]


# What goes wrong -----------------------------------------------------------------------


def test_a_missing_glyph_is_a_problem_of_its_chapter(edition, tmp_path):
    (reported,) = problems(edition, "很好 😀", tmp_path)
    assert reported.startswith("chapters/zh/two.qmd: Typst: ")
    assert '"😀" could not be displayed' in reported.replace("`", "")


def test_a_missing_image_is_told_without_a_temporary_path(edition, tmp_path):
    (reported,) = problems(edition, "![](nowhere.svg)", tmp_path)
    assert reported == (
        "chapters/zh/two.qmd: Typst: file not found (searched at two/nowhere.svg); "
        "mend the chapter, or theme/print/book.typ"
    )


def test_a_formula_that_pandoc_cannot_read_is_told(edition, tmp_path):
    (reported,) = problems(edition, r"$\nosuch{x}$", tmp_path)
    assert reported.endswith("mend the formula")


def test_a_warning_of_typst_stops_the_book():
    source = '#set document(title: "T")\n#set text(font: "No Such Face")\n= T\nx'
    with pytest.raises(BookError, match="Typst: unknown font family: no such face"):
        pdf.compile_pdf(source, {}, DATE)


def test_missing_fonts_say_what_to_install(edition, tmp_path, monkeypatch):
    monkeypatch.setitem(typefaces._FACES, "NotoSerifSC-Regular.otf", ("no_such_fonts", "."))
    (reported,) = problems(edition, "Good.", tmp_path)
    assert reported == "PDF: a font of the book is not installed; pip install no-such-fonts"
