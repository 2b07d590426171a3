"""The site: what a page holds, and that all pages hold together."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from small import BIB, PARTS, SVG, edition, page

from workbook.problem import BookError
from workbook.render import dom, exercises, pandoc, xhtml
from workbook.render.html import figures, minify, website
from workbook.source.edition import bilingual

INDEX = "# 前言 {.unnumbered}\n\n你好。\n\n## 怎么用\n\n做。\n"
ONE = """# 张量 {#sec-one}

## 形状与 `ndim` {#sec-one-shape}

见 [@sec-two]，[@doe2020]。脚注[^1]。

[^1]: 注。

::: {#cell-one-a .cell execution_count=1}
``` {.python .cell-code}
import torch
x = 1  # 一
```
:::

![图](f/a.svg){#fig-one-a width=40% fig-alt="线"}

| a |
|--:|
| 1 |

: 表 {#tbl-one-t}

$$
\\begin{aligned}
a &= b
\\end{aligned}
$$ {#eq-one-e}

## 练习 {.unnumbered}

::: {#exr-one-x}

## 题 ★

文。

::: {.callout-tip collapse="true" title="提示"}
想。
:::

::: {.answer lines=2}
:::

:::
"""
TWO = "# 自动微分 {#sec-two}\n\n回到 [@exr-one-x]。\n"
ANSWERS = "# 答案 {#sec-answers}\n\n**[@exr-one-x]**\n"


def pages(lang: str = "zh"):
    return [
        page("index", "", INDEX),
        page("one", "1", ONE, PARTS[lang], **{"f/a_svg": SVG}),
        page("two", "2", TWO, PARTS[lang]),
        page("answers", "A", ANSWERS),
    ]


@pytest.fixture(scope="module")
def references(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bib") / "references.bib"
    path.write_text(BIB)
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory, references) -> Path:
    out = tmp_path_factory.mktemp("site") / "html"
    website.write(
        edition(*pages(), bibliography=references), pages(), out, {"en": "../../en/html"}
    )
    return out


class Tags(HTMLParser):
    """Every start tag of a page with its attributes, and the text of scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {k: v or "" for k, v in attributes}))

    def every(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def all_pages(site: Path) -> list[tuple[Path, Tags]]:
    return [(path, Tags(path)) for path in sorted(site.glob("*.html"))]


def part(path: Path, start: str, end: str) -> str:
    """The page from one mark up to another, blank lines taken away."""
    text = path.read_text(encoding="utf-8").partition(start)[2].partition(end)[0]
    return re.sub(r"\n+", "\n", text).strip().replace("\N{NO-BREAK SPACE}", "~")


def test_a_site_is_a_folder_of_pages_named_by_slug(site):
    files = [str(p.relative_to(site)) for p in site.rglob("*") if p.is_file()]
    assert sorted(name for name in files if not name.startswith("pagefind/")) == [
        "answers.html",
        "icon.svg",
        "images/one/a.svg",
        "index.html",
        "one.html",
        "practice.css",
        "practice.js",
        "search.js",
        "site.css",
        "site.js",
        "theme.js",
        "two.html",
    ]
    assert (site / "images/one/a.svg").read_bytes() == figures.themed(SVG)


def test_two_builds_are_the_same_bytes(site, tmp_path, references):
    website.write(
        edition(*pages(), bibliography=references), pages(), tmp_path, {"en": "../../en/html"}
    )
    again = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*.*")}
    assert again == {p.relative_to(site): p.read_bytes() for p in site.rglob("*.*")}


def test_a_chapter_shows_numbers_forms_and_references(site):
    assert part(
        site / "two.html", '<p class="running-part">', '<nav class="turn"'
    ) == "\n".join(
        [
            "第一部分</p>",
            '<h1 id="sec-two"><span class="number">第~2~章</span> 自动微分</h1>',
            '<p>回到 <a href="one.html#exr-one-x" class="xref">习题~1.1</a>。</p>',
        ]
    )


def test_an_exercise_folds_its_hint_and_has_room_to_write(site):
    assert part(site / "one.html", '<section id="exr-one-x" ', "\n<h2") == "\n".join(
        [
            'class="exercise">',
            '<h3><span class="caption-label">习题~1.1</span> 题 ★</h3>',
            '<div class="exercise-body">',
            "<p>文。</p>",
            '<details class="callout callout-tip"><summary class="callout-title">',
            "提示",
            "</summary>",
            '<div class="callout-body">',
            "<p>想。</p>",
            "</div>",
            "</details>",
            '<textarea id="answer-one-x" class="answer" rows="2" '
            'aria-label="作答处"></textarea>',
            "</div>",
            "</section>",
        ]
    )


SOLVED = """# 张量 {#sec-one}

::: {#exr-one-x}
## 题 ★
文。

::: {.worked}
先乘。
:::
:::

::: {#x .cell exercise='exr-one-x'}
``` {.python .cell-code}
def f():
    ### BEGIN SOLUTION
    return 1
    ### END SOLUTION
```
:::

## 尾

文。
"""


def test_a_solution_lies_folded_below_the_stub(tmp_path):
    made = [
        page("one", "1", SOLVED),
        page("answers", "A", "# 答案\n\n::: {#ans-one-x .answer-title}\n题\n:::\n"),
    ]
    website.write(edition(*made), made, tmp_path)
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    stub, _, rest = text.partition('<details class="worked"><summary>参考解答</summary>')
    assert "NotImplementedError" in stub and "return" not in stub
    assert "answer-reference" not in text, "the fold is the answer"
    inside, _, after = rest.partition("</details>")
    assert "<p>先乘。</p>" in inside
    code = re.sub(r"<[^>]*>", "", inside)
    assert "def f():\n    return 1\n" in code
    assert "尾" in after


IN_ORDER = """\
::: {#exr-a .exercise}
::: {.exercise-body}
Write `f`.

::: {.answer}
:::
:::
:::

::: {.cell exercise="exr-a"}
The stub.
:::

Between.

::: {.cell exercise="exr-b"}
That of another.
:::
"""


def test_the_stub_stands_in_its_box_above_the_room_to_write():
    doc = pandoc.read(IN_ORDER, "a.qmd")
    exercises.place_stubs(doc)
    plain = pandoc.write(doc, "plain", source="a.qmd").split("\n\n")
    assert [text.strip() for text in plain] == [
        "Write f.", "The stub.", "Between.", "That of another.",
    ]  # fmt: skip
    body = doc.content[0].content[0]
    assert [block.classes for block in list(body.content)[1:]] == [["cell"], ["answer"]]


def test_the_contents_show_parts_and_the_sections_of_this_page_only(site):
    assert part(site / "one.html", "关闭目录</a>", "</nav>") == "\n".join(
        [
            '<ol class="front">',
            '<li><a href="index.html">前言</a></li>',
            "</ol>",
            '<p class="part">第一部分</p>',
            "<ol>",
            '<li><a href="one.html" aria-current="page"><span class="number">1</span> 张量</a>',
            "<ol>",
            '<li><a href="#sec-one-shape"><span class="number">1.1</span> 形状与 '
            "<code>ndim</code></a></li>",
            '<li><a href="#one-exercises">练习</a></li>',
            '<li><a href="#references">参考文献</a></li>',
            "</ol>",
            "</li>",
            '<li><a href="two.html"><span class="number">2</span> 自动微分</a>',
            "</li>",
            "</ol>",
            '<p class="part">附录</p>',
            "<ol>",
            '<li><a href="answers.html"><span class="number">A</span> 答案</a>',
            "</li>",
            "</ol>",
        ]
    )


def test_the_landing_page_has_the_title_the_preface_and_the_contents(site):
    text = part(site / "index.html", '<main id="main" tabindex="-1">', '<nav class="turn"')
    assert " ".join(re.sub(r"<[^>]*>", " ", text).split()) == (
        "工作簿 用铅笔 Nobody 文字与图：CC BY-SA 4.0。代码：MIT。 "
        "前言 # 你好。 怎么用 # 做。 目录 第一部分 "
        "1 张量 1.1 形状与 ndim 2 自动微分 附录 A 答案"
    )


def test_each_page_leads_to_the_one_before_and_the_one_after(site):
    turns = {
        path.stem: [
            (a["rel"], a["href"]) for a in tags.every("a") if a.get("rel") in ("prev", "next")
        ]
        for path, tags in all_pages(site)
    }
    assert turns == {
        "index": [("next", "one.html")],
        "one": [("prev", "index.html"), ("next", "two.html")],
        "two": [("prev", "one.html"), ("next", "answers.html")],
        "answers": [("prev", "two.html")],
    }


def test_each_page_leads_to_its_twin(site):
    twins = {
        path.name: [(a["hreflang"], a["href"]) for a in tags.every("a") if "hreflang" in a]
        for path, tags in all_pages(site)
    }
    assert twins == {name: [("en", f"../../en/html/{name}")] for name in twins}
    assert len(twins) == 4


def test_without_twins_there_is_no_switch(tmp_path):
    website.write(
        edition(page("one", "1", TWO.partition("\n")[0])), [page("one", "1", "# T")], tmp_path
    )
    assert 'class="languages"' not in (tmp_path / "one.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lang", "tag", "skip", "label"),
    [
        ("zh", "zh-CN", "跳到正文", "本节链接"),
        ("en", "en", "Skip to the text", "Link to this section"),
    ],
)
def test_a_page_is_labelled_in_its_language(tmp_path, lang, tag, skip, label):
    one = page("one", "1", "# T {#sec-one}\n\n## S {#sec-one-s}\n")
    website.write(edition(one, lang=lang), [one], tmp_path)
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert Tags(tmp_path / "one.html").every("html") == [{"lang": tag, "data-edition": lang}]
    assert f'<a class="skip" href="#main">{skip}</a>' in text
    assert f'<a class="anchor" href="#sec-one-s" aria-label="{label}">#</a></h2>' in text


def test_every_page_has_one_h1_and_ids_are_given_once(site):
    for path, tags in all_pages(site):
        assert len(tags.every("h1")) == 1, path.name
        assert sorted(set(tags.ids())) == sorted(tags.ids()), path.name


def test_every_link_within_the_site_arrives(site):
    found = {path.name: set(tags.ids()) for path, tags in all_pages(site)}
    links = 0
    for path, tags in all_pages(site):
        for link in tags.every("a", "link", "img", "script"):
            target = link.get("href", link.get("src", ""))
            if not target or target.startswith(("../", "http")):
                continue
            file, _, anchor = unquote(target).partition("#")
            links += 1
            assert not file or (site / file).is_file(), f"{path.name}: {target}"
            if anchor:
                assert anchor in found[file or path.name], f"{path.name}: {target}"
    assert links > 40


def test_the_content_policy_is_strict_and_nothing_breaks_it(site):
    for path, tags in all_pages(site):
        [policy] = [m for m in tags.every("meta") if m.get("http-equiv")]
        assert policy["content"] == (
            "default-src 'none'; img-src 'self' file:; style-src 'self' file:; "
            "script-src 'self' file: 'wasm-unsafe-eval'; connect-src 'self'; "
            "worker-src 'self'; base-uri 'none'; form-action 'none'"
        )
        assert tags.every("script") == [{"src": "theme.js"}, {"src": "site.js", "defer": ""}]
        assert tags.every("style") == []
        inline = [(t, a) for t, a in tags.tags if any(k == "style" or k[:2] == "on" for k in a)]
        assert inline == [], path.name


def test_styles_from_attributes_are_classes_in_the_style_sheet(site):
    text = (site / "one.html").read_text(encoding="utf-8")
    image = next(line for line in text.splitlines() if "<img" in line)
    assert 'class="s-width-40-0"' in image and "style=" not in text
    assert '<td class="s-text-align-right">1</td>' in text
    assert (
        (site / "site.css")
        .read_text(encoding="utf-8")
        .endswith(
            ".s-text-align-left-padding-left-0{text-align:left;padding-left:0}"
            ".s-text-align-right{text-align:right}"
            ".s-text-align-right-padding-right-0{text-align:right;padding-right:0}"
            ".s-width-40-0{width:40.0%}"
        )
    )


def test_code_is_highlighted_with_few_and_short_marks(site):
    assert part(site / "one.html", '<div id="cell-one-a" class="cell">', "</div>") == "\n".join(
        [
            '<div class="sourceCode"><pre><code><b>import</b> torch',
            "x = 1  <i># 一</i></code></pre>",
        ]
    )


def test_formulas_carry_no_more_than_a_browser_draws(tmp_path):
    one = page("one", "1", "# T\n\n$(a)$\n\n$$x^2$$\n")
    website.write(edition(one), [one], tmp_path)
    text = (tmp_path / "one.html").read_text(encoding="utf-8")
    assert re.findall("<math.*?</math>", text, re.S) == [
        '<math><mo stretchy="false">(</mo><mi>a</mi><mo stretchy="false">)</mo></math>',
        '<math display="block"><msup><mi>x</mi><mn>2</mn></msup></math>',
    ]


def test_a_pair_says_once_which_half_is_english():
    pair = '<div class="pair">\n<div class="zh" lang="zh-CN">\n文\n</div>\n'
    pair += '<div class="en" lang="en">\nText\n</div>\n</div>'
    root = dom.parse(pair)
    minify.minify(root)
    assert re.findall("<div.+>", dom.inner(root)) == [
        '<div class="pair">',
        '<div lang="zh-CN">',
        '<div lang="en">',
    ]


def test_brackets_and_stops_stay_with_their_formula():
    doc = pandoc.read("$a$，就是（$b$）。也是 $c$ 与 $d$ 。有“（$e$、（$f$", "one.qmd")
    xhtml.hold_punctuation(doc)
    text = pandoc.write(doc, "html5", "--katex", source="one.qmd")
    held = r'<span class="hold">([^<]*)<span\sclass="math inline">(\w)</span>(.*?)</span>'
    shown = re.sub(held, r"{\1\2\3}", text)
    assert shown.startswith("<p>{a，}就是{（b）。}也是 <span")
    assert shown.endswith("有{“（e、}{（f}</p>\n")


def test_images_say_their_size_and_wait_for_nothing(tmp_path):
    drawing = SVG.replace(b'width="8" height="4"', b'width="300.1pt" height="150pt"')
    one = page("one", "1", '# T\n\n![x](a.svg){fig-alt="y"}\n', a_svg=drawing)
    website.write(edition(one), [one], tmp_path)
    assert Tags(tmp_path / "one.html").every("img") == [
        {"src": "images/one/a.svg", "alt": "y", "width": "400", "height": "200"}
    ]


@pytest.mark.parametrize(
    ("width", "found"),
    [("12", (12, 4)), ("1.5px", (2, 4)), (".5", (0, 4)), ("1.2.3", None), ("..", None)],
)
def test_the_size_of_a_drawing(width, found):
    assert minify.size(SVG.replace(b'width="8"', f'width="{width}"'.encode())) == found


def test_the_search_index_is_of_the_language_and_without_foreign_interfaces(site):
    folder = site / "pagefind"
    entry = json.loads((folder / "pagefind-entry.json").read_text(encoding="utf-8"))
    counts = {lang: of["page_count"] for lang, of in entry["languages"].items()}
    assert counts == {"zh-cn": 3}, "the list of answers holds no text of its own"
    assert sorted(p.name for p in folder.iterdir() if p.suffix in (".js", ".css")) == [
        "pagefind-worker.js",
        "pagefind.js",
    ]


def test_the_answers_lead_to_the_solutions_and_do_not_repeat_them(tmp_path):
    answers = (
        "# 答案\n\n先做。\n\n## 张量\n\n"
        "::: {#ans-one-x .answer-title}\n**[@exr-one-x]** 题\n:::\n\n"
        "先乘。\n\n```python\ndef f():\n    return 1\n```\n"
    )
    made = [page("one", "1", SOLVED), page("answers", "A", answers)]
    website.write(edition(*made), made, tmp_path)
    text = (tmp_path / "answers.html").read_text(encoding="utf-8")
    assert "先做。" in text and "先乘" not in text and "return" not in text
    assert text.index("先做。") < text.index("折在每道题的下面") < text.index("ans-one-x")
    assert '<div id="ans-one-x" class="answer-title">' in text
    links = [a["href"] for a in Tags(tmp_path / "answers.html").every("a")]
    assert [link for link in links if "#w" in link] == ["one.html#worked-one-x"]
    assert "worked-one-x" in Tags(tmp_path / "one.html").ids()


def test_in_both_languages_the_solutions_stand_on_pages_of_their_own(tmp_path):
    listed = (
        "# 答案 {#sec-answers}\n\n## 张量 {#sec-answers-one}\n\n"
        "::: {#ans-one-x .answer-title}\n**[@exr-one-x]** 题\n:::\n\n先乘。\n"
    )
    english = [("张量", "Tensors"), ("题", "Title"), ("先乘。", "Multiply."), ("文。", "Text.")]
    english += [("尾", "End"), ("答案", "Answers")]

    def translated(text: str) -> str:
        for zh, en in english:
            text = text.replace(zh, en)
        return text

    zh = [page("one", "1", SOLVED), page("answers", "A", listed)]
    en = [page(w.entry.slug, w.entry.number, translated(w.markdown)) for w in zh]
    both = bilingual(edition(*zh), edition(*en, lang="en"))
    made = [replace(ours, twin=theirs) for ours, theirs in zip(zh, en, strict=True)]
    website.write(both, made, tmp_path, {"zh": "../../zh/html"})
    assert sorted(p.name for p in tmp_path.glob("*.html")) == [
        "answers-one.html",
        "answers.html",
        "one.html",
    ]

    def links(name: str) -> list[str]:
        anchors = Tags(tmp_path / name).every("a")
        return [a["href"] for a in anchors if re.search("#(ans|exr|worked)-", a["href"])]

    assert set(links("one.html")) == {"answers-one.html#ans-one-x"}
    assert set(links("answers.html")) == {"answers-one.html#ans-one-x"}
    assert set(links("answers-one.html")) == {"one.html#exr-one-x"}
    text = (tmp_path / "answers.html").read_text(encoding="utf-8")
    assert "每章一页" in text and "a page of their own" in text
    text = (tmp_path / "answers-one.html").read_text(encoding="utf-8")
    assert "先乘。" in text and "Multiply." in text
    assert 'href="../../zh/html/answers.html"' in text
    assert "Multiply." not in (tmp_path / "one.html").read_text(encoding="utf-8")


def test_the_title_of_both_languages_names_each(tmp_path):
    zh, en = (page("index", "", f"# {title}\n") for title in ("前言", "Preface"))
    both = bilingual(edition(zh), edition(en, lang="en"))
    website.write(both, [replace(zh, twin=en)], tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<h1>工作簿 <span lang="en">The Workbook</span></h1>' in text
    assert '用铅笔 <span lang="en">With a pencil</span></p>' in text


def test_scripts_and_styles_carry_no_word_for_their_authors(site):
    assert "/*" not in (site / "site.css").read_text(encoding="utf-8")
    for name in ("site.js", "search.js", "theme.js"):
        lines = (site / name).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if line != line.strip() or line[:2] == "//"] == []


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("短。", "短。"),
        ("第一句在这里，" * 12 + "完。" + "第二句" * 40, "第一句在这里，" * 12 + "完。"),
        ("字" * 200, "字" * 150 + "…"),
        ("word " * 50, "word " * 29 + "word…"),
        ("", "用铅笔"),
    ],
    ids=["short", "whole sentence", "one long sentence", "no word is cut", "no paragraph"],
)
def test_a_page_is_described_by_its_beginning(tmp_path, text, description):
    one = page("one", "1", f"# T\n\n{text}\n")
    website.write(edition(one), [one], tmp_path)
    metas = Tags(tmp_path / "one.html").every("meta")
    said = [meta["content"] for meta in metas if meta.get("name") == "description"]
    assert said == [description]


def test_a_page_that_cites_ends_with_its_references(site):
    cited = [path.name for path, tags in all_pages(site) if "ref-doe2020" in tags.ids()]
    assert cited == ["one.html"]
    assert "参考文献" in (site / "one.html").read_text(encoding="utf-8")


def test_two_images_of_one_name_stay_two(tmp_path):
    one = page("one", "1", "# T\n\n![x](f/a.svg)\n\n![y](g/a.svg)\n")
    one = type(one)(one.entry, one.markdown, {"f/a.svg": b"f", "g/a.svg": b"g"})
    website.write(edition(one), [one], tmp_path)
    shown = [tmp_path / image["src"] for image in Tags(tmp_path / "one.html").every("img")]
    assert [path.read_bytes() for path in shown] == [b"f", b"g"]


def test_a_missing_citation_names_the_chapter(tmp_path, references):
    one = page("one", "1", "# T\n\n[@nobody1999]\n")
    with pytest.raises(BookError, match=r"chapters/one\.qmd: .*nobody1999"):
        website.write(edition(one, bibliography=references), [one], tmp_path)
