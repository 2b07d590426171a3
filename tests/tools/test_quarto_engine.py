"""`workbook build --engine quarto`: what is missing, what Quarto says, how it ends.

Quarto is not installed here. A stand-in on the PATH says what real Quarto 1.11 said.
"""

import sys

import pytest
from click.testing import CliRunner

from workbook.cli import main
from workbook.render import quarto

SAYS = """\
\r[1/3] index.zh.qmd
\r[2/3] chapters/zh/01-one.qmd
\x1b[33mWARNING (filters/main.lua:12) Unable to resolve crossref @fig-no\x1b[39m
\r[3/3] chapters/zh/02-two.qmd
[WARNING] Citeproc: citation nobody2020 not found
WARN: The kernel was slow to start
[typst]: Compiling pytorch-workbook-zh.typ to pytorch-workbook-zh.pdf...
warning: unknown font family: no such face
  ┌─ pytorch-workbook-zh.typ:12:3
DONE

Output created: _book/quarto/zh/index.html
"""


def stand_in(folder, says: str, version: str = "1.11.0", status: int = 0, makes: str = ""):
    """A program `quarto` that says this, makes these files, and ends with this status."""
    program = folder / "quarto"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        f"if sys.argv[1:] == ['--version']: sys.exit(print({version!r}))\n"
        f"print({says!r}, file=sys.stderr)\n"
        "lang = sys.argv[sys.argv.index('--profile') + 1]\n"
        f"for name in {makes.split()!r}:\n"
        "    path = pathlib.Path('_book/quarto', lang, name.replace('LANG', lang))\n"
        "    path.parent.mkdir(parents=True, exist_ok=True)\n"
        "    path.write_text('a book')\n"
        f"sys.exit({status})\n"
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a stand-in for Quarto, and nothing else, on the PATH."""

    def put(says: str, **options):
        stand_in(tmp_path, says, **options)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put


def test_files_become_steps_and_warnings_keep_their_file():
    steps = []
    said = quarto.listen(SAYS.splitlines(), lambda *step: steps.append(step))
    files = ["index.zh.qmd", "chapters/zh/01-one.qmd", "chapters/zh/02-two.qmd"]
    assert steps == [(file, at, 3) for at, file in enumerate(files, 1)]
    assert said.warnings == [
        (files[1], "Unable to resolve crossref @fig-no"),
        (files[2], "Citeproc: citation nobody2020 not found"),
        (files[2], "The kernel was slow to start"),
        (files[2], "unknown font family: no such face"),
    ]
    assert [words for _, words in said.grave] == [
        "Unable to resolve crossref @fig-no",
        "Citeproc: citation nobody2020 not found",
        "unknown font family: no such face",
    ]


@pytest.mark.parametrize(
    ("version", "reported"),
    [
        ("1.8.27", "this quarto is 1.8.27, older than 1.9; install it with"),
        ("gibberish", "this quarto is unknown, older than 1.9; install it with"),
    ],
)
def test_an_old_quarto_is_told_before_anything_begins(on_path, version, reported):
    on_path("", version=version)
    assert any(reported in str(problem) for problem in quarto.lacking())


@pytest.mark.parametrize("version", ["1.9.0", "1.11.0", "2.0", "99.9.9"])
def test_a_quarto_that_is_new_enough_lacks_nothing(on_path, version):
    on_path("", version=version)
    assert quarto.lacking() == []


def test_a_missing_kernel_is_told(on_path, monkeypatch):
    on_path("")
    monkeypatch.setattr(quarto, "KERNEL", "no-such-kernel")
    (problem,) = quarto.lacking()
    assert "Jupyter finds no kernel 'no-such-kernel'" in str(problem)
    assert "-m ipykernel install" in problem.remedy


def test_a_missing_module_is_told(on_path, monkeypatch):
    on_path("")
    monkeypatch.setattr(quarto.importlib.util, "find_spec", lambda name: None)
    reported = ["ipykernel", "nbclient", "yaml"]
    assert [p.what.split(" has no ")[1].split(",")[0] for p in quarto.lacking()] == reported


def build(tiny, monkeypatch, *options):
    monkeypatch.chdir(tiny.root)
    return CliRunner().invoke(main, ["build", "--engine", "quarto", *options])


def test_books_are_summed_up_and_all_is_logged(tiny, on_path, monkeypatch):
    on_path("\r[1/2] index.zh.qmd\n\r[2/2] a.qmd\nDONE", makes="index.html tiny-LANG.epub")
    result = build(tiny, monkeypatch, "-f", "html", "-f", "epub")
    assert result.exit_code == 0, result.output
    for lang in ("zh", "en"):
        assert f"_book/quarto/{lang}/index.html" in result.output
        assert f"tiny-{lang}.epub" in result.output
        assert f"quarto {lang}: 2 to do" in result.output
        assert (tiny.root / ".workbook" / "fonts").is_dir()
        assert "DONE" in (tiny.root / ".workbook" / f"quarto-{lang}.log").read_text()
    assert "made" in result.output and "total" in result.output
    assert "executed" not in result.output  # which cells Quarto ran is not known


def test_a_grave_warning_ends_with_status_1_and_names_its_file(tiny, on_path, monkeypatch):
    on_path(SAYS, makes="index.html")
    result = build(tiny, monkeypatch, "-e", "zh", "-f", "html")
    assert result.exit_code == 1
    reported = "Quarto warns: Unable to resolve crossref @fig-no; the book shows it"
    assert f"chapters/zh/01-one.qmd: {reported}" in result.output
    assert "slow to start" not in result.output
    assert result.output.rstrip().endswith("3 problems")


def test_a_book_that_quarto_did_not_make_is_a_fault(tiny, on_path, monkeypatch):
    on_path("DONE", makes="index.html")
    result = build(tiny, monkeypatch, "-e", "zh", "-f", "html", "-f", "pdf")
    assert result.exit_code == 1
    assert "tiny-zh.pdf: Quarto did not make it; read .workbook/quarto-zh.log" in result.output


def test_when_quarto_fails_its_last_words_are_shown(tiny, on_path, monkeypatch):
    on_path("\r[1/1] index.zh.qmd\nERROR: no such template", status=7)
    result = build(tiny, monkeypatch, "-e", "zh")
    assert result.exit_code == 1
    assert "quarto render --profile zh failed with status 7" in result.output
    assert "  ERROR: no such template" in result.output


@pytest.mark.parametrize(
    "options",
    [("--paper", "b5"), ("--embed-font",), ("--output", "elsewhere"), ("-e", "bilingual")],
)
def test_what_quarto_cannot_do_is_wrong_usage(tiny, on_path, monkeypatch, options):
    on_path("")
    assert build(tiny, monkeypatch, *options).exit_code == 2
