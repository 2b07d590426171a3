"""The EPUB: its metadata, its contents and its pages, and that it is the same each time."""

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest
from fontTools.ttLib import TTFont
from small import BIB, PARTS, SVG, edition, page
from verifying import WIDTHS, needs

from workbook import memo
from workbook.render import dom
from workbook.render.epub import documents, ebook, typeface
from workbook.source.edition import bilingual
from workbook.verify import browser
from workbook.verify import epub as verify_epub

PREFACE = "# 前言 {.unnumbered}\n\n你好。\n"
ONE = """# 张 *量* & 数 {#sec-one}

## 形状 {#sec-one-shape}

见 [@sec-two]，[@doe2020]，$a < b$。

``` {.python .cell-code}
x = 1
```

![图](a.svg){#fig-one-a fig-alt="线"}

::: {.callout-tip collapse="true" title="提示"}
想。
:::
"""
TWO = "# 自动微分 {#sec-two}\n\n![图](a.svg){#fig-two-a fig-alt='圆'}\n"
ANSWERS = "# 答案 {#sec-answers}\n\n[@fig-one-a]\n"


def pages(lang: str = "zh"):
    return [
        page("index", "", PREFACE),
        page("one", "1", ONE, PARTS[lang], a_svg=SVG),
        page("two", "2", TWO, PARTS[lang], a_svg=SVG.replace(b"8", b"9")),
        page("answers", "A", ANSWERS),
    ]


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("epub"))


@pytest.fixture(scope="module")
def eink(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("eink"), eink=True)


def made(folder: Path, lang: str = "zh", eink: bool = False, font: bool = False) -> Path:
    (folder / "references.bib").write_text(BIB)
    wanted = edition(*pages(lang), lang=lang, bibliography=folder / "references.bib")
    wanted = wanted.with_font() if font else wanted
    ebook.write(wanted, pages(lang), folder / "book.epub", eink)
    return folder / "book.epub"


def read(book: Path, name: str) -> str:
    with zipfile.ZipFile(book) as archive:
        return archive.read(f"EPUB/{name}").decode().replace("\N{NO-BREAK SPACE}", "~")


def body(text: str) -> str:
    inside = text.partition("<body")[2].partition(">")[2].partition("</body>")[0]
    return re.sub(r"\n+", "\n", inside).strip()


@pytest.mark.parametrize("kind", ["book", "eink"])
def test_two_builds_are_the_same_bytes(kind, request, tmp_path):
    again = made(tmp_path, eink=kind == "eink")
    assert again.read_bytes() == request.getfixturevalue(kind).read_bytes()


def test_every_chapter_is_a_file_and_every_part_opens_with_one(book):
    with zipfile.ZipFile(book) as archive:
        names = [n.partition("/")[2] for n in archive.namelist() if "/text/" in n]
    titles = {re.search("<title>(.*)</title>", read(book, name))[1]: name for name in names}
    assert {title: name.partition("/")[2] for title, name in titles.items()} == {
        "封面": "cover.xhtml",
        "工作簿": "title_page.xhtml",
        "前言": "ch001.xhtml",
        "第一部分": "ch002.xhtml",
        "第 1 章 张 量 &amp; 数": "ch003.xhtml",
        "第 2 章 自动微分": "ch004.xhtml",
        "附录": "ch005.xhtml",
        "附录 A 答案": "ch006.xhtml",
        "参考文献": "ch007.xhtml",
    }


def test_the_contents_hold_chapters_below_their_parts(book):
    nav = read(book, "nav.xhtml")
    depth, lines = -1, []
    for tag, link in re.findall(r"(</?ol)|<a [^>]*>(.*?)</a>", nav):
        depth += {"<ol": 1, "</ol": -1}.get(tag, 0)
        if link:
            lines.append("  " * depth + re.sub(r"<[^>]*>", "", link))
    assert lines == [
        "前言",
        "第一部分",
        "  第~1~章 张 量 &amp; 数",
        "    1.1 形状",
        "  第~2~章 自动微分",
        "附录",
        "  附录~A 答案",
        "参考文献",
        "书名页",
        "封面",
        "目录",
        "正文",
        "附录",
        "参考文献",
    ]


def test_the_metadata_tell_language_date_and_accessibility(book):
    package = read(book, "content.opf")
    found = re.findall(r'<(?:dc:(\w+)|meta property="([\w:]+)")[^>]*>([^<]*)<', package)
    assert re.findall('property="title-type">(.*?)<', package) == ["main", "subtitle"]
    assert [(a or b, value) for a, b, value in found] == [
        ("identifier", "urn:uuid:d02ef537-81cd-5d51-ac70-93234d6e6d06"),
        ("title", "工作簿"),
        ("title", "用铅笔"),
        ("date", "2026-01-02"),
        ("language", "zh-CN"),
        ("creator", "Nobody"),
        ("rights", "文字与图：CC BY-SA 4.0。代码：MIT。"),
        ("dcterms:modified", "2026-01-02T00:00:00Z"),
        ("schema:accessMode", "textual"),
        ("schema:accessMode", "visual"),
        ("schema:accessModeSufficient", "textual"),
        ("schema:accessibilityFeature", "alternativeText"),
        ("schema:accessibilityFeature", "MathML"),
        ("schema:accessibilityFeature", "displayTransformability"),
        ("schema:accessibilityFeature", "readingOrder"),
        ("schema:accessibilityFeature", "structuralNavigation"),
        ("schema:accessibilityFeature", "tableOfContents"),
        ("schema:accessibilityFeature", "unlocked"),
        ("schema:accessibilityHazard", "none"),
        (
            "schema:accessibilitySummary",
            "正文可重排；公式为 MathML；每幅图都有替代文字；不含声音、视频与闪烁。",
        ),
    ]


def test_the_english_book_is_english(tmp_path):
    book = made(tmp_path, "en")
    assert "<dc:language>en</dc:language>" in read(book, "content.opf")
    assert ">The Workbook</dc:title>" in read(book, "content.opf")
    assert '<p class="date">January 2, 2026</p>' in read(book, "text/title_page.xhtml")
    assert ">Contents</h1>" in read(book, "nav.xhtml")
    assert (
        body(read(book, "text/ch007.xhtml"))
        .partition("\n")[2]
        .startswith('<h1 class="unnumbered">References</h1>')
    )


def test_the_title_page_has_a_line_for_each_thing_and_the_date_in_words(book):
    assert body(read(book, "text/title_page.xhtml")).splitlines()[1:-1] == [
        '<h1 class="title">工作簿</h1>',
        '<p class="subtitle">用铅笔</p>',
        '<p class="author">Nobody</p>',
        '<p class="date">2026 年 1 月 2 日</p>',
        '<p class="rights">文字与图：CC BY-SA 4.0。代码：MIT。</p>',
    ]


def test_in_both_languages_the_title_page_says_it_in_each(tmp_path):
    one = page("one", "1", "# T\n")
    both = bilingual(edition(one), edition(one, lang="en"))
    ebook.write(both, [replace(one, twin=one)], tmp_path / "book.epub")
    found = read(tmp_path / "book.epub", "text/title_page.xhtml")
    assert body(found).splitlines()[1:-1] == [
        '<h1 class="title">工作簿</h1>',
        '<p class="subtitle">用铅笔</p>',
        '<p class="title" lang="en" xml:lang="en">The Workbook</p>',
        '<p class="subtitle" lang="en" xml:lang="en">With a pencil</p>',
        '<p class="author">Nobody</p>',
        '<p class="date">2026 年 1 月 2 日</p>',
        '<p class="date" lang="en" xml:lang="en">January 2, 2026</p>',
        '<p class="rights">文字与图：CC BY-SA 4.0。代码：MIT。</p>',
        '<p class="rights" lang="en" xml:lang="en">'
        "Text and figures: CC BY-SA 4.0. Code: MIT.</p>",
    ]


def test_what_is_wide_can_break_on_a_phone(tmp_path):
    wide = "# T\n\n| a | b |\n|---|-----|\n| `torch.cuda.x_y` | 二 |\n" + "| 一 | 三 |\n" * 9
    one = page("one", "1", wide + "\n$$\na = b, \\qquad c = d\n$$\n\n`a.b`\n")
    ebook.write(edition(one), [one], tmp_path / "book.epub")
    found = read(tmp_path / "book.epub", "text/ch001.xhtml")
    assert "<code>torch.<wbr />cuda.<wbr />x_<wbr />y</code>" in found
    assert "<code>a.b</code>" in found, "prose breaks by itself"
    assert "<col " not in found, "columns are as wide as they need to be"
    row = found.partition('<span class="formulas">')[2].partition("</p>")[0]
    assert re.findall('alttext="([^"]*)"', row) == ["a = b,", "c = d"]


def test_a_chapter_has_links_across_files_and_alt_on_the_image(book):
    assert body(read(book, "text/ch004.xhtml")) == "\n".join(
        [
            '<section id="sec-two" class="level1" epub:type="chapter" role="doc-chapter">',
            '<h1><span class="number">第~2~章</span> 自动微分</h1>',
            '<div id="fig-two-a">',
            "<figure>",
            '<img src="../images/two/a.svg" alt="圆" />',
            '<figcaption><span class="caption-label">图~2.1</span> 图</figcaption>',
            "</figure>",
            "</div>",
            "</section>",
        ]
    )
    assert '<a href="ch003.xhtml#fig-one-a" class="xref">图~1.1</a>' in read(
        book, "text/ch006.xhtml"
    )
    assert 'href="ch007.xhtml#ref-doe2020"' in read(book, "text/ch003.xhtml")


def test_every_file_says_what_it_is(book):
    pages = [read(book, f"text/ch00{at}.xhtml") for at in range(1, 8)]
    kinds = [re.search(r'<section .*epub:type="(\w+)" role="doc-\1"', page) for page in pages]
    assert [kind[1] for kind in kinds] == [
        "preface", "part", "chapter", "chapter", "part", "appendix", "bibliography"
    ]  # fmt: skip


def test_images_of_one_name_in_two_chapters_stay_two(book):
    assert read(book, "images/one/a.svg") != read(book, "images/two/a.svg")


def test_the_book_for_e_ink_says_what_it_is(eink):
    package = read(eink, "content.opf")
    assert ">工作簿（墨水屏版）</dc:title>" in package
    assert "urn:uuid:d02ef537" not in package  # the other book's
    assert "describedMath" in package
    assert "MathML" not in package and "mathml" not in package
    assert "；公式为图，替代文字是公式的单行写法；" in package


def test_in_the_book_for_e_ink_a_formula_is_a_drawing_with_words(eink):
    page = read(eink, "text/ch003.xhtml")
    assert "<math" not in page
    found = re.findall(r'<span class="formula (\w+)">(.*?)</span>', page)
    assert [kind for kind, _ in found] == ["inline"]
    image = re.fullmatch(r'<img src="\.\./(formulas/\w+\.svg)" (.*) />', found[0][1])
    assert image[2] == ('style="width: 2.454em; vertical-align: -0.075em" alt="a &lt; b"')
    assert "<text" not in read(eink, image[1])


def test_the_cover_is_a_picture_with_a_name(book):
    assert '<img src="../media/file0.png" alt="封面" />' in read(book, "text/cover.xhtml")
    assert '<a href="text/cover.xhtml" epub:type="cover">封面</a>' in read(book, "nav.xhtml")
    with zipfile.ZipFile(book) as archive:
        picture = archive.read("EPUB/media/file0.png")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(picture[at : at + 4]) for at in (16, 20)] == [1600, 2560]


def test_a_formula_says_its_source(book):
    text = read(book, "text/ch003.xhtml")
    (math,) = re.findall("<math.*?>", text)
    assert 'alttext="a &lt; b"' in math
    assert "annotation" not in text, "an engine without MathML would show it"


def test_pages_use_our_style_sheet_only_and_code_has_no_links(book):
    text = read(book, "text/ch003.xhtml")
    assert "<style" not in text
    line = '<span class="hang-4">x <span class="op">=</span> <span class="dv">1</span></span>'
    assert f"{line}</code>" in text
    assert read(book, "styles/stylesheet1.css") == ebook.CSS.read_text(encoding="utf-8")


CODE = '''# T {#sec-one}

``` {.python .cell-code}
def f(x: int) -> str:
    """Return what is long.

    It goes on.
    """
    # a comment
    if x:
        return str(
            x)

    return f"{x}" + "a string"
```
'''


def test_prose_in_code_goes_on_flush_and_code_further_in(tmp_path):
    """A docstring that goes on further in than its next line begins climbs like stairs."""
    one = page("one", "1", CODE)
    ebook.write(edition(one), [one], tmp_path / "book.epub")
    text = read(tmp_path / "book.epub", "text/ch001.xhtml")
    code = dom.having(dom.document(text.encode()), "code")[0]
    ended = ["".join(line.itertext()) for line in code]
    assert all(line.endswith("\n") for line in ended[:-1]), "a line holds its own end"
    lines = [line.rstrip("\n") for line in ended]
    hangs = [line.get("class") for line in code]
    assert dict(zip(lines, hangs, strict=True)) == {
        "def f(x: int) -> str:": "hang-4",
        '    """Return what is long.': "hang-4",
        "": None,
        "    It goes on.": "hang-4",
        '    """': "hang-4",
        "    # a comment": "hang-4",
        "    if x:": "hang-8",
        "        return str(": "hang-12",
        "            x)": "hang-16",
        '    return f"{x}" + "a string"': "hang-8",
    }
    styles = ebook.CSS.read_text(encoding="utf-8")
    assert all(f".{hang} {{" in styles for hang in hangs if hang)


def test_chinese_punctuation_is_full_width_in_an_epub_too(tmp_path, chromium):
    one = page("one", "1", "# T\n\n他说“好”，停了……又说——“不”。\n")
    ebook.write(edition(one), [one], tmp_path / "book.epub")
    with zipfile.ZipFile(tmp_path / "book.epub") as archive:
        archive.extractall(tmp_path)
    css = tmp_path / "EPUB/styles/stylesheet1.css"  # a reader whose serif is a Latin one
    latin = css.read_text(encoding="utf-8").replace("serif; }", '"DejaVu Serif"; }')
    css.write_text(latin, encoding="utf-8")
    with browser.page_of(chromium) as tab:
        tab.goto((tmp_path / "EPUB/text/ch001.xhtml").as_uri())
        tab.evaluate("document.body.style.textSpacingTrim = 'space-all'")
        widths = tab.locator("p").evaluate(WIDTHS)
    assert {sign: widths[sign] for sign in "他“”…—"} == dict.fromkeys("他“”…—", 1)


def test_a_font_on_request_has_the_chinese_of_every_page_and_little_else(tmp_path, book):
    with zipfile.ZipFile(made(tmp_path, font=True)) as archive:
        font = TTFont(io.BytesIO(archive.read(f"EPUB/fonts/{typeface.FILE}")))
        pages = [n for n in archive.namelist() if n.endswith(".xhtml")]
        text = "".join(archive.read(name).decode() for name in pages)
        manifest = archive.read("EPUB/content.opf").decode()
        assert typeface.FILE in archive.read("EPUB/styles/stylesheet2.css").decode()
    chinese = {ord(c) for c in text if "\u4e00" <= c <= "\u9fff"}
    assert chinese <= set(font.getBestCmap()) <= {ord(c) for c in text}
    assert f'href="fonts/{typeface.FILE}"' in manifest
    with zipfile.ZipFile(book) as archive:
        assert not [name for name in archive.namelist() if "font" in name]


@pytest.mark.parametrize("eink", [False, True])
def test_what_is_kept_gives_the_bytes_of_a_cold_build(eink, tmp_path, monkeypatch):
    """A page more changes the number of each page behind it, and all links to them."""
    counts = []

    def counted(texts, *rest):
        counts.append(len(texts))
        return written(texts, *rest)

    written = documents._written
    monkeypatch.setattr(documents, "_written", counted)
    (tmp_path / "references.bib").write_text(BIB)
    more = "# 又一章 {#sec-more}\n\n见 [@sec-one] 和 [@doe2020]。[^1]\n\n[^1]: 注。\n"
    more = page("more", "1", more, PARTS["zh"])
    note = page("two", "2", f"{TWO}\n再写一句。[^1]\n\n[^1]: 又注。\n", PARTS["zh"], a_svg=SVG)
    first, one, two, last = pages()
    for content in ([first, one, two, last], [first, more, one, note, last]):
        wanted = edition(*content, bibliography=tmp_path / "references.bib")
        with memo.kept_in(tmp_path / "kept"):
            ebook.write(wanted, content, tmp_path / "kept.epub", eink)
        with memo.kept_in(None):
            ebook.write(wanted, content, tmp_path / "cold.epub", eink)
        assert (tmp_path / "kept.epub").read_bytes() == (tmp_path / "cold.epub").read_bytes()
    everything, again, fewer, all_anew = counts
    assert (everything, all_anew) == (again, again + 1)
    assert fewer == 2
    text = read(tmp_path / "kept.epub", "text/ch003.xhtml")
    assert 'href="ch004.xhtml#sec-one"' in text
    assert 'href="ch003.xhtml#fn1"' in text


def test_one_edition_keeps_its_identifier():
    zh, en = (ebook.identifier(edition(lang=lang)) for lang in ("zh", "en"))
    assert zh == "urn:uuid:d02ef537-81cd-5d51-ac70-93234d6e6d06"
    assert zh != en


@pytest.mark.slow
def test_epubcheck_has_nothing_to_say(book, eink, tmp_path):
    needs(verify_epub.VALIDATORS[0])
    broken = tmp_path / "broken.epub"
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(broken, "w") as target:
        for info in source.infolist():
            target.writestr(info, source.read(info).replace(b' alt="', b' olt="'))
    books = [book, eink, made(tmp_path, font=True), broken]
    *good, bad = [reported["messages"] for reported in verify_epub.epubcheck_reports(books)]
    assert good == [[], [], []]
    assert [len(reported["locations"]) for reported in bad] == [3]  # two figures and the cover


WITH_EXERCISE = """# 题 {#sec-one}

## 练习 {#one-exercises}

::: {#exr-one-x}
## 数格子 ★

数。

::: {.callout-tip collapse="true" title="提示"}
想。

再想。
:::

::: {.answer lines=1}
:::

:::
"""


def test_hints_stand_at_the_back_with_ways_both_ways(tmp_path):
    answers = (
        "# 答案 {#sec-answers}\n\n::: {#ans-one-x .answer-title}\n**[@exr-one-x]** 数\n:::\n"
    )
    given = [page("one", "1", WITH_EXERCISE), page("answers", "A", answers)]
    wanted = edition(*given, bibliography=tmp_path / "none.bib")
    ebook.write(wanted, given, tmp_path / "book.epub")
    asked = body(read(tmp_path / "book.epub", "text/ch001.xhtml"))
    assert "想。" not in asked
    assert (
        '<a href="ch003.xhtml#hint-one-x" class="xref">提示</a>\N{EM SPACE}'
        '<a href="ch004.xhtml#ans-one-x"'
    ) in asked
    hints = body(read(tmp_path / "book.epub", "text/ch003.xhtml"))
    assert '<a href="ch001.xhtml#exr-one-x" class="xref">习题~1.1</a>' in hints
    assert "<li><p>想。</p></li>\n<li><p>再想。</p></li>" in hints


def test_another_engine_sets_code_line_below_line(tmp_path):
    """MuPDF knows no inline blocks: it put all empty lines above the first."""
    one = page("one", "1", CODE)
    ebook.write(edition(one), [one], tmp_path / "book.epub")
    pymupdf.TOOLS.mupdf_display_errors(False)  # it knows no font of the reader's
    with pymupdf.open(tmp_path / "book.epub") as book:
        book.layout(width=390, height=600, fontsize=12)
        lines = [
            line
            for page in book
            for block in page.get_text("dict")["blocks"]
            for line in block.get("lines", ())
        ]
    tops = {
        "".join(span["text"] for span in line["spans"]).strip(): round(line["bbox"][1])
        for line in lines
    }
    step = tops["if x:"] - tops["# a comment"]
    assert step > 0
    gap = tops["It goes on."] - tops['"""Return what is long.']
    assert gap == pytest.approx(2 * step, abs=2), "an empty line"
