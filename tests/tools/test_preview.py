"""The preview on a very small book: what a browser would be told, and what it would see."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import psutil
import pytest
from tiny import TinyBook

from workbook.verify import browser

COMMAND = [sys.executable, "-c", "from workbook.cli import main; main()", "preview"]
PATIENCE = 120  # seconds; what is waited for takes one or two where nothing else runs
ONE = "chapters/LANG/01-one.qmd"
TWO = "chapters/LANG/02-two.qmd"


class Preview:
    """A preview that runs, and all states that it has told since."""

    def __init__(self, tiny, *arguments):
        self.tiny = tiny
        self.saved = 0.0
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=tiny.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "TMPDIR": str(tiny.temporary)},
        )
        self.lines = []
        self.told = []  # each state with the time of its coming
        self.changed = threading.Condition()
        self.follow(self.process.stdout, self.lines.append)
        self.address = self.until(lambda: [x for x in self.lines if x.startswith("http")])[0]
        self.address = self.address.strip()
        self.events = urllib.request.urlopen(f"{self.address}-/events")
        self.follow(self.events, self.hear)

    def follow(self, stream, heard):
        def work():
            for line in stream:
                with self.changed:
                    heard(line)
                    self.changed.notify_all()

        threading.Thread(target=work, daemon=True).start()

    def hear(self, line):
        if line.startswith(b"data: "):
            self.told.append(json.loads(line.removeprefix(b"data: ")))

    def until(self, holds):
        """What `holds` gives as soon as it gives something."""
        with self.changed:
            found = self.changed.wait_for(holds, PATIENCE)
        assert found, f"{self.lines[-20:]}\n{self.told[-1:]}"
        return found

    def until_state(self, holds):
        """The first state in which it holds."""
        return self.until(lambda: self.told and holds(self.told[-1]) and self.told[-1])

    def settled(self):
        """All that was saved is shown and checked: nothing is wrong, and nothing runs."""
        self.until_state(
            lambda s: (
                s["checked"] > self.saved and not (s["problems"] or s["busy"] or s["notes"])
            )
        )

    def get(self, path):
        with urllib.request.urlopen(self.address + path) as answer:
            return answer.read()

    def page(self, path):
        try:
            return self.get(path).decode()
        except urllib.error.HTTPError:  # it is not there yet
            return ""

    def until_page(self, path, words):
        """Wait for the event that says that a page has changed and now has these words."""
        return self.until(lambda: words in self.page(path))

    def saves(self, *edits):
        """Save these edits; returns how many states had been told before."""
        count = len(self.told)
        for edit in edits:
            self.tiny.edit(*edit)
        self.saved = time.time()
        return count

    def ran(self, since):
        """The chapters that were run after so many states."""
        busy = (state["busy"] for state in self.told[since:])
        return {words.split()[1].rstrip(":") for words in busy if words.startswith("running")}

    def end(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self.events.close()
        return status


def book(folder):
    tiny = TinyBook(folder / "book")
    tiny.temporary = folder / "temporary"
    tiny.temporary.mkdir()
    return tiny


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One preview for all tests that leave it as they found it."""
    preview = Preview(book(tmp_path_factory.mktemp("preview")), "--port", "8770")
    preview.until(lambda: "8</code>" in preview.page("bilingual/html/two.html"))
    yield preview
    preview.end()


@pytest.fixture
def preview(running):
    """It, with nothing wrong and nothing to do; its sources are put back afterwards."""
    root = running.tiny.root
    sources = {
        p: p.read_bytes() for p in (*root.glob("_*.yml"), *root.glob("chapters/*/0*.qmd"))
    }
    running.settled()
    yield running
    for path, content in sources.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            running.saved = time.time()
    running.settled()


def test_an_edit_of_prose_shows_at_once_and_runs_nothing(preview):
    before = preview.told[-1]
    since = preview.saves((TWO, "two}\n", "two}\n\nNew words.\n"))
    for edition in ("zh", "en", "bilingual"):
        page = f"{edition}/html/two.html"
        preview.until_state(lambda s, p=page: stamp(s, p) != stamp(before, p))
        preview.until_page(page, "New words.")
    preview.settled()
    others = [f"/{edition}/html/one.html" for edition in ("zh", "en", "bilingual")]
    assert [preview.told[-1]["stamps"][each] for each in others] == [
        before["stamps"][each] for each in others
    ]
    assert preview.ran(since) == set()


def test_an_edit_of_code_runs_its_chapter_and_those_that_import_it(preview):
    since = preview.saves((ONE, "return 2 * x\n```\n\n", "return x + x + x\n```\n\n"))
    for page in ("zh/html/two.html", "bilingual/html/two.html"):
        preview.until_page(page, "12</code>")
    preview.settled()
    assert preview.ran(since) == {"one", "two"}
    since = preview.saves((TWO, "twice(4)", "twice(5)"))
    preview.until_page("en/html/two.html", "15</code>")
    preview.settled()
    assert preview.ran(since) == {"two"}


def test_the_twin_is_waited_for(preview):
    zh, en = (TWO.replace("LANG", lang) for lang in ("zh", "en"))
    preview.saves((en, "two}\n", "two}\n\nEnglish words.\n"))
    preview.until_page("en/html/two.html", "English words.")
    state = preview.until_state(
        lambda s: s["notes"] and of(s, "chapters/zh/02-two.qmd:3", "no twin of the paragraph")
    )
    assert state["notes"]["bilingual"].startswith("as it last was: chapters/en/02-two.qmd: ")
    assert [each["where"] for each in state["problems"]] == ["chapters/zh/02-two.qmd:3"]
    assert "English words." not in preview.page("bilingual/html/two.html")
    preview.saves((zh, "two}\n", "two}\n\n中文。\n"))
    preview.until_page("bilingual/html/two.html", "English words.")
    preview.settled()


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "what"),
    [
        (TWO, "twice(4)\n```", "twice(4)", "chapters/zh/02-two.qmd:3", "never closed"),
        (TWO, "twice(4)", "twice(", "chapters/zh/02-two.qmd:6", "Python"),
        (TWO, "twice(4)", "twice(None)", "chapters/zh/02-two.qmd:6", "raised TypeError"),
        (
            TWO,
            "twice(4)",
            "import os\nos._exit(1)",
            "chapters/zh/02-two.qmd:5",
            "ended the kernel",
        ),
        (ONE, "[@sec-two]", "[@sec-three]", "chapters/zh/01-one.qmd:3", "leads nowhere"),
        ("_quarto-zh.yml", "book:", "book: [", "_quarto-zh.yml:5", "not YAML"),
        ("_quarto-zh.yml", "book:", "book: 1\nother:", "_quarto-zh.yml:3", "key: value"),
        ("_quarto-zh.yml", "02-two", "03-three", "_quarto-zh.yml:11", "does not exist"),
    ],
    ids=[
        *("open fence", "no Python", "raises", "dies", "no target"),
        *("no YAML", "no description", "no chapter"),
    ],
)
def test_what_is_wrong_is_told_and_the_page_stays_until_it_is_mended(
    preview, file, old, new, where, what
):
    pages = [f"{edition}/html/two.html" for edition in ("zh", "en", "bilingual")]
    before = [unstamped(preview.get(page)) for page in pages]
    preview.saves((file, old, new))
    told = preview.until_state(lambda s: of(s, where, what))
    assert all(problem["remedy"] for problem in told["problems"])
    preview.until(lambda: [x for x in preview.lines if x.startswith(where) and what in x])
    assert [b"8</code>" in preview.get(page) for page in pages] == [True] * 3
    preview.saves((file, new, old))
    preview.settled()
    preview.until(lambda: [unstamped(preview.get(page)) for page in pages] == before)


@pytest.mark.parametrize("content", [None, b"", b"# \xe4\xb8"], ids=["gone", "cut", "half"])
def test_a_chapter_that_cannot_be_read_stays_as_it_was(preview, content):
    file = preview.tiny.root / "chapters/zh/02-two.qmd"
    whole = file.read_bytes()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    preview.until_state(lambda s: s["problems"])
    assert "8</code>" in preview.page("zh/html/two.html")
    aside = file.with_name(".02-two.qmd.new")
    aside.write_bytes(whole.replace(b"{#sec-two}", "又 {#sec-two}".encode()))
    aside.replace(file)  # as editors save
    preview.saved = time.time()
    preview.until_page("zh/html/two.html", "又")
    preview.settled()


def test_a_book_is_made_when_it_is_asked_for(preview):
    assert preview.get("-/make?edition=en&format=pdf").startswith(b"%PDF")
    for query, said in (("edition=en&format=exe", "'exe'"), ("edition=xx&format=pdf", "'xx'")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            preview.get(f"-/make?{query}")
        assert refused.value.code == 409
        assert said in refused.value.read().decode()


def test_only_what_is_served_has_the_script(preview):
    assert preview.page("zh/html/one.html").count("/-/preview.js") == 1
    assert "EventSource" in preview.page("-/preview.js")
    files = (preview.tiny.root / ".workbook/preview").rglob("*.html")
    assert not [file for file in files if "/-/" in file.read_text(encoding="utf-8")]


def test_the_search_and_the_notebooks_follow(preview):
    folder = preview.tiny.root / ".workbook/preview/zh/html"
    for name in ("pagefind/pagefind.js", "notebooks/two.ipynb"):
        wait_for(lambda name=name: (folder / name).is_file())
    assert 'href="zh/html/index.html"' in preview.page("index.html")
    preview.settled()


def test_the_next_port_is_taken_and_the_end_leaves_nothing(tmp_path, request):
    """Ended while a cell runs: no process, no folder, and quickly."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        tiny = book(tmp_path)
        noted = 'import os, pathlib, time\npathlib.Path("pid").write_text(str(os.getpid()))\n'
        tiny.edit(TWO, "twice(4)", f"{noted}time.sleep(100)")
        preview = Preview(tiny, "--port", str(port), "-e", "zh")
        request.addfinalizer(preview.end)
        assert preview.address != f"http://127.0.0.1:{port}/"
        assert f"port {port} is taken\n" in preview.lines
        preview.until_state(lambda s: s["busy"].startswith("running two"))
        pid = tiny.root / "pid"
        wait_for(lambda: pid.exists() and pid.read_text())
        children = psutil.Process(preview.process.pid).children(recursive=True)
        assert int(pid.read_text()) in [each.pid for each in children]
        begun = time.monotonic()
        assert preview.end() == 0
        assert time.monotonic() - begun < 30  # idle: under one
        assert not [each for each in children if each.is_running() and not zombie(each)]
        assert list(tiny.temporary.glob("workbook*")) == []
        assert not list((tiny.root / ".workbook/preview").glob(".part*"))


def stamp(state, page):
    return state["stamps"].get(f"/{page}")


def unstamped(page):
    return re.sub(rb'data-stamp="\d+"', b"", page)


def of(state, where, what):
    """The problems of a state at this place that say so."""
    return [p for p in state["problems"] if p["where"] == where and what in p["what"]]


def wait_for(holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def zombie(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_page_keeps_its_place_and_tells_what_is_wrong(preview, chromium):
    """In a browser: the heading that stood at 200 pixels stands there again."""
    filler = "".join(f"Line {n}.\n\n" for n in range(80))
    preview.saves((TWO, "two}\n", f"two}}\n\n{filler}## Here {{#sec-two-here}}\n\n{filler}"))
    preview.until_page("en/html/two.html", "sec-two-here")
    preview.settled()
    with browser.page_of(chromium) as tab:
        tab.set_default_timeout(PATIENCE * 1000)
        said = []
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(f"{preview.address}en/html/two.html")
        top = "document.getElementById('sec-two-here').getBoundingClientRect().top"
        tab.evaluate(f"scrollBy({{ top: {top} - 200, behavior: 'instant' }})")
        preview.saves((TWO, "Line 3.", "Line 3, and five more lines.\n\n" * 5))
        tab.get_by_text("Line 3, and five").first.wait_for(state="attached")
        wait_for(lambda: abs(tab.evaluate(top) - 200) < 2)
        preview.saves((TWO, "twice(4)", "twice(None)"))
        tab.get_by_text("raised TypeError").wait_for()
        assert "chapters/zh/02-two.qmd" in tab.inner_text(".preview-bar b")
        preview.saves((TWO, "twice(None)", "twice(4)"))
        tab.get_by_text("raised TypeError").wait_for(state="detached")
    assert said == []
