"""A build that survives: kills, signals, full disks, garbage in caches, odd places."""

import contextlib
import errno
import fcntl
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tiny import TinyBook

from workbook import files, memo
from workbook.build import WORK, Request, build
from workbook.console import Lines
from workbook.problem import BookError
from workbook.publish import store
from workbook.render.html import website

COMMAND = [sys.executable, "-c", "from workbook.cli import main; main()"]
NEW = ("chapters/LANG/02-two.qmd", "{#sec-two}", "anew {#sec-two}")
CHANGING = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}


def make(root: Path):
    return build(Request(root, root / "_book", formats=("html",), jobs=1), Lines())


def books(root: Path) -> dict[str, dict[str, bytes]]:
    """The files of each book, under the book's name."""
    output = root / "_book"
    found: dict[str, dict[str, bytes]] = {}
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        parts = path.relative_to(output).parts
        found.setdefault("/".join(parts[:2]), {})["/".join(parts)] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small book as it was built, and as it is after an edit; each of them whole."""
    before = TinyBook(tmp_path_factory.mktemp("before"))
    make(before.root)
    after = TinyBook(tmp_path_factory.mktemp("after"))
    after.edit(*NEW)
    make(after.root)
    return before.root, after.root


@pytest.fixture
def built(finished, tmp_path):
    """A copy of the book as it was built, and how its books are."""
    root = tmp_path / "book"
    shutil.copytree(finished[0], root)
    return the_book_at(root), books(root)


def the_book_at(root: Path) -> TinyBook:
    tiny = object.__new__(TinyBook)
    tiny.root = root
    return tiny


def run(root: Path, *arguments: str, **more):
    return subprocess.run(
        [*COMMAND, *arguments], cwd=root, capture_output=True, text=True, timeout=300, **more
    )


# --- kill -9 -----------------------------------------------------------------------------


def changes_until(root: Path, last: int) -> tuple[int, int]:
    """Build in a fork that is killed at its change number `last` of the disk.

    Returns how the fork ended and how many changes it had made.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        made = 0

        def count(event: str, arguments: tuple) -> None:
            nonlocal made
            if event not in CHANGING and event != "ctypes.dlsym":
                return
            if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & 3):
                return
            made += 1
            if made == last:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            make(root)
            os.write(write, str(made).encode())
        finally:
            os._exit(0)
    os.close(write)
    _, status = os.waitpid(pid, 0)
    told = os.read(read, 20)
    os.close(read)
    return os.waitstatus_to_exitcode(status), int(told or 0)


def killed_builds(finished, folder: Path, moments: int, last: int) -> None:
    """Kill builds at seeded moments, and at the last ones, which are the final move."""
    old, new = (books(root) for root in finished)

    def edited(name: str) -> TinyBook:
        shutil.copytree(finished[0], folder / name)
        tiny = the_book_at(folder / name)
        tiny.edit(*NEW)
        return tiny

    ended, count = changes_until(edited("whole").root, -1)
    assert ended == 0 and count > moments
    chosen = random.Random(15).sample(range(1, count - last), moments - last)
    for at in sorted({*chosen, *range(count - last, count)}):
        tiny = edited(f"at-{at}")
        assert changes_until(tiny.root, at)[0] == -signal.SIGKILL, at
        after = {k: v for k, v in books(tiny.root).items() if not k.startswith(".part-")}
        assert after.keys() == old.keys(), at
        for name, book in after.items():
            assert book in (old[name], new[name]), (at, name)
        if at % 5 == 0 or at == count - 1:
            make(tiny.root)
            assert books(tiny.root) == new, at
        shutil.rmtree(tiny.root)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system swaps folders in one step")
def test_a_build_that_is_killed_leaves_whole_books(finished, tmp_path):
    killed_builds(finished, tmp_path, 8, last=5)


@pytest.mark.slow
def test_fifty_builds_that_are_killed_leave_whole_books(finished, tmp_path):
    killed_builds(finished, tmp_path, 50, last=20)


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL],
    ids=lambda number: number.name,
)
def test_a_signal_while_a_cell_runs(built, number, tmp_path):
    tiny, before = built
    tiny.edit(
        "chapters/LANG/02-two.qmd",
        "twice(4)",
        'import os, pathlib, time\npathlib.Path("pid").write_text(str(os.getpid()))\n'
        "time.sleep(300)",
    )
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    child = subprocess.Popen(
        [*COMMAND, "build", "-f", "html"],
        cwd=tiny.root,
        env=os.environ | {"TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_signals,
    )
    pid = tiny.root / "pid"
    assert soon(lambda: pid.exists() and pid.read_text(), 120)
    child.send_signal(number)
    said = child.communicate(timeout=60)[1]
    if number == signal.SIGKILL:
        assert child.returncode == -signal.SIGKILL
    else:
        assert child.returncode == 1
        assert said.endswith("interrupted: the last good book is as it was\n")
        assert not [*(tiny.root / "_book").glob(".part-*")]
    assert soon(lambda: not alive(int(pid.read_text())), 20)
    assert soon(lambda: not [*scratch.glob("workbook-*")], 20)
    assert soon(lambda: not started_with(scratch), 20)
    after = {k: v for k, v in books(tiny.root).items() if not k.startswith(".part-")}
    assert after == before


def hears_signals() -> None:
    """Begin as from a terminal: what nohup and `&` ignore, the child would ignore, too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def started_with(scratch: Path) -> list[psutil.Process]:
    """The processes of the build that had this folder for its temporary files."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("TMPDIR") == str(scratch):
                found.append(process)
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def soon(true, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


# --- side by side, and full disks ----------------------------------------------------------


def test_one_build_at_a_time(built):
    tiny, before = built
    with open(tiny.root / WORK / "lock") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BookError) as caught:
            make(tiny.root)
    assert str(caught.value) == (
        ".workbook/lock: another build is at work in this folder; wait until it has ended"
    )
    make(tiny.root)
    assert books(tiny.root) == before


def test_what_a_killed_build_left_is_swept_and_what_a_running_one_makes_is_not(tmp_path):
    output = tmp_path / "_book"
    (output / ".part-1-1").mkdir(parents=True)
    (output / ".part-2-2").mkdir()
    with (
        files.claimed(output / ".part-2-2") as ours,
        store.open_store(output, tmp_path / "m", False),
    ):
        assert ours
        assert not (output / ".part-1-1").exists()
        assert (output / ".part-2-2").exists()


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device", "_book/zh/html/one.html")


def test_a_disk_that_is_full_in_the_output(built, monkeypatch):
    tiny, before = built
    tiny.edit(*NEW)
    monkeypatch.setattr(website, "write", full)
    with pytest.raises(BookError) as caught:
        make(tiny.root)
    assert str(caught.value) == (
        "_book/zh/html/one.html: cannot be read or written (No space left on device); "
        "make room on the disk"
    )
    assert books(tiny.root) == before


def test_a_disk_that_is_full_in_the_cache(finished, built, monkeypatch):
    tiny, _ = built
    tiny.edit(*NEW)
    real = files.atomic_write

    def full_there(path, *rest, **options):
        if WORK in path.parts:
            full()
        real(path, *rest, **options)

    for module in ("build", "memo", "publish.store", "run.execute"):
        monkeypatch.setattr(f"workbook.{module}.atomic_write", full_there)
    make(tiny.root)
    assert books(tiny.root) == books(finished[1])


def test_files_that_may_not_grow(built):
    tiny, before = built
    tiny.edit(*NEW)
    done = run(
        tiny.root, "build", "-f", "html", "-f", "epub",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "1 problem"
    assert books(tiny.root) == before


# --- garbage in caches ---------------------------------------------------------------------

GARBAGE = (
    b"",
    b"\0\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'{"a": {"key": 1}}',
    b"[[1]]",
    b"[" * 100_000,
    None,
)


@pytest.mark.parametrize(
    "garbage", GARBAGE, ids=lambda g: repr(g[:20]) if g is not None else "folder"
)
def test_garbage_in_every_cache(built, garbage):
    tiny, before = built
    kept = [path for path in (tiny.root / WORK).rglob("*") if path.is_file()]
    assert {path.name for path in kept} >= {"books.json", "sources"}
    assert any(path.parent.name == "outputs" for path in kept)
    assert any(path.parent.parent.name == "pages" for path in kept)
    for path in kept:
        if path.parent.name == "outputs" and garbage == b"[]":
            continue  # of a chapter without cells
        path.unlink()
        path.mkdir() if garbage is None else path.write_bytes(garbage)
    make(tiny.root)
    assert books(tiny.root) == before


def test_a_cache_that_is_no_folder(built):
    tiny, before = built
    shutil.rmtree(tiny.root / WORK)
    (tiny.root / WORK).write_text("in the way")
    with pytest.raises(BookError, match=r"\.workbook"):
        make(tiny.root)
    assert books(tiny.root) == before


# --- odd places ----------------------------------------------------------------------------


def test_a_folder_with_spaces_and_hanzi_in_the_c_locale_without_a_home(tmp_path):
    tiny = TinyBook(tmp_path / "一 本 “书” & más")
    os.symlink(".", tiny.root / "chapters" / "round")
    os.symlink("loop", tiny.root / "chapters" / "loop")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    environment.pop("HOME", None)
    done = run(
        tiny.root, "build", "-e", "zh", "-f", "html", "-f", "epub", "-f", "pdf",
        env=environment | {"LC_ALL": "C"},
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert {path.name for path in (tiny.root / "_book/zh").iterdir()} == {
        "html", "tiny-zh.pdf", "tiny-zh.epub", "tiny-zh-eink.epub",
    }  # fmt: skip


def test_a_reader_of_the_output_who_goes_away(built):
    tiny, _ = built
    for command in ("check --style", "doctor", "tangle", "build -f html"):
        line = f'"$@" {command} | true'
        done = subprocess.run(
            ["sh", "-c", line, "sh", *COMMAND],
            cwd=tiny.root, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr, (
            command
        )


def test_an_output_on_a_disk_that_may_only_be_read(built, monkeypatch):
    tiny, _ = built
    real = Path.mkdir

    def refused(path, *rest, **options):
        if path.name == "books":
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        real(path, *rest, **options)

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(BookError) as caught:
        build(Request(tiny.root, tiny.root / "books", formats=("html",), jobs=1), Lines())
    assert str(caught.value).endswith(
        "books: cannot be written (Read-only file system); "
        "give a folder that you may write to: --output FOLDER"
    )


def test_a_memo_is_made_again_where_a_folder_stands_in_its_place(tmp_path):
    with memo.kept_in(tmp_path):
        memo.recall(lambda: "a", "x")
        [entry] = [path for path in tmp_path.rglob("*") if path.is_file()]
        entry.unlink()
        entry.mkdir()
        assert memo.recall(lambda: "b", "x") == "b"
