"""Writes the page at the front of the store: every edition, what it is and where it stands.

It chooses no language for the reader: each edition speaks its own.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook import messages
from workbook.formats import EINK, EPUB, HTML, PDF
from workbook.publish.store import Product, Store
from workbook.render import makers, pandoc
from workbook.render.html.website import LICENSE_URL, asset, environment
from workbook.source.edition import LANGUAGES, PAPERS, Edition

PAGE, FOLDER = "index.html", "front"
ASSETS = ("landing.css", "landing.js", "theme.js", "icon.svg")
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; "
    "script-src 'self' file:; base-uri 'none'; form-action 'none'"
)
_PAPER_NAMES = {"a4": "A4", "letter": "Letter", "b5": "B5"}


@dataclass(frozen=True)
class Download:
    """A file of an edition."""

    kind: str  # pdf, epub, eink, wheel
    href: str  # as seen from the front page
    size: int  # bytes
    pages: int = 0
    paper: str = ""  # of a PDF

    @property
    def shown_size(self) -> str:
        mega = self.size / 1024 / 1024
        return f"{mega:.1f} MB" if mega >= 1 else f"{max(1, round(self.size / 1024))} kB"


@dataclass(frozen=True)
class Offer:
    """What there is of an edition."""

    edition: Edition
    site: str = ""  # its first page, if it has a site
    downloads: tuple[Download, ...] = ()

    def words(self, lang: str) -> dict[str, str]:
        """What is said of it in one of its languages."""
        words = dict(messages.of("landing", lang))
        if len(self.edition.languages) > 1:
            words |= {key: words[f"both-{key}"] for key in ("name", "what")}
        return words


def make_front(
    editions: Sequence[Edition], products: Sequence[Product], root: Path, store: Store
) -> list[Product]:
    """The page that offers every edition of the store, those of earlier builds included."""
    offers = [_offer(edition, products, store) for edition in editions]
    key = hashlib.sha256(f"{offers!r} {makers.fingerprint(root)}".encode()).hexdigest()
    return [
        store.product(FOLDER, key, write_assets),
        store.product(PAGE, key, functools.partial(write, offers)),
    ]


def _offer(edition: Edition, products: Sequence[Product], store: Store) -> Offer:
    files = []
    for paper in PAPERS:
        found = store.listing(PDF.path(edition.on(paper)), products)
        files += [Download("pdf", *found, _PAPER_NAMES[paper])] if found else []
    for each in (EPUB, EINK):
        found = store.listing(each.path(edition), products)
        files += [Download(each.name, *found)] if found else []
    site = store.listing(HTML.path(edition), products)
    if site and (wheel := store.inside(site[0], "notebooks/*.whl")):
        files.append(Download("wheel", *wheel))
    return Offer(edition, f"{site[0]}/index.html" if site else "", tuple(files))


def write(offers: Sequence[Offer], out: Path) -> int:
    """Write the front page to the file `out`; returns 0, for pages mean nothing."""
    single = [offer for offer in offers if len(offer.edition.languages) == 1]
    text = environment().get_template("landing.html").render(
        offers=[offer for offer in offers if offer.site or offer.downloads],
        titles=[(pandoc.locale(o.edition), o.edition) for o in single],
        words={lang: messages.of("landing", lang) for lang in LANGUAGES},
        locales=pandoc.LOCALES,
        license={lang: messages.of("books", lang)["license"] for lang in LANGUAGES},
        license_url=LICENSE_URL,
        policy=POLICY,
        folder=FOLDER,
    )  # fmt: skip
    out.write_text(text, encoding="utf-8", newline="\n")
    return 0


def write_assets(out: Path) -> int:
    """Write what the front page needs into the folder `out`."""
    out.mkdir(parents=True)
    for name in ASSETS:
        (out / name).write_text(asset(name), encoding="utf-8", newline="\n")
    return 0
