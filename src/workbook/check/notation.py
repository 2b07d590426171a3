"""Rules over the list of notation: each symbol stands where the list says."""

from __future__ import annotations

from collections.abc import Iterator

from workbook.check.files import Sources
from workbook.derive import notation
from workbook.problem import BookError, Problem, problem
from workbook.source.inline import generated


def symbols_stand(book: Sources) -> Iterator[Problem]:
    """A symbol of the list is in a formula of the section that it names, in both languages."""
    if not (book.root / notation.PATH).is_file():
        return
    try:
        groups = notation.read_notation(book.root)
    except BookError:
        return  # terms.data tells why
    for lang, chapters in book.chapters.items():
        written = [chapter for chapter in chapters if not generated(chapter)]
        places = {k: v for chapter in written for k, v in notation.sections(chapter).items()}
        for symbol in (symbol for group in groups for symbol in group.symbols):
            if symbol.section not in places:
                hidden = any(symbol.section.startswith(f"sec-{s}") for s in book.unread)
                if not hidden:
                    what = f"{symbol.section} is no section of the {lang} chapters"
                    yield problem(notation.PATH, symbol.line, what, "name one that is")
            elif not notation.stands_in(symbol.symbol, places[symbol.section]):
                what = f"no formula of {symbol.section} has ${symbol.symbol}$ ({lang})"
                remedy = "name the section that brings it in, or write it as there"
                yield problem(notation.PATH, symbol.line, what, remedy)
