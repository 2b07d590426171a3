"""The work of the preview in its order: render what was saved, then check, then the rest."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from workbook import memo
from workbook.build import WORK, Request, begin, executions
from workbook.preview.books import Books
from workbook.preview.draft import Draft
from workbook.preview.runs import Runs
from workbook.preview.server import open_server
from workbook.preview.site import Site
from workbook.preview.state import State
from workbook.preview.watcher import Watcher
from workbook.problem import BookError, Problem, problem
from workbook.publish import landing
from workbook.publish.store import open_store
from workbook.serve import Server
from workbook.source.edition import BILINGUAL, LANGUAGES

FOLDER = f"{WORK}/preview"
_CHECKED_AFTER = 0.1  # seconds without a save: who saves again wants to see that first
_FINISHED_AFTER = 2.0  # seconds until notebooks and the search follow
Say = Callable[[str], None]


class Quiet:
    """Hears what a build does and says nothing of it."""

    def start(self, stage: str, total: int) -> None:
        """A stage begins."""

    def step(self, stage: str, what: str, done: int, total: int) -> None:
        """A step is done."""

    def finish(self, stage: str) -> None:
        """A stage is over."""


class Session:
    """A preview of some editions; `say(line)` tells the terminal what happens.

    OSError where no port is to be had from `port` on.
    """

    def __init__(self, root: Path, editions: Sequence[str], port: int, say: Say) -> None:
        self.root, self.say = root, say
        self.output = root / FOLDER
        self.output.mkdir(parents=True, exist_ok=True)
        self.state = State()
        self.books = Books(root, self.output, self._busy)
        self.server: Server = open_server(self.output, port, self.state, self.books.make)
        self.draft = Draft(root)
        self.sites = {name: Site(root, self.output, name, editions) for name in editions}
        self.problems: dict[str, list[Problem]] = {}  # by what found them
        self._saved: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._due: list[tuple[float, Callable[[], None]]] = []  # after so many quiet seconds
        self._later: queue.SimpleQueue[str] = queue.SimpleQueue()  # editions to be finished
        self._ending = threading.Event()
        self._unfinished: set[str] = set()  # editions without their notebooks and index
        self._said: set[Problem] = set()
        self._telling = threading.Lock()
        self._read = self._checked = 0.0  # when that was begun which was last read, and checked

    def run(self) -> None:
        """Serve and follow until KeyboardInterrupt; nothing is left behind."""
        with contextlib.ExitStack() as ending:
            ending.enter_context(_interrupted_by(signal.SIGTERM, signal.SIGHUP))
            # pandoc's trees are many small objects: those to be freed are looked for when idle.
            gc.disable()
            ending.callback(gc.enable)
            ending.enter_context(memo.kept_in(self.root / WORK / "pages"))
            ending.callback(memo.prune, self.root / WORK / "pages")
            ending.enter_context(self.server)
            ending.callback(_end_children)
            # A thread that is not waited for: what it makes is made again at the next start.
            threading.Thread(target=self._finish_sites, name="later", daemon=True).start()
            ending.callback(self._ending.set)
            self.runs = Runs(self._busy, lambda: self._saved.put(None))
            ending.callback(self.runs.stop)
            ending.callback(self.books.stop)
            watcher = Watcher(self.root, lambda: self._saved.put(None))
            ending.callback(watcher.stop)
            answering = threading.Thread(target=self.server.serve_forever, args=(0.1,))
            answering.start()
            ending.callback(answering.join)
            ending.callback(self.server.shutdown)
            ending.callback(self.state.close)
            self.say(f"{self.server.address}\nCtrl-C stops it.")
            self._saved.put(None)
            self._follow()

    def _follow(self) -> None:
        while True:
            try:
                self._saved.get(timeout=self._due[0][0] if self._due else None)
            except queue.Empty:
                _, work = self._due.pop(0)
                self._guarded(work)
                continue
            with contextlib.suppress(queue.Empty):
                while True:
                    self._saved.get_nowait()
            self._due = [(_CHECKED_AFTER, self._check), (_FINISHED_AFTER, self._finish)]
            self._guarded(self._render)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do it; a fault of ours is told like any other, and the preview lives on."""
        name = work.__name__.lstrip("_")
        self.problems.pop(name, None)
        try:
            work()
        except BookError as error:
            self.problems[name] = error.problems
        except Exception as error:
            what, remedy = f"the preview could not {name} ({error!r})", "save again"
            detail = traceback.format_exc()
            self.problems[name] = [problem("preview", 0, what, remedy, detail)]
        self._tell()

    def _render(self) -> None:
        """Read what was saved, show it, and have run what has to be run."""
        begun = time.perf_counter()
        self._read = time.time()
        before = dict(self.draft.books)
        self.problems["read"] = self.draft.read()
        books = self.draft.books
        if LANGUAGES[0] not in books:
            return
        chapters = books[LANGUAGES[0]].chapters
        outputs = self.runs.wanted(executions(chapters, self.root))
        self.problems["run"] = self.runs.problems
        # What was saved first, the book of both languages last: each is shown when it is there.
        names = [name for name in self.sites if name in books]
        for name in sorted(names, key=lambda n: (n == BILINGUAL, books[n] == before.get(n))):
            update = self.sites[name].update(books[name], outputs)
            self.problems[f"render {name}"] = update.problems
            self._show(name, update.pages, begun)
            self._tell()

    def _show(self, name: str, pages: Sequence[str], begun: float) -> None:
        """Have these pages loaded again."""
        if not pages:
            return
        self._unfinished.add(name)
        self.state.renewed(f"/{self.sites[name].place}/{page}" for page in pages)
        few = ", ".join(Path(page).stem for page in pages[:3])
        more = f" and {len(pages) - 3} more" if len(pages) > 3 else ""
        seconds = time.perf_counter() - begun
        self.say(f"{time.strftime('%H:%M:%S')} {name}: {few}{more}  {seconds:.2f} s")

    def _check(self) -> None:
        """Check, and write what is generated from the chapters, as a build begins."""
        self._checked = self._read
        begin(Request(self.root, self.output), Quiet())

    def _finish(self) -> None:
        """Let the search and the notebooks follow, behind whatever is asked for meanwhile."""
        gc.collect()
        with open_store(self.output, self.root / WORK / "books.json", False) as store:
            books = list(self.draft.books.values())
            store.install(landing.make_front(books, [], self.root, store))
        for name in sorted(self._unfinished):
            self._later.put(name)
        self._unfinished.clear()

    def _finish_sites(self) -> None:
        """Finish one site after the other, when nothing else wants the processor."""
        _give_way()
        while True:
            name = self._later.get()
            problems: list[Problem] = []
            for work in (self.sites[name].write_notebooks, self.sites[name].index):
                try:
                    if not self._ending.is_set():
                        work()
                except BookError as error:
                    problems += error.problems
            if self._ending.is_set():
                return
            self.problems[f"finish {name}"] = problems
            self._tell()

    def _tell(self) -> None:
        """Tell page and terminal what is wrong, and that it is no more."""
        with self._telling:
            said = dict(self.problems)
            # Its pages wait for the twin: no fault, and `check` tells where the twins part.
            waiting = said.pop(f"render {BILINGUAL}", [])
            found = _once({each for some in said.values() for each in some})
            note = self.draft.note or "; ".join(f"{p.where}: {p.what}" for p in waiting)
            notes = {BILINGUAL: f"as it last was: {note}"} if note else {}
            shown = [_shown(each) for each in found]
            self.state.tell(problems=shown, notes=notes, checked=self._checked)
            for each in found:
                if each not in self._said:
                    self.say(str(each))
            if self._said and not found:
                self.say("all is well again")
            self._said = set(found)

    def _busy(self, words: str) -> None:
        self.state.tell(busy=words)


def _once(problems: set[Problem]) -> list[Problem]:
    """In order; what names no line gives way where lines of the same file are named."""
    placed = {each.where.path for each in problems if each.where.line}
    return sorted(p for p in problems if p.where.line or p.where.path not in placed)


def _shown(each: Problem) -> dict[str, str]:
    return {
        "where": str(each.where),
        "what": each.what,
        "remedy": each.remedy,
        "detail": each.detail,
    }


@contextlib.contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Within this context these signals are a KeyboardInterrupt."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _give_way() -> None:
    """Let this thread and what it starts run when nothing else does, where a system can."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)


def _end_children() -> None:
    """End what was started in the background and is of no use any more."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
