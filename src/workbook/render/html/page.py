"""Makes one page of the site: the chapter's text as HTML, and what the frame says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import panflute as pf
from markupsafe import Markup

from workbook.render import exercises, pandoc, xhtml
from workbook.render.html import labels, lean
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

_SECTION = re.compile(r'<h([23])([^>]*?) id="([^"]+)"([^>]*)>(.*?)</h\1>', re.S)
_TITLE = re.compile(r"<h1\b.*?</h1>\s*", re.S)
_NAME = re.compile(r'</?h1\b[^>]*>|<span class="number">.*?</span>|<a [^>]*>.*?</a>', re.S)
_FIRST = re.compile(r'<span class="zh">((?:(?!<span).)*?)</span>', re.S)
_NOTHING = Markup()
_DESCRIPTION = 150  # characters, about what a search engine shows


@dataclass
class Page:
    """One page of the site, as the template sees it."""

    entry: Entry
    title: str  # plain text
    number: str = ""  # 第 1 章
    description: str = ""
    heading: Markup = _NOTHING  # the h1
    name: Markup = _NOTHING  # the title as the contents show it
    body: Markup = _NOTHING
    sections: list[tuple[str, Markup]] = field(default_factory=list)  # id, heading
    images: Mapping[str, bytes] = field(default_factory=dict)  # by their path on the site

    @property
    def file(self) -> str:
        return f"{self.entry.slug}.html"

    @property
    def twin_file(self) -> str:
        """The page of another edition that says the same."""
        return "answers.html" if self.entry.slug.startswith("answers-") else self.file

    @property
    def landing(self) -> bool:
        return self.entry.slug == "index"


def with_answers_apart(
    pages: Sequence[Woven], docs: Sequence[pf.Doc]
) -> Iterator[tuple[Woven, pf.Doc]]:
    """The pages of the answers to each chapter: in two languages a fold would be too heavy."""
    for woven, doc in zip(pages, docs, strict=True):
        if woven.entry.slug != "answers":
            continue
        for name, part in exercises.part_answers(doc).items():
            yield replace(woven, entry=replace(woven.entry, slug=name, number="")), part


def make(edition: Edition, woven: Woven, doc: pf.Doc, styles: lean.Styles) -> Page:
    """Turn a chapter, numbered for a site, into its page."""
    apart = bool(edition.halves)
    title = next((h for h in doc.content if isinstance(h, pf.Header)), None)
    page = Page(woven.entry, pf.stringify(title).strip() if title else edition.title)
    page.number = xhtml.visible_number(title) if title else ""
    page.description = _description(doc) or edition.subtitle
    page.images = xhtml.place_images(doc, woven)
    if page.entry.slug == "answers":
        exercises.point_to_solutions(doc, edition.lang, apart)
    if apart:
        exercises.leave_solutions(doc, page.entry.slug)
    else:
        exercises.fold_solutions(doc, edition.lang)
    exercises.place_stubs(doc)
    xhtml.with_references(doc, edition, level=2)
    xhtml.show_numbers(doc)
    xhtml.hold_punctuation(doc)
    xhtml.part_formulas(doc)
    doc.walk(_fold)
    html = pandoc.write(
        doc,
        "html5",
        "--mathml",
        "--wrap=none",
        *(["--shift-heading-level-by=1"] if page.landing else []),
        *pandoc.filters(edition, doc),
        told=woven.entry.path,
    )
    html = lean.lean(styles.lift(_notes(xhtml.without_line_anchors(html))))
    sizes = {place: lean.size(data) for place, data in page.images.items()}
    html = lean.sized(html, {place: size for place, size in sizes.items() if size})
    if apart:  # the page is in its first language; only the other has to say so
        html = html.replace(f' lang="{pandoc.locale(edition)}"', "")
    page.sections = [(m[3], _listed(m[5])) for m in _SECTION.finditer(html) if m[1] == "2"]
    html = _with_anchors(html, edition.lang)
    head = _TITLE.match(html)
    page.heading = Markup(head[0] if head else "")
    page.name = _listed(_NAME.sub("", page.heading).strip()) or Markup.escape(page.title)
    page.body = Markup(html[len(page.heading) :])
    return page


def _listed(title: str) -> Markup:
    """A title for the contents, where only the second language stands apart."""
    return Markup(_FIRST.sub(r"\1", title))


def _description(doc: pf.Doc) -> str:
    """The beginning of the first paragraph, up to a whole sentence where that is short."""
    first = next((block for block in doc.content if isinstance(block, pf.Para)), None)
    text = " ".join(pf.stringify(first).split()) if first else ""
    if len(text) <= _DESCRIPTION:
        return text
    cut = text[:_DESCRIPTION]
    ends = [m.end() for m in re.finditer(r"[。？！]|[.?!](?= )", cut)]
    if ends and ends[-1] > _DESCRIPTION // 3:
        return cut[: ends[-1]]
    return cut[: cut.rfind(" ")] + "…" if " " in cut[-20:] else cut + "…"


def _with_anchors(html: str, lang: str) -> str:
    label = labels.words(lang)["anchor"]
    anchor = rf'<a class="anchor" href="#\3" aria-label="{label}">#</a>'
    return _SECTION.sub(rf'<h\1\2 id="\3"\4>\5 {anchor}</h\1>', html)


def _notes(body: str) -> str:
    """Footnotes, which pandoc puts last, in a box: a section would need a heading."""
    start, section, notes = body.rpartition('<section id="footnotes"')
    if not section:
        return body
    inside, _, rest = notes.rpartition("</section>")
    return f'{start}<div id="footnotes"{inside}</div>{rest}'


def _fold(element: pf.Element, _doc: pf.Doc) -> list[pf.Block] | None:
    """A callout with collapse="true" becomes <details>, which folds without a script."""
    if not isinstance(element, pf.Div) or element.attributes.get("collapse") != "true":
        return None
    title, body = element.content
    classes = " ".join(element.classes)
    return [
        pf.RawBlock(f'<details class="{classes}"><summary class="callout-title">', "html"),
        pf.Plain(*title.content[0].content),
        pf.RawBlock("</summary>", "html"),
        body,
        pf.RawBlock("</details>", "html"),
    ]
