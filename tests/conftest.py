"""What holds for every test, and for the programs that tests start."""

import os

import pytest

# The workers share the cores. Threads of torch that wait for each other, while other tests
# run on the core that they need, cost more than all tests.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="module")
def chromium():
    """A browser; no test where it, or what drives it, is not installed."""
    from workbook.verify import browser
    from workbook.verify.tools import Missing

    try:
        browser.version()
    except Missing as missing:
        pytest.skip(f"{missing} is not installed; make verify installs it")
    with browser.opened() as program:
        yield program
