"""The front pages of the repository name every chapter and its module, in the book's order."""

import re
from pathlib import Path

import pytest

from workbook.source.chapter import read_chapters
from workbook.source.edition import read_edition

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| ([^|`]+) \| [^|]+ \| (?:`(\w+)` )?\|$", re.M)


@pytest.mark.parametrize(("name", "lang"), [("README.md", "en"), ("README.zh.md", "zh")])
def test_every_chapter_stands_in_the_table(name, lang):
    chapters = read_chapters(read_edition(ROOT, lang), ROOT, generated=False)
    expected = [
        (
            chapter.title,
            {cell.option("tangle").removesuffix(".py") for cell in chapter.cells} - {""},
        )
        for chapter in chapters
        if chapter.slug != "index"
    ]
    rows = ROW.findall((ROOT / name).read_text("utf-8"))
    assert [(title, {module} - {""}) for title, module in rows] == expected
