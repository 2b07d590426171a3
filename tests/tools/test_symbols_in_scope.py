"""No name of ours stands where a formula would take it for a symbol: `parallel` is ∥."""

import json
import re
from dataclasses import replace

import pytest
import typst
from small import edition, page

from workbook.render import pdf
from workbook.source.edition import bilingual

PRINT = pdf.PRINT
_IMPORT = re.compile(r'#import "([\w./-]+)"(?:: ?(.+))?')
_LET = re.compile(r"^#let ([\w-]+)", re.M)
_SYMBOLS = "#metadata((..dictionary(sym).keys(), ..dictionary(math).keys())) <names>"


def symbols() -> set[str]:
    found = json.loads(typst.query(_SYMBOLS.encode(), "<names>", field="value", one=True))
    assert {"parallel", "alpha", "frac"} <= set(found)
    return set(found)


def in_scope(preamble: str) -> set[str]:
    """The names that the text of a document may use after these lines."""
    names = set(_LET.findall(preamble))
    for path, listed in _IMPORT.findall(preamble):
        if listed == "*":
            names |= in_scope((PRINT / path).read_text(encoding="utf-8"))
        else:
            given = [each.split(" as ")[-1].strip() for each in listed.split(",")]
            names |= {*given} - {""} or {path.removesuffix(".typ")}
    return names


@pytest.mark.parametrize("paper", ["a4", "b5"])
def test_no_name_is_a_symbol(paper):
    one = page("one", "1", "# T\n\nText.\n")
    zh, en = (replace(edition(one), name=lang, languages=(lang,)) for lang in ("zh", "en"))
    book = replace(bilingual(zh, en), paper=paper)
    names = in_scope(pdf.opened(book, "workbook-book", ""))
    assert {"forms", "workbook-pair", "workbook-index"} <= names
    assert not names & symbols()
