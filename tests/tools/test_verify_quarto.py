"""Both engines' books side by side, on extracts of what they made of one chapter."""

import shutil
from pathlib import Path

import pytest

from workbook.source.edition import read_edition
from workbook.verify import quarto
from workbook.verify.validator import Subject

EXTRACTS = Path(__file__).parent / "quarto-golden" / "beside"


def extract(lang: str, engine: str) -> str:
    return (EXTRACTS / f"{lang}-{engine}.html").read_text(encoding="utf-8")


def told(ours: str, theirs: str) -> list[str]:
    return [str(d) for d in quarto.differences(quarto.reading(ours), quarto.reading(theirs))]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_two_engines_agree_on_a_chapter(lang):
    ours, theirs = (quarto.reading(extract(lang, engine)) for engine in ("ours", "quarto"))
    found = {kind: len(ours[kind]) for kind in quarto.KINDS}
    assert found == {
        "headings": 2, "captions": 2, "exercises": 1, "references": 3, "links": 1,
        "code": 2, "outputs": 1, "words": found["words"],
    }  # fmt: skip
    assert found["words"] > 30
    assert list(quarto.differences(ours, theirs)) == []


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("headings", '<span class="header-section-number">4.1</span>', "<span>4.2</span>"),
        ("captions", "4.1: 常用数据类型", "4.9: 常用数据类型"),
        ("exercises", "(用铅笔找格子 ★)", "(用铅笔找格子 ★★)"),
        ("references", 'href="05-autograd.html"', 'href="06-nn.html"'),
        ("references", "第 <span>5</span> 章", "章节 <span>5</span>"),
        ("links", "#ref-paszke2019pytorch", "#ref-nobody"),
        ("code", "x.numel()", "x.nelement()"),
        ("outputs", "torch.float32 cpu</code>", "torch.float64 cpu</code>"),
        ("words", "一概称为张量<span", "一概称为张量 <span"),
    ],
)
def test_each_kind_of_difference_is_told(kind, old, new):
    theirs = extract("zh", "quarto").replace("\N{NO-BREAK SPACE}", " ")
    assert old in theirs, "the extract has what is changed"
    found = told(extract("zh", "ours"), theirs.replace(old, new, 1))
    assert any(line.startswith(f"{kind}: ours “") for line in found), found


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ('<h1><span class="chapter-number">A</span> 附录 — 答案</h1>',
         '<h1><span class="number">附录 A</span> 答案</h1>'),
        ("<h1>Appendix A — Answers</h1>",
         '<h1><span class="number">Appendix A</span> Answers</h1>'),
        ('<p><span id="eq-a"><math><mi>y</mi></math>(4.1)</span></p>',
         '<div class="equation"><math><mi>y</mi></math>\n<p>(4.1)</p>\n</div>'),
    ],
)  # fmt: skip
def test_what_the_engines_write_in_their_own_way_is_no_difference(theirs, ours):
    assert told(f"<main>{ours}</main>", f"<main>{theirs}</main>") == []


def test_a_stream_in_pieces_is_one_output():
    piece = '<div class="cell-output"><pre><code>{}</code></pre></div>'
    cell = '<main><div class="cell">{}</div></main>'
    whole = cell.format(piece.format("a\nb"))
    assert told(whole, cell.format(piece.format("a") + piece.format("b"))) == []


# --- the validator ---------------------------------------------------------------------


@pytest.fixture
def subject(tiny, monkeypatch):
    monkeypatch.setenv("PATH", "")
    edition = read_edition(tiny.root, "zh")
    return Subject(tiny.root, edition, tiny.root / "_book" / "zh")


def test_without_quarto_there_is_nothing_to_compare_and_no_fault(subject):
    finding = quarto.compare(subject)
    assert finding.figure == "Quarto is not installed: nothing to compare"
    assert finding.problems == ()


def pages(subject, engine: str, text: str) -> None:
    """One page of each chapter, as the engine names its files."""
    for entry in subject.edition.entries:
        there = {
            "ours": subject.html / f"{entry.slug}.html",
            "quarto": subject.root / "_book/quarto/zh" / quarto._page(entry),
        }[engine]
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text(text, encoding="utf-8")


def test_pages_are_paired_and_missing_books_named(subject):
    pages(subject, "ours", extract("zh", "ours"))
    pages(subject, "quarto", extract("zh", "quarto").replace("常用数据类型", "数据类型"))
    finding = quarto.compare(subject)
    count = len([each for each in subject.edition.entries if each.slug != "answers"])
    assert finding.figure == f"html {count} different"
    lines = [str(problem) for problem in finding.problems]
    assert sum("captions: ours “" in line for line in lines) == count
    assert any("tiny-zh.epub is not there; run make book" in line.replace(": ", " ")
               for line in lines)  # fmt: skip
    assert any("run workbook build --engine quarto" in line for line in lines)


def test_a_book_that_quarto_has_not_made_is_a_fault_where_others_are(subject):
    pages(subject, "quarto", extract("zh", "quarto"))
    shutil.rmtree(subject.html, ignore_errors=True)
    lines = [str(problem) for problem in quarto.compare(subject).problems]
    assert "_book/zh/html: is not there; run make book" in lines


NOTE = """<div class="callout"><div class="callout-title"><p><strong>提示</strong></p></div>
<div class="callout-content"><p>想。</p></div></div>"""


def test_in_an_epub_hints_may_stand_elsewhere():
    ours = '<body><p>数。</p><section id="sec-hints"><h1>提示</h1><p>想。</p></section></body>'
    hint = f'<div class="theorem exercise">{NOTE}</div>'
    readings = [
        quarto.reading(page, quarto.without_hints)
        for page in (ours, f"<body><p>数。</p>{hint}</body>", f"<body><p>数。</p>{NOTE}</body>")
    ]
    assert list(quarto.differences(*readings[:2])) == []
    assert list(quarto.differences(readings[0], readings[2])) != []


def test_on_the_home_page_a_chapter_may_have_another_name():
    ours = '<main><p>读<a class="xref" href="tensors.html#sec-tensors">第 4 章</a>。</p></main>'
    theirs = '<main><p>读<a class="quarto-xref" href="FILE"><b>4</b> 张量</a>。</p></main>'
    named = [
        quarto.reading(page, quarto.with_chapters_by_name)
        for page in (
            ours,
            theirs.replace("FILE", "chapters/zh/04-tensors.html"),
            theirs.replace("FILE", "chapters/zh/06-nn.html"),
        )
    ]
    assert list(quarto.differences(*named[:2])) == []
    assert len(list(quarto.differences(named[0], named[2]))) == 2, "words and reference"
