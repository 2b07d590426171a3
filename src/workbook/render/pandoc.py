"""Calls pandoc: Markdown to a tree, a tree to a format, every complaint a problem."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import panflute as pf
import pypandoc

from workbook import memo, messages
from workbook.problem import BookError, problem
from workbook.render import makers
from workbook.render.elements import inside
from workbook.render.theme import ROOT
from workbook.source.edition import Edition

FILTER = ROOT / "_extensions" / "workbook" / "workbook.lua"
FILTERED = f"--lua-filter={FILTER}"

# The names that pandoc, citeproc and browsers know the languages by.
LOCALES = {"zh": "zh-CN", "en": "en"}

# pandoc has no built-in words for zh-CN; the writers give every title themselves.
_HARMLESS = re.compile(
    r"\[WARNING\] (Could not load translations for|The term \w+ has no translation defined)"
)


def locale(edition: Edition) -> str:
    """The BCP 47 tag of an edition's first language."""
    return LOCALES.get(edition.lang, edition.lang)


def run(
    arguments: Sequence[str],
    text: str,
    *,
    source: Path | str,
    cwd: Path | None = None,
    date: int | None = None,
) -> str:
    """Run pandoc on `text`; a warning or an error becomes a BookError about `source`.

    `date` (seconds since 1970) is the only time that pandoc may write down. What goes to a
    file is made each time; text is kept by all that pandoc was given.
    """

    def make() -> str:
        return _run(arguments, text, source, cwd, date)

    if cwd or any(each.startswith("--output") for each in arguments):
        return make()
    return memo.recall(make, "pandoc", given(arguments), text)


def given(arguments: Sequence[str]) -> str:
    """All that pandoc is given besides the text: options, the files they name, its version."""
    named = [Path(value) for _, _, value in (each.partition("=") for each in arguments)]
    files = [path for path in named if path.is_absolute() and path.is_file()]
    if any(path.suffix == ".lua" for path in files):
        files += makers.of_filters()
    options = [_named(each) for each in arguments]
    return json.dumps([options, memo.contents(files), pypandoc.get_pandoc_version()])


def _named(option: str) -> str:
    """An option without the folder of the file that it names: a moved book is the same."""
    name, _, value = option.partition("=")
    return f"{name}={Path(value).name}" if value.startswith("/") else option


def _run(
    arguments: Sequence[str],
    text: str,
    source: Path | str,
    cwd: Path | None,
    date: int | None,
) -> str:
    environment = os.environ | ({} if date is None else {"SOURCE_DATE_EPOCH": str(date)})
    done = subprocess.run(
        [pypandoc.get_pandoc_path(), *arguments],
        input=text.encode(),
        capture_output=True,
        cwd=cwd,
        env=environment,
        check=False,
    )
    complaints = list(_complaints(done.stderr.decode(errors="replace")))
    if done.returncode and not complaints:
        complaints = [f"pandoc ended with status {done.returncode}"]
    if complaints:
        raise BookError(problem(source, 0, f"pandoc: {c}", _remedy(c)) for c in complaints)
    return done.stdout.decode()


def read(markdown: str, source: Path | str) -> pf.Doc:
    """Parse Markdown as Quarto would; `source` is the path that problems name."""
    return pf.load(io.StringIO(_parsed(markdown, str(source))))


def write(
    doc: pf.Doc,
    to: str,
    *options: str,
    source: Path | str,
    cwd: Path | None = None,
    date: int | None = None,
) -> str:
    """Write a tree in a format (with `--output=…` among the options, to a file)."""
    return run(
        ["--from=json", f"--to={to}", *options], dumps(doc), source=source, cwd=cwd, date=date
    )


def dumps(doc: pf.Doc) -> str:
    """The tree as JSON, as pandoc reads it."""
    stream = io.StringIO()
    pf.dump(doc, stream)
    return stream.getvalue()


def loads(text: str) -> pf.Doc:
    """The tree of what `dumps` gave."""
    return pf.load(io.StringIO(text))


def join(docs: Iterable[pf.Doc]) -> pf.Doc:
    """One document of several; the metadata of the first."""
    docs = list(docs)
    return like(docs[0], [block for doc in docs for block in doc.content])


def like(doc: pf.Doc, blocks: Iterable[pf.Block]) -> pf.Doc:
    """A document of these blocks, with the metadata of another."""
    return pf.Doc(*blocks, metadata=doc.metadata, format="json", api_version=doc.api_version)


def inlines(text: str) -> list[pf.Inline]:
    """A line of Markdown (a title from an attribute) as inline elements."""
    if not re.search(r"[`*_$\\\[\]^~<>&'\"]|--|\.\.\.", text):
        return _words(text)
    blocks = read(text, "title").content
    return list(blocks[0].content) if blocks and hasattr(blocks[0], "content") else _words(text)


def cites(doc: pf.Doc) -> bool:
    """Whether a bibliography is called for."""
    return bool(inside(doc, pf.Cite))


def filters(edition: Edition, doc: pf.Doc) -> list[str]:
    """pandoc's options for the bibliography, if one is called for, and the book's filter."""
    return [*(_citing(edition) if cites(doc) else []), FILTERED]


def cited(edition: Edition, doc: pf.Doc) -> pf.Doc:
    """The document with its citations as text, which links to a bibliography elsewhere."""
    made = resolved(edition, doc)
    made.content = [b for b in made.content if getattr(b, "identifier", "") != "refs"]
    return made.walk(lambda e, _: list(e.content) if isinstance(e, pf.Cite) else None)


def resolved(edition: Edition, doc: pf.Doc) -> pf.Doc:
    """The document with its citations written out, which it still holds as such, and with
    the bibliography in the place for it, or at its end.

    citeproc is shown the citations alone: a change elsewhere changes nothing of this.
    """
    cites = inside(doc, pf.Cite)
    alone = like(doc, [*(pf.Para(cite) for cite in cites), pf.Div(identifier="refs")])
    written = write(alone, "json", *_citing(edition), source=edition.bibliography.name)
    *paragraphs, references = pf.load(io.StringIO(written)).content
    for cite, paragraph in zip(cites, paragraphs, strict=True):
        cite.content = list(paragraph.content[0].content)
    place = next((b for b in doc.content if getattr(b, "identifier", "") == "refs"), None)
    if place is None:
        doc.content.append(references)
    else:
        doc.content[place.index] = references
    return doc


def _citing(edition: Edition) -> list[str]:
    options = [
        "--citeproc",
        f"--bibliography={edition.bibliography}",
        "--metadata=link-citations",
    ]
    return [*options, *([f"--csl={edition.citation_style}"] if edition.citation_style else [])]


def references(edition: Edition, level: int) -> list[pf.Block]:
    """The unnumbered heading and the place where citeproc puts the bibliography."""
    title = pf.Str(messages.of("books", *edition.languages)["references"])
    heading = pf.Header(title, level=level, identifier="references", classes=["unnumbered"])
    return [heading, pf.Div(identifier="refs")]


@lru_cache(maxsize=256)
def _parsed(markdown: str, source: str) -> str:
    return run(["--from=markdown", "--to=json"], markdown, source=source)


def _words(text: str) -> list[pf.Inline]:
    parts: list[pf.Inline] = []
    for word in text.split():
        parts += [pf.Space, pf.Str(word)] if parts else [pf.Str(word)]
    return parts


def _complaints(stderr: str) -> Iterable[str]:
    """The messages on pandoc's stderr; a continued line belongs to the one before."""
    messages: list[str] = []
    for line in stderr.splitlines():
        if line.startswith("  ") and messages:
            messages[-1] += " " + line.strip()
        elif line.strip():
            messages.append(line)
    return [m.removeprefix("[WARNING] ") for m in messages if not _HARMLESS.match(m)]


def _remedy(what: str) -> str:
    if "citation" in what:
        return "add the key to references.bib or mend the citation"
    if "Could not fetch resource" in what:
        return "mend the image's path"
    if "TeX math" in what:
        return "mend the formula"
    return "mend the Markdown"
