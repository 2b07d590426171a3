"""Writes the page at the front of the store: what the book is and for whom, two of its pages,
what one can do after each chapter, every edition, and which file is for which device.

It chooses no language for the reader: all is said in each, one beside the other. Where the book
is published, a map of all pages stands beside it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from workbook import messages
from workbook.formats import EINK, EPUB, HTML, PDF, SCREEN
from workbook.publish import spread
from workbook.publish.books import Book
from workbook.publish.spread import Opening
from workbook.publish.store import Product, Store
from workbook.render import cover, makers, pandoc
from workbook.render.html.website import LICENSE_URL, asset, environment
from workbook.source.edition import LANGUAGES, PAPERS, Edition

PAGE, FOLDER, MAP = "index.html", "front", "sitemap.xml"
_COVER_HEIGHT = 1200  # pixels: that of the picture of a link
ASSETS = ("landing.css", "landing.js", "theme.js", "icon.svg")
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; "
    "script-src 'self' file:; base-uri 'none'; form-action 'none'"
)
SHOWN = "tensors"  # the chapter from whose exercises two pages are shown
# The devices in the order of the page: words of the section `devices`.
READERS = (
    "screen", "pdf", "paper", "tablet", "books", "kindle", "kobo", "wechat", "duokan",
)  # fmt: skip
_PAPER_NAMES = {"a4": "A4", "letter": "Letter", "b5": "B5"}


@dataclass(frozen=True)
class Download:
    """A file of an edition."""

    kind: str  # pdf, screen, epub, eink, wheel
    href: str  # as seen from the front page
    size: int  # bytes
    pages: int = 0
    paper: str = ""  # of a PDF

    @property
    def shown_size(self) -> str:
        mega = self.size / 1024 / 1024
        return f"{mega:.1f} MB" if mega >= 1 else f"{max(1, round(self.size / 1024))} kB"


@dataclass(frozen=True)
class Picture:
    """An image, with its size in pixels."""

    src: str
    width: int
    height: int


@dataclass(frozen=True)
class Listed:
    """A chapter as the front page lists it."""

    number: str
    part: str
    title: str
    does: str  # what a reader can do after it
    href: str = ""  # its page, if there is a site


@dataclass(frozen=True)
class Offer:
    """What there is of an edition."""

    edition: Edition
    site: str = ""  # its first page, if it has a site
    downloads: tuple[Download, ...] = ()
    chapters: tuple[Listed, ...] = ()
    spread: Picture | None = None  # two printed pages, where it is printed

    @property
    def place(self) -> str:
        """Where to begin reading: on its site, or else at what there is to download."""
        return self.site or f"#{self.edition.name}"

    @property
    def parts(self) -> list[tuple[str, list[Listed]]]:
        """The chapters by part; those outside of a part come last, under no title."""
        groups = groupby(self.chapters, lambda chapter: chapter.part)
        return [(part, list(chapters)) for part, chapters in groups]

    def words(self, lang: str) -> dict[str, str]:
        """What is said of it in one of its languages."""
        words = dict(messages.of("landing", lang))
        if len(self.edition.languages) > 1:
            words |= {key: words[f"both-{key}"] for key in ("name", "what")}
        return words

    def labels(self, key: str) -> list[tuple[str, str]]:
        """What its languages call something, each with its language; the same word once."""
        said = {self.words(lang)[key]: lang for lang in reversed(self.edition.languages)}
        return [(lang, word) for word, lang in reversed(said.items())]


def make_front(
    books: Sequence[Book], products: Sequence[Product], root: Path, store: Store
) -> list[Product]:
    """The page that offers every edition of the store, those of earlier builds included."""
    spreads = {book.edition.name: _spread(book, products, store) for book in books}
    offers = [_offer(book, products, store, spreads) for book in books]
    digest = hashlib.sha256(f"{offers!r} {makers.fingerprint(root)}".encode())
    for opening in filter(None, spreads.values()):
        digest.update(opening.pdf.read_bytes())
    covers = _published(offers)
    digest.update(repr([edition.described() for edition in covers]).encode())
    key = digest.hexdigest()
    pictures = {_file(name): opening for name, opening in spreads.items() if opening}
    made = [
        store.product(FOLDER, key, functools.partial(write_assets, pictures, covers)),
        store.product(PAGE, key, functools.partial(write, offers)),
    ]
    if not covers:
        store.withdraw(MAP)
        return made
    listed = site_map(covers, products, store)
    key = hashlib.sha256(listed.encode()).hexdigest()
    return [*made, store.product(MAP, key, functools.partial(_write_text, listed))]


def _published(offers: Sequence[Offer]) -> list[Edition]:
    """The editions whose sites are on the web: each has a cover that links to it show."""
    return [o.edition for o in offers if o.site and o.edition.published.site]


def site_map(editions: Sequence[Edition], products: Sequence[Product], store: Store) -> str:
    """Every page of the sites of the store, for search engines."""
    pages = [(editions[0].published.site, editions[0])]
    for edition in editions:
        place = HTML.path(edition)
        folder = store.found(place, products)
        names = sorted(page.name for page in folder.glob("*.html")) if folder else []
        pages += [(edition.published.page(f"{place}/{name}"), edition) for name in names]
    urls = "".join(
        f"<url><loc>{escape(page)}</loc><lastmod>{edition.date}</lastmod></url>\n"
        for page, edition in pages
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    )


def _write_text(text: str, out: Path) -> int:
    out.write_text(text, encoding="utf-8", newline="\n")
    return 0


def _spread(book: Book, products: Sequence[Product], store: Store) -> Opening | None:
    """The pages to show of an edition in one language, if it is printed."""
    shown = next((each for each in book.chapters if each.slug == SHOWN), None)
    pdf = store.found(PDF.path(book.edition), products)
    if book.edition.halves or not shown or not pdf:
        return None
    section = messages.of("chapters", book.edition.lang)["exercises"]
    return spread.opening_after(pdf, shown.title, section)


def _file(name: str) -> str:
    """The picture of an edition's pages, in the folder of the front page."""
    return f"spread-{name}.png"


def _offer(
    book: Book,
    products: Sequence[Product],
    store: Store,
    spreads: Mapping[str, Opening | None],
) -> Offer:
    edition = book.edition
    files = []
    for paper in PAPERS:
        found = store.listing(PDF.path(edition.on(paper)), products)
        files += [Download("pdf", *found, _PAPER_NAMES[paper])] if found else []
    found = store.listing(SCREEN.path(edition.for_screen()), products)
    files += [Download("screen", *found)] if found else []
    for each in (EPUB, EINK):
        found = store.listing(each.path(edition), products)
        files += [Download(each.name, *found)] if found else []
    site = store.listing(HTML.path(edition), products)
    if site and (wheel := store.inside(site[0], "notebooks/*.whl")):
        files.append(Download("wheel", *wheel))
    folder = site[0] if site else ""
    opening = spreads[edition.name]
    picture = Picture(f"{FOLDER}/{_file(edition.name)}", *opening.size) if opening else None
    listed = () if edition.halves else tuple(_listed(book, folder))
    return Offer(
        edition, f"{folder}/index.html" if folder else "", tuple(files), listed, picture
    )


def _listed(book: Book, folder: str) -> Iterator[Listed]:
    """The chapters that say what one can do after them."""
    for entry, chapter in zip(book.edition.entries, book.chapters, strict=True):
        if chapter.description:
            href = f"{folder}/{entry.slug}.html" if folder else ""
            title = chapter.title.replace("`", "")
            part = " ".join(entry.part)  # of one language
            yield Listed(entry.number, part, title, chapter.description, href)


def write(offers: Sequence[Offer], out: Path) -> int:
    """Write the front page to the file `out`; returns 0, for pages mean nothing."""
    covers = _published(offers)
    single = [offer for offer in offers if len(offer.edition.languages) == 1]
    of_lang = {offer.edition.lang: offer for offer in single if offer.site or offer.downloads}
    text = environment().get_template("landing.html").render(
        offers=[offer for offer in offers if offer.site or offer.downloads],
        titles=[(pandoc.locale(o.edition), o.edition) for o in single],
        single=of_lang,
        readers=READERS,
        words={lang: messages.of("landing", lang) for lang in LANGUAGES},
        devices={lang: messages.of("devices", lang) for lang in LANGUAGES},
        locales=pandoc.LOCALES,
        license={lang: messages.of("books", lang)["license"] for lang in LANGUAGES},
        license_url=LICENSE_URL,
        policy=POLICY,
        folder=FOLDER,
        home=covers[0].published.site if covers else "",
        picture=cover.place(covers[0]) if covers else "",
    )  # fmt: skip
    return _write_text(text, out)


def write_assets(pictures: Mapping[str, Opening], covers: Sequence[Edition], out: Path) -> int:
    """Write what the front page needs into the folder `out`, and the covers that links show."""
    out.mkdir(parents=True)
    for name, opening in pictures.items():
        (out / name).write_bytes(spread.draw(opening))
    for edition in covers:
        name = Path(cover.place(edition)).name
        (out / name).write_bytes(cover.draw(edition, _COVER_HEIGHT))
    for name in ASSETS:
        (out / name).write_text(asset(name), encoding="utf-8", newline="\n")
    return 0
