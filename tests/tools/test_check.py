"""The whole check: a good book, what hides nothing else, how long it takes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from house import GOOD_EN, GOOD_ZH, PROFILE, make_book

from workbook.check import check, check_chapter
from workbook.source.chapter import parse_chapter


def test_a_good_book_has_no_problems(tmp_path):
    assert check(make_book(tmp_path)) == []


@pytest.mark.parametrize("source", [GOOD_ZH, GOOD_EN])
def test_a_good_chapter_has_no_problems(source):
    lang = "zh" if source is GOOD_ZH else "en"
    chapter = parse_chapter(source, Path(f"chapters/{lang}/04-tensors.qmd"))
    assert check_chapter(chapter) == []


def test_forty_chapters_are_checked_within_a_second(tmp_path):
    files = {}
    for lang, source in (("zh", GOOD_ZH), ("en", GOOD_EN)):
        names = [f"c{n}x" for n in range(20)]
        listed = "".join(f"        - chapters/{lang}/{n}.qmd\n" for n in names)
        files[f"_quarto-{lang}.yml"] = PROFILE.format(lang=lang) + listed
        for name in names:
            files[f"chapters/{lang}/{name}.qmd"] = source.replace("tensors", name)
    root = make_book(tmp_path, files)
    start = time.process_time()
    assert check(root) == []
    assert time.process_time() - start < 1


def test_nothing_heavy_is_imported():
    heavy = {"torch", "nbclient", "ipykernel", "jupyter_client"}
    code = "import sys, workbook.check; print(*sorted(sys.modules))"
    names = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert heavy & set(names.split()) == set()
