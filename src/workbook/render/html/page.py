"""Makes one page of the site: the chapter's text as HTML, and what the frame says of it."""

from __future__ import annotations

import base64
import copy
import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import panflute as pf
from lxml import etree
from markupsafe import Markup

from workbook import memo, messages
from workbook.render import dom, exercises, pandoc, xhtml
from workbook.render.assemble import BookPages
from workbook.render.dom import Element
from workbook.render.html import figures, minify
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

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
    styles: Mapping[str, str] = field(default_factory=dict)  # the names of what was lifted

    def dumped(self) -> str:
        """All but its entry, as text."""
        images = {path: base64.b64encode(data).decode() for path, data in self.images.items()}
        return json.dumps(vars(self) | {"entry": None, "images": images}, ensure_ascii=False)

    @classmethod
    def loaded(cls, entry: Entry, text: str) -> Page:
        """The page that was dumped."""
        kept = json.loads(text)
        for name in ("heading", "name", "body"):
            kept[name] = Markup(kept[name])
        kept["sections"] = [(name, Markup(heading)) for name, heading in kept["sections"]]
        kept["images"] = {path: base64.b64decode(data) for path, data in kept["images"].items()}
        return cls(**kept | {"entry": entry})

    @property
    def file(self) -> str:
        return f"{self.entry.slug}.html"

    @property
    def twin_file(self) -> str:
        """The page of another edition that says the same."""
        return "answers.html" if self.entry.slug.startswith("answers-") else self.file

    @property
    def found(self) -> bool:
        """Whether the search looks at it: lists would hide what they name."""
        return self.entry.slug not in ("answers", "term-index")

    @property
    def landing(self) -> bool:
        return self.entry.slug == "index"


def make(book: BookPages, woven: Woven, tree: Callable[[], pf.Doc]) -> Page:
    """The page of a chapter; kept by its text, its images and what it refers to.

    Of what `tree` gives, which is the chapter's, nothing is left.
    """
    return _kept(book, woven, woven, tree)


def answers_apart(book: BookPages, woven: Woven) -> list[Page]:
    """The pages of the answers to each chapter, of the page of all answers: in two languages a
    fold would be too heavy.
    """

    @functools.cache
    def parts() -> dict[str, pf.Doc]:
        return exercises.part_answers(book.tree(woven))

    names = memo.recall(lambda: " ".join(parts()), "answers", *book.made_from(woven))
    return [
        _kept(
            book,
            woven,
            replace(woven, entry=replace(woven.entry, slug=name, number="")),
            lambda name=name: parts()[name],
        )
        for name in names.split()
    ]


def _kept(book: BookPages, source: Woven, woven: Woven, tree: Callable[[], pf.Doc]) -> Page:
    """The page that the tree of `woven` becomes; it stands in the file of `source`."""
    edition = book.edition
    about = edition.described(), woven.entry, memo.hashed(woven.files)
    text = memo.recall(
        lambda: _made(edition, woven, tree()).dumped(),
        *("page", repr(about), *book.made_from(source)),
    )
    return Page.loaded(woven.entry, text)


def _made(edition: Edition, woven: Woven, doc: pf.Doc) -> Page:
    """Turn the chapter into its page."""
    title = next((h for h in doc.content if isinstance(h, pf.Header)), None)
    page = Page(woven.entry, pf.stringify(title).strip() if title else edition.title)
    page.number = xhtml.visible_number(title) if title else ""
    page.description = _description(doc) or edition.subtitle
    page.images = xhtml.place_images(doc, woven)
    _prepare(edition, page, doc)
    anchor = messages.of("site", *edition.languages)["anchor"]
    _describe(page, _html(edition, page, doc), anchor)
    return page


def _prepare(edition: Edition, page: Page, doc: pf.Doc) -> None:
    """Put everything where the site has it, while it is pandoc's tree."""
    apart = bool(edition.halves)
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


def _html(edition: Edition, page: Page, doc: pf.Doc) -> Element:
    """The page as pandoc writes it, made small."""
    root = dom.parse(
        pandoc.write(
            doc,
            "html5",
            "--mathml",
            "--wrap=none",
            *(["--shift-heading-level-by=1"] if page.landing else []),
            *pandoc.filters(edition, doc),
            source=page.entry.path,
        )
    )
    xhtml.drop_line_anchors(root)
    if edition.lang != "en":
        xhtml.say_english(root)
    _box_notes(root)
    page.styles = minify.lift_styles(root)
    minify.minify(root)
    minify.give_sizes(root, page.images)
    figures.mark_pictures(root, page.images)
    if edition.halves:  # the page is in its first language; only the other has to say so
        for element in root.iter("*"):
            if element.get("lang") == pandoc.locale(edition):
                del element.attrib["lang"]
    return root


def _describe(page: Page, root: Element, label: str) -> None:
    """Part the page into its title and its body, and list its sections for the contents.

    `label` says what the link of a section is.
    """
    for heading in (each for each in root.iter("h2", "h3") if each.get("id")):
        if heading.tag == "h2":
            page.sections.append((heading.get("id"), _listed(heading)))
        dom.append_words(heading, " ")
        anchor = {"class": "anchor", "href": f"#{heading.get('id')}", "aria-label": label}
        etree.SubElement(heading, "a", anchor).text = "#"
    title = root[0] if len(root) and root[0].tag == "h1" else None
    if title is not None:
        page.heading = Markup(dom.outer(title))
        page.name = _listed(title)
        dom.remove(title)
    page.name = page.name or Markup.escape(page.title)
    page.body = Markup(dom.inner(root).lstrip("\n"))


def _listed(heading: Element) -> Markup:
    """A title for the contents: without its number where that stands apart, as for chapters,
    without links, and where only the second language stands apart.
    """
    heading = copy.deepcopy(heading)
    heading.tail = None
    if heading.tag == "h1":
        for number in dom.having(heading, "span", "number"):
            dom.remove(number)
    for link in dom.having(heading, "a"):
        dom.remove(link)
    for first in dom.having(heading, "span", "zh"):
        if not dom.having(first, "span")[1:]:
            dom.unwrap(first)
    return Markup(dom.inner(heading).strip())


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


def _box_notes(root: Element) -> None:
    """Footnotes, which pandoc puts last, in a box: a section would need a heading."""
    for section in dom.having(root, "section"):
        if section.get("id") == "footnotes":
            section.tag = "div"


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
