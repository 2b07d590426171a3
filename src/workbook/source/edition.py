"""Reads `_quarto.yml` and its profiles: the only place for metadata and chapter order."""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
import reprlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.problem import BookError, Problem, problem
from workbook.source.published import NOWHERE, Published, faults, published
from workbook.source.text import NotYaml, parse_yaml, read_text

LANGUAGES = ("zh", "en")
BILINGUAL = "bilingual"  # the edition that sets the languages beside each other
LANGUAGES_OF = {**{lang: (lang,) for lang in LANGUAGES}, BILINGUAL: LANGUAGES}  # by edition
EDITIONS = tuple(LANGUAGES_OF)
BETWEEN = " · "  # what stands between the Chinese and the English of one line
PAPERS = ("a4", "letter", "b5")  # theme/print/paper.typ has their measures
# The slugs of the chapters that the tooling writes.
ANSWERS = "answers"
GENERATED = (ANSWERS, "glossary", "claims", "notation", "cheatsheet")
# The chapter into which Quarto puts the bibliography; ours ends the book with one by itself.
BIBLIOGRAPHY = "references"
_LONGEST = 150  # bytes of a book's file name: with what is put behind it a system takes 255


@dataclass(frozen=True)
class Entry:
    """One file of a book: where it stands, and the number that Quarto would give it."""

    path: Path  # relative to the root
    slug: str
    number: str  # "1", "2" … for chapters, "A", "B" … for appendices, "" for the preface
    part: tuple[str, ...] = ()  # title of the part that the chapter belongs to, by language
    appendix: bool = False


@dataclass(frozen=True)
class Edition:
    """A book as its profile describes it: of one language, or of both."""

    name: str  # of EDITIONS: where it stands, and what is chosen from
    languages: tuple[str, ...]  # what its words are in, the first one first
    title: str
    subtitle: str
    author: str
    date: datetime.date
    output_file: str  # stem of the PDF and the EPUB
    bibliography: Path
    entries: tuple[Entry, ...]
    paper: str = PAPERS[0]  # of the printed book
    citation_style: Path | None = None  # a CSL file
    halves: tuple[Edition, ...] = ()  # what the bilingual edition was made of: Chinese, English
    embeds_font: bool = False  # whether its EPUBs bring a Chinese font along
    on_screen: bool = False  # whether its PDF is to be read there, and not printed
    published: Published = NOWHERE
    version: str = ""  # of the package that comes with it, if one does

    @property
    def lang(self) -> str:
        """The language of a book as a whole: the first of its own."""
        return self.languages[0]

    @property
    def titles(self) -> tuple[str, ...]:
        """The title in each language, for where each has a place of its own."""
        return _each(*(half.title for half in self.halves or (self,)))

    @property
    def subtitles(self) -> tuple[str, ...]:
        """The subtitle in each language."""
        return _each(*(half.subtitle for half in self.halves or (self,)))

    def on(self, paper: str) -> Edition:
        """The edition printed on this paper; only the usual one has the plain file name."""
        if paper == self.paper:
            return self
        stem = f"{self.output_file}-{paper}"
        return dataclasses.replace(self, paper=paper, output_file=stem)

    def for_screen(self) -> Edition:
        """The edition whose PDF is read on a screen, under a file name of its own."""
        stem = f"{self.output_file}-screen"
        return dataclasses.replace(self, on_screen=True, output_file=stem)

    def with_font(self) -> Edition:
        """The edition whose EPUBs bring a Chinese font along, the English for its glossary."""
        return dataclasses.replace(self, embeds_font=True)

    def described(self) -> str:
        """All that it says of itself but the order of its chapters, wherever it stands."""
        style = self.citation_style
        alone = dataclasses.replace(
            self,
            entries=(),
            halves=(),
            bibliography=Path(self.bibliography.name),
            citation_style=Path(style.name) if style else None,
        )
        return " ".join([repr(alone), *(half.described() for half in self.halves)])

    def entry(self, slug: str) -> Entry | None:
        """The entry with this slug, if the edition has one."""
        return next((e for e in self.entries if e.slug == slug), None)


@dataclass(frozen=True)
class Options:
    """What a reader may choose of the books."""

    paper: str = PAPERS[0]  # of the PDF
    embed_font: bool = False  # in the EPUBs


# The pages of a hand-out and the end of its file's name, by what is said of the answers.
_HANDOUTS = {
    "back": (("", ANSWERS), ""),
    "none": (("",), "-questions"),
    "only": ((ANSWERS,), "-answers"),
}
WHICH_ANSWERS = tuple(_HANDOUTS)


@dataclass(frozen=True)
class Handout:
    """A chapter by itself, by its slug, and which of its answers: one of WHICH_ANSWERS."""

    slug: str
    answers: str = WHICH_ANSWERS[0]

    @property
    def pages(self) -> tuple[str, ...]:
        """The slugs of the pages that it is made of."""
        return tuple(part or self.slug for part in _HANDOUTS[self.answers][0])

    def path(self, edition: Edition) -> str:
        """Where it stands, below the output folder."""
        end = _HANDOUTS[self.answers][1]
        return f"{edition.name}/{edition.output_file}-{self.slug}{end}.pdf"


def read_edition(root: Path, name: str) -> Edition:
    """Read one profile over `_quarto.yml`; BookError where a key or a file is missing.

    The bilingual edition has no profile: it is what the two of the languages say.
    """
    if name == BILINGUAL:
        return bilingual(*(read_edition(root, lang) for lang in LANGUAGES))
    profile = f"_quarto-{name}.yml"
    base, own = _load(root, "_quarto.yml"), _load(root, profile)
    book = base.get("book", {}) | own.get("book", {})
    for key in ("title", "author", "date", "output-file", "chapters"):
        if not book.get(key):
            raise BookError(problem(profile, 0, f"book has no {key}", f"add book: {key}:"))
    if wrong := list(_of_another_form(root, profile, base | own, book)):
        raise BookError(wrong)
    entries = _entries(book["chapters"], book.get("appendices") or [])
    bibliography = root / base.get("bibliography", "references.bib")
    absent = [*_absent_chapters(root, profile, entries)]
    absent += unreadable(root, bibliography, "bibliography: in _quarto.yml")
    if absent:
        raise BookError(absent)
    return Edition(
        name=name,
        languages=(own.get("lang", name),),
        title=book["title"],
        subtitle=book.get("subtitle", ""),
        author=book["author"],
        date=datetime.date.fromisoformat(str(book["date"])),
        output_file=book["output-file"],
        bibliography=bibliography,
        entries=tuple(entries),
        citation_style=root / own["csl"] if own.get("csl") else None,
        published=published(book),
        version=_version(root),
    )


def _version(root: Path) -> str:
    """The version in `pyproject.toml`; none where a book has no package."""
    name = "pyproject.toml"
    try:
        project = tomllib.loads((root / name).read_text(encoding="utf-8")).get("project", {})
    except FileNotFoundError:
        return ""
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BookError(problem(name, 0, f"not TOML: {error}", "mend it")) from None
    if not isinstance(project, dict):
        raise BookError(problem(name, 0, "project is not key = value", "mend it"))
    return str(project.get("version", ""))


def _of_another_form(
    root: Path, profile: str, top: Mapping[str, Any], book: Mapping[str, Any]
) -> Iterator[Problem]:
    """The keys whose values are not what a book's are."""

    def wrong(key: str, what: str, remedy: str) -> Problem:
        files = (profile, "_quarto.yml")
        lines = {file: _line_of_key(root / file, key) for file in files}
        file = next((file for file in files if lines[file]), profile)
        return problem(file, lines[file], what, remedy)

    texts = {"title", "subtitle", "author", "output-file"}
    given = {key: book[key] for key in texts if key in book}
    given |= {key: top[key] for key in ("bibliography", "csl") if key in top}
    for key in sorted(key for key, value in given.items() if not isinstance(value, str)):
        yield wrong(key, f"{key} is no text", "write one line of text, in quotes")
    stem = book["output-file"]
    if isinstance(stem, str) and (len(stem.encode()) > _LONGEST or {*stem} & {*"/\\"}):
        yield wrong(
            "output-file", "output-file is no name of a file", "write one, without a folder"
        )
    if top.get("lang", LANGUAGES[0]) not in LANGUAGES:
        remedy = f"write one of {', '.join(LANGUAGES)}"
        yield wrong("lang", f"lang is none of ours: {reprlib.repr(top['lang'])}", remedy)
    try:
        datetime.date.fromisoformat(str(book["date"]))
    except ValueError:
        yield wrong("date", f"date: {book['date']} is no date", "write it as 2026-01-31")
    for key, what, remedy in faults(book):
        yield wrong(key, what, remedy)
    for key in ("chapters", "appendices"):
        listed = book.get(key) or []
        if not isinstance(listed, list):
            yield wrong(key, f"{key} is no list", "write one file on a line, after a dash")
            continue
        in_parts = key == "chapters"
        remedy = "write a file"
        if in_parts:
            remedy += ", or part: with a title and chapters: with files"
        for entry in (entry for entry in listed if not _is_entry(entry, in_parts)):
            yield wrong(
                key, f"{key} has an entry that is no file: {reprlib.repr(entry)}", remedy
            )


def _is_entry(entry: Any, in_parts: bool) -> bool:
    if not (isinstance(entry, dict) and in_parts):
        return isinstance(entry, str)
    files = entry.get("chapters", [])
    listed = isinstance(files, list) and all(isinstance(file, str) for file in files)
    return listed and isinstance(entry.get("part", ""), str)


def _absent_chapters(root: Path, profile: str, entries: list[Entry]) -> Iterator[Problem]:
    """The listed files that are not there; those that the tooling writes need not be."""
    for path in (entry.path for entry in entries):
        line = line_of(root / profile, str(path))
        if path.is_absolute() or ".." in path.parts:
            remedy = "write its path as seen from the book's root folder"
            yield problem(profile, line, f"{path} leads out of the book", remedy)
        elif slug_of(path) not in GENERATED and not os.path.isfile(root / path):
            remedy = "write the chapter or take it off the list"
            yield problem(profile, line, f"{path} does not exist", remedy)


def unreadable(root: Path, path: Path, named_by: str) -> list[Problem]:
    """What keeps a file that a profile names from being read."""
    shown = os.path.relpath(path, root)
    try:
        read_text(path, shown)
    except BookError as error:
        return error.problems
    except (OSError, ValueError):  # ValueError: of a NUL in its name
        return [problem(shown, 0, "does not exist", f"make it, or mend {named_by}")]
    return []


def bilingual(zh: Edition, en: Edition) -> Edition:
    """Both languages in one book, in the order of the Chinese one."""
    entries = (
        dataclasses.replace(ours, part=_each(*ours.part, *theirs.part))
        for ours, theirs in zip(zh.entries, en.entries, strict=True)
    )
    return dataclasses.replace(
        zh,
        name=BILINGUAL,
        languages=(*zh.languages, *en.languages),
        title=_both(zh.title, en.title),
        subtitle=_both(zh.subtitle, en.subtitle),
        author=_both(zh.author, en.author),
        output_file=zh.output_file.removesuffix(zh.name) + BILINGUAL,
        entries=tuple(entries),
        halves=(zh, en),
    )


def _each(*words: str) -> tuple[str, ...]:
    """What is said in each language, what is the same in both once."""
    return tuple(dict.fromkeys(filter(None, words)))


def _both(ours: str, theirs: str) -> str:
    return BETWEEN.join(_each(ours, theirs))


def slug_of(path: Path | str) -> str:
    """`chapters/zh/04-tensors.qmd` → `tensors`; `index.zh.qmd` → `index`."""
    return re.sub(r"^\d+-", "", Path(path).name).split(".")[0]


def _entries(chapters: list[Any], appendices: list[Any]) -> list[Entry]:
    listed: list[tuple[str, str]] = []  # (part, path)
    for item in chapters:
        if isinstance(item, dict):
            listed += [(item.get("part", ""), path) for path in item.get("chapters", [])]
        else:
            listed.append(("", item))
    entries = []
    count = 0
    for part, path in listed:
        slug = slug_of(path)
        count += slug != "index"
        number = "" if slug == "index" else str(count)
        entries.append(Entry(Path(path), slug, number, _each(part)))
    lettered = [path for path in appendices if slug_of(path) != BIBLIOGRAPHY]
    for i, path in enumerate(lettered):
        entries.append(Entry(Path(path), slug_of(path), chr(ord("A") + i), appendix=True))
    return entries


def _load(root: Path, name: str) -> dict[str, Any]:
    path = root / name
    try:
        data = parse_yaml(read_text(path, name))
    except FileNotFoundError:
        raise BookError(
            problem(name, 0, "not found", "run workbook in the book's root folder")
        ) from None
    except NotYaml as error:
        raise BookError(
            problem(name, error.line, f"not YAML: {error.why}", "mend it")
        ) from None
    if not isinstance(data or {}, dict):
        raise BookError(problem(name, 1, "is not key: value", "mend it"))
    if not isinstance((data or {}).get("book", {}), dict):
        line = line_of(path, "book:")
        raise BookError(problem(name, line, "book is not key: value", "mend it"))
    return data or {}


def _line_of_key(path: Path, key: str) -> int:
    """The number of the first line of a YAML file that begins with a key, or 0."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((n for n, text in enumerate(lines, 1) if re.match(rf"\s*{key}\s*:", text)), 0)


def line_of(path: Path, text: str) -> int:
    """The number of the first line of a file that holds a text, or 0."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, 1) if text in line), 0)
