"""The whole way on a very small book: what is made, what is not made again, what fails."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner
from tiny import TinyBook

from workbook.build import Request, _in_parallel, build
from workbook.cli import main
from workbook.console import Lines
from workbook.problem import BookError, problem
from workbook.render.html import page, website
from workbook.source.edition import Options

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-c", "from workbook.cli import main; main()"]


def make(tiny, jobs=1, **options):
    """Build its sites, in this process: a worker takes as long to start as to render them."""
    request = Request(tiny.root, tiny.root / "_book", formats=("html",), jobs=jobs, **options)
    return build(request, Lines())


def run(tiny, *arguments):
    """The command as a shell would run it: status and what it said."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=tiny.root, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


def snapshot(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A book that is built once for all tests, and a copy of it put aside."""
    tiny = TinyBook(tmp_path_factory.mktemp("book"))
    make(tiny)
    return tiny, shutil.copytree(tiny.root, tmp_path_factory.mktemp("aside") / "book")


@pytest.fixture
def built(finished):
    """That book, as it was when it was built, and its bytes."""
    tiny, aside = finished
    shutil.rmtree(tiny.root)
    shutil.copytree(aside, tiny.root)
    return tiny, snapshot(tiny.root / "_book")


EDITS = (  # old and new in both languages' files; what follows from it
    ("chapters/LANG/01-one.qmd", "{#sec-one}", "more {#sec-one}"),
    ("chapters/LANG/02-two.qmd", "{#sec-two}", "twice {#sec-two}"),
    ("chapters/LANG/01-one.qmd", "[@sec-two]", "[-@sec-two] [@sec-one]"),
    ("index.LANG.qmd", "{.unnumbered}\n", "{.unnumbered}\n\n$x < 1$\n"),
    ("chapters/LANG/01-one.qmd", "twice(21)", "twice(3)"),
    ("chapters/LANG/01-one.qmd", "    return 2 * x\n```\n\n", "    return x + x\n```\n\n"),
    ("chapters/LANG/01-one.qmd", "★", "★★"),
    ("chapters/LANG/01-one.qmd", "lines=2", "lines=3"),
    ("chapters/LANG/02-two.qmd", "two-use\n", "two-used\n"),
    ("_quarto-LANG.yml", "title: Tiny", "title: Little"),
)


def test_books_are_the_same_whether_built_anew_or_after_edits(tiny, tmp_path):
    """The last books of thirty edits in a seeded order, by builds that keep what they can."""
    order = random.Random(7).choices(range(len(EDITS)), k=30)
    formats = ("html", "epub", "pdf")

    def build_at(root, often=True):
        request = Request(root, root / "_book", ("zh", "bilingual"), formats, jobs=1)
        return build(request, Lines())

    build_at(tiny.root)
    turned = set()  # an edit done twice is undone
    for count, at in enumerate(order, 1):
        name, old, new = EDITS[at]
        old, new = (old, new) if at not in turned else (new, old)
        turned ^= {at}
        tiny.edit(name, old, new)
        if count % 6 == 0:
            build_at(tiny.root)
    anew = tmp_path / "anew"
    shutil.copytree(tiny.root, anew, ignore=shutil.ignore_patterns("_book", ".workbook"))
    build_at(anew)
    kept, made = (
        {path.relative_to(root): data for path, data in snapshot(root / "_book").items()}
        for root in (tiny.root, anew)
    )
    assert kept.keys() == made.keys()
    assert [str(name) for name in made if kept[name] != made[name]] == []


def test_an_edit_of_prose_makes_its_own_page_again_and_no_other(built, monkeypatch):
    tiny, _ = built
    make(tiny)
    made = []
    real = page._made
    monkeypatch.setattr(
        page, "_made", lambda *given: (made.append(given[1].entry.slug), real(*given))[1]
    )
    tiny.edit("chapters/zh/02-two.qmd", "two}\n", "two}\n\n一段。\n")
    tiny.edit("chapters/en/02-two.qmd", "two}\n", "two}\n\nA paragraph.\n")
    summary = make(tiny)
    assert summary.executed == []
    assert made == ["two"] * 3  # once an edition
    made.clear()
    tiny.edit("chapters/LANG/02-two.qmd", "{#sec-two}", "too {#sec-two}")
    make(tiny)
    assert set(made) == {"two"}  # it is called 第 2 章 where it is referred to


def test_a_build_makes_every_book_and_tells_what_it_ran(tiny):
    summary = make(tiny, jobs=2)
    assert sorted(summary.executed) == ["one", "two"]
    assert [p.path.relative_to(tiny.root).as_posix() for p in summary.products] == [
        "_book/zh/html",
        "_book/en/html",
        "_book/bilingual/html",
        "_book/front",
        "_book/index.html",
    ]
    assert all(p.fresh and p.size > 1000 for p in summary.products)
    assert [p.pages for p in summary.products] == [
        4,
        4,
        5,
        0,
        0,
    ]  # with the answers to a chapter
    assert "8</code>" in tiny.read("_book/en/html/two.html")
    store = sorted(p.name for p in (tiny.root / "_book").iterdir())
    assert store == ["bilingual", "en", "front", "index.html", "zh"]
    notebooks = sorted(p.name for p in (tiny.root / "_book/zh/html/notebooks").iterdir())
    assert notebooks == ["one.ipynb", "one.py", "two.ipynb", "two.py"]


def test_a_second_build_runs_nothing_and_leaves_the_books_alone(built):
    tiny, before = built
    times = {p: p.stat().st_mtime_ns for p in before}
    summary = make(tiny)
    assert summary.executed == []
    assert [p.fresh for p in summary.products] == [False] * 5
    assert {p: p.stat().st_mtime_ns for p in before} == times


def test_a_book_that_was_deleted_is_made_again_without_running(built):
    tiny, before = built
    shutil.rmtree(tiny.root / "_book" / "en")
    summary = make(tiny)
    fresh = [p.path.name for p in summary.products if p.fresh]
    assert (summary.executed, fresh) == ([], ["html"])
    assert snapshot(tiny.root / "_book") == before


def test_a_site_leads_only_to_what_is_there(tiny):
    def twins(lang):
        return 'hreflang="' in tiny.read(f"_book/{lang}/html/one.html")

    make(tiny, editions=("zh",))
    assert not twins("zh")
    assert 'id="en"' not in tiny.read("_book/index.html")
    make(tiny, editions=("en",))
    assert (twins("zh"), twins("en")) == (False, True)
    assert 'id="zh"' in tiny.read("_book/index.html"), "it is still in the store"
    make(tiny)
    assert twins("zh")


def test_each_paper_makes_a_book_of_its_own(tiny):
    def printed(paper):
        options = Options(paper)
        output = tiny.root / "_book"
        request = Request(tiny.root, output, ("zh",), ("html", "pdf"), options, jobs=1)
        return [(p.path.name, p.fresh) for p in build(request, Lines()).products[:2]]

    assert printed("a4") == [("html", True), ("tiny-zh.pdf", True)]
    assert printed("b5") == [("html", False), ("tiny-zh-b5.pdf", True)]
    assert printed("a4") == [("html", False), ("tiny-zh.pdf", False)]


def test_only_the_chapter_that_changed_is_run(built):
    tiny, _ = built
    tiny.edit("chapters/LANG/02-two.qmd", "twice(4)", "twice(5)")
    summary = make(tiny)
    assert summary.executed == ["two"]
    assert "10</code>" in tiny.read("_book/zh/html/two.html")


def test_a_chapter_that_imports_changed_code_is_run_too(built):
    tiny, _ = built
    tiny.edit("chapters/LANG/01-one.qmd", "return 2 * x", "return x + x")
    assert sorted(make(tiny).executed) == ["one", "two"]


def test_prose_is_rendered_without_running(built):
    tiny, _ = built
    tiny.edit("chapters/en/01-one.qmd", "See [@sec-two].", "Look at [@sec-two].")
    summary = make(tiny)
    fresh = [p.fresh for p in summary.products[:3]]
    assert (summary.executed, fresh) == ([], [False, True, True])


def test_the_answers_are_generated_from_the_exercises(built):
    tiny, _ = built
    assert tiny.read("chapters/en/90-answers.qmd").split("\n", 2)[2] == (
        "\n# Answers {#sec-answers}\n\n"
        "Work first, compare afterwards. Most exercises have more than one solution: if your "
        "result agrees and your reasoning holds, your way is right.\n\n"
        "## One {#sec-answers-one}\n\n"
        "::: {#ans-one-thrice .answer-title}\n**[@exr-one-thrice]** Thrice ★\n:::\n\n"
        "Just multiply.\n\n"
        '```python\ndef thrice(x: int) -> int:\n    """Return 3x."""\n    return 3 * x\n```\n'
    )
    assert "NotImplementedError" in tiny.read("_book/en/html/one.html")


# --- bad input: one clear message, status 1, the last good book as it was ------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "reported"),
    [
        (
            "chapters/LANG/02-two.qmd",
            "twice(4)",
            "twice(None)",
            'chapters/zh/02-two.qmd:6: cell "two-use" raised TypeError',
        ),
        (
            "chapters/en/02-two.qmd",
            "twice(4)",
            "twice(40)",
            "chapters/en/02-two.qmd:6: ",
        ),
        (
            "chapters/LANG/02-two.qmd",
            "twice(4)\n```",
            "twice(4)",
            "chapters/zh/02-two.qmd:3: code fence is never closed; close it with ```",
        ),
        (
            "chapters/LANG/01-one.qmd",
            "[@sec-two]",
            "[@sec-three]",
            "chapters/zh/01-one.qmd:3: [@sec-three] leads nowhere",
        ),
        (
            "_quarto-zh.yml",
            "02-two",
            "03-three",
            "_quarto-zh.yml:11: chapters/zh/03-three.qmd does not exist",
        ),
        (
            "code/torchbook/one.py",
            "2 * x",
            "3 * x",
            "code/torchbook/one.py: was edited by hand; take the change to "
            "chapters/zh/01-one.qmd and delete this file",
        ),
    ],
    ids=["raises", "twin drifted", "open fence", "no target", "absent", "hand-edited"],
)
def test_bad_input_is_told_and_changes_no_book(built, file, old, new, reported):
    tiny, before = built
    tiny.edit(file, old, new)
    status, said = run(tiny, "build", "-f", "html")
    assert status == 1
    assert reported in said
    assert "problem" in said.splitlines()[-1]
    assert "Traceback (most recent call last):\n  File" not in said
    assert snapshot(tiny.root / "_book") == before


def test_an_interrupted_build_leaves_the_last_book_and_no_process(built):
    tiny, before = built
    tiny.edit(
        "chapters/LANG/02-two.qmd",
        "twice(4)",
        'import os, pathlib, time\npathlib.Path("pid").write_text(str(os.getpid()))\n'
        "time.sleep(100)",
    )
    child = subprocess.Popen(
        [*COMMAND, "build", "-f", "html"],
        cwd=tiny.root,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pid = tiny.root / "pid"
    deadline = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=30)[1]
    assert child.returncode == 1
    assert said.endswith("interrupted: the last good book is as it was\n")
    assert snapshot(tiny.root / "_book") == before
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_an_output_folder_that_cannot_be_written(tiny):
    (tiny.root / "file").write_text("in the way")
    status, said = run(tiny, "build", "-f", "html", "--output", "file/books")
    assert status == 1
    assert "file/books: cannot be written (Not a directory)" in said
    assert "--output FOLDER" in said


def test_what_fails_while_rendering_changes_no_book(built, monkeypatch):
    tiny, before = built
    tiny.edit("chapters/LANG/02-two.qmd", "twice(4)", "twice(5)")

    def fail(*arguments):
        out = arguments[2]
        out.mkdir(parents=True)
        (out / "half.html").write_text("half a book")
        raise BookError(problem("theme/site/page.html", 1, "broken", "mend it"))

    monkeypatch.setattr(website, "write", fail)
    with pytest.raises(BookError, match=r"theme/site/page\.html:1: broken; mend it"):
        make(tiny)
    assert snapshot(tiny.root / "_book") == before


def test_a_failure_in_one_of_two_workers_ends_the_build(tiny):
    # No font of the book has this glyph, which only Typst finds out, in a process of its own.
    tiny.edit("chapters/LANG/02-two.qmd", "twice(4)", 'print("\N{EGYPTIAN HIEROGLYPH A001}")')
    done = subprocess.run(
        [*COMMAND, "build", "-j", "2", "-f", "html", "-f", "pdf"],
        cwd=tiny.root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert "could not be displayed with font" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tiny.root / "_book").iterdir()] == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_failure_ends_what_runs_and_what_waits(jobs):
    stopped = threading.Event()

    def work(number):
        if number == 0:
            raise BookError(problem("a.qmd", 1, "broken", "mend it"))
        assert stopped.wait(30)

    with pytest.raises(BookError, match="broken"):
        _in_parallel(work, [(number,) for number in range(9)], jobs, on_failure=stopped.set)


# --- the command -----------------------------------------------------------------------


def test_check_is_silent_if_all_is_well(built, monkeypatch):
    tiny, _ = built
    monkeypatch.chdir(tiny.root / "chapters" / "zh")  # anywhere inside the book will do
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, result.output) == (0, "")


def test_check_looks_again_only_at_the_chapters_that_changed(tiny, monkeypatch):
    monkeypatch.chdir(tiny.root)
    tiny.edit("chapters/LANG/01-one.qmd", "# ", "A<br>\n\n# ")
    first = CliRunner().invoke(main, ["check"])
    assert first.exit_code == 1
    seen = []
    monkeypatch.setattr(
        "workbook.check.CHAPTER_RULES", (lambda it: seen.append(it.slug) or (),)
    )
    assert CliRunner().invoke(main, ["check"]).output == first.output
    assert seen == []
    tiny.edit("chapters/LANG/02-two.qmd", "{#sec-two}", "anew {#sec-two}")
    CliRunner().invoke(main, ["check"])
    assert seen == ["two", "two"]


def test_wrong_usage_has_status_2():
    result = CliRunner().invoke(main, ["build", "--format", "docx"])
    assert result.exit_code == 2
    assert "'docx' is not one of 'html', 'epub', 'pdf'" in result.output


def test_without_quarto_the_quarto_engine_says_how_to_get_it(built, monkeypatch):
    tiny, _ = built
    monkeypatch.chdir(tiny.root)
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(main, ["build", "--engine", "quarto"])
    assert result.exit_code == 1
    assert "there is no quarto on this machine; install it with: pip install" in result.output


def test_outside_a_book(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["build"])
    assert result.exit_code == 1
    assert "_quarto.yml: not found; run workbook in the book's root folder" in result.output


def test_doctor_names_what_is_there():
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert "ok       typst" in result.output and "MISSING" not in result.output
