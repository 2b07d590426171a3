"""The printed pages, measured: what runs over a margin or is left alone at a break is found."""

import datetime
import shutil
from pathlib import Path

import pytest
import typst

from workbook.render import typefaces
from workbook.render.theme import PRINT
from workbook.source.edition import Edition
from workbook.verify import layout
from workbook.verify.validator import Subject

# A page as theme/print/book.typ makes it, and two pages before it that are not looked at.
PAGE = """
#import "paper.typ": margins, paper-of
#let paper = paper-of("a4", "en")
#set page(width: paper.width, height: paper.height, binding: left, margin: margins(paper))
#set text(size: 11.5pt, font: ("Libertinus Serif", "Noto Serif SC"))
#set text(costs: (orphan: 0%, widow: 0%))
#set par(justify: true, spacing: 1em, leading: 0.7em)
#show raw: set text(font: "DejaVu Sans Mono", size: 8pt)
#let heading-like(body) = block(text(font: "Noto Sans SC", size: 16pt, body))
#let foot(body, room) = { v(1fr); block(height: room); body }
Title #pagebreak() Colophon #pagebreak()
"""
WORDS = "words that fill a line of prose and another one after it "
MANY = WORDS * 8
REST = "\n\n#pagebreak()\nWhat follows stands here.\n\nAnd so on."


@pytest.fixture
def found(tmp_path):
    """What the two validators say of a page with this body."""

    def look(body: str) -> list[str]:
        for style in PRINT.glob("*.typ"):
            shutil.copy(style, tmp_path)
        main = tmp_path / "main.typ"
        main.write_text(PAGE + body)
        (tmp_path / "book.pdf").write_bytes(
            typst.compile(main, font_paths=[typefaces.folder()], ignore_system_fonts=True)
        )
        edition = Edition(
            "en",
            ("en",),
            "T",
            "S",
            "A",
            datetime.date(2026, 1, 1),
            "book",
            Path("none.bib"),
            (),
        )
        subject = Subject(tmp_path, edition, tmp_path)
        said = [v.run(subject) for v in layout.VALIDATORS]
        return [str(problem) for finding in said for problem in finding.problems]

    return look


def test_a_good_page_has_no_fault(found):
    code = "x" * 72
    assert found(f"#heading-like[One]\n{MANY}\n\n```\n{code}\n```\n\n{MANY}{REST}") == []


def test_code_that_is_too_long_is_found(found):
    (reported,) = found(f"#box(width: 500pt, `{'x' * 90}`)\n\n{MANY}{REST}")
    assert reported.startswith("book.pdf: page 3: “xxx")
    assert reported.endswith("over the margin; shorten the line")


def test_prose_may_hang_out_by_a_comma_only(found):
    assert found(f"#h(-6pt)A word\n\n{MANY}{REST}") == []
    (reported,) = found(f"#h(-16pt)A word\n\n{MANY}{REST}")
    assert "“A word” runs 16.0 pt over the margin" in reported


def test_a_heading_at_the_foot_is_found(found):
    (reported,) = found(f"{MANY}\n\n{MANY}\n\n#v(1fr)\n#heading-like[Alone]{REST}")
    assert reported == (
        "book.pdf: page 3: the heading “Alone” ends the page; keep it with what follows"
    )


def test_a_line_that_typst_leaves_alone_is_found(found):
    """Its own rule is off here, and on in the book: what it would avoid is what we find."""
    strict = "#set text(costs: (orphan: 100%, widow: 100%))\n"
    alone = []
    for above in range(600, 660, 4):
        body = f"#v({above}pt)\nA short line.\n\n{WORDS * 6}words.\n\nThe end. {WORDS}"
        alone.append(bool(found(body)))
        assert found(strict + body) == []
    assert 1 <= sum(alone) < len(alone)


def test_a_page_that_is_left_to_one_line_is_found(found):
    (reported,) = found(f"{MANY}\n\n#pagebreak()\nAnswer (page 9){REST}")
    assert reported.startswith("book.pdf: page 4: “Answer (page 9)” stands alone on the page")
    rows = "#rect(width: 8cm, height: 4cm, stroke: 0.4pt)" * 2
    assert found(f"{MANY}\n\n#pagebreak()\n{rows}Answer (page 9){REST}") == []


def test_a_note_that_stayed_behind_is_found(found):
    """As Typst leaves it where a table with notes moves on: here by a link set by hand."""
    call = "#super(link(<note>, [1]))"
    assert found(f"{MANY}#footnote[Said here.]{REST}") == []
    assert found(f"{MANY}{call}\n\n#pagebreak()\n{MANY} #[Said overleaf.]<note>") == []
    (reported,) = found(f"{MANY}\n\n#[Said before.]<note>\n\n#pagebreak()\n{MANY}{call}{REST}")
    assert "page 4: its note stands on page 3; keep it with what calls it" in reported


SHEET = """#import "workbook.typ": workbook-card-title, workbook-cheatsheet, workbook-entry
#let card = [#workbook-card-title[Create][12.1]#workbook-entry[`torch.zeros(2, 3)`][`(2, 3)`]]
#let sheet(number, count) = workbook-cheatsheet(
  title: [#heading(level: 2)[Part #number]#label("sec-cheatsheet-" + str(number))],
  ..(card,) * count)
#heading(level: 1)[Sheets]<sec-cheatsheet>
#sheet(1, 9)
"""


def test_cheat_sheets_may_take_the_outer_margin_and_have_a_page_each(found):
    end = "#pagebreak()\n= References\n" + MANY
    assert found(f"{SHEET}#pagebreak()\n#sheet(2, 40){end}") == []
    assert found(f"{MANY}\n\n#block(width: 460pt, `{'x' * 90}`)") != []
    (crowded,) = found(f"{SHEET}#sheet(2, 9){end}")
    assert crowded == "book.pdf: page 3: 2 cheat sheets begin here; give each a page"


def test_a_cheat_sheet_that_is_no_page_is_found(found):
    (over,) = found(f"{SHEET}#pagebreak()\n{MANY}")
    assert over == (
        "book.pdf: page 3: a cheat sheet goes on overleaf; take lines off its cards"
    )
    assert "over the margin" in found(f"{SHEET}#pagebreak()\n#sheet(2, 80)")[0]
    small = SHEET.replace("`(2, 3)`", "#text(size: 7pt)[small]")
    assert found(small) == [
        "book.pdf: page 3: a cheat sheet has letters of 7.0 pt; set them in 7.5 pt"
    ]
