"""Validators of PDF, EPUB and text: each must find what is bad, or its silence means nothing.

Those that "make verify" installs are skipped where they are not.
"""

import zipfile

import matplotlib.pyplot as plt
import pytest
import typst
from small import edition, page
from verifying import PRINTED, empty_store, needs, printed, reported

from workbook.render.epub import ebook as epub_writer
from workbook.verify import contrast, epub, pdf, pdfa, text
from workbook.verify.validator import Finding, Subject

CODE = """
#show raw: set text(fill: luma(0))
#block(fill: luma(95%), inset: 4pt, raw("x = 1", block: true))
"""


@pytest.fixture
def subject(tmp_path):
    return empty_store(tmp_path)


# --- the PDF -----------------------------------------------------------------------------


def test_a_good_pdf_passes(subject):
    finding = pdf.structure(printed(subject))
    assert (finding.figure, reported(finding)) == ("4 pages, 2 bookmarks", [])
    assert pdf.fonts(subject) == Finding("2 fonts, all embedded", [])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"en"', '"de"', "the language is de, not en"),
        ("= One", "#strong[One]", "no bookmark leads to “One”"),
        ("= One", "#hide[= One]", "page 3 does not say “One”"),
        (
            "= Two",
            "#heading(outlined: false, bookmarked: true)[Two]",
            "“Two” is not in the contents",
        ),
        (
            '#outline(title: "Contents")',
            "One . . . 7 \\\nTwo . . . 4",
            "the contents say that “One” is on 7, it is on 3",
        ),
        ("#pagebreak()\n", "#pagebreak()\n#page[]\n#page[]\n", "page 5 has no text"),
    ],
)
def test_a_bad_pdf_is_found_out(subject, old, new, expected):
    assert expected in reported(pdf.structure(printed(subject, old, new)))


def test_a_pdf_without_tags_is_found_out(subject):
    subject.pdf.write_bytes(typst.compile(PRINTED.encode(), pdf_tags=False))
    assert reported(pdf.structure(subject)) == ["the document is not tagged"]


def test_a_font_that_is_not_embedded_is_found_out(subject):
    with plt.rc_context({"pdf.use14corefonts": True}):
        figure = plt.figure()
        figure.text(0, 0, "Text")
        figure.savefig(subject.pdf)
        plt.close(figure)
    finding = pdf.fonts(subject)
    assert finding.figure == "1 font, 1 not embedded"
    assert reported(finding) == ["the font Helvetica is not embedded"]


def test_tofu_is_found_out(subject):
    needs(*pdf.VALIDATORS)
    assert reported(pdf.glyphs(printed(subject))) == []
    finding = pdf.glyphs(printed(subject, "Text.", "Text 张."))
    assert finding.figure.startswith("2 tofu of")
    assert reported(finding) == [
        "page 3: LibertinusSerif-Regular draws 1 box",
        "page 4: LibertinusSerif-Regular draws 1 box",
    ]


@pytest.mark.slow
def test_verapdf_passes_an_accessible_pdf_and_finds_what_others_lack(tmp_path):
    needs(*pdfa.VALIDATORS)
    source = PRINTED.replace("#set text", '#set document(title: "T")\n#set text')
    good, bad = (empty_store(tmp_path / name) for name in ("good", "bad"))
    for each in (good, bad):
        each.pdf.write_bytes(typst.compile(source.encode(), pdf_standards=["a-2a", "ua-1"]))
    untagged = bad.pdf.with_stem(f"{bad.pdf.stem}-b5")
    untagged.write_bytes(typst.compile(PRINTED.encode(), pdf_tags=False))

    passed, failed = pdfa.verapdf([good, bad])
    assert passed.problems == []
    assert passed.figure.startswith("ua1 and 2a, ")
    assert {problem.where.path for problem in failed.problems} == {bad.shown(untagged)}
    for start in ("ua1 6.2-1", "2a 6.7.2.2-1"):
        assert any("MarkInfo" in each for each in reported(failed) if each.startswith(start))


def test_pale_code_is_found_out(subject):
    needs(*contrast.VALIDATORS[:1])
    finding = contrast.printed(printed(subject, source=CODE))
    assert finding == Finding("18.71 or more, 1 color", [])
    finding = contrast.printed(printed(subject, "luma(0)", 'rgb("#4f94cd")', CODE))
    assert reported(finding) == ["code has a contrast of 2.90 in greyscale (page 1)"]
    assert reported(contrast.printed(printed(subject))) == ["no code was found"]


# --- the EPUB ----------------------------------------------------------------------------


def epubs(subject: Subject, old: bytes = b"", new: bytes = b"") -> Subject:
    """The subject with both of its EPUBs, in the pages of which something is replaced."""
    pages = [
        page("one", "1", "# One {#sec-one}\n\n![Line](a.svg){#fig-one-a fig-alt='A line'}\n",
             a_svg=b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"></svg>'),
        page("two", "2", "# Two\n\n[@sec-one]\n"),
    ]  # fmt: skip
    for path in subject.epubs:
        epub_writer.write(edition(*pages, lang="en"), pages, path, eink="eink" in path.name)
        with zipfile.ZipFile(path) as book:
            files = {info: book.read(info) for info in book.infolist()}
        assert any(old in data for data in files.values())
        with zipfile.ZipFile(path, "w") as book:
            for info, data in files.items():
                book.writestr(info, data.replace(old, new) if old else data)
    return subject


@pytest.mark.slow
def test_a_broken_epub_is_found_out(tmp_path):
    needs(epub.VALIDATORS[0])
    good = epubs(empty_store(tmp_path / "good"))
    bad = epubs(empty_store(tmp_path / "bad"), b"#sec-one", b"#sec-nowhere")
    passed, failed = epub.epubcheck([good, bad])
    assert passed == Finding("0 messages, 2 books", [])
    for name in ("workbook-en.epub", "workbook-en-eink.epub"):
        assert any("RSC-012" in str(p) and f"{name}/EPUB/" in str(p) for p in failed.problems)


@pytest.mark.slow
def test_an_epub_that_shuts_readers_out_is_found_out(subject):
    needs(epub.VALIDATORS[1])
    assert epub.ace(epubs(subject)) == Finding("0 violations, 2 books", [])
    finding = epub.ace(epubs(subject, b'alt="A line" ', b""))
    assert finding.figure == "2 violations, 2 books"
    assert [str(problem).split(" src=")[0] for problem in finding.problems] == [
        f"_book/en/workbook-en{kind}.epub/text/ch001.xhtml: critical image-alt: <img"
        for kind in ("", "-eink")
    ]


# --- the text ----------------------------------------------------------------------------


def test_a_misspelled_word_is_found_out(subject):
    needs(text.VALIDATORS[0])
    slip = "the".replace("he", "eh")  # or this file would be found out, too
    (subject.root / "chapters/one.qmd").write_text(f"# One\n\nA {slip} tensor.\n")
    finding = text.codespell(subject)
    assert finding.figure == "1 slip in 2 files"
    assert str(finding.problems[0]).startswith(f"chapters/one.qmd:3: “{slip}” is misspelled; ")


def test_badly_set_chinese_is_found_out(subject):
    needs(text.VALIDATORS[1])
    chapter = "# 一\n\n用 `x` 表示张量，好。\n\n```{python}\n#| label: a\nx = 1  # 张量x\n```\n"
    (subject.root / "chapters/one.qmd").write_text(chapter + "\n好,用pytorch。\n")
    said = subject.root / "src/workbook/messages/zh-en.yml"
    said.parent.mkdir(parents=True)
    said.write_text("a:\n  zh: 见[@{section}]。\n  en: See [@{section}].\nb:\n  zh: 不是YAML\n")
    found = [str(p) for p in text.autocorrect(subject).problems]
    assert found == [
        "chapters/one.qmd:7: “# 张量x”; write “# 张量 x”",
        "chapters/one.qmd:10: “好,用pytorch。”; write “好，用 pytorch。”",
        "src/workbook/messages/zh-en.yml:5: “zh: 不是YAML”; write “zh: 不是 YAML”",
    ]
