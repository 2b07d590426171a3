"""Plain `pytest exercises/` checks your answers, as `workbook try` does."""

from workbook.practice.plugin import pytest_collect_file  # noqa: F401
