"""The cheat sheet: what is refused in its data, what is run, one page on every paper."""

import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from workbook.derive import cheatsheet
from workbook.derive.cheatsheet import PATH, read_cheatsheet, results
from workbook.problem import BookError
from workbook.render import pdf
from workbook.source.edition import EDITIONS, PAPERS, Edition, Entry, read_edition
from workbook.weave import Woven

ROOT = Path(__file__).parents[2]
DATA = """\
- card: {zh: 建, en: Create}
  section: sec-one
  rule: {zh: 一条规则。, en: One rule.}
  setup: x = torch.arange(6.0).reshape(2, 3)
  entries:
    - code: x @ x.T
      note: {zh: 矩阵乘, en: matrix product}
    - code: x.sum()
    - code: x.argmax(dim=1)
      show: values
    - code: x.shape, x.ndim
    - code: x @ x
      show: RuntimeError
    - code: y = x + 1
      note: {zh: 新的, en: new}
- card: {zh: 写, en: Write}
  section: sec-two
  listing: |
    for n in range(3):
        y = 2 * n
  entries:
    - code: y
"""
APPENDIX = """
# 速查表 {#sec-cheatsheet}

右边是运行左边所得的结果，张量一般写形状，其余写值。

:::: {.cheatsheet}

::: {.card}

::: {.card-title}
**建**
:::

::: {.card-place}
[@sec-one]
:::

一条规则。

`x @ x.T`
:   [矩阵乘]{.card-note} · `(2, 2)`

`x.sum()`
:   `15.0`

`x.argmax(dim=1)`
:   `[2, 2]`

`x.shape, x.ndim`
:   `(2, 3), 2`

`x @ x`
:   `RuntimeError`

`y = x + 1`
:   [新的]{.card-note}

:::

::: {.card}

::: {.card-title}
**写**
:::

::: {.card-place}
[@sec-two]
:::

```python
for n in range(3):
    y = 2 * n
```

`y`
:   `4`

:::

::::
"""


@pytest.fixture
def sheet(tiny):
    """The tiny book with a cheat sheet in place of its answers."""
    tiny.write(PATH.as_posix(), DATA)
    tiny.edit("_quarto-LANG.yml", "90-answers", "94-cheatsheet")
    return tiny


def test_the_appendix_says_what_the_code_gives(sheet):
    cache = sheet.root / "cache.json"
    target = cheatsheet.appendix(sheet.root, read_edition(sheet.root, "zh"), cache)
    assert (str(target.path), target.body) == ("chapters/zh/94-cheatsheet.qmd", APPENDIX)
    english = cheatsheet.appendix(sheet.root, read_edition(sheet.root, "en"), cache)
    assert ":   [matrix product]{.card-note} · `(2, 2)`" in english.body


def test_nothing_is_run_twice(sheet):
    cache, cards = sheet.root / "cache.json", read_cheatsheet(sheet.root)
    given = results(cards, cache, sheet.root)
    kept = json.loads(cache.read_text())
    kept["given"][1][-1] = "from the cache"
    cache.write_text(json.dumps(kept))
    assert results(cards, cache, sheet.root) == [given[0], ["from the cache"]]
    sheet.edit(PATH.as_posix(), "2 * n", "3 * n")
    assert results(read_cheatsheet(sheet.root), cache, sheet.root) == [given[0], ["6"]]


def test_a_card_for_all_lends_its_names(sheet):
    sheet.edit(
        PATH.as_posix(), "  listing: |\n", "  for: all\n  listing: |\n    x = torch.ones(4)\n"
    )
    sheet.edit(PATH.as_posix(), "  setup: x = torch.arange(6.0).reshape(2, 3)\n", "")
    sheet.edit(PATH.as_posix(), "x.argmax(dim=1)", "x.argmax(dim=0)")
    sheet.edit(PATH.as_posix(), "- code: x @ x.T\n", "- code: x + 0\n")
    sheet.edit(PATH.as_posix(), "- code: x @ x\n", "- code: x @ v\n")
    sheet.edit(PATH.as_posix(), "show: RuntimeError", "show: NameError")
    first, second = results(read_cheatsheet(sheet.root), sheet.root / "cache.json", sheet.root)
    assert first == ["(4,)", "4.0", "0", "(4,), 1", "NameError", ""]
    assert second == ["4"]


WRONG = {
    "no error": ("- code: x @ x\n", "- code: x @ x.T\n", "12: AssertionError: raised no"),
    "an error": ("- code: x.sum()", "- code: x.som()", "8: AttributeError: "),
    "a setup": ("x = torch.arange", "x = torch.orange", "1: AttributeError: "),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_code_that_fails_is_told_with_its_line(sheet, name):
    old, new, reported = WRONG[name]
    sheet.edit(PATH.as_posix(), old, new)
    with pytest.raises(BookError) as caught:
        results(read_cheatsheet(sheet.root), sheet.root / "cache.json", sheet.root)
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{PATH}:{reported}")
    assert not (sheet.root / "cache.json").exists()


REFUSED = {
    "no code": (
        ("- code: x.sum()", "- cod: x.sum()"),
        ['8: no "code"; write "code: …" on one line',
         '8: unknown key "cod"; write one of code, note, show'],
    ),
    "no section": (
        ("  section: sec-one\n", ""),
        ['1: no "section"; write "section: …" on one line'],
    ),
    "an odd show": (
        ("show: values", "show: value"),
        ['9: show "value" is none of ours; '
         "write one of shape, values, nothing, or the name of an error"],
    ),
    "for some": (
        ("  section: sec-two", "  section: sec-two\n  for: some"),
        ['16: for "some"; write "for: all", or nothing'],
    ),
    "several lines": (
        ("- code: x.sum()", "- code: |\n        x.sum()\n        x"),
        ['8: an entry of several lines; write one line, or a card with "listing:"'],
    ),
    "an empty card": (
        ("  entries:\n    - code: y\n", ""),
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_in_the_data_is_told(sheet, name):
    (old, new), reported = REFUSED[name]
    sheet.edit(PATH.as_posix(), old, new)
    if not reported:
        assert len(read_cheatsheet(sheet.root)) == 2
        return
    with pytest.raises(BookError) as caught:
        read_cheatsheet(sheet.root)
    assert [str(p) for p in caught.value.problems] == [f"{PATH}:{line}" for line in reported]


def test_a_card_has_something_to_say(sheet):
    sheet.write(PATH.as_posix(), "- card: {zh: 空, en: Empty}\n  section: sec-one\n")
    with pytest.raises(BookError, match='an empty card; add "entries:" or "listing:"'):
        read_cheatsheet(sheet.root)


# On paper -------------------------------------------------------------------------------


def printed(lang: str, paper: str) -> PdfReader:
    """This book's cheat sheet as the last chapter of a book on this paper."""
    edition = read_edition(ROOT, lang).on(paper)
    halves = edition.halves or (edition,)
    pages, *twins = (_pages(half) for half in halves)
    if twins:
        pairs = zip(pages, twins[0], strict=True)
        pages = [replace(page, twin=twin) for page, twin in pairs]
    entries = tuple(page.entry for page in pages)
    small = replace(
        edition,
        entries=entries,
        halves=tuple(replace(half, entries=entries) for half in edition.halves),
    )
    out = pdf.compile_pdf(pdf.typeset(small, pages), {}, edition.date)
    return PdfReader(BytesIO(out))


def _pages(edition: Edition) -> list[Woven]:
    """A chapter that has all sections, and the sheet."""
    sheet = edition.entry(cheatsheet.SLUG)
    source = (ROOT / sheet.path).read_text(encoding="utf-8")
    sections = dict.fromkeys(re.findall(r"@(sec-[\w-]+)", source))
    headings = "\n\n".join(f"## S {{#{name}}}" for name in sections)
    return [
        Woven(Entry(Path("one.qmd"), "one", "12"), f"# One\n\n{headings}", {}),
        Woven(Entry(sheet.path, sheet.slug, "E", appendix=True), source, {}),
    ]


@pytest.mark.parametrize("lang", EDITIONS)
@pytest.mark.parametrize("paper", PAPERS)
def test_the_sheet_is_large_enough_and_all_there_on_every_paper(lang, paper):
    book = printed(lang, paper)
    texts = [page.extract_text() for page in book.pages]
    (start,) = [n for n, text in enumerate(texts) if "linspace" in text]
    assert len(texts) - start <= (4 if paper == "b5" or lang == "en" else 2)
    references = re.findall(r"12\.\d+", "\n".join(texts[start:]))
    assert len(references) == len(read_cheatsheet(ROOT))
    assert smallest(book.pages[start]) >= 7.2  # what stands beside a card's title


def smallest(page) -> float:
    """The size of the smallest letters on a page, in points."""
    found: list[float] = []

    def visit(text, _cm, tm, _font, size):
        if text.strip():
            found.append(round(abs(size * (tm[3] or 1) * (_cm[3] or 1)), 1))

    page.extract_text(visitor_text=visit)
    return min(found)


@pytest.mark.parametrize(
    "damage", ["", '{"key": "1", "giv', "[]", "null", '{"key": 1}', "KEY:null", "KEY:[[], []]"]
)
def test_a_damaged_cache_is_made_again(sheet, damage):
    cache, cards = sheet.root / "cache.json", read_cheatsheet(sheet.root)
    given, kept = results(cards, cache, sheet.root), cache.read_text()
    key = json.loads(kept)["key"]
    cache.write_text(re.sub(r"^KEY:(.*)", rf'{{"key": "{key}", "given": \1}}', damage))
    assert results(cards, cache, sheet.root) == given
    assert cache.read_text() == kept
