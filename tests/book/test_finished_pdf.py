"""The printed books, as far as pypdf sees; "make verify" looks at their glyphs as well."""

import pytest
from pypdf import PdfReader

from workbook.verify import pdf

pytestmark = pytest.mark.slow


def test_language_tags_bookmarks_contents_and_pages_are_right(subject):
    assert pdf.structure(subject).problems == []


def test_every_font_is_embedded(subject):
    assert pdf.fonts(subject).problems == []


def test_the_outline_has_every_chapter_in_order(subject):
    titles = pdf.titles(subject)
    marks = pdf.Printed(subject.pdf).bookmarks
    places = [next(n for n, mark in enumerate(marks) if mark.opens(t)) for t in titles]
    assert places == sorted(places)
    assert len(places) == len(subject.edition.entries)


def test_the_book_says_who_made_it_and_when(subject):
    reported = PdfReader(subject.pdf).metadata
    assert reported.title == subject.edition.title
    assert reported.author == subject.edition.author
    assert reported.creation_date.date() == subject.edition.date
