"""The processes that make a preview's PDFs and EPUBs, and stay."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from pypdf import PdfReader
from tiny import TinyBook

from workbook.build import Request, build
from workbook.preview import books
from workbook.preview.session import Quiet
from workbook.problem import BookError

pytestmark = pytest.mark.slow


@pytest.fixture
def made(tmp_path):
    others = set(psutil.Process().children(recursive=True))  # of tests before
    tiny = TinyBook(tmp_path / "book")
    said = []
    made = books.Books(tiny.root, tmp_path / "out", said.append)
    made.tiny, made.said = tiny, said
    yield made
    made.stop()
    assert not set(psutil.Process().children(recursive=True)) - others


def text(made, edition):
    return "".join(
        page.extract_text() for page in PdfReader(made.output / made.make(edition, "pdf")).pages
    )


def pids(made):
    return {edition: child.pid for edition, child in made._makers.items()}


def test_an_edition_keeps_its_process_and_shows_what_is_new(made):
    assert "unheard" not in text(made, "en")
    before = pids(made)
    made.tiny.edit("chapters/en/02-two.qmd", "# Two", "# Two unheard-of")
    assert "unheard" in text(made, "en")
    assert pids(made) == before
    assert "making the pdf of en: render: en pdf done" in made.said
    assert made.said[-1] == ""


def test_the_bytes_are_those_of_a_process_of_its_own(made, tmp_path):
    made.make("en", "pdf")
    made.tiny.edit("chapters/en/02-two.qmd", "# Two", "# Two more")
    again = (made.output / made.make("en", "pdf")).read_bytes()
    alone = tmp_path / "alone"
    build(Request(made.tiny.root, alone, ("en",), ("pdf",)), Quiet())
    (other,) = alone.rglob("*.pdf")
    assert again == other.read_bytes()


def test_a_fault_is_told_with_its_place_and_goes_when_mended(made):
    made.tiny.edit("chapters/en/02-two.qmd", "# Two", "# Two [@fig-nowhere]")
    with pytest.raises(BookError) as refused:
        made.make("en", "epub")
    (place,) = {str(each.where.path) for each in refused.value.problems}
    assert place == "chapters/en/02-two.qmd"
    made.tiny.edit("chapters/en/02-two.qmd", " [@fig-nowhere]", "")
    assert made.make("en", "epub")


def test_a_process_that_was_killed_is_told_and_replaced(made):
    made.on_progress = lambda _: made._makers["en"].kill()  # while a chapter runs
    with pytest.raises(BookError, match="ended with status -9; ask again"):
        made.make("en", "epub")
    before = made._makers["en"]
    made.on_progress = made.said.append
    assert made.make("en", "epub")
    assert made._makers["en"].pid != before.pid


def test_where_memory_is_short_the_others_give_way(made, monkeypatch):
    made.make("en", "epub")
    first = made._makers["en"]
    monkeypatch.setattr(books, "ROOM", 1 << 60)
    made.make("zh", "epub")
    assert first.poll() is not None
    assert list(made._makers) == ["zh"]


def test_the_end_comes_while_a_book_is_made(made):
    begun = threading.Event()
    made.on_progress = lambda _: begun.set()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(made.make, "en", "pdf")
        assert begun.wait(60)
        made.stop()
        with pytest.raises(BookError, match="ended with status"):
            asked.result(60)


def test_nothing_is_made_after_the_end(made):
    made.stop()
    with pytest.raises(BookError, match="has ended"):
        made.make("en", "epub")
