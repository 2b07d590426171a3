"""The notebooks of the book as a reader runs them: in an empty folder, with only the wheel."""

import ast
import functools
import os
import re
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import v4
from small import unrun

from workbook import messages
from workbook.build import bilingual_book
from workbook.practice import kit
from workbook.practice.report import slip_text
from workbook.publish import wheel
from workbook.publish.books import Book
from workbook.render.notebook import ipynb
from workbook.render.notebook.setup import Setup
from workbook.source.chapter import read_chapters
from workbook.source.edition import EDITIONS, LANGUAGES, read_edition
from workbook.source.exercise import Exercise

ROOT = Path(__file__).parents[2]
CHAPTERS = {
    edition: read_chapters(read_edition(ROOT, edition), ROOT, generated=False)
    for edition in EDITIONS
}
SMALL = ("meet-pytorch", "why-pytorch", "saving")  # run quickly; the last needs more packages
# What a reader need not have: a chapter that uses one of these must say so in its first cell.
_NOT_THERE = """\
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
def find(name, path=None, target=None):
    return None if name.partition(".")[0] in {names} else find_spec(name, path, target)
PathFinder.find_spec = find
"""
_BUILDER = ("hatchling", "lxml", "nbformat", "pypandoc", "typst", "panflute", "jinja2")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that has what the wheel brings."""
    folder = tmp_path_factory.mktemp("installed")
    made = wheel.made(ROOT, tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(made) as archive:
        archive.extractall(folder)
    (folder / "setup").write_text(str(made))
    return folder


@pytest.fixture(scope="module")
def setup(installed) -> Setup:
    return Setup.of(Path((installed / "setup").read_text()))


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory, setup) -> Callable[[str], Path]:
    """The notebooks of an edition, with no cell run for them."""

    @functools.cache
    def written(name: str) -> Path:
        out = tmp_path_factory.mktemp(name)
        books = {
            lang: Book(e := read_edition(ROOT, lang), read_chapters(e, ROOT))
            for lang in LANGUAGES
        }
        book = books.get(name) or bilingual_book(ROOT, books)
        pages = unrun(book.edition, book.chapters, ROOT, book.twins)
        ipynb.write(book.edition, book.chapters, pages, out, setup)
        return out / ipynb.FOLDER

    return written


def wrong(exercise: Exercise) -> tuple[str, str]:
    """The first of the wrong answers that the chapter names: its slip, and a cell with it."""
    piece = exercise.wrong[0]
    if not exercise.by_hand:
        return piece.slip, f"{exercise.solution}\n\n\n{piece.code}"
    *above, last = (ast.unparse(node) for node in ast.parse(piece.code).body)
    value = f"{{**right(), **{last}}}" if last.startswith("{") else last
    body = textwrap.indent("\n".join([*above, f"return {value}"]), "    ")
    name = exercise.by_hand
    return piece.slip, f"{exercise.solution}\n\nright = {name}\n\ndef {name}():\n{body}"


def played(notebook: Path, exercises: tuple[Exercise, ...]) -> nbformat.NotebookNode:
    """The notebook with each check done three times: untouched, solved, with a wrong answer."""
    made = nbformat.read(notebook, as_version=4)
    by_name = {exercise.name: exercise for exercise in exercises}
    cells = []
    for cell in made.cells:
        cells.append(cell)
        if cell.id.startswith("check-"):
            exercise = by_name[cell.id.removeprefix("check-")]
            answers = {"solved": exercise.solution, "wrong": wrong(exercise)[1]}
            for what, code in answers.items():
                cells.append(v4.new_code_cell(code, id=f"answer-{exercise.name}-{what}"))
                cells.append(v4.new_code_cell(cell.source, id=f"{cell.id}-{what}"))
    made.cells = cells
    return made


def printed(cell: nbformat.NotebookNode) -> str:
    text = "".join(output.get("text", "") for output in cell.outputs)
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def run(
    made: nbformat.NotebookNode, installed: Path, setup: Setup, folder: Path, locale: str
) -> dict:
    """Execute a notebook in an empty folder; what each cell printed, by its id."""
    [first] = [cell.source for cell in made.cells if cell.id == "setup"]
    absent = {*_BUILDER, *setup.packages} - {n for n in setup.packages if f'"{n}"' in first}
    (installed / "sitecustomize.py").write_text(_NOT_THERE.format(names=repr(absent)))
    env = {**os.environ, "PYTHONPATH": str(installed), "LC_ALL": locale}
    client = NotebookClient(made, timeout=600, resources={"metadata": {"path": str(folder)}})
    client.execute(env=env)
    return {cell.id: printed(cell) for cell in made.cells if cell.cell_type == "code"}


@pytest.mark.parametrize(
    ("edition", "slug"),
    [
        pytest.param(
            edition,
            slug,
            marks=[
                pytest.mark.slow,
                *([] if edition == "zh" and slug in SMALL else [pytest.mark.whole]),
            ],
        )
        for edition in EDITIONS
        for slug in ipynb.offered(CHAPTERS[edition])
    ],
)
def test_a_notebook_runs_and_judges_what_it_is_given(
    edition, slug, notebooks, installed, setup, tmp_path
):
    lang = "en" if edition == "en" else "zh"
    words = messages.of("practice", lang)
    [chapter] = [each for each in CHAPTERS[edition] if each.slug == slug]
    made = played(notebooks(edition) / f"{slug}.ipynb", chapter.exercises)
    locale = "zh_CN.UTF-8" if edition == "bilingual" else "C.UTF-8"  # of one language: its own
    said = run(made, installed, setup, tmp_path, locale)
    book = kit.shipped(installed / "workbook/practice/kit.json").catalog(tmp_path, lang)
    assert [id for id in said if re.fullmatch(r"check-.*(?<!-solved)(?<!-wrong)", id)] == [
        f"check-{exercise.name}" for exercise in chapter.exercises
    ]
    for exercise in book.find([slug])[0][1]:
        name = exercise.name

        def head(mark: str, state: str, name: str = name, title: str = exercise.title) -> str:
            return f"  {mark} {words[state]}  {name}  {title}\n"

        assert said[f"check-{name}"] == head("·", "todo")
        assert said[f"check-{name}-solved"].startswith(head("✓", "pass"))
        failed = said[f"check-{name}-wrong"]
        assert failed.startswith(head("✗", "fail"))
        assert slip_text(exercise, wrong(exercise)[0], lang) in failed
