"""Inputs that fuzzing has found to reach much, and those that once broke something."""

from pathlib import Path

import pytest
from targets import TARGETS

HERE = Path(__file__).parent
MOST = 300_000  # bytes of all inputs


def inputs(name: str) -> list[Path]:
    return sorted(path for path in (HERE / name).iterdir() if path.is_file())


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_is_read_or_told_with_its_line(name):
    for path in inputs(name):
        try:
            TARGETS[name](path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path.relative_to(HERE)}: {error!r}") from error


def test_there_is_something_of_each_target_and_not_too_much():
    assert all(inputs(name) for name in TARGETS)
    assert sum(path.stat().st_size for name in TARGETS for path in inputs(name)) <= MOST
