"""Numbers, forms and references, as Quarto's own filters would give them."""

import re
import zipfile

import pytest
from small import edition, page

from workbook.problem import BookError
from workbook.render import crossref, pandoc
from workbook.render.numbering import Label


def numbered(markdown: str, lang: str = "zh", number: str = "1") -> str:
    """One page as HTML, no-break spaces as `~`."""
    pages = [page("one", number, markdown)]
    doc = crossref.number(edition(*pages, lang=lang), pages, site=True)[0]
    return shown(doc)


def shown(doc) -> str:
    html = pandoc.write(doc, "html5", "--wrap=none", "--mathjax", source="test")
    return re.sub(r"\n+", "\n", html).strip().replace("\N{NO-BREAK SPACE}", "~")


# Headings ------------------------------------------------------------------------------

SECTIONS = """# 张量 {#sec-one}

## 甲 {#sec-one-a}

### 子 {#sec-one-a-sub}

## 乙 {#sec-one-b}

### 丑 {#sec-one-b-sub}

## 小结 {.unnumbered}
"""


@pytest.mark.parametrize(
    ("lang", "number", "label"),
    [
        ("zh", "2", "第~2~章"),
        ("en", "2", "Chapter~2"),
        ("zh", "B", "附录~B"),
        ("en", "B", "Appendix~B"),
    ],
)
def test_headings_are_numbered_below_their_chapter(lang, number, label):
    assert numbered(SECTIONS, lang, number) == "\n".join(
        [
            f'<h1 data-number="{number}" data-label="{label}" id="sec-one">张量</h1>',
            f'<h2 data-number="{number}.1" id="sec-one-a">甲</h2>',
            f'<h3 data-number="{number}.1.1" id="sec-one-a-sub">子</h3>',
            f'<h2 data-number="{number}.2" id="sec-one-b">乙</h2>',
            f'<h3 data-number="{number}.2.1" id="sec-one-b-sub">丑</h3>',
            '<h2 class="unnumbered" id="one-summary">小结</h2>',
        ]
    )


def test_the_preface_has_no_numbers():
    assert numbered("# 前言 {.unnumbered}\n\n## 写给谁\n", number="") == "\n".join(
        ['<h1 class="unnumbered" id="one-前言">前言</h1>', '<h2 id="one-写给谁">写给谁</h2>']
    )


def test_made_up_ids_differ_from_page_to_page():
    pages = [
        page(slug, n, "# T\n\n## 小结 {.unnumbered}\n") for slug, n in (("a", "1"), ("b", "2"))
    ]
    docs = crossref.number(edition(*pages), pages, site=False)
    assert [block.identifier for doc in docs for block in doc.content] == [
        "a-t",
        "a-summary",
        "b-t",
        "b-summary",
    ]


# Boxes ---------------------------------------------------------------------------------


def box(kind: str, title: str, body: str, more: str = "") -> str:
    return "\n".join(
        [
            f'<div class="callout callout-{kind}"{more}>',
            f'<div class="callout-title">\n<p>{title}</p>\n</div>',
            f'<div class="callout-body">\n<p>{body}</p>\n</div>',
            "</div>",
        ]
    )


@pytest.mark.parametrize(
    ("lang", "markdown", "expected"),
    [
        ("zh", "::: {.callout-warning}\n文。\n:::", box("warning", "警告", "文。")),
        ("en", "::: {.callout-note}\nText.\n:::", box("note", "Note", "Text.")),
        (
            "zh",
            '::: {.callout-tip collapse="true" title="看 `x`"}\n文。\n:::',
            box("tip", "看 <code>x</code>", "文。", ' data-collapse="true"'),
        ),
        (
            "zh",
            "::: {.callout-important}\n## 题目\n文。\n:::",
            box("important", "题目", "文。"),
        ),
    ],
)
def test_a_callout_has_a_title_and_a_body(lang, markdown, expected):
    assert numbered(markdown, lang) == expected


def test_an_exercise_takes_its_heading_as_title_and_nothing_in_its_solution_counts():
    markdown = """## 练习 {#sec-one-exercises}

::: {#exr-one-outer}

## 外积 ★

写 `outer`。

::: {.callout-tip title="提示"}
循环。
:::

::: {.worked}
$$ x $$ {#eq-one-hidden}
:::

:::

$$ y $$ {#eq-one-seen}
"""
    assert numbered(markdown) == "\n".join(
        [
            '<h2 data-number="1.1" id="sec-one-exercises">练习</h2>',
            '<div id="exr-one-outer" class="exercise">',
            '<div class="exercise-title">',
            '<p><span class="caption-label">习题~1.1</span> 外积 ★</p>',
            "</div>",
            '<div class="exercise-body">',
            "<p>写 <code>outer</code>。</p>",
            box("tip", "提示", "循环。"),
            "</div>",
            '<div class="worked">',  # the filter drops it; the site folds it
            '<p><span class="math display">\\[ x \\]</span> {#eq-one-hidden}</p>',
            "</div>",
            "</div>",
            '<div id="eq-one-seen" class="equation" data-number="1.1">',
            r'<p><span class="math display">\[ y \]</span></p>',
            "</div>",
        ]
    )


def test_slips_are_for_the_machine():
    exercise = "::: {#exr-one-x}\n## 题 ★\n文。\n\n::: {.slips}\n`a`\n: 甲。\n:::\n:::"
    assert "甲" not in numbered(exercise)


def test_answer_spaces_are_named_by_exercise_or_chapter():
    space = "::: {.answer lines=2}\n:::\n"
    exercise = f"::: {{#exr-one-x}}\n## 题 ★\n{space}\n{space}:::\n"
    markdown = f"{space}\n{exercise}\n{space}"
    assert re.findall(r'id="(answer[\w-]*)"', numbered(markdown)) == [
        "answer-one-1",
        "answer-one-x",
        "answer-one-x-2",
        "answer-one-2",
    ]


@pytest.mark.parametrize(
    ("site", "url"), [(True, "answers.html#ans-one-x"), (False, "#ans-one-x")]
)
def test_an_exercise_says_where_its_answer_is(site, url):
    pages = [
        page("one", "1", "# 壹\n\n::: {#exr-one-x}\n## 题 ★\n文。\n:::\n"),
        page("answers", "A", "# 答案\n\n::: {#ans-one-x .answer-title}\n题\n:::\n"),
    ]
    first, _ = crossref.number(edition(*pages), pages, site=site)
    line = f'<div class="answer-reference">\n<p><a href="{url}" class="xref">答案</a></p>'
    assert line in shown(first)


# Floats --------------------------------------------------------------------------------


def test_a_figure_has_its_label_in_the_caption_and_its_alt_on_the_image():
    markdown = '![ReLU 与 `x`](a.svg){#fig-one-relu width=8 fig-alt="折线"}'
    assert numbered(markdown) == "\n".join(
        [
            '<figure id="fig-one-relu">',
            '<img src="a.svg" alt="折线" width="8" />',
            '<figcaption><span class="caption-label">图~1.1</span> ReLU 与 '
            "<code>x</code></figcaption>",
            "</figure>",
        ]
    )


TABLE = """<table>
<caption><span class="caption-label">表~1.1</span> 操作 <code>x</code></caption>
<thead>
<tr>
<th>a</th>
</tr>
</thead>
<tbody>
<tr>
<td>1</td>
</tr>
</tbody>
</table>"""


def test_a_table_stands_in_a_box_with_its_label():
    markdown = "| a |\n|---|\n| 1 |\n\n: 操作 `x` {#tbl-one-ops}\n"
    assert numbered(markdown) == f'<div id="tbl-one-ops" class="table-float">\n{TABLE}\n</div>'


def test_a_cell_that_shows_a_table_gives_it_its_caption():
    markdown = """::: {#tbl-one-ops .cell tbl-cap='操作 `x`'}

::: {.cell-output .cell-output-display}

| a |
|---|
| 1 |

:::
:::
"""
    assert numbered(markdown) == "\n".join(
        [
            '<div class="cell">',
            '<div class="cell-output cell-output-display">',
            '<div id="tbl-one-ops" class="table-float">',
            TABLE,
            "</div>",
            "</div>",
            "</div>",
        ]
    )


def test_a_table_cell_without_a_table_is_a_problem():
    with pytest.raises(BookError) as error:
        numbered("::: {#tbl-one-ops .cell tbl-cap='操作'}\n没有表\n:::")
    assert str(error.value) == (
        "chapters/one.qmd: cell tbl-one-ops shows no table; "
        "end it with a Markdown table, or rename its label"
    )


def test_a_cell_of_several_figures_is_one_figure_with_parts():
    markdown = """::: {#fig-one-two .cell layout-ncol='2'}

::: {.cell-output .cell-output-display}
![左](l.svg){#fig-one-two-1 fig-alt='线'}
:::

::: {.cell-output .cell-output-display}
![右](r.svg){#fig-one-two-2 fig-alt='线'}
:::

两幅图
:::

见 [@fig-one-two] 与 [@fig-one-two-2]。
"""
    assert numbered(markdown) == "\n".join(
        [
            '<div class="cell">',
            '<figure id="fig-one-two" class="subfigures" data-columns="2">',
            '<figure id="fig-one-two-1">',
            '<img src="l.svg" alt="线" />',
            '<figcaption><span class="caption-label">(a)</span> 左</figcaption>',
            "</figure>",
            '<figure id="fig-one-two-2">',
            '<img src="r.svg" alt="线" />',
            '<figcaption><span class="caption-label">(b)</span> 右</figcaption>',
            "</figure>",
            '<figcaption><span class="caption-label">图~1.1</span> 两幅图</figcaption>',
            "</figure>",
            "</div>",
            '<p>见 <a href="#fig-one-two" class="xref">图~1.1</a> 与 '
            '<a href="#fig-one-two-2" class="xref">图~1.1~(b)</a>。</p>',
        ]
    )


def test_a_labelled_formula_leaves_its_paragraph_and_another_stays():
    markdown = "前\n$$ x $$ {#eq-one-x}\n后 $$ z $$"
    assert numbered(markdown) == "\n".join(
        [
            "<p>前</p>",
            '<div id="eq-one-x" class="equation" data-number="1.1">',
            r'<p><span class="math display">\[ x \]</span></p>',
            "</div>",
            r'<p>后 <span class="math display">\[ z \]</span></p>',
        ]
    )


def test_each_kind_is_counted_by_itself_and_from_one_in_every_chapter():
    markdown = "$$ x $$ {#eq-N-a}\n\n![c](a.svg){#fig-N-a}\n\n$$ x $$ {#eq-N-b}\n"
    pages = [page(s, n, markdown.replace("N", s)) for s, n in (("a", "1"), ("b", "2"))]
    found = crossref.labels(edition(*pages), pages)
    assert {label.id: label.number for label in found.values()} == {
        "eq-a-a": "1.1",
        "fig-a-a": "1.1",
        "eq-a-b": "1.2",
        "eq-b-a": "2.1",
        "fig-b-a": "2.1",
        "eq-b-b": "2.2",
    }


# References ----------------------------------------------------------------------------

TWO = [
    page(
        "one",
        "1",
        "# 张量 {#sec-one}\n\n## 甲 {#sec-one-a}\n\n## 结 {#sec-one-end .unnumbered}\n",
    ),
    page("two", "A", "# 答案 {#sec-two}\n\n"),
]


def reference(text: str, lang: str = "zh", site: bool = True) -> str:
    """What a reference on the second of two pages becomes."""
    pages = [TWO[0], page("two", "A", TWO[1].markdown + text)]
    doc = crossref.number(edition(*pages, lang=lang), pages, site=site)[1]
    return shown(doc).partition("\n")[2]


@pytest.mark.parametrize(
    ("text", "lang", "expected"),
    [
        ("[@sec-one]", "zh", '<a href="one.html#sec-one" class="xref">第~1~章</a>'),
        ("[@sec-one]", "en", '<a href="one.html#sec-one" class="xref">Chapter~1</a>'),
        ("[@sec-one-a]", "zh", '<a href="one.html#sec-one-a" class="xref">第~1.1~节</a>'),
        ("[@sec-one-a]", "en", '<a href="one.html#sec-one-a" class="xref">Section~1.1</a>'),
        ("[@sec-one-end]", "zh", '<a href="one.html#sec-one-end" class="xref">结</a>'),
        ("[@sec-two]", "zh", '<a href="#sec-two" class="xref">附录~A</a>'),
        ("[@sec-two]", "en", '<a href="#sec-two" class="xref">Appendix~A</a>'),
        ("[-@sec-one]", "zh", '<a href="one.html#sec-one" class="xref">1</a>'),
    ],
)
def test_a_reference_names_its_target(text, lang, expected):
    assert reference(f"见{text}与", lang) == f"<p>见{expected}与</p>"


def test_several_references_in_one_pair_of_brackets():
    assert reference("[see @sec-one; @sec-two]") == (
        '<p>see <a href="one.html#sec-one" class="xref">第~1~章</a>, '
        '<a href="#sec-two" class="xref">附录~A</a></p>'
    )


def test_in_one_document_a_reference_names_no_page():
    assert reference("[@sec-one]", site=False) == (
        '<p><a href="#sec-one" class="xref">第~1~章</a></p>'
    )


def test_a_reference_in_a_caption_is_resolved():
    assert 'href="one.html#sec-one"' in reference("![见 [@sec-one]](a.svg){#fig-two-a}")


def test_citations_are_left_to_citeproc():
    assert reference("[@doe2020]") == (
        '<p><span class="citation" data-cites="doe2020">[@doe2020]</span></p>'
    )


def test_all_references_to_nothing_are_told_at_once():
    pages = [page("one", "1", "[@fig-x]"), page("two", "2", "[@eq-y] [@sec-z]")]
    with pytest.raises(BookError) as error:
        crossref.number(edition(*pages), pages, site=True)
    assert str(error.value) == "\n".join(
        [
            "chapters/one.qmd: [@fig-x] refers to nothing; mend the label",
            "chapters/two.qmd: [@eq-y] refers to nothing; mend the label",
            "chapters/two.qmd: [@sec-z] refers to nothing; mend the label",
        ]
    )


def test_a_label_given_twice_is_told():
    pages = [page("one", "1", "# A {#sec-a}"), page("two", "2", "# A {#sec-a}")]
    with pytest.raises(BookError, match="label sec-a is given twice; rename one"):
        crossref.number(edition(*pages), pages, site=True)


def test_the_index_tells_all_about_a_label():
    markdown = "# 张 *量* {#sec-one}\n\n::: {#exr-one-a}\n## 外积 `x` ★\n文\n:::\n"
    pages = [page("one", "1", markdown)]
    assert crossref.labels(edition(*pages), pages) == {
        "sec-one": Label("sec-one", "sec", "1", "第\xa01\xa0章", "one", "张 量"),
        "exr-one-a": Label("exr-one-a", "exr", "1.1", "习题\xa01.1", "one", "外积 x ★"),
    }


# pandoc --------------------------------------------------------------------------------


def test_what_pandoc_warns_of_is_a_problem():
    doc = pandoc.read(r"$\frac{a$", "chapters/one.qmd")
    with pytest.raises(BookError) as error:
        pandoc.write(doc, "html5", "--mathml", source="chapters/one.qmd")
    [found] = error.value.problems
    assert (str(found.where), found.remedy) == ("chapters/one.qmd", "mend the formula")
    assert r"\frac{a" in found.what


def test_a_citation_that_the_bibliography_lacks_is_a_problem(tmp_path):
    (tmp_path / "references.bib").write_text("")
    book = edition(bibliography=tmp_path / "references.bib")
    doc = pandoc.read("[@nobody1999]", "chapters/one.qmd")
    with pytest.raises(
        BookError, match=r"nobody1999 not found; add the key to references\.bib"
    ):
        pandoc.write(doc, "html5", *pandoc.filters(book, doc), source="chapters/one.qmd")


def test_the_date_that_is_given_is_the_only_time_that_pandoc_knows(monkeypatch, tmp_path):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    doc = pandoc.read("---\ntitle: T\n---\n\n# T", "t")
    pandoc.write(doc, "epub3", "--output=b.epub", source="t", cwd=tmp_path, date=1767312000)
    with zipfile.ZipFile(tmp_path / "b.epub") as archive:
        assert b">2026-01-02T00:00:00Z<" in archive.read("EPUB/content.opf")
