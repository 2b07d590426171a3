"""The site of one edition, of which a page stays as it was until it can be made again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbook.formats import FRONT, HTML
from workbook.problem import BookError, Problem
from workbook.publish.books import Book
from workbook.render import makers
from workbook.render.html import search, website
from workbook.render.html.page import Page
from workbook.render.notebook import ipynb
from workbook.run.execute import Outputs
from workbook.source.chapter import Chapter
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven, placeholders, weave


@dataclass
class Update:
    """What became of a site."""

    pages: list[str] = field(default_factory=list)  # files that look another way now
    problems: list[Problem] = field(default_factory=list)


class Site:
    """A site that is kept up to date; `sites` are the editions to which its pages lead."""

    def __init__(self, root: Path, output: Path, name: str, sites: Sequence[str]) -> None:
        self.root, self.name = root, name
        self.place = HTML.place.format(edition=name)
        self.folder = output / self.place
        self.others = {each: f"../../{each}/html" for each in sites if each != name}
        self.book: Book | None = None
        self.woven: list[Woven] = []
        self.pages: dict[str, Page] = {}  # by file, as they were last made
        self._made_of: object = None
        self._woven: dict[tuple[str, str], Woven] = {}  # by language and slug
        self._problems: list[Problem] = []

    def update(self, book: Book, outputs: Mapping[str, Outputs]) -> Update:
        """Make again what has changed; the problems are those of all pages."""
        self.book = book
        problems: list[Problem] = []
        woven = self._weave(book, outputs, problems)
        cited = book.edition.bibliography.read_bytes()
        made_of = book.edition, woven, cited, makers.fingerprint(self.root), tuple(problems)
        if made_of == self._made_of:
            return Update(problems=self._problems)
        update = Update(problems=problems)
        try:
            made = website.make_pages(book.edition, woven, self.pages)
        except BookError as error:
            update.problems += error.problems
        else:
            update.problems += made.problems
            update.pages = self._write(made)
        self._made_of, self._problems, self.woven = made_of, update.problems, woven
        return update

    def write_notebooks(self) -> None:
        """Write the chapters as notebooks and as scripts."""
        if self.book and self.woven:
            shutil.rmtree(self.folder / "notebooks", ignore_errors=True)
            ipynb.write(self.book.edition, self.book.chapters, self.woven, self.folder)

    def index(self) -> None:
        """Make the index of the search."""
        search.index(self.folder)

    def _write(self, made: website.Pages) -> list[str]:
        """Write what differs; returns the pages that it shows on."""
        assert self.book
        offered = ipynb.offered(self.book.chapters)
        changed = website.write_pages(made, self.folder, self.others, offered, FRONT)
        names = {file.relative_to(self.folder).as_posix() for file in changed}
        everywhere = not names.isdisjoint(website.ASSETS)
        self.pages = {page.file: page for page in made.all}
        for file in self.folder.glob("*.html"):
            if file.name not in self.pages:
                file.unlink()
        return [
            file
            for file, page in self.pages.items()
            if everywhere or file in names or not names.isdisjoint(page.images)
        ]

    def _weave(
        self, book: Book, outputs: Mapping[str, Outputs], problems: list[Problem]
    ) -> list[Woven]:
        """The pages in the order of the book, each as it last had outputs of its own."""
        edition = book.edition
        own = self._column(edition, book.chapters, outputs, problems)
        if not book.twins:
            return [page for page in own if page]
        twins = self._column(edition.halves[1], book.twins, outputs, problems)
        return [
            replace(page, twin=twin)
            for page, twin in zip(own, twins, strict=True)
            if page and twin
        ]

    def _column(
        self,
        edition: Edition,
        chapters: Sequence[Chapter],
        outputs: Mapping[str, Outputs],
        problems: list[Problem],
    ) -> list[Woven | None]:
        return [
            self._page(edition.name, entry, chapter, outputs.get(chapter.slug), problems)
            for entry, chapter in zip(edition.entries, chapters, strict=True)
        ]

    def _page(
        self,
        lang: str,
        entry: Entry,
        chapter: Chapter,
        outputs: Outputs | None,
        problems: list[Problem],
    ) -> Woven | None:
        key = lang, entry.slug
        # The twin of a chapter whose cells have changed has them changed when it is saved, too.
        if outputs is not None and len(outputs) == len(chapter.cells):
            try:
                self._woven[key] = weave(chapter, entry, outputs, HTML.woven, self.root)
            except BookError as error:
                problems += error.problems
        elif key not in self._woven:
            self._woven[key] = weave(
                chapter, entry, placeholders(chapter), HTML.woven, self.root
            )
        kept = self._woven.get(key)
        return replace(kept, entry=entry) if kept else None
