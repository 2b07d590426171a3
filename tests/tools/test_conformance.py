"""Our weaving gives the Markdown that real Quarto hands to pandoc.

`quarto-golden/` holds a small bilingual book that uses every construct, what Quarto 1.11
made of it on the way (`keep-md`), and the text a reader of its books sees (`rendered`).
"""

import html
import re
from functools import cache
from pathlib import Path

import pytest

from workbook.run.execute import execute
from workbook.source.chapter import read_chapter
from workbook.source.edition import Edition, read_edition
from workbook.weave import weave

GOLDEN = Path(__file__).parent / "quarto-golden"
PROJECT = GOLDEN / "project"
CHAPTERS = [
    f"{lang}/{name}"
    for lang in ("zh", "en")
    for name in ("01-tensors", "02-autograd", "03-outputs", "90-answers")
]
TARGETS = {"html": "html", "epub": "epub", "pdf": "typst"}


@cache
def chapter_and_outputs(name: str):
    chapter = read_chapter(PROJECT / "chapters" / f"{name}.qmd", PROJECT)
    return chapter, execute(chapter, {}, PROJECT) if chapter.cells else []


@cache
def edition(lang: str) -> Edition:
    return read_edition(_dated_project(), lang)


def _dated_project() -> Path:
    """The sample project has no date, which our books must have: lend it one."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="golden-"), "project")
    shutil.copytree(PROJECT, folder)
    config = folder / "_quarto.yml"
    text = config.read_text().replace("author:", "date: 2026-01-01\n  author:")
    config.write_text(text)
    return folder


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
@pytest.mark.parametrize("name", CHAPTERS)
def test_woven_markdown_is_quartos(name, fmt):
    chapter, outputs = chapter_and_outputs(name)
    entry = next(e for e in edition(name[:2]).entries if e.slug == chapter.slug)
    target = TARGETS[fmt]
    golden = GOLDEN / "keep-md" / target / "chapters" / f"{name}.{target}.md"
    woven = weave(chapter, entry, outputs, fmt, PROJECT)
    assert normalized(woven.markdown) == normalized(golden.read_text(encoding="utf-8"))


def test_normalization_hides_nothing_else():
    golden = GOLDEN / "keep-md" / "html" / "chapters" / "zh" / "01-tensors.html.md"
    text = golden.read_text(encoding="utf-8")
    for old, new in [("2 3", "2 4"), (".cell-code", ".cell"), ("#tensors-from", "#from")]:
        assert normalized(text) != normalized(text.replace(old, new, 1))


def test_every_image_that_is_named_comes_along():
    chapter, outputs = chapter_and_outputs("zh/03-outputs")
    woven = weave(chapter, edition("zh").entries[3], outputs, "epub", PROJECT)
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
    return re.findall(rf"(?:第 \d+ 章|(?:{kinds}) [A-Z\d]+(?:\.\d+)?)", plain)


@pytest.mark.parametrize("name", CHAPTERS)
def test_references_read_as_quartos(name):
    from workbook.render import crossref
    from workbook.render.numbering import plain

    lang, stem = name.split("/")
    book = edition(lang)
    pages = []
    for entry in book.entries:
        path = PROJECT / entry.path
        chapter = read_chapter(path, PROJECT)
        key = f"{lang}/{path.stem}"
        outputs = chapter_and_outputs(key)[1] if chapter.cells else []
        pages.append(weave(chapter, entry, outputs, "html", PROJECT))
    docs = crossref.number(book, pages, site=True)
    at = next(i for i, entry in enumerate(book.entries) if entry.path.stem == stem)
    links = []
    docs[at].walk(
        lambda e, _: links.append(plain(e)) if "xref" in getattr(e, "classes", []) else None
    )
    rendered = (GOLDEN / "rendered" / f"{lang}-{stem}.html.txt").read_text(encoding="utf-8")
    # Our own wish: 第 N 章 and 第 N.M 节 where Quarto says 章节 N and 小节 N.M.
    ours = {r"^章节 (\d+)$": r"第 \1 章", r"^小节 (\S+)$": r"第 \1 节"}
    expected = cross_references(rendered)
    for theirs, wish in ours.items():
        expected = [re.sub(theirs, wish, text) for text in expected]
    for link in links:
        assert link.replace("\N{NO-BREAK SPACE}", " ") in expected
    assert bool(links) == (stem != "90-answers" or bool(expected))
