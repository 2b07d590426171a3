"""Writes the printed book: numbered pages to Typst, Typst to a tagged PDF.

The pages are joined into one document and written by pandoc through `theme/print/typst.lua`;
`theme/print/book.typ` is the design. Only the fonts of the wheels are used, so a book looks the
same everywhere, and whatever Typst complains about stops the build.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import panflute as pf
import pypandoc
import segno
import typst
from pypdf import PdfReader

from workbook import messages
from workbook.problem import BookError, Problem, problem
from workbook.render import exercises, index, pandoc, pencil, typefaces
from workbook.render.assemble import part_of, trees
from workbook.render.index import quoted
from workbook.render.parallel import title_of
from workbook.render.theme import PRINT
from workbook.source.edition import Edition, Entry
from workbook.weave import Woven

# Accessible and made to last: a missing glyph or alternative text is an error.
STANDARDS = ["a-2a", "ua-1"]
KINDS = ("chapter", "section", "subsection")  # a heading's by its level in the file

# What the colophon names besides Python, pandoc and Typst: package → its name in print.
_PACKAGES = {
    "torch": "PyTorch",
    "numpy": "NumPy",
    "matplotlib": "matplotlib",
    "pylopdf-fonts-zh-cn": "pylopdf-fonts-zh-cn",
}

_MARK = "// chapter: "
_PLACE = re.compile(r"main\.typ:(\d+)")


def write(edition: Edition, pages: Sequence[Woven], out: Path) -> int:
    """Write the PDF of an edition; returns its number of pages."""
    return save(edition, typeset(edition, pages), pages, out)


def save(edition: Edition, source: str, pages: Sequence[Woven], out: Path) -> int:
    """Typeset this Typst with the images of these pages; returns how many it makes."""
    inputs = {"screen": "yes"} if edition.on_screen else {}
    images = _images(pages)
    if address := edition.published.site:
        images["address.svg"] = scanned(address)
    content = compile_pdf(source, images, edition.date, inputs)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(content)
    return len(PdfReader(BytesIO(content)).pages)


def typeset(edition: Edition, pages: Sequence[Woven]) -> str:
    """The whole book as Typst, ready to be compiled beside `theme/` and the images."""
    docs = trees(edition, pages, site=False)
    entries = [page.entry for page in pages]
    parts = laid_out(edition, entries, docs)
    printed = zip(entries, docs, strict=True)
    back = _index(edition, [doc for entry, doc in printed if not entry.appendix])
    return written(edition, preamble(edition), parts, back)


def laid_out(
    edition: Edition, entries: Sequence[Entry], docs: Sequence[pf.Doc]
) -> list[tuple[Entry, pf.Doc]]:
    """These pages as paper has them: stubs in their boxes, hints in a part at the back."""
    for doc in docs:
        exercises.place_stubs(doc)
    hints = pencil.lay_out(edition, docs)
    return pencil.with_hints(list(zip(entries, docs, strict=True)), hints)


def written(
    edition: Edition,
    opening: str,
    parts: Sequence[tuple[Entry, pf.Doc]],
    back: Sequence[pf.Block] = (),
) -> str:
    """The Typst of these pages below an opening, with what stands behind them."""
    chapters = _cited(edition, list(_assembled(edition, parts)))
    chapters += [pandoc.like(parts[0][1], back)] if back else []
    return "\n\n".join([opening, *(_typst(edition, each) for each in chapters)])


def _cited(edition: Edition, chapters: list[pf.Doc]) -> list[pf.Doc]:
    """The chapters with their citations written out, which are told apart (2019a, 2019b) over
    the whole book, and its bibliography as the last of them, where one is called for.
    """
    if not any(map(pandoc.cites, chapters)):
        return chapters
    whole = pandoc.join(chapters)
    whole.content = [*(pf.Div(*doc.content) for doc in chapters), *_references(edition)]
    *boxes, heading, references = pandoc.resolved(edition, whole).content
    contents = [*(list(box.content) for box in boxes), [heading, references]]
    return [pandoc.like(whole, blocks) for blocks in contents]


def _typst(edition: Edition, chapter: pf.Doc) -> str:
    """A chapter as Typst, kept for as long as nothing in it changes."""
    written = pandoc.write(
        chapter,
        "typst-smart-citations",  # quotation marks and citations as they are in the tree
        "--wrap=none",
        pandoc.FILTERED,
        f"--lua-filter={PRINT / 'typst.lua'}",
        *([f"--lua-filter={PRINT / 'parallel.lua'}"] if edition.halves else []),
        *(["--metadata=stacked"] if _stacks(edition) else []),
        source=edition.output_file,
    )
    return written.strip("\n")


def compile_pdf(
    source: str,
    images: dict[str, bytes],
    date: datetime.date,
    inputs: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Compile Typst source; BookError for an error and for every warning.

    `inputs` are what `theme/print/screen.typ` asks for.
    """
    midnight = datetime.datetime(date.year, date.month, date.day, tzinfo=datetime.UTC)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for style in [*PRINT.glob("*.typ"), *PRINT.glob("*.tmTheme")]:
            shutil.copy(style, root)
        for path, content in images.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        main = root / "main.typ"
        main.write_text(source, encoding="utf-8")
        try:
            content, warnings = typst.compile_with_warnings(
                main,
                root=root,
                font_paths=[typefaces.folder()],
                ignore_system_fonts=True,
                pdf_standards=STANDARDS,
                timestamp=midnight,
                sys_inputs=dict(inputs),
            )
        except typst.TypstError as error:
            raise BookError(_problem_of(error, source, root)) from None
    if warnings:
        raise BookError(_problem_of(warning, source, root) for warning in warnings)
    return content


def preamble(edition: Edition) -> str:
    """What opens the book: its design and its front matter."""
    own = {
        "titles": _array(edition.titles),
        "subtitles": _array(edition.subtitles),
        "versions": _array(versions()),
    }
    return opened(edition, "workbook-book", arguments(edition, own))


def arguments(edition: Edition, own: Mapping[str, str]) -> str:
    """What a form of `theme/print/book.typ` is told of an edition, and what of its own."""
    date = edition.date
    every = {
        "edition": quoted(edition.name),
        "author": quoted(edition.author),
        "date": f"datetime(year: {date.year}, month: {date.month}, day: {date.day})",
        "paper": quoted(edition.paper),
        "version": quoted(edition.version),
        "address": quoted(edition.published.site),
        **own,
    }
    return ", ".join(f"{key}: {value}" for key, value in every.items())


def opened(edition: Edition, form: str, told: str) -> str:
    """What opens a document in a form of `theme/print/book.typ` that is told this."""
    pairs = "stacked" if _stacks(edition) else "columns"
    return (
        f'#import "book.typ": {form}, workbook-main, workbook-source\n'
        '#import "workbook.typ": *\n'
        '#import "forms.typ"\n'
        '#import "index.typ": workbook-index, workbook-mark\n'
        '#import "parallel.typ": claim, en-words, parallel-columns, parallel-stacked, ragged, '
        "two-lines, workbook-cheatsheet, zh-words\n"
        f"#let workbook-pair = parallel-{pairs}.with({quoted(edition.paper)})\n"
        f"#show: {form}.with({told})"
    )


def _stacks(edition: Edition) -> bool:
    """Whether a pair stands one language below the other: the paper is too narrow for two."""
    return bool(edition.halves) and edition.paper == "b5"


def versions() -> list[str]:
    """What the chapters ran on and the book was made with, for the colophon."""
    installed = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return [
        f"Python {platform.python_version()}",
        *(
            f"{_PACKAGES[package]} {version.split('+')[0]}"
            for package, version in installed.items()
        ),
        f"pandoc {pypandoc.get_pandoc_version()}",
    ]


def _array(words: Iterable[str]) -> str:
    return f"({''.join(f'{quoted(each)}, ' for each in words)})"


def _assembled(edition: Edition, parts: Sequence[tuple[Entry, pf.Doc]]) -> Iterator[pf.Doc]:
    """The pages in their order, with the pages that open the parts."""
    part, begun = (), False
    for entry, doc in parts:
        title = part_of(edition, entry)
        blocks = _placed(entry, doc, depth=1 if title else 0)
        if title and title != part:
            blocks.insert(0, pf.Header(*title_of(title), level=1, attributes={"kind": "part"}))
        part = title
        opening = next((block for block in blocks if isinstance(block, pf.Header)), None)
        if opening:
            opening.attributes["path"] = str(entry.path)
            if entry.number and not begun:
                opening.attributes["main"] = "true"
                begun = True
        doc.content = blocks
        yield doc


def _placed(entry: Entry, doc: pf.Doc, depth: int) -> list[pf.Block]:
    """A page's blocks: headings below their part's, images in the page's own folder."""

    def place(element: pf.Element, _doc: pf.Doc) -> None:
        if isinstance(element, pf.Header):
            element.attributes["kind"] = KINDS[min(element.level, len(KINDS)) - 1]
            element.level += depth
        elif isinstance(element, pf.Image):
            element.url = f"/{entry.slug}/{element.url}"

    doc.walk(place)
    return list(doc.content)


def _references(edition: Edition) -> list[pf.Block]:
    """The bibliography, which opens as a chapter does."""
    heading, place = pandoc.references(edition, 1)
    heading.attributes["kind"] = "chapter"
    return [heading, place]


def scanned(address: str) -> bytes:
    """A QR code that leads to an address, as SVG, without the quiet zone that paper has."""
    drawn = BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=0)
    return drawn.getvalue()


def _index(edition: Edition, docs: Sequence[pf.Doc]) -> list[pf.Block]:
    """Mark the words of these pages; the index, which opens as a chapter does, names them."""
    root = edition.bibliography.parent
    words = [word for lang in edition.languages for word in index.terms(root, lang)]
    words += index.names(docs) if words else []
    if not words:
        return []
    entries = index.marked(docs, words)
    if not entries:
        return []
    title = messages.of("books", *edition.languages)["index"]
    heading = pf.Header(pf.Str(title), level=1, identifier="index")
    heading.attributes["kind"] = "chapter"
    called = index.typst(words, entries)
    return [heading, pf.CodeBlock(called, classes=["typst-call"])]


def _images(pages: Sequence[Woven]) -> dict[str, bytes]:
    return {f"{p.entry.slug}/{path}": data for p in pages for path, data in p.files.items()}


def _problem_of(
    complaint: typst.TypstError | typst.TypstWarning, source: str, root: Path
) -> Problem:
    """A complaint of Typst as a problem of the chapter that it comes from."""
    folder = re.compile(rf"[./]*{re.escape(str(root))}/")
    what, diagnostic = (folder.sub("", x) for x in (complaint.message, complaint.diagnostic))
    hints = "; ".join(complaint.hints) or "mend the chapter, or theme/print/book.typ"
    place = _PLACE.search(diagnostic)
    lines = source.splitlines()[: int(place[1])] if place else []
    marks = [line.removeprefix(_MARK) for line in lines if line.startswith(_MARK)]
    return problem(marks[-1] if marks else "PDF", 0, f"Typst: {what}", hints, diagnostic)
