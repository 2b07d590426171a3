"""Prints the books: each edition in each format, side by side on the cores."""

from __future__ import annotations

import contextlib
import functools
import gc
import hashlib
import importlib.metadata
import multiprocessing
import platform
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from workbook.publish.store import Product, Shelf, place
from workbook.run.execute import Outputs
from workbook.source.chapter import Chapter
from workbook.source.edition import EDITIONS, Edition, Options
from workbook.weave import Woven, weave

_MAKERS = (  # the packages that shape a book, and those that its colophon names
    "pypandoc_binary", "typst", "jinja2", "pagefind", "panflute", "pylopdf-fonts-zh-cn",
    "fonttools", "torch", "numpy", "matplotlib",
)  # fmt: skip
_ROOMS = ("source", "render", "publish")  # of this package, beside weave, that shape a book
FRONT = "../../index.html"  # the page of all editions, as seen from a site
_KINDS = {"epub": ("epub", "eink")}  # a format of which an edition has several books


@dataclass(frozen=True)
class Book:
    """An edition with its chapters, read; the bilingual one has them in English too."""

    edition: Edition
    chapters: tuple[Chapter, ...]
    twins: tuple[Chapter, ...] = ()


def print_books(
    books: Mapping[str, Book],
    outputs: Mapping[str, Outputs],
    formats: Sequence[str],
    options: Options,
    root: Path,
    shelf: Shelf,
    jobs: int,
    on_book: Callable[[str], None],
) -> list[Product]:
    """Make every format of these editions, aside on the shelf; `on_book(name)` after each.

    `outputs` holds, by slug, what each chapter's cells gave.
    """
    sites = _sites(tuple(books), formats, shelf)
    made: dict[str, Product] = {}

    def note(products: Mapping[str, Product]) -> None:
        made.update(products)
        for name in products:
            on_book(name)

    stale = []  # a worker takes a second to start: only for what has to be made
    for lang, some in _tasks(tuple(books), formats):
        plans = list(_plans(books[lang], outputs, some, options, root, sites))
        standing = {each.title: shelf.standing(each.name, each.key) for each in plans}
        note({title: product for title, product in standing.items() if product})
        if missing := [each for each in plans if not standing[each.title]]:
            stale.append(missing)
    if stale:
        with _workers(min(jobs, len(stale))) as pool:
            futures = [pool.submit(_make, plans, shelf) for plans in stale]
            for future in as_completed(futures):
                note(future.result())
    return [made[f"{lang} {kind}"] for lang in books for kind in kinds(formats)]


def kinds(formats: Sequence[str]) -> tuple[str, ...]:
    """The kinds of books that these formats stand for."""
    return tuple(kind for fmt in formats for kind in _KINDS.get(fmt, (fmt,)))


def _tasks(
    languages: Sequence[str], formats: Sequence[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """What one worker renders at a time.

    HTML and EPUB of a language go together, since they share what is parsed. The PDFs,
    which take the most memory, stand at both ends: two workers never typeset at once.
    """
    web = tuple(fmt for fmt in formats if fmt != "pdf")
    tasks = [(lang, web) for lang in languages if web]
    if "pdf" in formats:
        first, *others = ((lang, ("pdf",)) for lang in languages)
        tasks = [first, *tasks, *others]
    return tasks


@contextlib.contextmanager
def _workers(jobs: int) -> Iterator[Executor]:
    """Processes to render in, since most of that is Python; a thread where one is enough.

    They start afresh rather than as copies of this process, whose sockets and threads
    they must not inherit, and leave Ctrl-C to it.
    """
    if jobs == 1:
        with ThreadPoolExecutor(1) as pool:
            yield pool
        return
    spawn = multiprocessing.get_context("spawn")
    # One task for each process: Typst keeps what it typeset until its process ends.
    pool = ProcessPoolExecutor(jobs, spawn, _begin, max_tasks_per_child=1)
    with pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # pandoc's trees are cycles of millions of objects: looking for those that could go costs
    # a third of the work, and the process ends soon.
    gc.disable()


@dataclass(frozen=True)
class _Plan:
    """A book to be made, or to be left as it stands if its key is the same."""

    title: str  # zh html
    name: str  # on the shelf
    key: str
    write: Callable[[Path], int]


def _plans(
    book: Book,
    outputs: Mapping[str, Outputs],
    formats: Sequence[str],
    options: Options,
    root: Path,
    sites: Sequence[str],
) -> Iterator[_Plan]:
    """Some books of one edition."""
    for fmt in formats:
        edition = options.applied(book.edition, fmt)
        pages = _woven(book, outputs, fmt, root)
        for kind in kinds([fmt]):
            twins = [s for s in sites if s != edition.lang] if kind == "html" else []
            key = _render_key(edition, pages, f"{kind} {twins}", root)
            write = functools.partial(_write, kind, edition, pages, twins, book.chapters)
            yield _Plan(f"{edition.lang} {kind}", place(edition, kind), key, write)


def _make(plans: Sequence[_Plan], shelf: Shelf) -> dict[str, Product]:
    """Make these books, each under its title."""
    return {each.title: shelf.product(each.name, each.key, each.write) for each in plans}


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


def _sites(names: Sequence[str], formats: Sequence[str], shelf: Shelf) -> list[str]:
    """The editions that have a site when this build is over: a page leads to no other."""
    made = names if "html" in formats else ()
    return [each for each in EDITIONS if each in made or shelf.has(f"{each}/html")]


def _write(
    kind: str,
    edition: Edition,
    pages: Sequence[Woven],
    twins: Sequence[str],
    chapters: Sequence[Chapter],
    out: Path,
) -> int:
    """Write one book; returns how many pages it has, 0 where that has no meaning.

    A site leads to its `twins`, the sites of the other editions, and offers the code of
    the `chapters`.
    """
    # Imported here: typst and panflute take a while, and most commands need neither.
    if kind == "html":
        from workbook.render.html import website
        from workbook.render.notebook import ipynb

        others = {name: f"../../{name}/html" for name in twins}
        website.write(edition, pages, out, others, ipynb.offered(chapters), FRONT)
        ipynb.write(edition, chapters, pages, out)
        return len(list(out.glob("*.html")))
    if kind in ("epub", "eink"):
        from workbook.render.epub import ebook

        ebook.write(edition, pages, out, eink=kind == "eink")
        return 0
    from workbook.render import pdf

    return pdf.write(edition, pages, out)


def _render_key(edition: Edition, pages: Sequence[Woven], kind: str, root: Path) -> str:
    """The hash of all that a book depends on besides the machine."""
    digest = hashlib.sha256(f"{kind} {edition!r}".encode())
    for page in pages:
        digest.update(page.markdown.encode())
        digest.update(page.twin.markdown.encode() if page.twin else b"")
        for name, content in sorted(page.files.items()):
            digest.update(name.encode() + content)
    for package in _MAKERS:
        digest.update(f"{package} {importlib.metadata.version(package)}".encode())
    digest.update(platform.python_version().encode())  # the colophon names it
    for file in [*makers(root), edition.bibliography]:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def makers(root: Path) -> list[Path]:
    """The files that shape every book: theme, filter, recordings, and the rooms of this
    package that turn chapters and outputs into books. What else is in it may change freely.
    """
    package = Path(__file__).parents[1]
    folders = [root / name for name in ("theme", "_extensions", "recordings")]
    folders += [package / room for room in _ROOMS]
    files = (path for folder in folders for path in folder.rglob("*"))
    files = (*files, package / "weave.py")
    return sorted(path for path in files if path.is_file() and path.suffix != ".pyc")
