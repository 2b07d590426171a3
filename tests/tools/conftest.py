"""What every test of the tooling may ask for."""

import pytest
from readers import Reader
from tiny import TinyBook


@pytest.fixture
def tiny(tmp_path):
    return TinyBook(tmp_path)


@pytest.fixture(params=["fork", "fresh"])
def runner(request, monkeypatch):
    """Each of the two ways in which exercises are kept apart."""
    monkeypatch.setenv("WORKBOOK_RUNNER", request.param)
    return request.param


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Someone who works in a small book, in its root folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return Reader(tmp_path)


@pytest.fixture
def tab(chromium):
    """A page of a browser that has kept nothing; no error may be said in it."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("response", lambda answer: said.extend([answer.url] * (answer.status >= 400)))
    yield tab
    context.close()
    assert said == []
