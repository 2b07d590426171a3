"""A small edition in memory, for tests of what comes after weaving."""

import datetime
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from workbook.source.chapter import Chapter
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven, placeholders, weave

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"><path d="M0 0L8 4"/></svg>'
BIB = "@misc{doe2020, author = {Doe, Jane}, title = {A Title}, year = {2020}}\n"
PARTS = {"zh": "第一部分", "en": "Part I"}
TITLES = {"zh": ("工作簿", "用铅笔"), "en": ("The Workbook", "With a pencil")}


def edition(*pages: Woven, lang: str = "zh", bibliography: Path = Path("none.bib")) -> Edition:
    """An edition that has these pages."""
    return Edition(
        name=lang,
        languages=(lang,),
        title=TITLES[lang][0],
        subtitle=TITLES[lang][1],
        author="Nobody",
        date=datetime.date(2026, 1, 2),
        output_file=f"workbook-{lang}",
        bibliography=bibliography,
        entries=tuple(page.entry for page in pages),
    )


def page(slug: str, number: str, markdown: str, part: str = "", **files: bytes) -> Woven:
    """One woven page; `a_svg=b"…"` is the file `a.svg`."""
    titles = (part,) if part else ()
    entry = Entry(Path(f"chapters/{slug}.qmd"), slug, number, titles, number.isalpha())
    named = {name.replace("_", "."): data for name, data in files.items()}
    return Woven(entry, markdown, named)


def unrun(
    edition: Edition, chapters: Iterable[Chapter], root: Path, twins: Iterable[Chapter] = ()
) -> list[Woven]:
    """The pages of a site of which no cell was run; `twins` are English, of both languages."""
    pages = [
        weave(chapter, entry, placeholders(chapter), "html", root)
        for entry, chapter in zip(edition.entries, chapters, strict=True)
    ]
    if not twins:
        return pages
    english = unrun(edition.halves[1], twins, root)
    return [replace(page, twin=twin) for page, twin in zip(pages, english, strict=True)]
