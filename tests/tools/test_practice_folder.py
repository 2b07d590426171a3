"""A reader's own folder: begun from what a wheel brings, brought up to date by a newer one."""

import json
import os
import stat

import pytest
from click.testing import CliRunner

from workbook.cli import main
from workbook.practice import kit
from workbook.practice.catalog import catalog

both_ways = pytest.mark.usefixtures("runner")
MINE = "my exercises 练习"


def run(*arguments, lang="en", status=0):
    """What a command says; its exit status is what is expected."""
    asked = ("--lang", lang) if lang else ()
    done = CliRunner().invoke(main, [*arguments, *asked], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


class Wheel:
    """What an installed wheel has of the exercises of a small book."""

    def __init__(self, reader, file):
        self.reader, self.file = reader, file

    def pack(self):
        """Install what the book's chapters say now."""
        self.file.write_text(kit.packed(self.reader.root), encoding="utf-8")
        kit.shipped.cache_clear()

    def change(self, old, new, chapter="01-first-steps"):
        for lang in ("zh", "en"):
            name = f"chapters/{lang}/{chapter}.qmd"
            text = self.reader.read(name)
            assert old in text
            self.reader.write(name, text.replace(old, new))


@pytest.fixture
def wheel(reader, tmp_path, monkeypatch):
    """A wheel that is installed, and nobody in the book's own folder."""
    made = Wheel(reader, tmp_path / "kit.json")
    monkeypatch.setattr("workbook.practice.folder.shipped", lambda: kit.shipped(made.file))
    made.pack()
    away = tmp_path.parent / f"{tmp_path.name}-away"
    away.mkdir()
    monkeypatch.chdir(away)
    yield made
    kit.shipped.cache_clear()


@pytest.fixture
def folder(wheel, tmp_path):
    """A folder that was begun."""
    run("start", MINE)
    os.chdir(MINE)
    return tmp_path.parent / f"{tmp_path.name}-away" / MINE


def write(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def solve(folder, name, body, file="first_steps.py"):
    write(folder / file, f'raise NotImplementedError("exr-{name}")', body)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_travels_is_what_the_chapters_say(wheel, tmp_path, lang):
    there, here = catalog(tmp_path, lang), kit.shipped(wheel.file).catalog(tmp_path, lang)
    assert list(there.names) == list(here.names)
    for name, (unit, exercise) in there.names.items():
        other_unit, other = here.names[name]
        assert (unit.slug, unit.number, unit.title) == (
            other_unit.slug, other_unit.number, other_unit.title,
        )  # fmt: skip
        for what in ("title", "stub", "solution", "by_hand"):
            assert getattr(exercise, what) == getattr(other, what)
        assert exercise.check.code == other.check.code
        assert [(p.slip, p.code) for p in exercise.wrong] == [
            (p.slip, p.code) for p in other.wrong
        ]
        assert len(exercise.hints) == len(other.hints)
        assert exercise.slips.keys() == other.slips.keys()
        assert not any(mark in text for text in other.hints for mark in "$`")


def test_the_same_book_travels_as_the_same_text(wheel, tmp_path):
    assert kit.packed(tmp_path) == wheel.file.read_text(encoding="utf-8")


def test_a_folder_is_made_with_a_file_for_each_chapter(wheel, tmp_path):
    assert run("start") == (
        "made pytorch-workbook, with 2 chapters\n"
        "next: cd pytorch-workbook, then workbook try first-steps\n"
    )
    made = tmp_path.parent / f"{tmp_path.name}-away" / "pytorch-workbook"
    assert sorted(path.name for path in made.iterdir()) == [
        ".workbook.json", "README.md", "first_steps.py", "more.py",
    ]  # fmt: skip
    assert "    workbook try first-steps\n" in (made / "first_steps.py").read_text("utf-8")
    assert (made / "README.md").read_text("utf-8").startswith("# The PyTorch Workbook")


@both_ways
def test_all_commands_work_there_and_below(folder):
    solve(folder, "first-steps-a", "return 2 * x")
    (folder / "notes").mkdir()
    for place in (folder, folder / "notes"):
        os.chdir(place)
        said = run("try", "first-steps-a")
        assert "1 First steps  first_steps.py\n  ✓ pass  first-steps-a" in said
    assert run("hint", "first-steps-a").startswith("hint 1/2  Think first.")
    assert "Then look at 1/2x" in run("hint", "first-steps-a")
    assert "Write the function." in run("answer", "first-steps-by-hand")
    assert "✓ right  share" in run("answer", "first-steps-by-hand", "share=1/3", status=1)
    assert "kept in progress.yml" in run("progress")
    assert (folder / "progress.yml").is_file()
    said = run("reset", "first-steps-a")
    assert "kept in backup/first_steps-" in said.replace("\\", "/")
    assert "2 * x" not in (folder / "first_steps.py").read_text("utf-8").split("-b")[0]


def test_a_slip_is_told_without_pandoc(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    solve(folder, "first-steps-a", "return x + 1")
    assert "look at   Multiply: 2 * x." in run("try", "first-steps-a", status=1)


def test_the_folder_remembers_its_language(wheel, folder):
    run("start", "中文", lang="zh")
    os.chdir("中文")
    assert run("progress", lang=None).startswith("1  第一步")
    assert "PyTorch 练习册" in (folder / "中文/README.md").read_text("utf-8")


def test_a_newer_edition_comes_in_and_the_readers_work_stays(wheel, folder):
    solve(folder, "first-steps-a", "return x + x  # mine")
    before = (folder / "first_steps.py").read_text("utf-8")
    wheel.change("Return 2x.", "Return twice x.")  # in every stub of the chapter
    wheel.pack()
    said = run("start", status=0)
    assert said == (
        "1 of the exercises you have begun in first_steps.py changed; the new ones are in "
        "first_steps.new.py, yours are as they were\n"
        f"{folder} is up to date, 0 of its 2 chapters new; what you wrote is as it was\n"
    )
    now = (folder / "first_steps.py").read_text("utf-8")
    cut = now.index("# %% exr-first-steps-b")
    assert now[:cut] == before[: before.index("# %% exr-first-steps-b")]
    assert now.count("Return twice x.") == 2  # those not begun are mended where they stand
    offered = (folder / "first_steps.new.py").read_text("utf-8")
    assert offered.count("# %%") == 1 and "Return twice x." in offered
    assert "new.py" not in run("start")  # offered once


def test_new_chapters_and_exercises_come_in_order(wheel, folder):
    (folder / "more.py").unlink()
    solve(folder, "first-steps-c", "return 2 * x")
    text = (folder / "first_steps.py").read_text("utf-8")
    start, end = (text.index(f"# %% exr-first-steps-{x}") for x in "bc")
    shipped = json.loads((folder / ".workbook.json").read_text("utf-8"))
    for name, old in (
        ("first_steps.py", text),
        ("issued", shipped["issued"]["first_steps.py"]),
    ):
        at, to = (old.index(f"# %% exr-first-steps-{x}") for x in "bc")
        without = old[:at] + old[to:]
        if name == "issued":  # an edition that did not have it yet
            shipped["issued"]["first_steps.py"] = without
            (folder / ".workbook.json").write_text(json.dumps(shipped), encoding="utf-8")
        else:
            (folder / name).write_text(without, encoding="utf-8")
    assert start < end
    assert "1 of its 2 chapters new" in run("start")
    assert (folder / "first_steps.py").read_text("utf-8") == text
    assert (folder / "more.py").is_file()


def test_a_piece_that_was_taken_out_stays_out(wheel, folder):
    path = folder / "first_steps.py"
    text = path.read_text("utf-8")
    at, to = (text.index(f"# %% exr-first-steps-{x}") for x in "bc")
    path.write_text(text[:at] + text[to:], encoding="utf-8")
    run("start")
    assert path.read_text("utf-8") == text[:at] + text[to:]


def test_windows_line_ends_stay(wheel, folder):
    path = folder / "first_steps.py"
    solve(folder, "first-steps-a", "return 2 * x")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    wheel.change("Return 2x.", "Return twice x.")
    wheel.pack()
    run("start")
    raw = path.read_bytes()
    assert b"Return twice x." in raw and raw.count(b"\n") == raw.count(b"\r\n")


def test_what_is_not_utf_8_stays_byte_for_byte(wheel, folder):
    path = folder / "first_steps.py"
    solve(folder, "first-steps-a", "return 2 * x  # MARK")
    path.write_bytes(path.read_bytes().replace(b"MARK", "两倍".encode("gbk")))
    wheel.change("Return 2x.", "Return twice x.")
    wheel.pack()
    run("start")
    assert "两倍".encode("gbk") in path.read_bytes()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"issued": 7}', '{"issued": {"more.py": 7}}'])
def test_a_damaged_marker_costs_nothing(wheel, folder, text):
    solve(folder, "first-steps-a", "return 2 * x")
    before = (folder / "first_steps.py").read_bytes()
    (folder / ".workbook.json").write_text(text, encoding="utf-8")
    run("start")
    assert (folder / "first_steps.py").read_bytes() == before
    assert "✓ pass" in run("try", "first-steps-a")


def test_a_lost_marker_costs_nothing(wheel, folder):
    solve(folder, "first-steps-a", "return 2 * x")
    (folder / ".workbook.json").unlink()
    run("start", ".")
    assert "✓ pass" in run("try", "first-steps-a")


def test_folders_that_cannot_be_had(wheel, folder):
    (folder / "full").mkdir()
    (folder / "full/data.py").write_text("mine", encoding="utf-8")
    (folder / "file").write_text("mine", encoding="utf-8")
    assert run("start", "full", status=2) == (
        "full holds other files; name an empty folder, or a new one\n"
    )
    assert run("start", "file", status=2) == "file is a file, not a folder; give another name\n"
    assert [path.name for path in (folder / "full").iterdir()] == ["data.py"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written(wheel, folder):
    (folder / "locked").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert "cannot write" in run("start", "locked/mine", status=2)


def test_a_folder_below_a_file_cannot_be_written(wheel, folder):
    (folder / "file").write_text("mine", encoding="utf-8")
    said = run("start", "file/mine", status=2)
    assert said.startswith("cannot write ") and said.count("\n") == 1


def test_without_a_wheel_it_is_said_what_to_install(reader, tmp_path):
    assert run("start", "mine", status=2) == (
        "this workbook has no exercises with it; install the .whl file that stands beside the "
        "book\n"
    )


def test_outside_of_any_folder_it_is_said_how_to_make_one(wheel):
    assert run("progress", status=2) == (
        "this is not a folder of exercises; cd to yours, or make one with workbook start\n"
    )
