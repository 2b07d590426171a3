"""Makes the books: each edition in each format, side by side on the cores."""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbook import memo
from workbook.formats import HTML, PDF, Format, Job
from workbook.publish.store import Product, Store
from workbook.render import makers
from workbook.run.execute import Outputs
from workbook.source.chapter import Chapter
from workbook.source.edition import EDITIONS, Edition, Handout, Options
from workbook.weave import Woven, weave


@dataclass(frozen=True)
class Book:
    """An edition with its chapters, read; the bilingual one has them in English too."""

    edition: Edition
    chapters: tuple[Chapter, ...]
    twins: tuple[Chapter, ...] = ()


def make_books(
    books: Mapping[str, Book],
    outputs: Mapping[str, Outputs],
    formats: Sequence[Format],
    options: Options,
    root: Path,
    store: Store,
    jobs: int,
    on_book: Callable[[str], None],
    wheel: Path | None = None,
) -> list[Product]:
    """Make every format of these editions, aside in the store; `on_book(name)` after each.

    `outputs` holds, by slug, what each chapter's cells gave; `wheel` is what sites offer.
    """
    sites = _sites(tuple(books), formats, store)
    sheets = _sheets(books, root) if HTML in formats else {}
    shaped = makers.fingerprint(root)
    made: dict[str, Product] = {}

    def note(products: Mapping[str, Product]) -> None:
        made.update(products)
        for name in products:
            on_book(name)

    stale = []  # a worker takes a second to start: only for what has to be made
    for edition, some in _tasks(tuple(books), formats):
        plans = list(
            _plans(books[edition], outputs, some, options, root, shaped, sites, wheel, sheets)
        )
        unchanged = {each.title: store.unchanged(each.name, each.key) for each in plans}
        note({title: product for title, product in unchanged.items() if product})
        if missing := [each for each in plans if not unchanged[each.title]]:
            stale.append(missing)
    if stale:
        with _workers(min(jobs, len(stale))) as pool:
            futures = [pool.submit(_make, plans, store, memo.folder()) for plans in stale]
            for future in as_completed(futures):
                note(future.result())
    return [made[f"{edition} {each.name}"] for edition in books for each in formats]


def make_handout(
    book: Book,
    outputs: Mapping[str, Outputs],
    handout: Handout,
    options: Options,
    root: Path,
    store: Store,
) -> Product:
    """Make a hand-out of one chapter of an edition, aside in the store.

    The chapters that are not in it need no more outputs than numbers hang on.
    """
    edition = PDF.applied(options, book.edition)
    surveyed, printed = (_woven(book, outputs, fmt.woven, root) for fmt in (HTML, PDF))
    pages = [
        ours if ours.entry.slug in handout.pages else theirs
        for ours, theirs in zip(printed, surveyed, strict=True)
    ]
    key = _render_key(Job(edition, pages), repr(handout), makers.fingerprint(root))
    write = functools.partial(_write_handout, edition, pages, handout)
    return store.product(handout.path(edition), key, write)


def _write_handout(
    edition: Edition, pages: Sequence[Woven], handout: Handout, out: Path
) -> int:
    from workbook.render import handout as writer  # Typst takes a while to load

    return writer.write(edition, pages, handout, out)


def _tasks(
    editions: Sequence[str], formats: Sequence[Format]
) -> list[tuple[str, tuple[Format, ...]]]:
    """What one worker renders at a time.

    The books of an edition that are not typeset go together, since they share what is parsed.
    The typeset ones, which take the most memory, stand at both ends: two workers never
    typeset at once.
    """
    light = tuple(each for each in formats if not each.typesets)
    tasks = [(edition, light) for edition in editions if light]
    heavy = [(edition, (each,)) for each in formats if each.typesets for edition in editions]
    return [*heavy[:1], *tasks, *heavy[1:]]


@contextlib.contextmanager
def _workers(jobs: int) -> Iterator[Executor]:
    """Processes to render in, since most of that is Python; a thread where one is enough.

    They start afresh rather than as copies of this process, whose sockets and threads
    they must not inherit, and leave Ctrl-C to it.
    """
    if jobs == 1:
        with ThreadPoolExecutor(1) as pool, _uncollected():
            yield pool
        return
    spawn = multiprocessing.get_context("spawn")
    # One task for each process: Typst keeps what it typeset until its process ends.
    pool = ProcessPoolExecutor(jobs, spawn, _begin, max_tasks_per_child=1)
    with pool:
        try:
            yield pool
        except BaseException:
            # What runs is of no use any more. The pool notices that its processes are gone and
            # ends; told to shut down while it replaces one, it would wait for ever.
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # for good, as the process ends soon


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Nobody looks for objects that could go: pandoc's trees are cycles of millions of them,
    and the looking costs a third of the work.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _sheets(books: Mapping[str, Book], root: Path) -> Mapping[str, Mapping[str, Any]]:
    """What sites check answers on paper by; every edition has the same exercises."""
    from workbook.practice import paper

    return paper.sheets(root, next(iter(books.values())).chapters)


@dataclass(frozen=True)
class _Plan:
    """A book to be made, or to be left as it stands if its key is the same."""

    title: str  # zh html
    name: str  # in the store
    key: str
    write: Callable[[Path], int]


def _plans(
    book: Book,
    outputs: Mapping[str, Outputs],
    formats: Sequence[Format],
    options: Options,
    root: Path,
    shaped: str,
    sites: Sequence[str],
    wheel: Path | None,
    sheets: Mapping[str, Mapping[str, Any]],
) -> Iterator[_Plan]:
    """Some books of one edition."""
    woven: dict[str, list[Woven]] = {}  # formats that take the same Markdown share it
    for each in formats:
        edition = each.applied(options, book.edition)
        if each.woven not in woven:
            woven[each.woven] = _woven(book, outputs, each.woven, root)
        pages = woven[each.woven]
        others = [site for site in sites if site != edition.name] if each.leads else []
        offered = wheel if each.offers else None
        practised: Mapping[str, str] = {}
        if each is HTML:
            from workbook.render.html import practice

            practised = practice.files(edition, book.chapters, book.twins, sheets)
        job = Job(edition, pages, book.chapters, others, offered, practised)
        key = _render_key(job, each.name, shaped)
        write = functools.partial(each.write, job)
        yield _Plan(f"{edition.name} {each.name}", each.path(edition), key, write)


def _make(plans: Sequence[_Plan], store: Store, kept: Path | None) -> dict[str, Product]:
    """Make these books, each under its title, of what is kept and what is new."""
    with memo.kept_in(kept):
        return {each.title: store.product(each.name, each.key, each.write) for each in plans}


def _woven(book: Book, outputs: Mapping[str, Outputs], fmt: str, root: Path) -> list[Woven]:
    """The pages of a book; the two languages of a chapter show the same outputs."""

    def pages(edition: Edition, chapters: Sequence[Chapter]) -> list[Woven]:
        return [
            weave(chapter, entry, outputs[chapter.slug], fmt, root)
            for entry, chapter in zip(edition.entries, chapters, strict=True)
        ]

    own = pages(book.edition, book.chapters)
    if not book.twins:
        return own
    twins = pages(book.edition.halves[1], book.twins)
    return [replace(page, twin=twin) for page, twin in zip(own, twins, strict=True)]


def _sites(names: Sequence[str], formats: Sequence[Format], store: Store) -> list[str]:
    """The editions that have a site when this build is over: a page leads to no other."""
    made = names if HTML in formats else ()
    return [each for each in EDITIONS if each in made or store.has(f"{each}/html")]


def _render_key(job: Job, name: str, shaped: str) -> str:
    """The hash of all that a book depends on besides the machine; `shaped` is the tooling."""
    book = f"{name} {job.sites} {job.edition.described()} {shaped}"
    digest = hashlib.sha256(book.encode())
    for page in job.pages:
        digest.update(repr((page.entry, page.twin and page.twin.entry)).encode())
        digest.update(page.markdown.encode())
        digest.update(page.twin.markdown.encode() if page.twin else b"")
        digest.update(memo.hashed(page.files).encode())
    digest.update(job.edition.bibliography.read_bytes())
    digest.update(repr(sorted(job.practice.items())).encode())
    if job.wheel:
        digest.update(job.wheel.name.encode() + job.wheel.read_bytes())
    return digest.hexdigest()
