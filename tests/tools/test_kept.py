"""What tests keep between runs: made once, found again, and never in place of another thing."""

import os

import kept
import pytest


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    monkeypatch.setattr(kept, "KEPT", tmp_path / ".workbook" / "tests")
    return tmp_path


def test_a_thing_is_made_once_for_each_key():
    made = []

    def make():
        made.append(len(made))
        return made[-1]

    assert [kept.value("a", key, make) for key in ("x", "y", "x")] == [0, 1, 0]
    assert kept.value("b", "x", make) == 2


def test_what_was_cut_off_while_it_was_made_is_made_again():
    def broken(folder):
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.folder("a", "x", broken)
    folder = kept.folder("a", "x", lambda folder: (folder / "whole").touch())
    assert sorted(path.name for path in folder.iterdir()) == ["a.whole", "whole"]


def test_the_two_that_were_used_last_are_kept():
    for age, key in enumerate("xyz"):
        folder = kept.folder("a", key, lambda folder: None)
        os.utime(folder, (age, age))
    kept.folder("b", "x", lambda folder: None)
    found = sorted(path.name for path in kept.KEPT.iterdir() if path.is_dir())
    assert found == ["a-y", "a-z", "b-x"]


def test_every_file_its_name_and_what_else_is_said_change_the_digest(root, monkeypatch):
    one, two = root / "one.py", root / "two.py"
    one.write_text("1")
    two.write_text("2")
    found = [kept.digest([one]), kept.digest([one, two]), kept.digest([one, two], "seed 0")]
    one.write_text("2")
    found += [kept.digest([one]), kept.digest([two]), kept.digest([])]
    monkeypatch.setattr(kept.importlib.metadata, "distributions", lambda: [])
    found += [kept.digest([])]
    assert len(set(found)) == len(found)
    assert kept.digest([one, two]) == kept.digest([two, one])
