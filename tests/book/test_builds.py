"""Builds of the real book: what they make, how often they run, what a failure leaves."""

import shutil
import time

import pytest
from copies import Tree

from workbook.publish.landing import ASSETS
from workbook.source.chapter import read_chapter
from workbook.source.edition import EDITIONS, LANGUAGES, read_edition

pytestmark = pytest.mark.slow
BUILD = "from workbook.cli import main; main()"


SPREADS = [f"spread-{lang}.png" for lang in LANGUAGES]  # two printed pages, drawn


def test_there_are_three_books_in_each_edition_and_one_more_for_eink(tree):
    books = {"/".join(name.split("/")[:2]) for name in tree.files()}
    stems = {edition: f"{edition}/pytorch-workbook-{edition}" for edition in EDITIONS}
    assert books == {
        name
        for edition, stem in stems.items()
        for name in (f"{edition}/html", f"{stem}.pdf", f"{stem}.epub", f"{stem}-eink.epub")
    } | {"index.html", *(f"front/{name}" for name in (*ASSETS, *SPREADS))}


def test_a_second_build_runs_nothing_and_touches_nothing(tree):
    def stamps():
        files = (path for path in tree.store.rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in files}

    before = stamps()
    begun = time.process_time()  # whatever else the machine does
    summary = tree.build()
    seconds = time.process_time() - begun
    assert summary.executed == []
    assert [product.path.name for product in summary.products if product.fresh] == []
    assert stamps() == before
    assert seconds < 5


def test_each_chapter_is_run_once_for_all_editions(elsewhere):
    other, runs, executed = elsewhere
    chapters = [
        read_chapter(other.root / entry.path, other.root)
        for entry in read_edition(other.root, "zh").entries
    ]
    with_code = [chapter for chapter in chapters if chapter.cells]
    assert sorted(runs) == sorted(str(chapter.path) for chapter in with_code)
    assert sorted(executed) == sorted(chapter.slug for chapter in with_code)


def test_builds_in_two_folders_are_the_same_byte_for_byte(tree, elsewhere):
    other, *_ = elsewhere
    assert tree.files() == other.files()


def test_a_failing_chapter_leaves_the_last_good_book(tree, tmp_path):
    broken = Tree(tmp_path / "broken")
    shutil.copytree(tree.root, broken.root)
    before = broken.files()
    slug = break_a_cell(broken)
    done = broken.run(BUILD, "build")
    assert done.returncode == 1
    assert f"{slug}.qmd:" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert broken.files() == before
    assert not list(broken.store.glob(".part-*"))


def break_a_cell(tree: Tree) -> str:
    """Let a demonstration of the first chapter that has one fail, in both languages."""
    plain = {"label", "fig-cap", "fig-alt", "tbl-cap"}
    for entry in read_edition(tree.root, "zh").entries:
        chapter = read_chapter(tree.root / entry.path, tree.root)
        cell = next((cell for cell in chapter.cells if cell.options.keys() <= plain), None)
        if cell:
            for lang in ("zh", "en"):
                path = tree.root / str(entry.path).replace("zh", lang)
                twin = read_chapter(path, tree.root).cell(cell.label)
                text = twin.text.replace(twin.code, f"{twin.code.rstrip()}\n1 / 0\n")
                path.write_text(path.read_text("utf-8").replace(twin.text, text), "utf-8")
            return entry.path.stem
    raise AssertionError("no chapter has a plain cell")
