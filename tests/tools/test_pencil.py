"""The measures for whoever holds a pencil: each must find what it is there to find."""

import datetime
import shutil
from pathlib import Path

import pytest
import typst

from workbook.render.theme import PRINT
from workbook.render.typefaces import folder as fonts
from workbook.source.edition import Edition
from workbook.verify import pencil
from workbook.verify.validator import Subject

# Pages as theme/print/book.typ makes them: the title and the colophon are not looked at, and
# a page without a running head opens a chapter.
PAGES = """
#import "paper.typ": margins, paper-of
#let paper = paper-of("a4", "en")
#set page(width: paper.width, height: paper.height, binding: left, margin: margins(paper),
  header: context if here().page() > 3 [Head])
#set text(size: 11pt, font: ("Libertinus Serif", "Noto Serif SC"))
#let title(n) = { line(length: 100%, stroke: 0.8pt); v(-6pt); [Exercise~4.#n Boxes] }
#let squares(n) = for _ in range(n) {
  block(above: 0pt, below: 0pt, line(length: 100%, stroke: 0.4pt + luma(75%)))
  v(5mm, weak: false)
}
#let words = ([Words],) * 40
#let text-of(height) = block(above: 0pt, height: height, stack(spacing: 1fr, ..words))
Title #pagebreak() Colophon #pagebreak()
"""
END = "#pagebreak()\n#text-of(9cm)"


@pytest.fixture
def subject(tmp_path):
    """A book with these pages, the first of which is page 3."""

    def made(*pages: str) -> Subject:
        for style in PRINT.glob("*.typ"):
            shutil.copy(style, tmp_path)
        main = tmp_path / "main.typ"
        main.write_text(PAGES + "\n#pagebreak()\n".join(pages))
        (tmp_path / "book.pdf").write_bytes(
            typst.compile(main, font_paths=[fonts()], ignore_system_fonts=True)
        )
        date = datetime.date(2026, 1, 1)
        edition = Edition("en", ("en",), "T", "S", "A", date, "book", Path("none.bib"), ())
        return Subject(tmp_path, edition, tmp_path)

    return made


WHOLE = "#text-of(24.4cm)"
QUESTION = "#text-of(20cm)\n#title(1)\nWhat is it?"
ROOM = "#squares(40)"


def said(finding):
    return [str(problem) for problem in finding.problems]


def test_room_on_the_page_of_its_question_is_good(subject):
    finding = pencil.room(subject(WHOLE, "#title(1)\nWhat is it?\n#squares(8)"))
    assert finding.figure == "1 exercise: 1 on a page, 0 on an opening, 0 over a leaf"
    assert said(finding) == []


def test_room_on_the_facing_page_is_good(subject):
    finding = pencil.room(subject(WHOLE, QUESTION, ROOM))
    assert finding.figure == "1 exercise: 0 on a page, 1 on an opening, 0 over a leaf"
    assert said(finding) == []


def test_room_overleaf_is_found(subject):
    finding = pencil.room(subject(QUESTION, ROOM))
    assert said(finding) == [
        "book.pdf: page 3: the room of Exercise 4.1 ends on page 4; keep it within one opening"
    ]


def test_room_belongs_to_the_exercise_before_it_and_to_its_chapter(subject):
    book = subject(WHOLE, QUESTION, "#squares(9)\n#title(2)\nAnd this?\n#squares(9)")
    assert [each.kind for each in pencil.placed(list(pencil.sheets(book)))] == [
        "opening",
        "page",
    ]
    opens = "#set page(header: none)\n#squares(9)"
    assert list(pencil.placed(list(pencil.sheets(subject(WHOLE, QUESTION, opens))))) == []


def test_an_empty_foot_is_found(subject):
    assert pencil.foot(subject(WHOLE, WHOLE, WHOLE)).figure == "0 of 3 pages over 10% empty"
    (fault,) = said(pencil.foot(subject(WHOLE, "#text-of(18.5cm)", WHOLE)))
    assert fault == (
        "book.pdf: page 4: 24% of its height is empty; let what follows move up, or break"
    )


def test_notes_and_figures_at_the_foot_hide_no_hole(subject):
    note = "#text-of(16cm)#footnote[Said below.]"
    assert len(said(pencil.foot(subject(WHOLE, note, WHOLE)))) == 1
    figure = "#text-of(12cm)\n#place(bottom, rect(width: 9cm, height: 4cm))"
    assert len(said(pencil.foot(subject(WHOLE, figure, WHOLE)))) == 1


def test_a_chapter_may_end_where_it_ends(subject):
    last = "#text-of(4cm)"
    assert said(pencil.foot(subject(WHOLE, last, f"#set page(header: none)\n{WHOLE}"))) == []
