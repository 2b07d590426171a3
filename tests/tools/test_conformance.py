"""Our weaving gives the Markdown that real Quarto hands to pandoc.

`quarto-golden/` holds two small bilingual books that use every construct (`project`, and
`whole` with parts and appendices), what Quarto 1.11 made of them on the way (`keep-md`), and
the text a reader of its books sees (`rendered`).
"""

import html
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from workbook.render.theme import ROOT
from workbook.run.execute import execute
from workbook.source.chapter import read_chapter
from workbook.source.edition import Edition, read_edition
from workbook.weave import weave

GOLDEN = Path(__file__).parent / "quarto-golden"
KEPT = {"project": GOLDEN, "whole": GOLDEN / "whole"}  # where what Quarto made of each stands
PROJECT = "project"
CHAPTERS = [
    (book, f"{lang}/{name}")
    for book, names in (
        (PROJECT, ("01-tensors", "02-autograd", "03-outputs", "90-answers")),
        ("whole", ("01-boxes", "02-steps")),
    )
    for lang in ("zh", "en")
    for name in names
]
PAGES = [*CHAPTERS, *(("whole", f"{lang}/{name}") for lang in ("zh", "en") for name in (
    "03-end", "90-answers", "91-glossary", "92-claims", "94-cheatsheet"))]  # fmt: skip
TARGETS = {"html": "html", "epub": "epub", "pdf": "typst"}


@cache
def root(book: str) -> Path:
    """A sample book with all that it needs: a date, or the configuration of the book itself."""
    folder = Path(tempfile.mkdtemp(prefix="golden-"), book)
    shutil.copytree(GOLDEN / book, folder)
    config = folder / "_quarto.yml"
    if not config.exists():
        shutil.copy(ROOT / "_quarto.yml", folder)
        shutil.copy(ROOT / "references.bib", folder)
    config.write_text(config.read_text().replace("author:", "date: 2026-01-01\n  author:"))
    return folder


@cache
def chapter_and_outputs(book: str, name: str):
    chapter = read_chapter(root(book) / "chapters" / f"{name}.qmd", root(book))
    return chapter, execute(chapter, {}, root(book)) if chapter.cells else []


@cache
def edition(book: str, lang: str) -> Edition:
    return read_edition(root(book), lang)


def normalized(markdown: str) -> str:
    """Take away what differs for a reason, and only that."""
    # Figures: we write one SVG for all formats, Quarto PNG with its size for HTML and EPUB,
    # in a folder for each format.
    markdown = re.sub(r"(_files/figure)(?:-\w+)?(/[\w-]+)\.(?:png|svg)", r"\1\2", markdown)
    markdown = re.sub(r"(\{#[\w-]+) width=\d+ height=\d+", r"\1", markdown)
    # The kernel's temporary file: a stand-in in the samples, <cell> in ours.
    markdown = markdown.replace("KERNEL_CELL.py:", "<cell>:")
    # Tracebacks in HTML: Quarto colors them, we do not, since the filter keeps only the
    # last line. What they say must agree.
    return re.sub(r"<pre>.*?</pre>", _plain, markdown, flags=re.S)


def _plain(found: re.Match) -> str:
    return html.unescape(re.sub(r"</?span[^>]*>", "", found[0]))


@pytest.mark.parametrize("fmt", TARGETS)
@pytest.mark.parametrize(("book", "name"), CHAPTERS)
def test_woven_markdown_is_quartos(book, name, fmt):
    chapter, outputs = chapter_and_outputs(book, name)
    entry = next(e for e in edition(book, name[:2]).entries if e.slug == chapter.slug)
    target = TARGETS[fmt]
    golden = KEPT[book] / "keep-md" / target / "chapters" / f"{name}.{target}.md"
    woven = weave(chapter, entry, outputs, fmt, root(book))
    assert normalized(woven.markdown) == normalized(golden.read_text(encoding="utf-8"))


def test_normalization_hides_nothing_else():
    golden = GOLDEN / "keep-md" / "html" / "chapters" / "zh" / "01-tensors.html.md"
    text = golden.read_text(encoding="utf-8")
    for old, new in [("2 3", "2 4"), (".cell-code", ".cell"), ("#tensors-from", "#from")]:
        assert normalized(text) != normalized(text.replace(old, new, 1))


def test_every_image_that_is_named_comes_along():
    chapter, outputs = chapter_and_outputs(PROJECT, "zh/03-outputs")
    woven = weave(chapter, edition(PROJECT, "zh").entries[3], outputs, "epub", root(PROJECT))
    named = re.findall(r"!\[.*?\]\(([^)]+)\)", woven.markdown)
    assert sorted(woven.files) == sorted(named)
    assert all(content.lstrip().startswith(b"<") for content in woven.files.values())


# --- numbers and labels of cross references ------------------------------------------


def cross_references(text: str) -> list[str]:
    """Every `图 1.1`, `Figure 1.1` … that a reader sees, in order, spaces made plain."""
    kinds = (
        "图|表|式|习题|小节|章节|附录|Figure|Table|Equation|Exercise|Section|Chapter|Appendix"
    )
    plain = text.replace("\N{NO-BREAK SPACE}", " ")
    return re.findall(rf"(?:第 [A-Z\d.]+ [章节]|(?:{kinds}) [A-Z\d]+(?:\.\d+)?)", plain)


@pytest.mark.parametrize(("book", "name"), PAGES)
def test_references_read_as_quartos(book, name):
    from workbook.render import crossref
    from workbook.render.elements import plain_text

    lang, stem = name.split("/")
    pages = []
    for entry in edition(book, lang).entries:
        chapter = read_chapter(root(book) / entry.path, root(book))
        key = f"{lang}/{entry.path.stem}"
        outputs = chapter_and_outputs(book, key)[1] if chapter.cells else []
        pages.append(weave(chapter, entry, outputs, "html", root(book)))
    docs = crossref.number(edition(book, lang), pages, site=True)
    entries = edition(book, lang).entries
    at = next(i for i, entry in enumerate(entries) if entry.path.stem == stem)
    links = []
    docs[at].walk(
        lambda e, _: (
            links.append(plain_text(e)) if "xref" in getattr(e, "classes", []) else None
        )
    )
    page = KEPT[book] / "rendered" / f"{lang}-{stem}.html.txt"
    expected = cross_references(page.read_text(encoding="utf-8"))
    if book == PROJECT:
        # Our own wish, which labels.lua tells Quarto today: 第 N 章 and 第 N.M 节 where it says
        # 章节 N and 小节 N.M by itself.
        ours = {r"^章节 (\d+)$": r"第 \1 章", r"^小节 (\S+)$": r"第 \1 节"}
        for theirs, wish in ours.items():
            expected = [re.sub(theirs, wish, text) for text in expected]
    for link in links:
        if link not in ("答案", "Answer"):
            assert link.replace("\N{NO-BREAK SPACE}", " ") in expected
    assert bool(links) == (stem not in ("90-answers", "03-end") or bool(expected))
