"""Writes an edition as a site: a folder of pages that needs no server and no network."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import jinja2

from workbook import messages
from workbook.render import makers, pandoc
from workbook.render.assemble import part_of, trees
from workbook.render.html import figures, minify, page, search
from workbook.render.html.page import Page
from workbook.render.theme import ROOT, SITE, THEME
from workbook.source.edition import BILINGUAL, LANGUAGES, LANGUAGES_OF, Edition
from workbook.weave import Woven

LICENSE_URL = "https://creativecommons.org/licenses/by-sa/4.0/"
ASSETS = ("site.css", "theme.js", "site.js", "search.js", "icon.svg")
# No request leaves the folder; Pagefind compiles its WebAssembly, and nothing else may.
POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; "
    "script-src 'self' file: 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)


def write(
    edition: Edition,
    pages: Sequence[Woven],
    out: Path,
    twins: Mapping[str, str] | None = None,
    notebooks: Collection[str] = (),
    front: str = "",
    wheel: str = "",
) -> None:
    """Write the site of an edition into the folder `out`.

    `twins` maps each other edition to its folder as seen from `out`, such as
    `{"en": "../../en/html"}`; every page links to the page of the same name there. The
    chapters named in `notebooks` offer `notebooks/SLUG.ipynb` and `.py`, which someone else
    writes. `front` is the page that offers all editions, as seen from `out`,
    and `wheel` the name of what is installed from `notebooks/`, too.
    """
    out.mkdir(parents=True, exist_ok=True)
    shaped = makers.fingerprint(ROOT)
    docs = trees(edition, pages, site=True)
    parts = list(page.with_answers_apart(pages, docs)) if edition.halves else []
    answers = [page.make(edition, *part, shaped) for part in parts]
    made = [page.make(edition, w, d, shaped) for w, d in zip(pages, docs, strict=True)]
    template = environment().get_template("page.html")
    words = messages.of("site", *edition.languages)
    for at, each in enumerate([*made, *answers]):
        text = template.render(
            book=edition,
            lang=pandoc.locale(edition),
            policy=POLICY,
            words=words,
            script_words=dict(messages.of("script", *edition.languages)),
            page=each,
            contents=_contents(edition, made),
            preface=next((page for page in made if page.landing), None),
            previous=made[at - 1] if 0 < at < len(made) else None,
            following=made[at + 1] if at + 1 < len(made) else None,
            twins=_twins(each, twins or {}),
            front=front,
            license={lang: messages.of("books", lang)["license"] for lang in edition.languages},
            license_url=LICENSE_URL,
            wheel=wheel,
            notebook=each.entry.slug if each.entry.slug in notebooks else "",
        )
        (out / each.file).write_text(text, encoding="utf-8", newline="\n")
        for place, data in each.images.items():
            (out / place).parent.mkdir(parents=True, exist_ok=True)
            (out / place).write_bytes(figures.themed(data))
    styles = {style: name for each in [*made, *answers] for style, name in each.styles.items()}
    for name in ASSETS:
        text = asset(name)
        if name == "site.css":
            text = (_two_columns(text) if edition.halves else text) + minify.rules(styles)
        (out / name).write_text(minify.minified(name, text), encoding="utf-8", newline="\n")
    search.index(out)


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


def environment() -> jinja2.Environment:
    """The templates of the theme."""
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
