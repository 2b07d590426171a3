"""Writes the page at the front of the store: every edition, what it is and where it stands.

It chooses no language for the reader: each edition speaks its own.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook.formats import EINK, EPUB, HTML, PDF
from workbook.publish.books import makers
from workbook.publish.store import Product, Store
from workbook.render import pandoc
from workbook.render.html.website import asset, environment
from workbook.render.strings import LICENSE, LICENSE_URL
from workbook.source.edition import PAPERS, Edition

PAGE, FOLDER = "index.html", "front"
ASSETS = ("landing.css", "landing.js", "theme.js", "icon.svg")
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; "
    "script-src 'self' file:; base-uri 'none'; form-action 'none'"
)
_PAPER_NAMES = {"a4": "A4", "letter": "Letter", "b5": "B5"}
_WORDS = {
    "zh": {
        "name": "中文版",
        "what": "用中文写成，不是译文。章节、代码、图和公式与英文版一一对应。",
        "read": "打开网页版",
        "pages": "页",
        "pdf": "PDF，用来打印",
        "epub": "EPUB，手机、平板和阅读器",
        "eink": "EPUB，墨水屏阅读器（公式是图）",
        "prefers": "你的浏览器首选中文：看中文版",
    },
    "en": {
        "name": "English edition",
        "what": "Written in English, not translated. Chapter by chapter it has the code, the "
        "figures and the formulas of the Chinese edition.",
        "read": "Open the site",
        "pages": "pages",
        "pdf": "PDF, for printing",
        "epub": "EPUB, for phones, tablets and e-readers",
        "eink": "EPUB for e-ink readers (formulas are drawings)",
        "prefers": "Your browser prefers English: see the English edition",
    },
}
# The edition in both languages says everything in both; what it is, in its own words.
_BOTH = {
    "zh": {
        "name": "对照版",
        "what": "中文一段，英文一段，左右并排；代码、输出和图只有一份。",
    },
    "en": {
        "name": "Both languages",
        "what": "Chinese and English, block beside block; code, outputs and figures once.",
    },
}


@dataclass(frozen=True)
class Download:
    """A file of an edition."""

    kind: str  # pdf, epub, eink
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
        return _WORDS[lang] | (_BOTH[lang] if len(self.edition.languages) > 1 else {})


def make_front(
    editions: Sequence[Edition], products: Sequence[Product], root: Path, store: Store
) -> list[Product]:
    """The page that offers every edition of the store, those of earlier builds included."""
    offers = [_offer(edition, products, store) for edition in editions]
    digest = hashlib.sha256(repr(offers).encode())
    for file in makers(root):
        digest.update(file.name.encode() + file.read_bytes())
    key = digest.hexdigest()
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
    return Offer(edition, f"{site[0]}/index.html" if site else "", tuple(files))


def write(offers: Sequence[Offer], out: Path) -> int:
    """Write the front page to the file `out`; returns 0, for pages mean nothing."""
    single = [offer for offer in offers if len(offer.edition.languages) == 1]
    text = environment().get_template("landing.html").render(
        offers=[offer for offer in offers if offer.site or offer.downloads],
        titles=[(pandoc.locale(o.edition), o.edition) for o in single],
        words=_WORDS,
        locales=pandoc.LOCALES,
        license=LICENSE,
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
