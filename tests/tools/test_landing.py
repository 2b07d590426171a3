"""The page at the front of the store, and the server that opens there."""

import dataclasses
import re
import threading
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typst
from click.testing import CliRunner
from small import edition
from small import page as page_of

from workbook import messages
from workbook.cli import main
from workbook.publish import landing, spread
from workbook.publish.books import Book
from workbook.publish.landing import Download, Listed, Offer, Picture
from workbook.publish.spread import Opening
from workbook.publish.store import Store
from workbook.render.html.website import LICENSE_URL, asset
from workbook.serve import Server
from workbook.source.chapter import parse_chapter

MEGABYTE = 1024 * 1024


CHAPTERS = (
    Listed("1", "第一部分", "张量", "由步幅算出位置。", "zh/html/tensors.html"),
    Listed("2", "", "总结", "挑选层。"),
)


def offers():
    zh = Offer(
        edition(lang="zh"),
        "zh/html/index.html",
        (
            Download("pdf", "zh/book.pdf", 3 * MEGABYTE + MEGABYTE // 2, 317, "A4"),
            Download("screen", "zh/book-screen.pdf", 2 * MEGABYTE, 300),
            Download("epub", "zh/book.epub", 700 * 1024),
        ),
        CHAPTERS,
        Picture("front/spread-zh.png", 20, 10),
    )
    return [zh, Offer(edition(lang="en"), "", (Download("eink", "en/ink.epub", 10),))]


class Texts(HTMLParser):
    """The text of a page with the language that each piece is in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.languages, self.texts, self.links = [""], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        own = dict(attributes)
        if tag not in ("meta", "link"):
            self.languages.append(own.get("lang", self.languages[-1]))
        if tag == "a":
            self.links.append(own["href"])

    def handle_endtag(self, tag):
        self.languages.pop()

    def handle_data(self, data):
        if text := " ".join(data.split()):
            self.texts.append((self.languages[-1], text))


@pytest.fixture
def page(tmp_path):
    landing.write(offers(), tmp_path / "index.html")
    return (tmp_path / "index.html").read_text(encoding="utf-8")


def said(lang: str, *keys: str, section: str = "landing") -> list[tuple[str, str]]:
    """Words of the page, each with the language that it has to be marked with."""
    words = messages.of(section, lang)
    return [({"zh": "zh-CN", "en": "en"}[lang], words[key]) for key in keys]


def devices(lang: str) -> list[tuple[str, str]]:
    keys = [key for each in landing.READERS for key in (each, f"{each}-file")]
    return said(lang, "title", *keys, "note", section="devices")


def test_each_language_says_all_and_each_edition_speaks_its_own(page):
    assert Texts(page).texts == [
        ("mul", "工作簿 · The Workbook"),
        ("zh-CN", "工作簿"),
        ("en", "The Workbook"),
        ("zh-CN", "用铅笔"),
        ("en", "With a pencil"),
        *said("zh", "prefers"),
        *said("en", "prefers"),
        *said("zh", "about", "readers", "begin"),
        *said("en", "about", "readers"),
        *said("zh", "chapters"),
        ("zh-CN", "第一部分"),
        ("zh-CN", "1"),
        ("zh-CN", "张量"),
        ("zh-CN", "由步幅算出位置。"),
        ("zh-CN", "2"),
        ("zh-CN", "总结"),
        ("zh-CN", "挑选层。"),
        *said("zh", "editions"),
        *said("en", "editions"),
        *said("zh", "name", "what", "read", "pdf"),
        ("zh-CN", "A4 · 317"),
        ("zh-CN", "页"),
        ("zh-CN", "· 3.5 MB"),
        *said("zh", "screen"),
        ("zh-CN", "300"),
        ("zh-CN", "页"),
        ("zh-CN", "· 2.0 MB"),
        *said("zh", "epub"),
        ("zh-CN", "700 kB"),
        *said("en", "name", "what", "eink"),
        ("en", "1 kB"),
        *devices("zh"),
        *devices("en"),
        ("zh-CN", messages.of("books", "zh")["license"]),
        ("en", messages.of("books", "en")["license"]),
    ]


def test_it_leads_to_what_there_is_and_nowhere_by_itself(page):
    assert Texts(page).links == [
        "zh/html/index.html",  # to the reader's language: its site
        "#en",  # or, where it has none, its files
        "zh/html/index.html",
        "zh/html/tensors.html",
        "zh/html/index.html",
        "zh/book.pdf",
        "zh/book-screen.pdf",
        "zh/book.epub",
        "en/ink.epub",
        *[LICENSE_URL] * 2,
    ]
    assert "refresh" not in page
    assert "location" not in asset("landing.js")


def test_two_printed_pages_are_shown_and_say_what_they_show(page):
    picture, alt = 'src="front/spread-zh.png"', messages.of("landing", "zh")["spread"]
    assert f'<img {picture} alt="{alt}" width="20" height="10">' in page


def test_the_edition_in_both_languages_says_everything_twice_and_what_is_the_same_once(
    tmp_path,
):
    book = dataclasses.replace(edition(), name="bilingual", languages=("zh", "en"))
    files = (Download("pdf", "both.pdf", 1), Download("eink", "both.epub", 1))
    both = Offer(book, "bilingual/html/index.html", files)
    landing.write([both], tmp_path / "index.html")
    texts = Texts((tmp_path / "index.html").read_text(encoding="utf-8")).texts
    at = texts.index(("zh-CN", "对照版"))
    assert texts[at : at + 11] == [
        *said("zh", "both-name"),
        *said("en", "both-name"),
        *said("zh", "both-what"),
        *said("en", "both-what"),
        *said("zh", "read"),
        *said("en", "read"),
        *said("zh", "pdf"),
        ("zh-CN", "1 kB"),
        *said("zh", "eink"),
        *said("en", "eink"),
        ("zh-CN", "1 kB"),
    ]


def test_labels_of_two_languages_are_lines_of_their_own():
    rule = r":is\(\.read, li a\) > span \{ display: block; \}"
    assert re.search(rule, asset("landing.css"))


PRINTED = """
#set page(width: 100pt, height: 100pt)
= 9 Tensors at work
== Exercises
#pagebreak()
= Chapter 1 Tensors
#pagebreak()
== Exercises
#pagebreak()
left
#pagebreak()
right
"""


def test_the_pages_shown_are_the_opening_behind_the_beginning_of_the_exercises(tmp_path):
    pdf = tmp_path / "book.pdf"
    pdf.write_bytes(typst.compile(PRINTED.encode()))
    opening = spread.opening_after(pdf, "Tensors", "Exercises")
    assert opening == Opening(pdf, 4, (100, 100))
    assert opening.size == (200, 100)
    picture = spread.draw(opening)
    assert picture.startswith(b"\x89PNG")
    assert picture == spread.draw(opening)
    assert spread.opening_after(pdf, "Tensors", "Summary") is None


def test_an_edition_of_which_there_is_nothing_is_not_offered(tmp_path):
    landing.write([Offer(edition(lang="en"))], tmp_path / "index.html")
    assert "<section" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_the_store_offers_what_it_has_and_lists_what_chapters_say_of_themselves(tmp_path):
    texts = ("# 前言\n", "---\ndescription: 由步幅算出位置。\n---\n\n# `nn` 模块 {#sec-nn}\n")
    pages = [page_of("index", "", texts[0]), page_of("nn", "1", texts[1], "第一部分")]
    chapters = [parse_chapter(text, Path(f"{each}.qmd")) for each, text in enumerate(texts)]
    book = Book(edition(*pages), tuple(chapters))
    (tmp_path / "zh/html").mkdir(parents=True)
    store = Store(tmp_path, tmp_path / "memory.json", force=False)
    store.install(landing.make_front([book], [], tmp_path, store))
    texts = Texts((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "zh/html/nn.html" in texts.links
    said_of_it = ["第一部分", "1", "nn 模块", "由步幅算出位置。"]
    assert [text for _, text in texts.texts if text in said_of_it] == said_of_it
    assert not (tmp_path / landing.FOLDER / "spread-zh.png").exists(), "nothing is printed"


def test_what_the_page_needs_stands_beside_it(page, tmp_path):
    landing.write_assets({}, [], tmp_path / landing.FOLDER)
    assert sorted(p.name for p in (tmp_path / landing.FOLDER).iterdir()) == sorted(
        landing.ASSETS
    )
    assert all(f"{landing.FOLDER}/{name}" in page for name in landing.ASSETS)


def test_dark_is_the_same_whether_the_system_or_the_reader_asks_for_it():
    rules = re.findall(r"^ *(:root.*?) \{(.*?)\}", asset("landing.css"), re.M | re.S)
    lists = {who: re.findall(r"--[\w-]+: .*", colors) for who, colors in rules}
    dark = lists[':root[data-theme="dark"]']
    assert dark and dark == lists[':root:not([data-theme="light"])']


def test_the_server_opens_at_the_front_page(page, tmp_path):
    with Server(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with urllib.request.urlopen(server.address, timeout=10) as answer:
            assert answer.read().decode() == page
        server.shutdown()


def test_serving_says_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "_quarto.yml").touch()
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["serve"])
    assert (said.exit_code, said.output) == (
        1,
        'Error: there is no _book folder yet; run "workbook build"\n',
    )


def test_serving_says_that_the_port_is_taken(tmp_path, monkeypatch):
    (tmp_path / "_quarto.yml").touch()
    (tmp_path / "_book").mkdir()
    monkeypatch.chdir(tmp_path)
    with Server(tmp_path) as server:
        said = CliRunner().invoke(main, ["serve", "--port", str(server.server_port)])
    assert said.exit_code == 1
    assert f"port {server.server_port} is not to be had (Address already in use)" in said.output
