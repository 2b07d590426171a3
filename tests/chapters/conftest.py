"""The tests here are the exercises' checks; alone, they are put to the reference solutions."""

from pathlib import Path

import pytest

from workbook.practice.submission import load


@pytest.fixture
def exercise(request):
    """The reference solution of the exercise that the test is named after."""
    name = request.node.name.removeprefix("test_").replace("_", "-")
    file = request.path.name.removeprefix("test_")
    return load(Path(__file__).parent / "solutions" / file, f"exr-{name}")
