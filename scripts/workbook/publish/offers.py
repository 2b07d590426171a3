"""The page at the front of the shelf: what it offers of each edition."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.publish.books import makers
from workbook.publish.store import Product, Shelf, place
from workbook.source.edition import PAPERS, Edition

if TYPE_CHECKING:
    from workbook.publish.landing import Offer

_PAPER_NAMES = {"a4": "A4", "letter": "Letter", "b5": "B5"}


def print_front(
    editions: Sequence[Edition], products: Sequence[Product], root: Path, shelf: Shelf
) -> list[Product]:
    """The page that offers every edition of the shelf, those of earlier builds included."""
    from workbook.publish import landing

    offers = [_offer(edition, products, shelf) for edition in editions]
    digest = hashlib.sha256(repr(offers).encode())
    for file in makers(root):
        digest.update(file.name.encode() + file.read_bytes())
    key = digest.hexdigest()
    return [
        shelf.product(landing.FOLDER, key, landing.write_assets),
        shelf.product(landing.PAGE, key, functools.partial(landing.write, offers)),
    ]


def _offer(edition: Edition, products: Sequence[Product], shelf: Shelf) -> Offer:
    from workbook.publish.landing import Download, Offer

    files = []
    for paper in PAPERS:
        found = shelf.stock(place(edition.on(paper), "pdf"), products)
        files += [Download("pdf", *found, _PAPER_NAMES[paper])] if found else []
    for kind in ("epub", "eink"):
        found = shelf.stock(place(edition, kind), products)
        files += [Download(kind, *found)] if found else []
    site = shelf.stock(place(edition, "html"), products)
    return Offer(edition, f"{site[0]}/index.html" if site else "", tuple(files))
