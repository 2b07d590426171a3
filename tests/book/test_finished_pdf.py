"""The printed books, as far as pypdf sees; "make verify" looks at their glyphs as well."""

import re
from collections.abc import Iterator

import pytest
from pypdf import PdfReader

from workbook import messages
from workbook.render import index
from workbook.verify import mupdf, pdf

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


PAGES = r"\d+(?:,\s*\d+)*"


def printed_index(book, title: str) -> str:
    """The text of the index, without the heads of its pages."""
    [(_, _, first)] = [mark for mark in book.get_toc() if mark[1] == title]
    lines = [line for page in book.pages(first - 1) for line in page.get_text().splitlines()]
    return "\n".join(line for line in lines if line.strip() and line.strip() != title)


def entries(text: str, terms: list[index.Word]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The forms that count for an entry, and its pages; terms stand before the names."""
    of_terms, _, of_names = text.partition(f"\n{index.API}\n")
    for word in terms:
        shown = r"\s*".join(map(re.escape, word.shown.split()))
        if found := re.search(rf"^{shown}\s*(?<!\d)({PAGES})$", of_terms, re.M):
            yield word.forms, re.findall(r"\d+", found[1])
    for name, pages in re.findall(rf"^([a-zA-Z][\w.\u200b\n]*?)\s+({PAGES})$", of_names, re.M):
        yield (name,), re.findall(r"\d+", pages)


def flat(text: str) -> str:
    """Letters alone, wherever a line or a word was broken."""
    return re.sub(r"[\s\u200b\u00ad-]", "", text).casefold()


def begins_on(page: str, form: str, texts: dict[str, str]) -> bool:
    """Whether a word stands on a page, be it that its end is the first thing on the next."""
    here, after = texts.get(page, ""), texts.get(str(int(page) + 1), "")
    return form in here or any(
        form[:cut] in here and after.startswith(form[cut:]) for cut in range(1, len(form))
    )


def wrong_pages(texts: dict[str, str], found: list) -> list[tuple[str, str]]:
    """Every page that an entry names and that does not have the word."""
    return [
        (forms[0], page)
        for forms, pages in found
        for page in pages
        if not any(begins_on(page, flat(form), texts) for form in forms)
    ]


def test_each_page_that_the_index_names_has_the_word(subject):
    languages = subject.edition.languages
    terms = [word for lang in languages for word in index.terms(subject.root, lang)]
    labels = PdfReader(subject.pdf).page_labels
    with mupdf.opened(subject.pdf) as book:
        text = printed_index(book, messages.of("books", *languages)["index"])
        texts = {label: flat(page.get_text()) for label, page in zip(labels, book, strict=True)}
    found = list(entries(text, terms))
    assert len(found) > 300
    assert wrong_pages(texts, found) == []
    moved = [(forms, [str(int(page) + 1) for page in pages]) for forms, pages in found]
    assert len(wrong_pages(texts, moved)) > len(found) / 3, "a page further on they are wrong"
