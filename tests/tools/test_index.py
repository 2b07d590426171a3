"""The index: which words it has, which places it names, and that they are on those pages."""

import datetime
import re
from pathlib import Path

import pymupdf
import pytest
from pypdf import PdfReader

from workbook.render import index, pandoc, pdf
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
    edition = Edition(
        "zh", ("zh",), "书", "副", "人", datetime.date(2026, 1, 1), "book",
        tmp_path / "none.bib", (entry,),
    )  # fmt: skip
    words("zh")
    pdf.write(edition, [Woven(entry, text, {})], tmp_path / "book.pdf")
    with pymupdf.open(tmp_path / "book.pdf") as book:
        texts = [page.get_text() for page in book]
    labels = PdfReader(tmp_path / "book.pdf").page_labels
    listed = dict(re.findall(r"^(梯度|广播)\s+([\d, ]+)$", texts[-1], re.M))
    assert set(listed) == {"梯度", "广播"}
    assert listed["梯度"] != listed["广播"]
    for word, pages in listed.items():
        for page in pages.split(", "):
            assert word in texts[labels.index(page.strip())]
