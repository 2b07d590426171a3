"""Reads the book that is checked; rules over its files, twins and recordings."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workbook.check import picture
from workbook.check.alignment import compare
from workbook.problem import BookError, Problem, problem
from workbook.source.blocks import Cell
from workbook.source.chapter import Chapter, read_chapter
from workbook.source.edition import (
    BIBLIOGRAPHY,
    GENERATED,
    LANGUAGES,
    line_of,
    read_edition,
    slug_of,
    unreadable,
)
from workbook.source.inline import generated
from workbook.source.text import NotYaml, parse_yaml, read_text

_UNDESCRIBED = ("index", *GENERATED)
_IMAGE = re.compile(r"\]\(([^)\s]+)")

# The line that begins a work of the bibliography.
WORK = re.compile(r"^\s*@\w+\s*\{\s*(?P<key>[^,\s]+)\s*,", re.M)


@dataclass(frozen=True)
class Sources:
    """Both editions as far as they can be read."""

    root: Path
    bibliography: Path
    listed: dict[str, list[Path]]  # by language, in the profile's order
    chapters: dict[str, list[Chapter]]  # by language; without those that do not parse
    unread: frozenset[str]  # slugs of the chapters that are absent or do not parse

    @property
    def complete(self) -> bool:
        """Whether every chapter could be read."""
        return not self.unread

    @cached_property
    def works(self) -> str:
        """The bibliography; empty where there is none."""
        if not self.bibliography.is_file():
            return ""
        return self.bibliography.read_text(encoding="utf-8", errors="replace")

    @cached_property
    def citation_keys(self) -> frozenset[str]:
        return frozenset(match["key"] for match in WORK.finditer(self.works))


def read_sources(root: Path) -> tuple[Sources, list[Problem]]:
    """Read what can be read, and tell what cannot."""
    problems: list[Problem] = []
    bibliography = root / "references.bib"
    listed = {lang: _listed(root, lang) for lang in LANGUAGES}
    chapters: dict[str, list[Chapter]] = {}
    unread: set[str] = set()
    for lang in LANGUAGES:
        try:
            edition = read_edition(root, lang)
            bibliography = edition.bibliography
            if style := edition.citation_style:
                problems += unreadable(root, style, f"csl: in _quarto-{lang}.yml")
        except BookError as error:
            problems += error.problems
        chapters[lang] = []
        for path in listed[lang] or _on_disk(root, lang):
            if not os.path.isfile(root / path):  # read_edition tells that
                unread.add(slug_of(path))
                continue
            try:
                chapters[lang].append(read_chapter(root / path, root))
            except BookError as error:
                unread.add(slug_of(path))
                problems += error.problems
    return Sources(root, bibliography, listed, chapters, frozenset(unread)), problems


def _listed(root: Path, lang: str) -> list[Path]:
    """The chapters of a profile but the bibliography; none where it cannot be read."""
    try:
        data = parse_yaml(read_text(root / f"_quarto-{lang}.yml", ""))
    except (OSError, BookError, NotYaml):  # read_edition tells that
        return []
    chapters = [Path(text) for text in _strings(data) if text.endswith(".qmd")]
    return [
        path for path in chapters if slug_of(path) != BIBLIOGRAPHY and not path.is_absolute()
    ]


def _strings(data: Any) -> Iterator[str]:
    """All texts of a profile; what an alias says again, even within itself, once."""
    waiting, seen = [data], set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            inside = value.values() if isinstance(value, dict) else value
            waiting += reversed([*inside])


def _on_disk(root: Path, lang: str) -> list[Path]:
    found = [*root.glob(f"index.{lang}.qmd"), *sorted(root.glob(f"chapters/{lang}/*.qmd"))]
    return [path.relative_to(root) for path in found]


def unlisted(book: Sources) -> Iterator[Problem]:
    """A chapter that stands in the folder stands in the profile."""
    for lang, listed in book.listed.items():
        for path in _on_disk(book.root, lang):
            if listed and path not in listed:
                profile = f"_quarto-{lang}.yml"
                what, remedy = f"chapter is not in {profile}", "list it there or remove it"
                yield problem(path, 0, what, remedy)


def same_chapters(book: Sources) -> Iterator[Problem]:
    """Both editions have the same chapters in the same order."""
    zh, en = ([slug_of(path) for path in book.listed[lang]] for lang in LANGUAGES)
    if not (zh and en):
        return
    for lacking, having, other in (("en", zh, en), ("zh", en, zh)):
        for slug in (slug for slug in having if slug not in other):
            what = f'chapter "{slug}" is in the other edition only'
            remedy = "write its twin and list it here"
            yield problem(f"_quarto-{lacking}.yml", 0, what, remedy)
    both = [[slug for slug in zh if slug in en], [slug for slug in en if slug in zh]]
    for here, there in zip(*both, strict=False):
        if here != there:
            path = book.listed["en"][en.index(there)]
            what = f'chapter "{there}" stands where _quarto-zh.yml has "{here}"'
            line = line_of(book.root / "_quarto-en.yml", path.as_posix())
            remedy = "put the chapters of both editions in one order"
            yield problem("_quarto-en.yml", line, what, remedy)
            return


def images(book: Sources) -> Iterator[Problem]:
    """The file of a figure exists, and is a picture that every format can show."""
    for chapter in (chapter for chapters in book.chapters.values() for chapter in chapters):
        for block in (block for block in chapter.blocks if block.kind == "figure"):
            for name in _IMAGE.findall(block.text):
                fault = picture.fault(book.root / chapter.path.parent / name)
                if fault:
                    what, remedy = fault
                    yield problem(chapter.path, block.line, f"image {name} {what}", remedy)


def described(book: Sources) -> Iterator[Problem]:
    """Where chapters say what one can do after them, each does: the front page lists them."""
    every = [chapter for chapters in book.chapters.values() for chapter in chapters]
    if any(chapter.description for chapter in every):
        for chapter in every:
            if chapter.slug not in _UNDESCRIBED and not chapter.description:
                what = "says nowhere what one can do after it"
                yield problem(chapter.path, 1, what, "begin it with ---, description: …, ---")


def twin_chapters(book: Sources) -> Iterator[Problem]:
    """The two files of a chapter say the same; those that the tooling wrote are left out."""
    english = {chapter.slug: chapter for chapter in book.chapters["en"]}
    for chapter in book.chapters["zh"]:
        twin = english.get(chapter.slug)
        if twin and not (generated(chapter) and generated(twin)):
            yield from compare(chapter, twin)


def recordings_readable(book: Sources) -> Iterator[Problem]:
    """A recording is what `workbook record` wrote."""
    for path, (device, label), _ in _recordings(book.root):
        if label is None:
            yield problem(path, 0, "recording cannot be read", _again(device))


def recordings_placed(book: Sources) -> Iterator[Problem]:
    """A recording belongs to a cell."""
    cells = _recorded(book)
    for path, key, _ in _recordings(book.root) if book.complete else ():
        device, label = key
        if label is not None and key not in cells:
            what = f'recording of "{label}", which is no cell recorded on {device}'
            yield problem(path, 0, what, f"remove it, or {_again(device)}")


def recordings_fresh(book: Sources) -> Iterator[Problem]:
    """A recording was made from what stands there now."""
    cells = _recorded(book)
    for path, key, inputs in _recordings(book.root):
        if key in cells:
            current = {"cell": cells[key].code.encode()} | _modules(book.root, inputs)
            stale = [name for name in inputs if _sha1(current.get(name)) != inputs[name]]
            if stale:
                what = f"recording is stale: {', '.join(stale)} changed since"
                yield problem(path, 0, what, _again(key[0]))


def _again(device: str) -> str:
    return f"run workbook record --device {device}"


def _recorded(book: Sources) -> dict[tuple[str, str | None], Cell]:
    """The cells that are recorded, by the device and their labels."""
    return {
        (cell.option("recorded"), cell.label): cell
        for chapters in book.chapters.values()
        for chapter in chapters
        for cell in chapter.cells
        if cell.option("recorded")
    }


def _recordings(
    root: Path,
) -> Iterator[tuple[Path, tuple[str, str | None], dict[str, str]]]:
    """Path, device and label, inputs of each recording; no label where it cannot be read."""
    for path in sorted((root / "recordings").glob("*/*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            label, inputs = data["label"], dict(data["inputs"])
        except (ValueError, KeyError, TypeError, RecursionError):
            label, inputs = None, {}
        if not isinstance(label, str):
            label = None
        yield path.relative_to(root), (path.parent.name, label), inputs


def _modules(root: Path, inputs: dict[str, str]) -> dict[str, bytes]:
    files = {name: root / "code" / name for name in inputs}
    return {name: file.read_bytes() for name, file in files.items() if os.path.isfile(file)}


def _sha1(content: bytes | None) -> str:
    return hashlib.sha1(content).hexdigest() if content is not None else ""
