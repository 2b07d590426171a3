"""The index: which words it has, which places it names, and that they are on those pages."""

import dataclasses
import datetime
import re
from pathlib import Path

import panflute as pf
import pymupdf
import pytest
from lxml import etree
from pypdf import PdfReader
from small import edition, page

from workbook import memo
from workbook.render import index, pandoc, pdf, pencil
from workbook.render.assemble import trees
from workbook.render.elements import inside
from workbook.render.html import website
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

GLOSSARY = """
- zh: 梯度
  pinyin: tīdù
  en: gradient
  means: {zh: 一排导数。, en: A row of slopes.}
- zh: 梯度下降
  pinyin: tīdù xiàjiàng
  en: gradient descent
  means: {zh: 往下走。, en: Walking down.}
- zh: 广播
  pinyin: guǎngbō
  en: broadcasting
  means: {zh: 补齐形状。, en: Filling shapes up.}
"""


@pytest.fixture
def words(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "glossary.yml").write_text(GLOSSARY, encoding="utf-8")
    return lambda lang: index.terms(tmp_path, lang)


def entries(markdown: str, words: list[index.Word]) -> dict[str, list[bool]]:
    doc = pandoc.read(markdown, "one.qmd")
    found = index.marked([doc], [*words, *index.names([doc])])
    return {shown: [main for _, main in places] for shown, places in found.items()}


def test_terms_stand_in_the_order_of_their_language(words):
    assert [(w.group, w.shown) for w in words("zh")] == [
        ("G", "广播"), ("T", "梯度"), ("T", "梯度下降")
    ]  # fmt: skip
    assert [w.shown for w in words("en")] == ["broadcasting", "gradient", "gradient descent"]


def test_the_place_that_explains_a_word_is_the_main_one(words):
    text = "# 一\n\n广播。\n\n## 二\n\n先说，[广播]{.term}就是。\n"
    assert entries(text, words("zh")) == {"广播": [True]}


def test_names_that_differ_in_a_capital_are_two_in_one_order(words):
    """A set gives its names in another order in each run."""
    text = "# 一\n\n用 `torch.tensor` 造 `torch.Tensor`，`torch.FloatTensor` 不用。\n"
    names = index.names([pandoc.read(text, "one.qmd")])
    assert [name.shown for name in names] == [
        "torch.FloatTensor", "torch.Tensor", "torch.tensor"
    ]  # fmt: skip
    assert len({name.order for name in names}) == 3
    assert set(entries(text, words("zh"))) == {name.shown for name in names}


def test_a_section_is_named_that_says_the_word_often(words):
    text = "# 一\n\n[广播]{.term}。\n\n## 二\n\n广播，广播，广播。\n\n## 三\n\n广播。\n"
    assert entries(text, words("zh")) == {"广播": [True, False]}


def test_a_longer_word_is_not_counted_as_the_shorter_one_in_it(words):
    assert entries("# 一\n\n梯度下降。\n", words("zh")) == {"梯度下降": [False]}
    assert entries("# A\n\nGradient descent.\n", words("en")) == {"gradient descent": [False]}


def test_a_part_of_a_word_is_no_word(words):
    assert entries("# A\n\nA gradienter way.\n", words("en")) == {}
    assert entries("# A\n\nTwo gradients.\n", words("en")) == {"gradient": [False]}


def test_code_in_a_sentence_is_a_name_of_the_api(words):
    assert entries("# 一\n\n写 `torch.ones(3)`。\n", words("zh")) == {"torch.ones": [False]}


def test_headings_captions_and_solutions_hold_no_mark(words):
    text = "# 广播\n\n::: {.worked}\n广播。\n:::\n\n| 广播 |\n|---|\n| 数 |\n"
    assert entries(text, words("zh")) == {}


def test_each_page_in_the_index_has_the_word(tmp_path, words):
    filler = "\n\n".join(["一句没有那些词的话。" * 30] * 12)
    text = f"# 一 {{#sec-one}}\n\n先有[梯度]{{.term}}。\n\n{filler}\n\n广播，广播。\n"
    entry = Entry(Path("chapters/zh/01-one.qmd"), "one", "1")
    book_of = Edition(
        "zh", ("zh",), "书", "副", "人", datetime.date(2026, 1, 1), "book",
        tmp_path / "none.bib", (entry,),
    )  # fmt: skip
    words("zh")
    pdf.write(book_of, [Woven(entry, text, {})], tmp_path / "book.pdf")
    with pymupdf.open(tmp_path / "book.pdf") as book:
        texts = [each.get_text() for each in book]
    labels = PdfReader(tmp_path / "book.pdf").page_labels
    listed = dict(re.findall(r"^(梯度|广播)\s+([\d, ]+)$", texts[-1], re.M))
    assert set(listed) == {"梯度", "广播"}
    assert listed["梯度"] != listed["广播"]
    for word, pages in listed.items():
        for number in pages.split(", "):
            assert word in texts[labels.index(number.strip())]


SITE = {
    "one": "# 一 {#sec-one}\n\n先有广播。\n\n"
    "## 甲 {#sec-one-a}\n\n[广播]{.term}，`torch.ones`。\n",
    "two": "# 二 {#sec-two}\n\n广播，广播，广播。\n\n## 小结 {.unnumbered}\n\n"
    "梯度，梯度，梯度，[梯度下降]{.term}。\n\n::: {.worked}\n广播。\n:::\n",
}


@pytest.fixture
def site(tmp_path, words):
    """The pages of a small site, its index, and the edition they are of."""
    words("zh")
    made = [page(slug, str(at), text) for at, (slug, text) in enumerate(SITE.items(), 1)]
    made.append(page("glossary", "A", "# 术语表 {#sec-glossary}\n\n梯度，梯度，梯度。\n"))
    (tmp_path / "none.bib").touch()
    book = edition(*made, bibliography=tmp_path / "none.bib")
    website.write(book, made, tmp_path / "html")
    return book, made, tmp_path / "html"


def listed(out: Path, word: str) -> list[tuple[str, str, bool]]:
    """Address and label of the sections that an entry leads to, and which is the main one."""
    root = etree.parse(out / "term-index.html", etree.HTMLParser(encoding="utf-8")).getroot()
    lines = [
        line for each in root.iter("ul") if each.get("class") == "word-index" for line in each
    ]
    [entry] = [line for line in lines if "".join(line.itertext()).startswith(f"{word} ")]
    return [(a.get("href"), "".join(a.itertext()), bool(a.xpath("b"))) for a in entry.iter("a")]


def test_the_site_leads_from_each_word_to_its_sections(site):
    *_, out = site
    assert listed(out, "广播") == [
        ("one.html#sec-one-a", "1.1", True), ("two.html#sec-two", "2", False)
    ]  # fmt: skip
    assert listed(out, "梯度") == [("two.html#two-summary", "2 小结", False)]
    assert listed(out, "梯度下降") == [("two.html#two-summary", "2 小结", True)]
    assert listed(out, "torch.ones") == [("one.html#sec-one-a", "1.1", False)]
    text = (out / "term-index.html").read_text(encoding="utf-8")
    assert "<code>torch.ones</code>" in text
    assert re.findall(r"<h2 id=\"([^\"]+)\"", text) == ["index-zh-G", "index-zh-T", "index-API"]
    assert 'data-pagefind-ignore="all"' in text


def test_the_index_stands_at_the_end_of_the_contents_and_its_links_arrive(site):
    *_, out = site
    chapter = (out / "two.html").read_text(encoding="utf-8")
    glossary, own = (
        chapter.index('href="glossary.html"'),
        chapter.index('href="term-index.html"'),
    )
    assert glossary < own
    text = (out / "term-index.html").read_text(encoding="utf-8")
    for file, anchor in re.findall(r'href="(\w+\.html)#([\w-]+)"', text):
        assert f'id="{anchor}"' in (out / file).read_text(encoding="utf-8")


def test_the_site_names_the_sections_whose_pages_print_names(site, words):
    book, made, out = site
    docs = trees(book, made[:2], site=False)
    headings = {}
    pencil.lay_out(book, docs)
    every = [*words("zh"), *index.names(docs)]
    marks = index.marked(docs, every)
    for slug, doc in zip(SITE, docs, strict=True):
        address = ""
        for block in doc.content:
            if isinstance(block, pf.Header):
                address = f"{slug}.html#{block.identifier}"
            for span in (span for span in inside(block, pf.Span) if span.identifier):
                headings[span.identifier] = address
    for shown, places in marks.items():
        printed = [(headings[f"index-{mark}"], main) for mark, main in places]
        assert printed == [(href, main) for href, _, main in listed(out, shown)], shown
    assert len(marks) == 4


def test_a_page_that_changes_is_looked_through_again_and_no_other(site, monkeypatch, tmp_path):
    book, made, _ = site
    with memo.kept_in(tmp_path / "memo"):
        website.make_pages(book, made)
        looked = []
        monkeypatch.setattr(index, "sections", lambda *_: looked.append(1) or [])
        website.make_pages(book, made)
        assert looked == []
        changed = [dataclasses.replace(made[0], markdown=SITE["one"] + "\n梯度。\n"), *made[1:]]
        website.make_pages(book, changed)
        assert looked == [1]


def test_a_book_without_such_words_has_no_index(tmp_path):
    (tmp_path / "none.bib").touch()
    only = page("one", "1", "# 一 {#sec-one}\n\n文。\n")
    website.write(edition(only, bibliography=tmp_path / "none.bib"), [only], tmp_path / "html")
    assert not (tmp_path / "html" / "term-index.html").exists()
