"""The page at the front of the store, and the server that opens there."""

import dataclasses
import re
import threading
import urllib.request
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from small import edition

from workbook import messages
from workbook.cli import main
from workbook.publish import landing
from workbook.publish.landing import Download, Offer
from workbook.render.html.website import LICENSE_URL, asset
from workbook.serve import Server

MEGABYTE = 1024 * 1024


def offers():
    zh = Offer(
        edition(lang="zh"),
        "zh/html/index.html",
        (
            Download("pdf", "zh/book.pdf", 3 * MEGABYTE + MEGABYTE // 2, 317, "A4"),
            Download("epub", "zh/book.epub", 700 * 1024),
        ),
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


def test_each_edition_speaks_its_own_language(page):
    assert Texts(page).texts == [
        ("mul", "工作簿 · The Workbook"),
        ("zh-CN", "工作簿"),
        ("en", "The Workbook"),
        ("zh-CN", "用铅笔"),
        ("en", "With a pencil"),
        ("zh-CN", "你的浏览器首选中文：看中文版"),
        ("en", "Your browser prefers English: see the English edition"),
        ("zh-CN", "中文版"),
        ("zh-CN", "用中文写成，不是译文。章节、代码、图和公式与英文版一一对应。"),
        ("zh-CN", "打开网页版"),
        ("zh-CN", "PDF，用来打印"),
        ("zh-CN", "A4 · 317"),
        ("zh-CN", "页"),
        ("zh-CN", "· 3.5 MB"),
        ("zh-CN", "EPUB，手机、平板和阅读器"),
        ("zh-CN", "700 kB"),
        ("en", "English edition"),
        (
            "en",
            "Written in English, not translated. Chapter by chapter it has the code, the "
            "figures and the formulas of the Chinese edition.",
        ),
        ("en", "EPUB for e-ink readers (formulas are drawings)"),
        ("en", "1 kB"),
        ("zh-CN", messages.of("books", "zh")["license"]),
        ("en", messages.of("books", "en")["license"]),
    ]


def test_it_leads_to_what_there_is_and_nowhere_by_itself(page):
    wanted = ["zh/html/index.html", "zh/book.pdf", "zh/book.epub", "en/ink.epub"]
    wanted += [LICENSE_URL] * 2
    assert [link for link in Texts(page).links if not link.startswith("#")] == wanted
    assert "refresh" not in page
    assert "location" not in asset("landing.js")


def test_the_edition_in_both_languages_says_everything_twice(tmp_path):
    book = dataclasses.replace(edition(), name="bilingual", languages=("zh", "en"))
    both = Offer(book, "bilingual/html/index.html")
    landing.write([both], tmp_path / "index.html")
    said = Texts((tmp_path / "index.html").read_text(encoding="utf-8")).texts
    assert said[-8:-2] == [
        ("zh-CN", "对照版"),
        ("en", "Both languages"),
        ("zh-CN", "中文一段，英文一段，左右并排；代码、输出和图只有一份。"),
        ("en", "Chinese and English, block beside block; code, outputs and figures once."),
        ("zh-CN", "打开网页版"),
        ("en", "Open the site"),
    ]


def test_an_edition_of_which_there_is_nothing_is_not_offered(tmp_path):
    landing.write([Offer(edition(lang="en"))], tmp_path / "index.html")
    assert "<section" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_what_the_page_needs_stands_beside_it(page, tmp_path):
    landing.write_assets(tmp_path / landing.FOLDER)
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
