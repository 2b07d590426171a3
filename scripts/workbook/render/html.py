"""Writes an edition as a site: a folder of pages that needs no server and no network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import jinja2
import panflute as pf
from markupsafe import Markup

from workbook.book import Edition, Entry
from workbook.render import exercises, numbering, pandoc, web
from workbook.weave import Woven

THEME = pandoc.ROOT / "theme"
ASSETS = ("site.css", "site.js", "icon.svg")
LANGUAGE_NAMES = {"zh": "中文", "en": "English", "bilingual": "对照"}
WORDS = {
    "zh": {
        "skip": "跳到正文", "contents": "目录", "close": "关闭目录", "previous": "上一章",
        "next": "下一章", "pages": "前后章节", "languages": "语言", "anchor": "本节链接",
        "copy": "复制", "copied": "已复制", "failed": "无法复制", "appendices": "附录",
    },
    "en": {
        "skip": "Skip to the text", "contents": "Contents", "close": "Close contents",
        "previous": "Previous", "next": "Next", "pages": "Previous and next chapter",
        "languages": "Language", "anchor": "Link to this section", "copy": "Copy",
        "copied": "Copied", "failed": "Cannot copy", "appendices": "Appendices",
    },
}  # fmt: skip

_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_STYLE = re.compile(r'\s+style="([^"]*)"')
_CLASS = re.compile(r'\sclass="([^"]*)"')
_VOID = re.compile(r"(<(?:img|br|hr|col)\b[^>]*?)\s*/>")
_DATA = re.compile(r'\s+data-[\w-]+="[^"]*"')
_SECTION = re.compile(r'<h([23])([^>]*?) id="([^"]+)"([^>]*)>(.*?)</h\1>', re.S)


@dataclass
class Page:
    """One page of the site, as the template sees it."""

    entry: Entry
    title: str  # plain text
    body: Markup
    sections: list[tuple[str, Markup]] = field(default_factory=list)  # id, heading
    number: str = ""  # 第 1 章

    @property
    def file(self) -> str:
        return f"{self.entry.slug}.html"


def write(
    edition: Edition, pages: Sequence[Woven], out: Path, twins: Mapping[str, str] | None = None
) -> None:
    """Write the site of an edition into the folder `out`.

    `twins` maps each other edition to its folder as seen from `out`, such as
    `{"en": "../../en/html"}`; every page links to the page of the same name there.
    """
    out.mkdir(parents=True, exist_ok=True)
    styles = _Styles()
    docs = numbering.number(edition, pages, site=True)
    made = [_page(edition, w, d, styles, out) for w, d in zip(pages, docs, strict=True)]
    template = _template()
    for at, page in enumerate(made):
        text = template.render(
            book=edition,
            lang=pandoc.locale(edition),
            words=_words(edition.lang),
            page=page,
            landing=page.entry.slug == "index",
            contents=_contents(made, edition.lang),
            previous=made[at - 1] if at else None,
            following=made[at + 1] if at + 1 < len(made) else None,
            twins=_twins(page, twins or {}),
        )
        (out / page.file).write_text(text, encoding="utf-8", newline="\n")
    for name in ASSETS:
        shutil.copyfile(THEME / name, out / name)
    with (out / "site.css").open("a", encoding="utf-8", newline="\n") as css:
        css.write(styles.rules())


def _page(edition: Edition, woven: Woven, doc: pf.Doc, styles: _Styles, out: Path) -> Page:
    landing = woven.entry.slug == "index"
    title = next((h for h in doc.content if isinstance(h, pf.Header)), None)
    page = Page(woven.entry, pf.stringify(title).strip() if title else edition.title, Markup())
    page.number = web.visible_number(title) if title else ""
    for place, data in web.place_images(doc, woven).items():
        (out / place).parent.mkdir(parents=True, exist_ok=True)
        (out / place).write_bytes(data)
    exercises.fold_solutions(doc, edition.lang)
    web.with_references(doc, edition, level=2)
    web.show_numbers(doc)
    doc.walk(_fold)
    body = pandoc.write(
        doc,
        "html5",
        "--mathml",
        "--wrap=none",
        *(["--shift-heading-level-by=1"] if landing else []),
        *pandoc.filters(edition, doc),
        told=woven.entry.path,
    )
    body = styles.lift(_notes(web.without_line_anchors(body)))
    page.sections = [(m[3], Markup(m[5])) for m in _SECTION.finditer(body) if m[1] == "2"]
    words = _words(edition.lang)["anchor"]
    anchor = rf'<a class="anchor" href="#\3" aria-label="{words}">#</a>'
    page.body = Markup(_SECTION.sub(rf'<h\1\2 id="\3"\4>\5 {anchor}</h\1>', body))
    return page


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


class _Styles:
    """Lifts style attributes out of the pages, so that the content policy can be strict."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def lift(self, html: str) -> str:
        """The page with classes for style attributes, without data attributes, as HTML."""
        return _TAG.sub(lambda match: self._tag(match[0]), html)

    def rules(self) -> str:
        """The style sheet of what was lifted."""
        lines = [f".{name} {{ {style} }}\n" for style, name in sorted(self._names.items())]
        return "\n/* Styles that stood in attributes. */\n" + "".join(lines) if lines else ""

    def _tag(self, tag: str) -> str:
        tag = _VOID.sub(r"\1>", _DATA.sub("", tag))
        style = _STYLE.search(tag)
        if not style:
            return tag
        name = "s-" + re.sub(r"[^a-z0-9]+", "-", style[1].lower()).strip("-")
        self._names[style[1]] = name
        tag = _STYLE.sub("", tag)
        if _CLASS.search(tag):
            return _CLASS.sub(rf' class="\1 {name}"', tag)
        end = "/>" if tag.endswith("/>") else ">"
        return f'{tag.removesuffix(end).rstrip()} class="{name}"{end}'


def _contents(pages: Sequence[Page], lang: str) -> list[tuple[str, list[Page]]]:
    """The chapters by part; the landing page is not among them."""
    appendices = _words(lang)["appendices"]
    chapters = [page for page in pages if page.entry.slug != "index"]
    groups = groupby(chapters, lambda p: appendices if p.entry.appendix else p.entry.part)
    return [(part, list(group)) for part, group in groups]


def _twins(page: Page, twins: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [
        (LANGUAGE_NAMES.get(lang, lang), pandoc.LOCALES.get(lang, ""), f"{folder}/{page.file}")
        for lang, folder in twins.items()
    ]


def _words(lang: str) -> Mapping[str, str]:
    return WORDS.get(lang, WORDS["en"])


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(THEME),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page.html")
