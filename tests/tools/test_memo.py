"""What is kept: made once, made again when damaged or of something else."""

import os

import pytest

from workbook import memo


class Counted:
    """A dear result that counts how often it was made."""

    def __init__(self, *results):
        self.results, self.times = list(results) or ["结果\n"], 0

    def __call__(self):
        self.times += 1
        return self.results[min(self.times, len(self.results)) - 1]


@pytest.fixture
def kept(tmp_path):
    with memo.kept_in(tmp_path / "pages"):
        yield tmp_path / "pages"


def entries(kept):
    return [path for path in kept.rglob("*") if path.is_file()]


def test_what_was_made_is_made_once(kept):
    make = Counted()
    assert [memo.recall(make, "page", "x") for _ in range(3)] == ["结果\n"] * 3
    assert make.times == 1
    assert len(entries(kept)) == 1


@pytest.mark.parametrize(
    "other", [("page", "y"), ("pagex",), ("", "page", "x"), ("pag", "ex"), ("page", "x", "")]
)
def test_what_is_made_of_something_else_is_made(kept, other):
    make = Counted()
    memo.recall(make, "page", "x")
    memo.recall(make, *other)
    assert make.times == 2


def test_nothing_is_kept_where_nobody_asked(kept):
    make = Counted()
    with memo.kept_in(None):
        memo.recall(make, "page")
        memo.recall(make, "page")
    assert make.times == 2
    assert entries(kept) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:],
        lambda data: b"\0" * len(data),
    ],
    ids=["empty", "short", "cut", "longer", "a bit", "zeros"],
)
def test_a_damaged_entry_is_made_again(kept, damage):
    make = Counted()
    memo.recall(make, "page")
    (entry,) = entries(kept)
    entry.write_bytes(damage(entry.read_bytes()))
    assert memo.recall(make, "page") == "结果\n"
    assert make.times == 2
    memo.recall(make, "page")
    assert make.times == 2


def test_where_nothing_can_be_written_everything_is_made(kept):
    kept.write_text("not a folder")
    make = Counted()
    assert memo.recall(make, "page") == memo.recall(make, "page") == "结果\n"
    assert make.times == 2


def test_what_was_unused_longest_goes_first(kept):
    for name in "abc":
        memo.recall(Counted(name * 9000), name)
    for age, entry in enumerate(sorted(entries(kept))):
        os.utime(entry, (age, age))
    last = sorted(entries(kept))[-1]
    memo.prune(kept, limit=last.stat().st_size)
    assert entries(kept) == [last]
    memo.prune(kept, limit=0)
    assert entries(kept) == []


def test_contents_are_told_by_place_and_content(tmp_path):
    def state(folder):
        return memo.contents(path for path in folder.rglob("*") if path.is_file())

    for name in ("one", "two"):
        for place, text in (("zh/01.qmd", "甲"), ("en/01.qmd", "a")):
            (tmp_path / name / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / place).write_text(text)
    assert state(tmp_path / "one") == state(tmp_path / "two")
    zh, en = tmp_path / "two/zh/01.qmd", tmp_path / "two/en/01.qmd"
    zh.write_text("a"), en.write_text("甲")
    assert state(tmp_path / "one") != state(tmp_path / "two")
