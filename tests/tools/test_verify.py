"""The validators: each must find what is bad, or its silence means nothing.

Those that "make verify" installs are skipped where they are not.
"""

import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import typst
from click.testing import CliRunner
from small import SVG, edition, page

from workbook import verify
from workbook.cli import main
from workbook.render import epub as epub_writer
from workbook.verify import epub, pdf, site, text
from workbook.verify.validator import Finding, Missing, Subject, Validator

PRINTED = """
#set text(lang: "en")
#set page(width: 9cm, height: 9cm, numbering: "1")
#outline(title: "Contents")
#pagebreak(to: "odd")
= One
Text.
#pagebreak()
= Two
Text.
"""
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>T</title>
<meta http-equiv="Content-Security-Policy" content="img-src file:; script-src file:">
<meta name="viewport" content="width=device-width"><link rel="icon" href="a.svg"></head>
<body><p id="here">Text</p>BODY</body></html>"""


@pytest.fixture
def subject(tmp_path):
    """An English edition of two chapters, without its books."""
    pages = [page("one", "1", "# One\n"), page("two", "2", "# Two\n")]
    for each in pages:
        path = tmp_path / each.entry.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(each.markdown)
    folder = tmp_path / "_book" / "en"
    (folder / "html").mkdir(parents=True)
    return Subject(tmp_path, edition(*pages, lang="en"), folder)


def printed(subject: Subject, old: str = "", new: str = "") -> Subject:
    """The subject with its PDF, of which something is replaced."""
    assert old in PRINTED
    content = typst.compile(PRINTED.replace(old, new).encode(), ignore_system_fonts=True)
    subject.pdf.write_bytes(content)
    return subject


def told(finding: Finding) -> list[str]:
    return [problem.what for problem in finding.problems]


def needs(*validators: Validator) -> None:
    for validator in validators:
        try:
            validator.version()
        except Missing as missing:
            pytest.skip(f"{missing} is not installed; make verify installs it")


# --- the table ---------------------------------------------------------------------------


def lacking() -> str:
    raise Missing("gauge")


def measure(good: bool):
    fault = verify.problem("book.pdf", 3, "is crooked", "straighten it")
    return lambda subject: Finding(f"{subject.edition.lang} seen", [] if good else [fault])


def verdicts(tiny, *validators: Validator) -> list[tuple[str, list[str]]]:
    found = verify.verify(tiny.root, tiny.root / "_book", validators)
    return [(" ".join(str(v).split()), [str(p) for p in v.finding.problems]) for v in found]


def test_each_edition_has_a_line_that_says_what_was_measured(tiny):
    ruler = Validator("ruler", "text", lambda: "1.2", measure(good=True))
    level = Validator("level", "text", lambda: "3", measure(good=False), ("en",))
    assert verdicts(tiny, ruler, level) == [
        ("ruler 1.2 zh zh seen good", []),
        ("ruler 1.2 en en seen good", []),
        ("level 3 en en seen BAD", ["book.pdf:3: is crooked; straighten it"]),
    ]


def test_a_missing_validator_fails_and_says_how_to_install_it(tiny):
    gauge = Validator("gauge", "text", lacking, measure(good=True), ("zh",))
    assert verdicts(tiny, gauge) == [
        (
            "gauge not installed zh nothing validated BAD",
            ["gauge: gauge is not installed; run make verify, which installs it"],
        )
    ]


def test_a_book_that_is_not_there_fails(tiny):
    ruler = Validator("ruler", "pdf", lambda: "1.2", measure(good=True), ("zh",))
    assert verdicts(tiny, ruler) == [
        ("ruler 1.2 zh no book BAD", ["_book/zh/tiny-zh.pdf: is not there; run make book"])
    ]


def test_validators_have_names_of_their_own():
    names = [validator.name for validator in verify.VALIDATORS]
    assert sorted(set(names)) == sorted(names)


def test_the_command_prints_the_table_and_fails_with_the_problems(tiny, monkeypatch):
    monkeypatch.chdir(tiny.root)
    result = CliRunner().invoke(main, ["verify", "--output", str(tiny.root / "shelf")])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].split() == list(verify.HEADINGS)
    assert len(lines) - 1 == sum(len(each.languages) for each in verify.VALIDATORS)
    assert "shelf/en/tiny-en.pdf: is not there; run make book" in result.stderr.splitlines()


# --- the PDF -----------------------------------------------------------------------------


def test_a_good_pdf_passes(subject):
    finding = pdf.structure(printed(subject))
    assert (finding.figure, told(finding)) == ("4 pages, 2 bookmarks", [])
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
    assert expected in told(pdf.structure(printed(subject, old, new)))


def test_a_pdf_without_tags_is_found_out(subject):
    subject.pdf.write_bytes(typst.compile(PRINTED.encode(), pdf_tags=False))
    assert told(pdf.structure(subject)) == ["the document is not tagged"]


def test_a_font_that_is_not_embedded_is_found_out(subject):
    with plt.rc_context({"pdf.use14corefonts": True}):
        figure = plt.figure()
        figure.text(0, 0, "Text")
        figure.savefig(subject.pdf)
        plt.close(figure)
    finding = pdf.fonts(subject)
    assert finding.figure == "1 font, 1 not embedded"
    assert told(finding) == ["the font Helvetica is not embedded"]


def test_tofu_is_found_out(subject):
    needs(*pdf.VALIDATORS)
    assert told(pdf.glyphs(printed(subject))) == []
    finding = pdf.glyphs(printed(subject, "Text.", "Text 张."))
    assert finding.figure.startswith("2 tofu of")
    assert told(finding) == [
        "page 3: LibertinusSerif-Regular draws 1 box",
        "page 4: LibertinusSerif-Regular draws 1 box",
    ]


# --- the EPUB ----------------------------------------------------------------------------


def test_a_broken_epub_is_found_out(subject):
    needs(*epub.VALIDATORS)
    pages = [page("one", "1", "# One {#sec-one}\n"), page("two", "2", "# Two\n\n[@sec-one]\n")]
    epub_writer.write(edition(*pages, lang="en"), pages, subject.epub)
    assert epub.epubcheck(subject) == Finding("0 messages", [])
    with zipfile.ZipFile(subject.epub) as book:
        files = {info: book.read(info) for info in book.infolist()}
    with zipfile.ZipFile(subject.epub, "w") as book:
        for info, data in files.items():
            book.writestr(info, data.replace(b"#sec-one", b"#sec-nowhere"))
    found = epub.epubcheck(subject).problems
    assert any("RSC-012" in str(p) and "workbook-en.epub/EPUB/" in str(p) for p in found)


# --- the site ----------------------------------------------------------------------------


def shown(subject: Subject, body: str) -> Subject:
    (subject.html / "a.svg").write_bytes(SVG)
    (subject.html / "one.html").write_text(PAGE.replace("BODY", body))
    return subject


def test_a_broken_link_or_anchor_is_found_out(subject):
    needs(site.VALIDATORS[0])
    assert site.lychee(shown(subject, '<a href="one.html#here">a</a>')).problems == []
    body = '<a href="one.html#there">a</a>\n<a href="../../zh/html/one.html">b</a>'
    finding = site.lychee(shown(subject, body))
    assert finding.figure == "2 broken of 3 links"
    assert sorted(str(p) for p in finding.problems) == [
        "_book/en/html/one.html:4: broken link to _book/en/html/one.html#there; mend it",
        "_book/en/html/one.html:5: broken link to _book/zh/html/one.html; mend it",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<img src="a.svg" alt="">', ""),
        ("<pre style='overflow: auto'>" + "x" * 900 + "</pre>", ""),
        (
            '<link rel="stylesheet" href="http://localhost:9/a.css">',
            "asks for http://localhost",
        ),
        ('<img src="../other.svg" alt="">', "asks for file://"),
        ('<img src="none.svg" alt="">', "cannot get file://"),
        ("<script>1</script>", "Content Security Policy"),
        ('<script src="bad.js"></script>', "script error: "),
        ("<p class='wide' style='width: 400px'>W</p>", "is wider than 360 px: 408 px, p.wide"),
    ],
)
def test_a_bad_page_is_found_out(subject, body, expected):
    needs(site.VALIDATORS[1])
    (subject.html / "bad.js").write_text("throw new Error('no');")
    found = "\n".join(told(site.browser(shown(subject, body))))
    assert expected in found if expected else found == ""


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
    found = [str(p) for p in text.autocorrect(subject).problems]
    assert found == [
        "chapters/one.qmd:7: “# 张量x”; write “# 张量 x”",
        "chapters/one.qmd:10: “好,用pytorch。”; write “好，用 pytorch。”",
    ]


def test_every_exception_has_its_reason():
    known = [*text.exceptions("codespell").items(), *text.exceptions("autocorrect").items()]
    assert known
    assert all(isinstance(reason, str) and len(reason) > 9 for _, reason in known)


def test_the_package_holds_the_exceptions():
    assert text.EXCEPTIONS.is_relative_to(Path(verify.__file__).parent)
