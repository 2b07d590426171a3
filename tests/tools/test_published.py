"""A published book leads to its sources and to services, and tells machines what it is.

Settings that are wrong are told with file and line.
"""

import dataclasses
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from lxml import etree
from small import PARTS, edition, page

from workbook.check import check
from workbook.publish import landing
from workbook.publish.books import Book
from workbook.publish.store import Store
from workbook.render.html import website
from workbook.source.chapter import parse_chapter
from workbook.source.edition import Edition, bilingual, read_edition
from workbook.source.published import NOTEBOOKS, Published, faults, published

ROOT = Path(__file__).parents[2]
SITE, SOURCES = "https://book.example/pw/", "https://github.com/someone/pw"
EVERYWHERE = Published(SITE, SOURCES, actions=("edit", "issue"))
TITLES = {"zh": "张量", "en": "Tensors"}


def pages(lang: str = "zh"):
    return [
        page("index", "", "# 前言 {.unnumbered}\n\n你好。\n"),
        page("one", "1", f"# {TITLES[lang]} {{#sec-one}}\n\n文。\n", PARTS[lang]),
        page("answers", "A", "# 答案 {#sec-answers}\n"),
        page("glossary", "B", "# 术语 {#sec-glossary}\n"),
    ]


def of(lang: str, published: Published = EVERYWHERE) -> Edition:
    return dataclasses.replace(
        edition(*pages(lang), lang=lang), published=published, version="1.2"
    )


def written(book: Edition, out: Path, home: str = "", name: str = "one") -> etree._Element:
    others = {"zh": "../../zh/html", "en": "../../en/html", "bilingual": "../../bilingual/html"}
    del others[book.name]
    made = pages(book.lang)
    if book.halves:
        made = [
            dataclasses.replace(ours, twin=theirs)
            for ours, theirs in zip(made, pages("en"), strict=True)
        ]
    website.write(book, made, out, others, ["one"], home=home)
    return etree.parse(out / f"{name}.html", etree.HTMLParser(encoding="utf-8")).getroot()


def links(root: etree._Element, place: str) -> dict[str, str]:
    found = root.xpath(f"//*[@class='{place}']//a")
    return {" ".join(link.itertext()): link.get("href") for link in found}


def heads(root: etree._Element) -> list[tuple[str, str]]:
    """What the head says to machines of where the page stands."""
    found = root.xpath("//head/link[@rel='canonical' or @rel='alternate']")
    told = [(link.get("hreflang", link.get("rel")), link.get("href")) for link in found]
    metas = root.xpath("//head/meta[starts-with(@property, 'og:')]")
    return told + [(meta.get("property"), meta.get("content")) for meta in metas]


def test_a_page_is_edited_where_its_source_is_and_errors_of_it_are_reported(tmp_path):
    improve = links(written(of("zh"), tmp_path), "improve")
    assert list(improve) == ["编辑本页", "报告错误"]
    assert improve["编辑本页"] == f"{SOURCES}/edit/main/chapters/one.qmd"
    asked = urlsplit(improve["报告错误"])
    assert asked._replace(query="").geturl() == f"{SOURCES}/issues/new"
    filled = parse_qs(asked.query)
    assert filled["title"] == ["第\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}章 张量："]
    [body] = filled["body"]
    assert body.splitlines()[:2] == [
        "- 章节：第\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}章 张量",
        "- 版本：中文，1.2, 2026-01-02",
    ]


def test_what_is_made_from_data_is_edited_there_and_answers_only_in_their_chapters(tmp_path):
    glossary = links(written(of("en"), tmp_path, name="glossary"), "improve")
    assert glossary["Edit this page"] == f"{SOURCES}/edit/main/chapters/glossary.yml"
    answers = links(written(of("en"), tmp_path / "again", name="answers"), "improve")
    assert list(answers) == ["Report an error"]


def test_a_page_of_two_languages_has_two_sources_and_one_report(tmp_path):
    zh, en = of("zh"), of("en")
    paths = [dataclasses.replace(entry, path=Path("en") / entry.path) for entry in en.entries]
    both = bilingual(zh, dataclasses.replace(en, entries=tuple(paths)))
    improve = links(written(both, tmp_path), "improve")
    assert list(improve) == ["编辑本页", "Edit this page", "报告错误 Report an error"]
    assert improve["Edit this page"] == f"{SOURCES}/edit/main/en/chapters/one.qmd"
    body = parse_qs(urlsplit(improve["报告错误 Report an error"]).query)["body"][0]
    assert "版本：对照，1.2" in body and "Edition: 对照, 1.2" in body


def test_notebooks_open_in_the_services_that_take_them_from_github(tmp_path):
    place = f"someone/pw/blob/{NOTEBOOKS}/zh/one.ipynb"
    take = links(written(of("zh"), tmp_path), "take")
    assert {name: take[name] for name in ("Colab", "Kaggle", "魔搭")} == {
        "Colab": f"https://colab.research.google.com/github/{place}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src=https://github.com/{place}",
        "魔搭": f"https://modelscope.cn/notebook/share/github/{place}",
    }
    elsewhere = dataclasses.replace(EVERYWHERE, repository="https://gitee.com/someone/pw")
    assert "Colab" not in links(written(of("zh", elsewhere), tmp_path / "2"), "take")


def test_the_head_says_where_the_page_and_its_twins_stand(tmp_path):
    home = f"{SITE}en/html/"
    assert heads(written(of("en"), tmp_path, home)) == [
        ("canonical", f"{home}one.html"),
        ("en", f"{home}one.html"),
        ("zh-CN", f"{SITE}zh/html/one.html"),
        ("og:type", "article"),
        ("og:url", f"{home}one.html"),
        ("og:title", "Tensors"),
        ("og:description", "文。"),
        ("og:site_name", "The Workbook"),
        ("og:locale", "en_US"),
        ("og:image", f"{SITE}front/cover-en.png"),
    ]


def test_each_language_is_the_others_alternate(tmp_path):
    """What search engines ask for: both pages name the same two."""
    of_each = [
        {
            pair
            for pair in heads(written(of(lang), tmp_path / lang, f"{SITE}{lang}/html/"))
            if pair[0] in ("zh-CN", "en")
        }
        for lang in ("zh", "en")
    ]
    assert of_each[0] == of_each[1] and len(of_each[0]) == 2


def test_of_a_book_that_is_published_nowhere_there_is_none_of_it(tmp_path):
    root = written(of("zh", Published()), tmp_path)
    assert heads(root) == []
    assert links(root, "improve") == {}
    outside = [link for link in root.xpath("//@href") if link.startswith("http")]
    assert outside == []


def front(tmp_path: Path, published: Published) -> Path:
    books = []
    for lang in ("zh", "en"):
        (tmp_path / lang / "html").mkdir(parents=True, exist_ok=True)
        (tmp_path / lang / "html" / "one.html").touch()
        texts = [parse_chapter(each.markdown, each.entry.path) for each in pages(lang)]
        books.append(Book(of(lang, published), tuple(texts)))
    store = Store(tmp_path, tmp_path / "memory.json", force=False)
    store.staging.mkdir(exist_ok=True)
    store.install(landing.make_front(books, [], tmp_path, store))
    return tmp_path


def test_the_map_lists_every_page_and_goes_with_the_address(tmp_path):
    out = front(tmp_path, EVERYWHERE)
    locations = etree.parse(out / "sitemap.xml").xpath("//*[local-name()='loc']/text()")
    assert locations == [SITE, f"{SITE}zh/html/one.html", f"{SITE}en/html/one.html"]
    text = (out / "index.html").read_text(encoding="utf-8")
    assert f'<link rel="canonical" href="{SITE}">' in text
    [picture] = re.findall(r'og:image" content="([^"]*)"', text)
    assert (out / picture.removeprefix(SITE)).read_bytes().startswith(b"\x89PNG")
    front(tmp_path, Published())
    assert not (out / "sitemap.xml").exists()
    assert "canonical" not in (out / "index.html").read_text(encoding="utf-8")


# --- settings ------------------------------------------------------------------------------

ADDRESS = "write {}: https://…, in one line"
ACTIONS = "write repo-actions: [edit, issue]"
WRONG = {
    "http": ("site-url: http://a.example", "site-url does not begin with https://: "
             f"http://a.example; {ADDRESS.format('site-url')}"),
    "no host": ("site-url: https:///pw", "site-url is no address: https:///pw; "
                f"{ADDRESS.format('site-url')}"),
    "a list for an address": ("repo-url: [https://a.example]",
        f"repo-url is no address: ['https://a.example']; {ADDRESS.format('repo-url')}"),
    "a query": ("site-url: https://a.example/?x", "site-url has ? or #, so no page can stand "
                f"below it: https://a.example/?x; {ADDRESS.format('site-url')}"),
    "an unknown action": (f"repo-url: {SOURCES}, repo-actions: [edit, star]",
        f"repo-actions knows no 'star'; {ACTIONS}"),
    "actions in one text": (f"repo-url: {SOURCES}, repo-actions: 'edit, issue'",
        f"repo-actions knows no 'edit, issue'; {ACTIONS}"),
    "actions by name": (f"repo-url: {SOURCES}, repo-actions: {{edit: true}}",
        f"repo-actions: {{'edit': True}} is no list; {ACTIONS}"),
    "an action that is a list": (f"repo-url: {SOURCES}, repo-actions: [[edit]]",
        f"repo-actions knows no ['edit']; {ACTIONS}"),
    "actions without sources": ("repo-actions: [edit]", "repo-actions has no repo-url to lead "
        "to; add repo-url:, where the sources are kept"),
    "two branches": (f"repo-url: {SOURCES}, repo-branch: [a, b]",
        "repo-branch is no text; write the name of one branch, in quotes"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_told_once_with_its_line(tiny, case):
    given, told = WRONG[case]
    lines = given.replace(", repo-", "\n  repo-")
    commented = "  # site-url: https://example.org\n  # repo-actions: [edit]\n"
    book = f"book:\n  author: Nobody\n  date: 2026-01-01\n{commented}  {lines}\n"
    tiny.edit("_quarto.yml", "book: {author: Nobody, date: 2026-01-01}\n", book)
    text = (tiny.root / "_quarto.yml").read_text(encoding="utf-8").splitlines()
    key = told.split()[0].rstrip(":")
    line = next(n for n, each in enumerate(text, 1) if each.strip().startswith(f"{key}:"))
    found = [str(problem) for problem in check(tiny.root)]
    assert found == [f"_quarto.yml:{line}: {told}"]


def test_right_settings_are_read_with_or_without_a_slash_and_one_action_needs_no_brackets(tiny):
    settings = (
        "site-url: https://a.example/b, repo-url: 'https://c.example/d/', repo-actions: edit"
    )
    tiny.edit("_quarto.yml", "date: 2026-01-01", f"date: 2026-01-01, {settings}")
    known = Published("https://a.example/b/", "https://c.example/d", actions=("edit",))
    for name in ("zh", "en", "bilingual"):
        assert read_edition(tiny.root, name).published == known


def test_the_example_of_this_book_is_right():
    text = (ROOT / "_quarto.yml").read_text(encoding="utf-8")
    book = yaml.safe_load(re.sub(r"^  # (?=(site|repo)-)", "  ", text, flags=re.M))["book"]
    assert list(faults(book)) == []
    known = published(book)
    assert known.page("a").startswith("https://") and known.notebooks("zh", "tensors")
    assert known.actions == ("edit", "issue")
