"""The bilingual edition: what two trees become when they are set beside each other."""

import re
import zipfile
from itertools import pairwise
from pathlib import Path

import panflute as pf
import pytest
from pypdf import PdfReader
from small import BIB, PARTS, edition, page

from workbook.problem import BookError
from workbook.render import pandoc, pdf
from workbook.render.assemble import trees
from workbook.render.epub import ebook
from workbook.render.parallel import title_of
from workbook.source.edition import bilingual
from workbook.verify.mupdf import opened
from workbook.weave import Woven


def twins(zh: str, en: str, **files: bytes) -> Woven:
    """A page with its twin."""
    left, right = (page("one", "1", text, PARTS["zh"], **files) for text in (zh, en))
    return Woven(left.entry, left.markdown, left.files, right)


def both(*pages: Woven, bibliography: Path = Path("none.bib")):
    """The bilingual edition of these pages."""
    zh, en = (edition(*pages, lang=lang, bibliography=bibliography) for lang in ("zh", "en"))
    return bilingual(zh, en)


def zipped(zh: str, en: str, bibliography: Path = Path("none.bib")) -> str:
    """The tree of a page in both languages as HTML, no-break spaces as `~`."""
    pages = [twins(zh, en)]
    doc = trees(both(*pages, bibliography=bibliography), pages, site=True)[0]
    html = pandoc.write(doc, "html5", "--wrap=none", "--mathjax", source="test")
    return re.sub(r"\n+", "\n", html).strip().replace("\N{NO-BREAK SPACE}", "~")


def half(lang: str, tag: str, content: str) -> str:
    """`content` in an element of one language."""
    return f'<{tag} class="{lang}" lang="{TAGS[lang]}">{content}</{tag}>'


TAGS = {"zh": "zh-CN", "en": "en"}


def pair(zh: str, en: str) -> str:
    """A pair of blocks, as HTML."""
    halves = (half(lang, "div", f"\n{x}\n") for lang, x in (("zh", zh), ("en", en)))
    return "\n".join(['<div class="pair">', *halves, "</div>"])


def line(zh: str, en: str, between: str = " ") -> str:
    """A line of both languages."""
    return half("zh", "span", zh) + between + half("en", "span", en)


# Prose ---------------------------------------------------------------------------------


def test_a_paragraph_stands_beside_its_twin():
    assert zipped("你好。", "Hello.") == pair("<p>你好。</p>", "<p>Hello.</p>")


def test_what_is_the_same_in_both_stands_once():
    assert zipped("$x$\n\n---", "$x$\n\n---") == (
        '<p><span class="math inline">\\(x\\)</span></p>\n<hr />'
    )


def test_each_item_of_a_list_stands_beside_its_twin():
    assert zipped("- 一\n- 二", "- one\n- two") == "\n".join(
        ["<ul>", f"<li>{pair('一', 'one')}</li>", f"<li>{pair('二', 'two')}</li>", "</ul>"]
    )


def test_lists_of_unlike_length_stand_beside_each_other_whole():
    assert zipped("- 一", "- one\n- two") == pair(
        "<ul>\n<li>一</li>\n</ul>", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"
    )


def test_a_line_may_stand_beside_a_list():
    assert zipped("（1）甲。", "(1) One.") == pair(
        "<p>（1）甲。</p>", '<ol type="1">\n<li>One.</li>\n</ol>'
    )


def test_terms_stand_in_one_line_and_meanings_beside_each_other():
    assert zipped("张量\n:   数的阵列。", "tensor\n:   An array.") == "\n".join(
        [
            "<dl>",
            f"<dt>{line('张量', 'tensor')}</dt>",
            f"<dd>\n{pair('数的阵列。', 'An array.')}\n</dd>",
            "</dl>",
        ]
    )


def test_references_speak_the_language_that_they_stand_in():
    zh, en = (f"# T {{#sec-one}}\n\n{see} [@sec-one]." for see in ("见", "See"))
    assert zipped(zh, en).partition("\n")[2] == pair(
        '<p>见 <a href="#sec-one" class="xref">第~1~章</a>.</p>',
        '<p>See <a href="#sec-one" class="xref">Chapter~1</a>.</p>',
    )


@pytest.fixture
def bibliography(tmp_path) -> Path:
    path = tmp_path / "references.bib"
    many = BIB.replace("doe2020", "many").replace(
        "Doe, Jane", "Roe, R. and Poe, P. and Loe, L."
    )
    other = BIB.replace("doe2020", "doe2020b").replace("A Title", "Other")
    path.write_text(BIB + other + many.replace("and Loe, L.", "and Loe, L. and Moe, M."))
    return path


@pytest.mark.parametrize("site", [True, False])
def test_a_citation_speaks_its_language_and_the_bibliography_stands_once(bibliography, site):
    pages = [twins("见 [@doe2020; @doe2020b; @many]。", "See [@doe2020; @doe2020b; @many].")]
    edition = both(*pages, bibliography=bibliography)
    doc = trees(edition, pages, site=site)[0]
    doc.content.extend(pandoc.references(edition, 1))
    html = pandoc.write(doc, "html5", *pandoc.filters(edition, doc), source="test")
    assert re.sub(r"\s+", " ", html).count("a</a>") == 2  # 2020a in both languages
    words = re.sub(r"\s+", " ", html)
    assert words.count("Roe 等 2020") == words.count("Roe et al. 2020") == 1
    assert html.count('id="ref-doe2020"') == 1
    assert html.count('href="#ref-doe2020"') == 2
    assert ">参考文献 References</h1>" in html


# Titles --------------------------------------------------------------------------------


HEADINGS = "# {} {{#sec-one}}\n\n## {} {{#sec-one-shape}}\n\n## `nn` {{.unnumbered}}"


def test_a_heading_has_both_titles_and_one_id():
    titles = ("张量", "形状"), ("Tensors", "Shape")
    assert zipped(*(HEADINGS.format(*each) for each in titles)) == "\n".join(
        [
            '<h1 data-number="1" data-label="第~1~章 · Chapter~1" id="sec-one">'
            f"{line('张量', 'Tensors')}</h1>",
            f'<h2 data-number="1.1" id="sec-one-shape">{line("形状", "Shape")}</h2>',
            '<h2 class="unnumbered" id="one-nn"><code>nn</code></h2>',
        ]
    )


HINT = """::: {{.callout-tip collapse="true" title="{title}"}}

{text}

::: {{.answer lines=1}}
:::
:::
"""


def test_a_callout_is_one_box_with_pairs_in_it():
    hints = HINT.format(title="提示", text="想。"), HINT.format(title="Hint", text="Think.")
    assert zipped(*hints) == "\n".join(
        [
            '<div class="callout callout-tip" data-collapse="true">',
            f'<div class="callout-title">\n<p>{line("提示", "Hint")}</p>\n</div>',
            f'<div class="callout-body">\n{pair("<p>想。</p>", "<p>Think.</p>")}',
            '<div id="answer-one-1" class="answer" data-lines="1">\n</div>\n</div>\n</div>',
        ]
    )


EXERCISE = """::: {{#exr-one-x}}

## {title} ★

{text}

::: {{.worked}}

{worked}

:::
:::
"""


def test_an_exercise_is_one_box_with_both_labels():
    zh = EXERCISE.format(title="外积", text="写。", worked="乘。")
    en = EXERCISE.format(title="Outer product", text="Write.", worked="Multiply.")
    labels = (f'<span class="caption-label">{x}~1.1</span>' for x in ("习题", "Exercise"))
    title = line(*map(" ".join, zip(labels, ("外积 ★", "Outer product ★"), strict=True)))
    assert zipped(zh, en) == "\n".join(
        [
            '<div id="exr-one-x" class="exercise">',
            f'<div class="exercise-title">\n<p>{title}</p>\n</div>',
            f'<div class="exercise-body">\n{pair("<p>写。</p>", "<p>Write.</p>")}\n</div>',
            f'<div class="worked">\n{pair("<p>乘。</p>", "<p>Multiply.</p>")}\n</div>',
            "</div>",
        ]
    )


# Code, figures, tables, formulas --------------------------------------------------------

CELL = """::: {{#one-run .cell execution_count=1}}
``` {{.python .cell-code}}
x = 1  # {comment}
```

::: {{.cell-output .cell-output-stdout}}
```
1
```
:::
:::
"""


def test_code_stands_once_with_its_english_comments():
    expected = pandoc.write(
        pandoc.read(CELL.format(comment="one"), "test"), "html5", "--wrap=none", source="test"
    )
    assert (
        zipped(CELL.format(comment="一"), CELL.format(comment="one"))
        == re.sub(r"\n+", "\n", expected).strip()
    )


def test_a_figure_has_both_captions_and_says_both():
    assert zipped(
        '![一条线](a.svg){#fig-one-a fig-alt="上升的线"}',
        '![A line](a.svg){#fig-one-a fig-alt="A rising line"}',
    ) == "\n".join(
        [
            '<figure id="fig-one-a">',
            '<img src="a.svg" alt="上升的线 A rising line" />',
            "<figcaption>"
            + line(
                '<span class="caption-label">图~1.1</span> 一条线',
                '<span class="caption-label">Figure~1.1</span> A line',
                "<br />",
            ).replace("<br />", "<br />\n")
            + "</figcaption>",
            "</figure>",
        ]
    )


def test_the_cells_of_a_table_hold_both_languages():
    zh, en = (
        f"| {head} | `x` |\n|---|---|\n| {cell} | 1 |\n\n: {name} {{#tbl-one-t}}"
        for head, cell, name in (("名", "行", "表"), ("name", "row", "Table"))
    )
    html = zipped(zh, en)
    assert html.count("<table>") == 1
    assert f"<th>{line('名', 'name', '<br />')}</th>" in html.replace("<br />\n", "<br />")
    assert f"<td>{line('行', 'row', '<br />')}</td>" in html.replace("<br />\n", "<br />")
    assert "<th><code>x</code></th>" in html and "<td>1</td>" in html


def test_a_formula_stands_once():
    zh, en = (f"{x}\n\n$$\ny = x\n$$ {{#eq-one-y}}\n" for x in ("即", "so"))
    assert zipped(zh, en) == "\n".join(
        [
            pair("<p>即</p>", "<p>so</p>"),
            '<div id="eq-one-y" class="equation" data-number="1.1">',
            '<p><span class="math display">\\[',
            "y = x",
            "\\]</span></p>",
            "</div>",
        ]
    )


CARD = """::: {{.cheatsheet}}
::: {{.card}}

{rule}

`x @ x`
:   [{note}]{{.card-note}} · `(2, 2)`

`x = 1`
:   [{note}]{{.card-note}}

:::
:::
"""


def test_a_result_on_a_card_stands_once_after_the_notes_in_both_languages():
    html = zipped(
        CARD.format(rule="一条规则。", note="矩阵乘"),
        CARD.format(rule="One rule.", note="matrix product"),
    )
    notes = line("矩阵乘 /", "matrix product")
    rule = line("一条规则。", "One rule.", "<br />\n")
    assert html == "\n".join(
        [
            f'<div class="cheatsheet">\n<div class="card">\n<p>{rule}</p>\n<dl>',
            f"<dt><code>x @ x</code></dt>\n<dd>\n{notes} · <code>(2, 2)</code>\n</dd>",
            f"<dt><code>x = 1</code></dt>\n<dd>\n{notes}\n</dd>",
            "</dl>\n</div>\n</div>",
        ]
    )


CLAIM = """::: {{.claims}}

9.   **{head}**

     {fact}

     Evidence: `tests/test_x.py::test_y`

10.  **{head}**

     {fact}

     Evidence: `tests/test_x.py::test_z`

:::
"""


def test_a_claim_has_one_number_and_one_evidence():
    zh, en = {"head": "对：是。", "fact": "甲。"}, {"head": "Right: yes.", "fact": "Yes."}
    pages = [twins(CLAIM.format(**zh), CLAIM.format(**en))]
    html = zipped(pages[0].markdown, pages[0].twin.markdown)
    assert '<ol start="9"' in html and html.count("<li>") == 2
    head = pair("<p><strong>对：是。</strong></p>", "<p><strong>Right: yes.</strong></p>")
    assert html.count(f"{head}\n{pair('<p>甲。</p>', '<p>Yes.</p>')}\n<p>Evidence:") == 2
    source = re.sub(r"\s+", "", pdf.typeset(both(*pages), pages))
    assert re.findall(r"#claim\[(\d+)\]\[#workbook-pair\[", source) == ["9", "10"]
    assert source.count("`tests/test_x.py::test_y`") == 1


def test_where_a_generated_page_comes_from_is_no_pair():
    notes = (f"<!-- Checksum {number} -->\n\n同。" for number in (1, 2))
    assert zipped(*notes) == "<!-- Checksum 1 -->\n<p>同。</p>"


# Trees of unlike shape ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zh", "en", "reported"),
    [
        ("甲。\n\n乙。", "A.", "Para “乙。” stands in one only"),
        ("甲。", "```\nx\n```", "CodeBlock “x” stands for Para “甲。”"),
        (
            "::: {.answer lines=1}\n甲。\n:::",
            "::: {.answer lines=1}\n```\nx\n```\n:::",
            "CodeBlock “x” stands for Para “甲。”",
        ),
    ],
)
def test_trees_of_unlike_shape_are_told(zh, en, reported):
    with pytest.raises(BookError) as caught:
        zipped(zh, en)
    assert [str(p) for p in caught.value.problems] == [
        f"chapters/one.qmd: {reported}; write the same blocks as in chapters/one.qmd"
    ]


def test_a_part_has_a_title_in_each_language():
    parts = [
        (span.classes, pf.stringify(span))
        for span in title_of(("基础", "Foundations"))
        if isinstance(span, pf.Span)
    ]
    assert parts == [(["zh"], "基础"), (["en"], "Foundations")]
    assert pf.stringify(pf.Plain(*title_of(("基础",)))) == "基础"


def test_an_address_that_both_have_is_told_once():
    html = zipped("[甲](https://a.org)。", "[A](https://a.org), [B](https://b.org).")
    assert html == pair(
        '<p><a href="https://a.org">甲</a>。</p>',
        '<p><a href="https://a.org" class="again">A</a>, <a href="https://b.org">B</a>.</p>',
    )


@pytest.mark.parametrize(
    ("paper", "form"), [("a4", "columns"), ("letter", "columns"), ("b5", "stacked")]
)
def test_in_print_halves_stand_side_by_side_where_the_paper_is_wide(paper, form):
    pages = [twins("# 甲 {#sec-one}\n\n你好。", "# A {#sec-one}\n\nHello.")]
    source = pdf.typeset(both(*pages).on(paper), pages)
    assert f'#let workbook-pair = parallel-{form}.with("{paper}")' in source
    assert "#zh-words[甲]; #en-words[A];" in source
    assert re.sub(r"\s+", "", source).endswith(
        "#workbook-pair[你好。][Hello.]#forms.chapter-end"
    )


@pytest.mark.parametrize(("paper", "count"), [("a4", 1), ("b5", 2)])
def test_columns_go_on_and_languages_without_columns_alternate(paper, count):
    """Beside a paragraph that is by far the longer one, the other column goes on."""
    zh = f"# 甲 {{#sec-one}}\n\n{'早，' * 60}早。\n\n你好。"
    pages = [twins(zh, "# A {#sec-one}\n\nMorning.\n\nHello.")]
    source = pdf.typeset(both(*pages).on(paper), pages)
    assert source.count("#workbook-pair[") == count


ON_ONE_AXIS = """# {title} {{#sec-one}}

{word} {more} {more} `{code}` {more}

- {word}

::: {{.callout-tip title="{title}"}}
{word}

1. {word}
:::
"""


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_in_print_all_english_begins_on_one_axis_and_no_line_is_stretched(tmp_path, paper):
    said = {"title": "甲", "word": "词汇", "more": "词", "code": "binarycrossentropywithlogits"}
    english = said | {"title": "A", "word": "First", "more": "then"}
    pages = [twins(*(ON_ONE_AXIS.format(**words) for words in (said, english)))]
    pdf.write(both(*pages).on(paper), pages, tmp_path / "book.pdf")
    with opened(tmp_path / "book.pdf") as book:
        words = [word for page in book for word in page.get_text("words")]
    prose, listed, boxed, counted = (
        round(left, 1) for left, *_, text, _, _, _ in words if text == "First"
    )
    assert prose == boxed
    assert 5 < listed - prose < 15 and 5 < counted - prose < 15  # behind a bullet of its own
    gaps = [b[0] - a[2] for a, b in pairwise(words) if a[4] == "First" and b[4] == "then"]
    assert len(gaps) == 1 and gaps[0] < 4


def test_in_printed_columns_short_code_and_the_stars_of_a_title_break_nowhere(tmp_path):
    zh = f"# 甲 {{#sec-one}}\n\n{'词' * 18} `x > 0`。\n\n{'词' * 19} ★★"
    pages = [twins(zh, "# A {#sec-one}\n\nA condition.\n\nA title.")]
    pdf.write(both(*pages), pages, tmp_path / "book.pdf")
    with opened(tmp_path / "book.pdf") as book:
        lines = [line for page in book for line in page.get_text().splitlines()]
    found = [line.replace("\u2060", "").replace("\xa0", " ") for line in lines]
    assert "x > 0。" in found and "词 ★★" in found


@pytest.mark.parametrize("paper", ["a4", "b5"])
def test_a_printed_book_in_both_languages_is_tagged_and_names_each(tmp_path, paper):
    pages = [twins("# 甲 {#sec-one}\n\n你好。", "# A {#sec-one}\n\nHello.")]
    assert pdf.write(both(*pages).on(paper), pages, tmp_path / "book.pdf") >= 5
    reader = PdfReader(tmp_path / "book.pdf")
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"
    tags = list(tree_of(reader.trailer["/Root"]["/StructTreeRoot"]))
    assert "en-US" in {tag["/Lang"] for tag in tags if "/Lang" in tag}
    assert "/Table" not in {tag.get("/S") for tag in tags}  # the halves are no table


def tree_of(element):
    """The elements of a PDF's structure."""
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        kid = kid.get_object()
        if isinstance(kid, dict):
            yield kid
            yield from tree_of(kid)


def test_an_epub_in_both_languages_says_so(tmp_path):
    pages = [twins("# 甲 {#sec-one}\n\n你好。", "# A {#sec-one}\n\nHello.")]
    ebook.write(both(*pages), pages, tmp_path / "book.epub")
    with zipfile.ZipFile(tmp_path / "book.epub") as book:
        package = book.read("EPUB/content.opf").decode()
    assert re.findall(r"<dc:language>(.*?)<", package) == ["zh-CN", "en"]
    assert re.findall(r"<dc:title[^>]*>(.*?)<", package) == [
        "工作簿 · The Workbook",
        "用铅笔 · With a pencil",
    ]
