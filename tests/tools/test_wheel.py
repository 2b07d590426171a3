"""The wheel that readers install: what it holds, what it asks for, and that it is the same."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from small import edition

from workbook import formats
from workbook.practice import kit
from workbook.publish import landing, wheel
from workbook.publish.books import Book
from workbook.publish.store import open_store

ROOT = Path(__file__).parents[2]
INSIDE = (
    "src", "code", "chapters", "pyproject.toml", "README.md", "LICENSE", "LICENSE-prose",
    "references.bib",
)  # fmt: skip
NO_READERS = ("hatchling", "lxml", "nbformat", "pypandoc", "typst", "pagefind", "justmytype")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return wheel.made(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def unpacked(made, tmp_path):
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def test_it_holds_package_exercises_data_and_commands(made):
    with zipfile.ZipFile(made) as archive:
        names = set(archive.namelist())
    data = {f"torchbook/chapters/data/{p.name}" for p in (ROOT / "chapters/data").iterdir()}
    assert data <= names
    assert {"torchbook/tensors.py", "workbook/practice/kit.json", "workbook/cli.py"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".qmd")]
    assert made.stat().st_size < 1_500_000


def test_the_texts_name_the_file_that_is_made(made):
    texts = [*ROOT.glob("index.*.qmd"), *ROOT.glob("README*.md")]
    named = [
        re.findall(r"[\w-][\w.-]*\.whl", text.read_text(encoding="utf-8")) for text in texts
    ]
    assert len(texts) == 4
    assert all({*names} == {made.name} for names in named)


def test_its_bytes_are_the_same_from_two_folders(made, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")  # the edition's date counts, not this one
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for name in INSIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name)
        else:
            shutil.copyfile(ROOT / name, copy / name)
    for path in (*ROOT.glob("_quarto*.yml"), *ROOT.glob("*.qmd"), ROOT / ".gitignore"):
        shutil.copyfile(path, copy / path.name)
    assert wheel.made(copy, tmp_path / "kept").read_bytes() == made.read_bytes()


def test_it_is_made_anew_only_when_something_changed(made):
    stamp = made.stat().st_mtime_ns
    assert wheel.made(ROOT, made.parents[1]) == made
    assert made.stat().st_mtime_ns == stamp
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_a_book_without_a_project_has_none(tmp_path):
    assert wheel.made(tmp_path, tmp_path / "kept") is None


def test_it_asks_for_nothing_of_the_builder(unpacked):
    [metadata] = unpacked.glob("*.dist-info/METADATA")
    wanted = re.findall(r"^Requires-Dist: (.*)$", metadata.read_text("utf-8"), re.M)
    readers = [each for each in wanted if "extra ==" not in each]
    assert not [each for each in readers if each.startswith(NO_READERS)]
    assert len(readers) == 8
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert any(
        each.startswith("pypandoc") for each in project["optional-dependencies"]["build"]
    )


def test_the_readers_commands_run_without_what_makes_books(unpacked, tmp_path):
    """The command is loaded from the wheel, and each module that is no reader's is missing."""
    code = f"""
import sys
sys.path.insert(0, {str(unpacked)!r})
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {(*NO_READERS, "panflute", "nbclient", "jinja2")!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from workbook.cli import main
main(sys.argv[1:])
"""

    def run(*arguments, cwd):
        return subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments], cwd=cwd, capture_output=True,
            encoding="utf-8", env={"PATH": "", "LANG": "C.UTF-8"},
        )  # fmt: skip

    done = run("start", "mine", "--lang", "zh", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for command in (["progress"], ["hint", "tensors-windows"], ["answer", "tensors-boxes"]):
        done = run(*command, cwd=tmp_path / "mine")
        assert done.returncode == 0 and "$" not in done.stdout, done.stderr
    done = run("verify", cwd=ROOT)
    assert done.returncode == 1
    assert re.fullmatch(
        r"this makes books and needs \w+, which is not installed; run make setup, or "
        r"pip install 'pytorch-workbook\[build\]'\n", done.stderr,
    )  # fmt: skip


def test_the_front_page_offers_what_a_site_has_beside_its_notebooks(tmp_path):
    book = edition(lang="en")
    notebooks = tmp_path / formats.HTML.path(book) / "notebooks"
    notebooks.mkdir(parents=True)
    (notebooks / "book-1-py3-none-any.whl").write_bytes(bytes(700 * 1024))
    with open_store(tmp_path, tmp_path / "memory.json", False) as store:
        offer = landing._offer(Book(book, ()), (), store, {"en": None})
    [download] = offer.downloads
    assert (download.kind, download.href, download.shown_size) == (
        "wheel", "en/html/notebooks/book-1-py3-none-any.whl", "700 kB",
    )  # fmt: skip
    landing.write([offer], tmp_path / "index.html")
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "The exercises and torchbook, for pip install" in page


def test_no_checkout_has_the_wheels_exercises():
    assert not kit.FILE.exists()
