"""Where a page of a published book leads besides the book itself, and what it says to machines.

Of a book that is published nowhere there is none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from workbook import messages
from workbook.render import cover, pandoc
from workbook.render.html.page import Page
from workbook.source.edition import ANSWERS, GENERATED, LANGUAGES_OF, Edition

_OPEN_GRAPH = {"zh": "zh_CN", "en": "en_US"}  # locales in its own form
_DATA = {*GENERATED} - {ANSWERS}  # appendices that a file of their own name is made into


@dataclass(frozen=True)
class Links:
    """The links of one page; what it does not have is empty."""

    canonical: str = ""
    alternates: tuple[tuple[str, str], ...] = ()  # language and address of its twins
    locale: str = ""
    picture: str = ""
    edits: tuple[tuple[str, str], ...] = ()  # language and address of its sources
    report: str = ""
    notebooks: tuple[tuple[str, str], ...] = ()  # services and addresses


def links(
    edition: Edition, page: Page, home: str, twins: Mapping[str, str], notebook: bool
) -> Links:
    """The links of a page that stands at the address `home`, where the book is published.

    `twins` are the folders of the other editions, as seen from its own; `notebook` says whether
    there is one of the chapter.
    """
    known = edition.published
    services = known.notebooks(edition.name, page.entry.slug) if notebook else ()
    return Links(
        canonical=home and urljoin(home, page.file),
        alternates=_alternates(edition, page, home, twins),
        locale=_OPEN_GRAPH[edition.lang],
        picture=known.page(cover.place(edition)),
        edits=_edits(edition, page),
        report=_report(edition, page),
        notebooks=tuple(services),
    )


def _alternates(
    edition: Edition, page: Page, home: str, twins: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """The same page in each language alone; each of them names itself, too."""
    if not home or edition.halves:
        return ()
    folders = {edition.name: ""} | dict(twins)
    return tuple(
        (pandoc.LOCALES[name], urljoin(home, f"{folder}/{page.twin_file}".lstrip("/")))
        for name, folder in folders.items()
        if len(LANGUAGES_OF[name]) == 1
    )


def _edits(edition: Edition, page: Page) -> tuple[tuple[str, str], ...]:
    """Where the sources of a page are edited, a file for each language."""
    found = []
    for half in edition.halves or (edition,):
        path = _source(half, page.entry.slug)
        address = half.published.edit(path) if path else ""
        found += [(half.lang, address)] if address else []
    unique = {address: lang for lang, address in reversed(found)}
    return tuple((lang, address) for address, lang in reversed(unique.items()))


def _source(edition: Edition, slug: str) -> Path | None:
    """What is edited to change a page: a chapter, or the data that an appendix is made from."""
    entry = edition.entry(slug)
    if slug in _DATA:
        return Path("chapters") / f"{slug}.yml"
    return entry.path if entry and slug not in GENERATED else None


def _report(edition: Edition, page: Page) -> str:
    """Where an error of a page is reported: which page, edition and version are filled in."""
    languages = edition.languages
    names = messages.of("languages", *languages)
    chapter = " ".join(filter(None, (page.number, page.title)))
    about = {
        "chapter": chapter,
        "edition": names["bilingual" if edition.halves else "name"],
        "version": ", ".join(filter(None, (edition.version, edition.date.isoformat()))),
    }
    words = [messages.of("report", lang) for lang in languages]
    body = "\n".join(said["body"].format(**about) for said in words)
    return edition.published.report(words[0]["title"].format(**about), body)
