"""The cheat sheet: what is refused in its data, what is run, a page for each part."""

import functools
import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from workbook.derive import cheatsheet
from workbook.derive.cheatsheet import PATH, Sheet, read_cheatsheet, results, sheets
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


def run(book) -> list[list[str]]:
    """What the entries of each card of a book give, all cards on one sheet."""
    cards = read_cheatsheet(book.root)
    return results([Sheet("", cards)], book.root / "cache.json", book.root)


def test_the_appendix_says_what_the_code_gives(sheet):
    cache = sheet.root / "cache.json"
    target = cheatsheet.appendix(sheet.root, read_edition(sheet.root, "zh"), cache)
    assert (str(target.path), target.body) == ("chapters/zh/94-cheatsheet.qmd", APPENDIX)
    english = cheatsheet.appendix(sheet.root, read_edition(sheet.root, "en"), cache)
    assert ":   [matrix product]{.card-note} · `(2, 2)`" in english.body


def test_nothing_is_run_twice(sheet):
    cache = sheet.root / "cache.json"
    given = run(sheet)
    kept = json.loads(cache.read_text())
    kept["given"][1][-1] = "from the cache"
    cache.write_text(json.dumps(kept))
    assert run(sheet) == [given[0], ["from the cache"]]
    sheet.edit(PATH.as_posix(), "2 * n", "3 * n")
    assert run(sheet) == [given[0], ["6"]]


def in_parts(book) -> None:
    """Put each of the two chapters into a part of its own."""
    part = "    - part: Part\n      chapters:\n"
    for name in ("01-one", "02-two"):
        chapter = f"        - chapters/LANG/{name}.qmd\n"
        for lang in ("zh", "en"):
            ours = chapter.replace("LANG", lang)
            title = part.replace("Part", f"Part {name}") if name == "02-two" else ""
            book.edit(f"_quarto-{lang}.yml", ours, title + ours)


def test_each_part_has_a_sheet_under_its_title(sheet):
    cards = read_cheatsheet(sheet.root)
    (whole,) = sheets(cards, read_edition(sheet.root, "zh"))
    assert whole == Sheet("Part", cards)
    in_parts(sheet)
    edition = read_edition(sheet.root, "zh")
    one, two = cards
    assert sheets((two, one, two), edition) == (
        Sheet("Part 02-two", (two, two)), Sheet("Part", (one,)),
    )  # fmt: skip
    body = cheatsheet.appendix(sheet.root, edition, sheet.root / "cache.json").body
    structure = [line for line in body.split("\n") if line.startswith(("#", "::::"))]
    assert structure == [
        "# 速查表 {#sec-cheatsheet}",
        "## Part {#sec-cheatsheet-1}", ":::: {.cheatsheet}", "::::",
        "## Part 02-two {#sec-cheatsheet-2}", ":::: {.cheatsheet}", "::::",
    ]  # fmt: skip


def test_a_section_is_of_the_chapter_with_the_longest_name(sheet):
    """`sec-one-more` would else be taken for a section of `one`."""
    sheet.write("chapters/zh/03-one-more.qmd", "# 三 {#sec-one-more}\n")
    listed = "        - chapters/zh/01-one.qmd\n"
    more = "    - part: More\n      chapters:\n        - chapters/zh/03-one-more.qmd\n"
    sheet.edit("_quarto-zh.yml", "  appendices:", f"{more}  appendices:")
    assert listed in sheet.read("_quarto-zh.yml")
    (card, _), edition = read_cheatsheet(sheet.root), read_edition(sheet.root, "zh")
    parts = {
        section: sheets([replace(card, section=section)], edition)[0].title
        for section in ("sec-one", "sec-one-a", "sec-one-more", "sec-one-more-a", "sec-ones")
    }
    assert list(parts.values()) == ["Part", "Part", "More", "More", ""]


def test_what_a_card_lends_stays_on_its_sheet(sheet):
    sheet.edit(PATH.as_posix(), "  setup: x", "  for: part\n  setup: x")
    sheet.edit(PATH.as_posix(), "    - code: y\n", "    - code: x\n      show: NameError\n")
    with pytest.raises(BookError, match="raised no NameError"):
        run(sheet)
    one, two = read_cheatsheet(sheet.root)
    apart = [Sheet("", (one,)), Sheet("", (two,))]
    assert results(apart, sheet.root / "cache.json", sheet.root)[1] == ["NameError"]


def test_a_card_keeps_its_files_and_what_it_prints_to_itself(sheet):
    sheet.edit(PATH.as_posix(), "        y = 2 * n\n", "        torch.save(n, 'n.pt')\n")
    sheet.edit(PATH.as_posix(), "    - code: y\n", "    - code: print(torch.load('n.pt'))\n")
    before = sorted(sheet.root.rglob("*"))
    assert run(sheet)[1] == [""]
    assert sorted(sheet.root.rglob("*")) == sorted([*before, sheet.root / "cache.json"])


def test_of_an_array_the_shape_is_shown_too(sheet):
    sheet.edit(PATH.as_posix(), "- code: x.sum()", "- code: x.numpy()")
    assert run(sheet)[0][1] == "(2, 3)"


def test_a_card_for_its_part_lends_its_names(sheet):
    sheet.edit(
        PATH.as_posix(), "  listing: |\n", "  for: part\n  listing: |\n    x = torch.ones(4)\n"
    )
    sheet.edit(PATH.as_posix(), "  setup: x = torch.arange(6.0).reshape(2, 3)\n", "")
    sheet.edit(PATH.as_posix(), "x.argmax(dim=1)", "x.argmax(dim=0)")
    sheet.edit(PATH.as_posix(), "- code: x @ x.T\n", "- code: x + 0\n")
    sheet.edit(PATH.as_posix(), "- code: x @ x\n", "- code: x @ v\n")
    sheet.edit(PATH.as_posix(), "show: RuntimeError", "show: NameError")
    first, second = run(sheet)
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
        run(sheet)
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
        ['16: for "some"; write "for: part", or nothing'],
    ),
    "several lines": (
        ("- code: x.sum()", "- code: |\n        x.sum()\n        x"),
        ['8: an entry of several lines; write one line, or a card with "listing:"'],
    ),
    "a wide entry": (
        ("- code: x.sum()", f"- code: {'x + ' * 12}x"),
        [f'8: “{"x + " * 12}x” has 49 columns; 48 fit on a card: shorten it'],
    ),
    "a wide listing": (
        ("    y = 2 * n", f"    y = {'n + ' * 10}n"),
        [f'16: “y = {"n + " * 10}n” has 49 columns; 48 fit on a card: shorten it'],
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


BOTTOM = {
    "a4": 25 * 72 / 25.4,
    "letter": 23 * 72 / 25.4,
}  # theme/print/paper.typ: below the text


@functools.cache
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
def test_the_sheets_are_large_enough_and_all_there_on_every_paper(lang, paper):
    book = printed(lang, paper)
    texts = [page.extract_text() for page in book.pages]
    (start,) = [n for n, text in enumerate(texts) if "linspace" in text]
    references = re.findall(r"12\.\d+", "\n".join(texts[start:]))
    assert len(references) == len(read_cheatsheet(ROOT))
    assert min(map(smallest, book.pages[start:])) >= 7.5


@pytest.mark.parametrize("lang", EDITIONS)
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_each_part_has_a_page_and_fills_it(lang, paper):
    book = printed(lang, paper)
    texts = [page.extract_text() for page in book.pages]
    (start,) = [n for n, text in enumerate(texts) if "linspace" in text]
    parts = sheets(read_cheatsheet(ROOT), read_edition(ROOT, "zh"))
    pages = book.pages[start:]
    assert len(pages) == len(parts) == 2
    for page, part in zip(pages, parts, strict=True):
        assert len(re.findall(r"12\.\d+", page.extract_text())) == len(part.cards)
        assert -0.1 < min(heights(page)) - BOTTOM[paper] < 8


def heights(page) -> list[float]:
    """How far above the foot of a page each piece of its text but numbers stands, in points."""
    found: list[float] = []

    def visit(text, cm, tm, _font, _size):
        if text.strip() and not text.strip().isdigit():
            found.append(cm[3] * tm[5] + cm[5])

    page.extract_text(visitor_text=visit)
    return found


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
    cache = sheet.root / "cache.json"
    given, kept = run(sheet), cache.read_text()
    key = json.loads(kept)["key"]
    cache.write_text(re.sub(r"^KEY:(.*)", rf'{{"key": "{key}", "given": \1}}', damage))
    assert run(sheet) == given
    assert cache.read_text() == kept
