"""The registry of formats: what each is called, how it is written, and where it stands.

Whoever lists formats, from the command line to the validators, asks here. A new one is one
`Format`, registered; `docs/architecture.md` shows it step by step.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbook.source.chapter import Chapter
from workbook.source.edition import Edition, Options
from workbook.weave import Woven

FRONT = "../../index.html"  # the page of all editions, as seen from a site


@dataclass(frozen=True)
class Job:
    """What a writer is given of an edition."""

    edition: Edition
    pages: Sequence[Woven]
    chapters: Sequence[Chapter] = ()  # the code that a site offers
    sites: Sequence[str] = ()  # the other editions that have a site, to which this one leads
    wheel: Path | None = None  # what a site offers to install
    practice: Mapping[str, str] = field(default_factory=dict)  # what it checks answers by


@dataclass(frozen=True)
class Format:
    """One kind of finished book; an edition has one of each."""

    name: str
    place: str  # below the output folder: {edition}/{stem}.pdf
    write: Callable[[Job, Path], int]  # makes the book there; returns its pages, or 0
    asked: str = ""  # what -f calls it, where several books answer to one name
    woven: str = "html"  # whose Markdown it takes: what Quarto hands to pandoc for this format
    applied: Callable[[Options, Edition], Edition] = lambda _options, edition: edition
    leads: bool = False  # to the sites of the other editions
    offers: bool = False  # the wheel, to be installed
    typesets: bool = False  # in so much memory that two are never made side by side
    quarto: str = ""  # Quarto's name for it; empty where Quarto has none
    extra: bool = False  # is made only where it is asked for by its name

    @property
    def option(self) -> str:
        """What -f calls it."""
        return self.asked or self.name

    def path(self, edition: Edition) -> str:
        """Where the book of an edition stands, below the output folder."""
        return self.place.format(edition=edition.name, stem=edition.output_file)


# The writers import what they need when they are called: Typst and panflute take a while to
# load, and most commands want neither.


def _site(job: Job, out: Path) -> int:
    from workbook.render.html import website
    from workbook.render.notebook import ipynb
    from workbook.render.notebook.setup import Setup

    others = {name: f"../../{name}/html" for name in job.sites}
    offered = ipynb.offered(job.chapters)
    wheel = job.wheel.name if job.wheel else ""
    home = job.edition.published.page(f"{HTML.path(job.edition)}/")
    website.write(
        job.edition, job.pages, out, others, offered, FRONT, wheel, home, job.practice
    )
    setup = Setup.of(job.wheel, home) if job.wheel else None
    ipynb.write(job.edition, job.chapters, job.pages, out, setup)
    if job.wheel:
        shutil.copyfile(job.wheel, out / ipynb.FOLDER / wheel)
    return len(list(out.glob("*.html")))


def _epub(job: Job, out: Path) -> int:
    from workbook.render.epub import ebook

    ebook.write(job.edition, job.pages, out)
    return 0


def _eink(job: Job, out: Path) -> int:
    from workbook.render.epub import ebook

    ebook.write(job.edition, job.pages, out, eink=True)
    return 0


def _pdf(job: Job, out: Path) -> int:
    from workbook.render import pdf

    return pdf.write(job.edition, job.pages, out)


def _with_font(options: Options, edition: Edition) -> Edition:
    return edition.with_font() if options.embed_font else edition


def _on_paper(options: Options, edition: Edition) -> Edition:
    return edition.on(options.paper)


def _on_screen(options: Options, edition: Edition) -> Edition:
    return edition.on(options.paper).for_screen()


_FORMATS: dict[str, Format] = {}


def register(entry: Format) -> Format:
    """Add a format; ValueError if its name is taken."""
    if entry.name in _FORMATS:
        raise ValueError(f"there is a format {entry.name!r} already")
    _FORMATS[entry.name] = entry
    return entry


def unregister(name: str) -> None:
    """Take a format away again."""
    del _FORMATS[name]


HTML = register(Format("html", "{edition}/html", _site, leads=True, offers=True, quarto="html"))
EPUB = register(
    Format(
        "epub", "{edition}/{stem}.epub", _epub, woven="epub", applied=_with_font, quarto="epub"
    )
)
EINK = register(
    Format("eink", "{edition}/{stem}-eink.epub", _eink, "epub", "epub", applied=_with_font)
)
PDF = register(
    Format("pdf", "{edition}/{stem}.pdf", _pdf, woven="pdf", applied=_on_paper, typesets=True,
           quarto="typst")
)  # fmt: skip
# Typesetting a book takes as long again, and who prints it has no use for this one.
SCREEN = register(
    Format("screen", "{edition}/{stem}.pdf", _pdf, "pdf-screen", "pdf", applied=_on_screen,
           typesets=True, extra=True)
)  # fmt: skip


def all_formats() -> tuple[Format, ...]:
    """Every format, in the order in which they are told."""
    return tuple(_FORMATS.values())


def options() -> tuple[str, ...]:
    """The names that -f takes."""
    return tuple(dict.fromkeys(each.option for each in all_formats()))


def usual() -> tuple[str, ...]:
    """Those of them that are made where nothing is asked for."""
    return tuple(dict.fromkeys(each.option for each in all_formats() if not each.extra))


def asked_for(names: Sequence[str]) -> tuple[Format, ...]:
    """The formats that these names of -f stand for."""
    return tuple(each for each in all_formats() if each.option in names)
