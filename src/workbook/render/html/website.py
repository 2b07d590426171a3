"""Writes an edition as a site: a folder of pages that needs no server and no network."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import jinja2
from markupsafe import Markup

from workbook import messages
from workbook.files import renew
from workbook.problem import BookError, Problem
from workbook.render import makers, pandoc
from workbook.render.assemble import BookPages, part_of
from workbook.render.html import figures, minify, page, search, word_index
from workbook.render.html.links import links
from workbook.render.html.page import Page
from workbook.render.theme import ROOT, SITE, THEME
from workbook.source.edition import BILINGUAL, LANGUAGES, LANGUAGES_OF, Edition
from workbook.weave import Woven

LICENSE_URL = "https://creativecommons.org/licenses/by-sa/4.0/"
ASSETS = (
    "site.css", "theme.js", "site.js", "search.js", "practice.js", "practice.css", "icon.svg",
)  # fmt: skip
# No request leaves the folder; Pagefind compiles its WebAssembly, and nothing else may.
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; "
    "script-src 'self' file: 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass
class Pages:
    """The pages of a site, made."""

    edition: Edition
    chapters: list[Page]
    answers: list[Page] = field(default_factory=list)  # where they stand apart
    problems: list[Problem] = field(default_factory=list)  # of pages that could not be made

    @property
    def all(self) -> list[Page]:
        return [*self.chapters, *self.answers]


def write(
    edition: Edition,
    pages: Sequence[Woven],
    out: Path,
    twins: Mapping[str, str] | None = None,
    notebooks: Collection[str] = (),
    front: str = "",
    wheel: str = "",
    home: str = "",
    practice: Mapping[str, str] | None = None,
) -> None:
    """Write the site of an edition into the folder `out`.

    `twins` maps each other edition to its folder as seen from `out`, such as
    `{"en": "../../en/html"}`; every page links to the page of the same name there. The
    chapters named in `notebooks` offer `notebooks/SLUG.ipynb` and `.py`, which someone else
    writes. `front` is the page that offers all editions, as seen from `out`, and `wheel` the
    name of what is installed from `notebooks/`, too. `home` is the address of this folder, with
    a slash at its end, where the book is published. `practice` is what `html.practice.files`
    gives. BookError with every problem of each page.
    """
    made = make_pages(edition, pages)
    if made.problems:
        raise BookError(made.problems)
    write_pages(made, out, twins, notebooks, front, wheel, home, practice)
    search.index(out)


def make_pages(
    edition: Edition, pages: Sequence[Woven], last: Mapping[str, Page] | None = None
) -> Pages:
    """Make every page; one that cannot be made stays as in `last`, by file, or is left out.

    BookError where a label is given twice.
    """
    book = BookPages(edition, pages, makers.fingerprint(ROOT))
    made = Pages(edition, [])
    words = word_index.terms(edition)
    sections: list[word_index.Section] = []
    for woven in pages:
        tree = functools.cache(functools.partial(book.tree, woven))
        try:
            sections += word_index.survey(book, woven, words, tree)
            made.chapters.append(page.make(book, woven, tree))
            if edition.halves and woven.entry.slug == "answers":
                made.answers = page.answers_apart(book, woven)
        except BookError as error:
            made.problems += error.problems
            kept = (last or {}).get(f"{woven.entry.slug}.html")
            made.chapters += [kept] if kept else []
    if entries := word_index.lines(words, sections):
        made.chapters.append(_index(edition, entries))
    return made


def _index(edition: Edition, entries: Sequence[word_index.Line]) -> Page:
    """The page of the index."""
    title = messages.of("books", *edition.languages)["index"]
    groups = word_index.groups(entries)
    template = environment().get_template("word-index.html")
    notes = {
        pandoc.LOCALES[lang]: messages.of("site", lang)["index"] for lang in edition.languages
    }
    body = template.render(groups=groups, notes=notes, lang=pandoc.locale(edition))
    made = Page(word_index.ENTRY, title, description=edition.subtitle)
    first, *others = (messages.of("books", lang)["index"] for lang in edition.languages)
    second = Markup("").join(
        Markup(' <span lang="en">{}</span>').format(each) for each in others
    )
    made.name = Markup.escape(first) + second
    made.heading = Markup("<h1>{}</h1>").format(made.name)
    made.body = Markup(body)
    made.sections = [(name, Markup.escape(letter)) for name, letter, _ in groups]
    return made


def write_pages(
    made: Pages,
    out: Path,
    twins: Mapping[str, str] | None = None,
    notebooks: Collection[str] = (),
    front: str = "",
    wheel: str = "",
    home: str = "",
    practice: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the files of a site, as `write` does, but for the index of its search.

    Returns those of which the content is another one than before.
    """
    edition, chapters = made.edition, made.chapters
    template = environment().get_template("page.html")
    words = messages.of("site", *edition.languages)
    given = practice or {}
    files: dict[str, str | bytes] = {}
    for at, each in enumerate(made.all):
        offered = each.entry.slug in notebooks
        files[each.file] = template.render(
            book=edition,
            lang=pandoc.locale(edition),
            policy=POLICY,
            words=words,
            script_words=dict(messages.of("script", *edition.languages)),
            page=each,
            contents=_contents(edition, chapters),
            preface=next((page for page in chapters if page.landing), None),
            previous=chapters[at - 1] if 0 < at < len(chapters) else None,
            following=chapters[at + 1] if at + 1 < len(chapters) else None,
            twins=_twins(each, twins or {}),
            front=front,
            license={lang: messages.of("books", lang)["license"] for lang in edition.languages},
            license_url=LICENSE_URL,
            wheel=wheel,
            notebook=each.entry.slug if offered else "",
            links=links(edition, each, home, twins or {}, offered),
            said={lang: messages.of("site", lang) for lang in edition.languages},
        )
        files |= {place: figures.themed(data) for place, data in each.images.items()}
    styles = {style: name for each in made.all for style, name in each.styles.items()}
    for name in ASSETS:
        text = asset(name)
        if name == "site.css":
            text = (_two_columns(text) if edition.halves else text) + minify.rules(styles)
        files[name] = minify.minified(name, text) + given.get(name, "")
    files = {**given, **files}
    return [out / name for name, content in files.items() if renew(out / name, content)]


def asset(name: str) -> str:
    """A file that pages load; a style sheet has what all pages share before it: the colors,
    the face of Chinese punctuation."""
    shared = ("palette.css", "punctuation.css") if name.endswith(".css") else ()
    files = [THEME / each for each in shared]
    return "".join(file.read_text(encoding="utf-8") for file in [*files, SITE / name])


def _two_columns(styles: str) -> str:
    """The site's styles for two columns of prose, which leave the contents in their drawer
    until there is room for all three: no width lies between where the columns part again."""
    wider = styles.replace("(max-width: 60rem)", "(max-width: 69rem)")
    return wider + (SITE / "parallel.css").read_text(encoding="utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """The templates of the theme, read again when they are written."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(SITE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return templates


def _contents(
    edition: Edition, pages: Sequence[Page]
) -> list[tuple[tuple[str, ...], list[Page]]]:
    """The chapters by part; the landing page is not among them."""
    chapters = [each for each in pages if not each.landing]
    groups = groupby(chapters, lambda each: part_of(edition, each.entry))
    return [(part, list(group)) for part, group in groups]


def _name(edition: str) -> str:
    """What an edition is called in its own words: 中文, English, 对照."""
    if edition == BILINGUAL:
        return messages.of("languages", *LANGUAGES)["bilingual"]
    return messages.of("languages", edition)["name"]


def _twins(each: Page, twins: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [
        (
            _name(name),
            pandoc.LOCALES[LANGUAGES_OF[name][0]],
            f"{folder}/{each.twin_file}",
        )
        for name, folder in twins.items()
    ]
