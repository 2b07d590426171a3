"""Files are written whole, and a damaged cache is as good as none."""

import pytest

from workbook import files


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "folder" / "a.json"
    files.atomic_write(path, "旧")
    files.atomic_write(path, '{"新": 1}')
    assert files.read_json(path) == {"新": 1}
    files.atomic_write(path, b"\x00")
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]


def test_an_interruption_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    files.atomic_write(path, "old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.atomic_write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("damage", [b"", b'{"key": "1", "giv', b"\xff\xfe\x00", b"[1"])
def test_a_damaged_cache_reads_as_none(tmp_path, damage):
    path = tmp_path / "cache.json"
    assert files.read_json(path) is None
    path.write_bytes(damage)
    assert files.read_json(path) is None
