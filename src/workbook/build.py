"""From chapters to books: the only module that knows the whole way.

Everything is made in a folder beside the output and moved into place at the end, so a
failure or an interruption leaves the last good book as it was.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from sysconfig import get_path
from typing import Protocol

from workbook import formats, memo, zygote
from workbook.check import check
from workbook.derive import cheatsheet, claims, glossary, notation, tangle
from workbook.derive.answers import answers
from workbook.derive.assignments import assignments
from workbook.files import atomic_write, claimed
from workbook.problem import BookError, Problem, of_file, problem
from workbook.publish import wheel
from workbook.publish.books import Book, make_books, make_handout
from workbook.publish.store import Product, open_store
from workbook.render import quarto
from workbook.run.execute import Modules, Outputs, cached, execute, fingerprint, keep
from workbook.run.kernel import stop_kernels
from workbook.source.chapter import Chapter, parse_chapter, read_chapter, read_chapters
from workbook.source.edition import (
    BILINGUAL,
    EDITIONS,
    LANGUAGES,
    Handout,
    Options,
    bilingual,
    read_edition,
)
from workbook.weave import placeholders

WORK = ".workbook"  # caches and the like; may be deleted at any time
_PATIENCE = 0.1  # seconds until what runs is told to stop once more
# What is checked and what is generated, besides the files at the root.
_SOURCES = ("chapters", "recordings", "code", "exercises", "tests/chapters")


class Reporter(Protocol):
    """Is told what the build does; the command line draws it."""

    def start(self, stage: str, total: int) -> None:
        """A stage begins that has `total` steps."""

    def step(self, stage: str, what: str, done: int, total: int) -> None:
        """Of one item of the stage (a chapter, a book), `done` of `total` parts are done."""

    def finish(self, stage: str) -> None:
        """The stage is over."""


@dataclass(frozen=True)
class Request:
    """What to build, and where to."""

    root: Path
    output: Path
    editions: tuple[str, ...] = EDITIONS
    formats: tuple[str, ...] = field(default_factory=formats.usual)  # as -f has them
    options: Options = field(default_factory=Options)
    jobs: int = os.cpu_count() or 1
    force: bool = False  # execute and render even what did not change
    handout: Handout | None = None  # this and no book


@dataclass(frozen=True)
class Execution:
    """A chapter to be run, with all that its outputs depend on."""

    chapter: Chapter
    modules: Modules
    root: Path

    @functools.cached_property
    def key(self) -> str:
        """The hash under which its outputs are kept."""
        return fingerprint(self.chapter, self.modules, self.root)

    def kept(self) -> Outputs | None:
        """Its outputs, if it has nothing to run or was run before."""
        return cached(self._cache, self.chapter, self.key) if self.chapter.cells else []

    def run(self, on_cell: Callable[[int, int], None]) -> Outputs:
        """Run it and keep its outputs; BookError and `on_cell` as `execute` has them."""
        outputs = execute(self.chapter, self.modules, self.root, on_cell)
        keep(self._cache, self.chapter, self.key, outputs)
        return outputs

    @property
    def _cache(self) -> Path:
        return self.root / WORK / "outputs"


@dataclass
class Summary:
    """What a build did."""

    products: list[Product] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)  # slugs of the chapters that were run
    tangled: list[Path] = field(default_factory=list)
    faults: list[Problem] = field(default_factory=list)  # that did not stop it


def build(request: Request, report: Reporter) -> Summary:
    """Build what was asked for, books or hand-outs; BookError stops it and changes none."""
    make = _handed_out if request.handout else _built
    kept = request.root / WORK / "pages"
    with _alone(request.root):
        with memo.kept_in(None if request.force else kept):
            summary = make(request, report)
        memo.prune(kept)
    return summary


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """One build at a time writes what is generated and kept; BookError where another does.

    A file that can't be written ends the work with its name.
    """
    lock = root / WORK / "lock"
    try:
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        with claimed(lock) as ours:
            if not ours:
                what = "another build is at work in this folder"
                raise BookError(problem(f"{WORK}/lock", 0, what, "wait until it has ended"))
            yield
    except OSError as error:
        raise BookError(of_file(error, root)) from error


def _built(request: Request, report: Reporter) -> Summary:
    summary = begin(request, report, executes=True)
    books = {lang: _read(request.root, lang) for lang in LANGUAGES}
    memory = request.root / WORK / "books.json"
    with open_store(request.output, memory, request.force) as store:
        with _stage("execute", summary, report):
            chapters = books[LANGUAGES[0]].chapters  # one language's stand for the other's
            outputs = _execute(executions(chapters, request.root), request, report, summary)
        with _stage("render", summary, report):
            books[BILINGUAL] = bilingual_book(request.root, books)
            wanted = {name: books[name] for name in request.editions}
            asked = formats.asked_for(request.formats)
            offers = any(each.offers for each in asked)
            offered = (
                wheel.made(request.root, request.root / WORK / "wheel") if offers else None
            )
            report.start("render", len(wanted) * len(asked))
            products = make_books(
                wanted,
                outputs,
                asked,
                request.options,
                request.root,
                store,
                request.jobs,
                lambda name: report.step("render", name, 1, 1),
                offered,
            )
            from workbook.publish import landing  # imports what renders, which takes a while

            every = list(books.values())
            products += landing.make_front(every, products, request.root, store)
            summary.products = store.install(products)
    return summary


def _handed_out(request: Request, report: Reporter) -> Summary:
    """Make hand-outs of one chapter: that one is run, and no other page is made."""
    assert request.handout
    chapter = _chapter(request.root, request.handout.slug)
    summary = begin(request, report, executes=True, only=chapter.slug)
    books = {lang: _read(request.root, lang) for lang in LANGUAGES}
    zh = books[LANGUAGES[0]]
    memory = request.root / WORK / "books.json"
    with open_store(request.output, memory, request.force) as store:
        with _stage("execute", summary, report):
            waiting = executions(zh.chapters, request.root)
            own = [each for each in waiting if each.chapter.slug == chapter.slug]
            outputs = {
                each.chapter.slug: each.kept() or placeholders(each.chapter) for each in waiting
            }
            outputs |= _execute(own, request, report, summary)
        with _stage("render", summary, report):
            books[BILINGUAL] = bilingual_book(request.root, books)
            report.start("render", len(request.editions))
            products = []
            for name in request.editions:
                made = make_handout(
                    books[name], outputs, request.handout, request.options, request.root, store
                )
                products.append(made)
                report.step("render", name, 1, 1)
            summary.products = list(store.install(products))
    return summary


def _chapter(root: Path, slug: str) -> Chapter:
    """The chapter that is handed out; BookError with those that there are."""
    edition = read_edition(root, LANGUAGES[0])
    entries = [entry for entry in edition.entries if entry.number and not entry.appendix]
    found = next((entry for entry in entries if entry.slug == slug), None)
    if found is None:
        remedy = f"choose from {', '.join(entry.slug for entry in entries)}"
        raise BookError(problem("--chapter", 0, f"there is no chapter {slug!r}", remedy))
    return read_chapter(root / found.path, root)


def build_by_quarto(request: Request, report: Reporter) -> Summary:
    """Have Quarto make the books of the languages that were asked for, into _book/quarto.

    BookError says what is missing before anything begins. Warnings about references,
    citations and fonts are faults of the summary: Quarto has made the books all the same.
    """
    if lacking := quarto.lacking():
        raise BookError(lacking)
    with _alone(request.root):
        return _built_by_quarto(request, report)


def _built_by_quarto(request: Request, report: Reporter) -> Summary:
    summary = begin(request, report)
    targets = [each.quarto for each in formats.asked_for(request.formats) if each.quarto]
    for lang in (lang for lang in LANGUAGES if lang in request.editions):
        stage = f"quarto {lang}"
        steps = QuartoSteps(stage, report)
        with _stage(stage, summary, report):
            log = request.root / WORK / f"quarto-{lang}.log"
            said = quarto.render(request.root, lang, targets, log, steps.begin)
            steps.end()
        summary.faults += quarto.problems_of(said, lang)
        stem = read_edition(request.root, lang).output_file
        for book in quarto.books(request.root, lang, stem, targets):
            if book.exists():
                product = Product(book, key="", pages=quarto.pages(book), fresh=True)
                summary.products.append(product)
            else:
                remedy = f"read {WORK}/{log.name}"
                summary.faults.append(problem(book, 0, "Quarto did not make it", remedy))
    return summary


class QuartoSteps:
    """Makes steps of a stage from the files that Quarto begins; the last step joins them."""

    def __init__(self, stage: str, report: Reporter) -> None:
        self.stage, self.report, self.file = stage, report, ""

    def begin(self, file: str, _at: int, of: int) -> None:
        """Quarto begins a file, one of so many, so the one before it is done."""
        if self.file:
            self.end()
        else:
            self.report.start(self.stage, of)
        self.file = file

    def end(self) -> None:
        """The file at hand is done."""
        if self.file:
            self.report.step(self.stage, self.file, 1, 1)


def retangle(root: Path, check_only: bool = False, readers: bool = True) -> list[Path]:
    """Write all that is generated from the chapters: modules, exercises, appendices.

    Without `readers`, the files that a reader works in are passed over.
    """
    books = {lang: _read(root, lang, generated=False) for lang in LANGUAGES}
    zh, en = (book.chapters for book in books.values())
    targets = [*tangle.modules(zh), *assignments(zh, en)]
    for book in books.values():
        appendices = (
            answers(book.edition, book.chapters),
            glossary.appendix(root, book.edition, book.chapters),
            claims.appendix(root, book.edition),
            notation.appendix(root, book.edition),
            cheatsheet.appendix(root, book.edition, root / WORK / "cheatsheet.json"),
        )
        targets += [appendix for appendix in appendices if appendix]
    targets = [target for target in targets if readers or not target.welcome]
    return tangle.write(root, targets, check=check_only)


def begin(
    request: Request, report: Reporter, executes: bool = False, only: str = ""
) -> Summary:
    """Nothing is wrong in the chapters, and what is generated from them is written.

    Where not a byte changed since that was so, it is so. `executes`: chapters are run after it,
    or this one alone.
    """
    summary = Summary()
    stamp = request.root / WORK / "sources"
    same = not request.force and _read_stamp(stamp) == _sources(request.root)
    if executes and not same:
        _prepare(request, only)
    with _stage("check", summary, report):
        if not same and (problems := check(request.root)):
            raise BookError(problems)
    with _stage("tangle", summary, report):
        if not same:
            summary.tangled = retangle(request.root)
            with contextlib.suppress(OSError):  # a full disk: it is checked again next time
                atomic_write(stamp, _sources(request.root))
    return summary


def _prepare(request: Request, only: str) -> None:
    """Let what cells import be imported while the chapters are checked, if any will be run."""
    with contextlib.suppress(BookError, OSError):  # the check tells what is wrong
        chapters = _read(request.root, LANGUAGES[0], generated=False).chapters
        waiting = _kept_and_waiting(executions(chapters, request.root), request)[1]
        if any(only in ("", each.chapter.slug) for each in waiting):
            zygote.prepare(request.root)


def _read_stamp(stamp: Path) -> str:
    try:
        return stamp.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _sources(root: Path) -> str:
    """The hash of all that is checked or generated, and of what checks and generates it."""
    written = (path for pattern in ("*.yml", "*.qmd", "*.bib") for path in root.glob(pattern))
    folders = [root / name for name in _SOURCES]
    inside = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    files = [path for path in (*written, *inside) if path.suffix != ".pyc"]
    packages = sorted(path.name for path in Path(get_path("purelib")).glob("*.dist-info"))
    return f"{sys.version} {packages} {memo.engine()} {memo.contents(files)}"


def _read(root: Path, lang: str, generated: bool = True) -> Book:
    """An edition and its chapters, with or without the generated appendices."""
    edition = read_edition(root, lang)
    return Book(edition, read_chapters(edition, root, generated))


def bilingual_book(root: Path, books: Mapping[str, Book]) -> Book:
    """The book of both languages: two glossaries in one order, claims with one evidence."""
    zh, en = (books[lang] for lang in LANGUAGES)
    edition = bilingual(zh.edition, en.edition)
    written = glossary.bilingual(root, edition, zh.chapters) | claims.bilingual(root, edition)
    chapters, twins = (
        tuple(
            parse_chapter(written[chapter.path], chapter.path)
            if chapter.path in written
            else chapter
            for chapter in book.chapters
        )
        for book in (zh, en)
    )
    return Book(edition, chapters, twins)


# --- execute ---------------------------------------------------------------------------


def executions(chapters: Sequence[Chapter], root: Path) -> list[Execution]:
    """What there is to run of a book: every chapter with the modules that it may import."""
    return [Execution(each, tangle.visible(chapters, each.slug), root) for each in chapters]


def _execute(
    wanted: Sequence[Execution], request: Request, report: Reporter, summary: Summary
) -> dict[str, Outputs]:
    """The outputs of these chapters by slug: each is run once, unless it is kept."""
    outputs, waiting = _kept_and_waiting(wanted, request)
    report.start("execute", sum(len(each.chapter.cells) for each in waiting))

    def run(each: Execution) -> tuple[str, Outputs]:
        slug = each.chapter.slug
        return slug, each.run(lambda done, total: report.step("execute", slug, done, total))

    for slug, result in _in_parallel(
        run, [(each,) for each in waiting], request.jobs, on_failure=stop_kernels
    ):
        outputs[slug] = result
        summary.executed.append(slug)
    return outputs


def _kept_and_waiting(
    wanted: Sequence[Execution], request: Request
) -> tuple[dict[str, Outputs], list[Execution]]:
    """The outputs that are kept, by slug; and what has to be run."""
    outputs: dict[str, Outputs] = {}
    waiting = []
    for each in wanted:
        kept = None if request.force and each.chapter.cells else each.kept()
        if kept is None:
            waiting.append(each)
        else:
            outputs[each.chapter.slug] = kept
    return outputs, waiting


def _in_parallel(
    work: Callable[..., tuple[str, object]],
    arguments: Sequence[tuple],
    jobs: int,
    on_failure: Callable[[], None] = lambda: None,
) -> list:
    """The results of `work(*arguments)` in order; the first failure stops the rest."""
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures: list[Future] = [pool.submit(work, *each) for each in arguments]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            failed = [f.exception() for f in futures if f.done() and f.exception()]
            if failed:
                raise failed[0]  # type: ignore[misc]
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in futures):
                on_failure()  # again, for what has begun meanwhile
                time.sleep(_PATIENCE)
            raise


@contextlib.contextmanager
def _stage(name: str, summary: Summary, report: Reporter) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    summary.seconds[name] = time.perf_counter() - begun
    report.finish(name)
