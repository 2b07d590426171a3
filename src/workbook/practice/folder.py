"""A reader's own folder: what `workbook start` makes, and how a newer edition comes into it.

`.workbook.json` in it says in which language it was begun and what was handed out. What is
still as it was handed out may be replaced; everything else is the reader's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbook import messages
from workbook.files import atomic_write, read_json
from workbook.practice.catalog import Catalog, Unit
from workbook.practice.kit import Kit, NoKit, shipped
from workbook.practice.submission import parse_submission, replaced
from workbook.practice.words import ReaderError, program, reader_language, say
from workbook.source.edition import LANGUAGES

NAME = "pytorch-workbook"  # of the folder, where the reader names none
MARKER = ".workbook.json"
README = "README.md"
_OURS = "# %% exr-"  # what a chapter's file has in it, and no other


@dataclass(frozen=True)
class Folder:
    """A folder that was begun, and what was handed out into it."""

    root: Path
    lang: str
    issued: Mapping[str, str]  # the text of each file, by its name


def reader_folder(here: Path) -> Folder | None:
    """The nearest reader's folder at or above a folder."""
    for root in (here, *here.parents):
        if (root / MARKER).is_file():
            return _read(root)
    return None


def checkout(here: Path) -> Path | None:
    """The nearest checkout of a book at or above a folder."""
    return next((f for f in (here, *here.parents) if (f / "_quarto.yml").is_file()), None)


def kit_of(lang: str) -> Kit:
    """The exercises of this installation; ReaderError where it has none."""
    try:
        return shipped()
    except NoKit:
        raise ReaderError(say(lang, "no:kit")) from None


def start(root: Path, asked: str | None, lang: str) -> Iterator[str]:
    """Make a reader's folder or bring it up to date; a line for each thing that was done.

    `asked` is the language that was asked for; a folder that was begun keeps its own.
    ReaderError where the folder is somebody else's or cannot be written.
    """
    kit = kit_of(lang)
    try:
        begun = _read(root) if (root / MARKER).is_file() else None
        lang = asked or (begun.lang if begun else reader_language())
        book = kit.catalog(root, lang)
        if not begun:
            _require_room(root, book, lang)
            root.mkdir(parents=True, exist_ok=True)
        yield from _brought(Folder(root, lang, begun.issued if begun else {}), kit, book)
    except OSError as error:
        words = {"file": error.filename or root, "error": error.strerror}
        raise ReaderError(say(lang, "no:write", **words)) from None


def _brought(folder: Folder, kit: Kit, book: Catalog) -> Iterator[str]:
    """Bring every file in line with the kit."""
    root, lang = folder.root, folder.lang
    readme = messages.of("folder", lang)["readme"].format(
        first=book.units[0].slug if book.units else "", date=kit.date
    )
    handed = {README: readme, **{str(unit.file): book.fresh(unit) for unit in book.units}}
    new = 0
    for unit in book.units:
        name = str(unit.file)
        mine, old = _text(root / name), folder.issued.get(name)
        if mine is None:
            _write(root / name, handed[name], "\n")
            new += 1
        elif _untouched(mine, old):
            _write(root / name, handed[name], _ending(root / name))
        else:
            yield from _merged(folder, unit, mine, old or "", handed[name])
    mine = _text(root / README)
    if mine is None or _untouched(mine, folder.issued.get(README)):
        _write(root / README, readme, "\n")
    marker = {"lang": lang, "date": kit.date, "issued": handed}
    atomic_write(root / MARKER, json.dumps(marker, ensure_ascii=False, indent=0) + "\n")
    yield say(lang, "start:done" if folder.issued else "start:made", folder=root, new=new,
              count=len(book.units))  # fmt: skip
    if not folder.issued and book.units:
        words = {"folder": _quoted(root), "slug": book.units[0].slug}
        yield say(lang, "start:next", workbook=program(moves=True), **words)


def _merged(folder: Folder, unit: Unit, mine: str, old: str, fresh: str) -> Iterator[str]:
    """Put what is new into a file that the reader has begun, beside what they wrote."""
    path = folder.root / unit.file
    before, now = (parse_submission(text, path).parts for text in (old, fresh))
    theirs = parse_submission(mine, path).parts
    text, offered = mine, []
    for exercise in (each.id for each in unit.exercises):
        piece = now[exercise].text.rstrip("\n") + "\n"
        handed = before[exercise].text.strip() if exercise in before else None
        written = theirs[exercise].text.strip() if exercise in theirs else None
        if handed == piece.strip() or written == piece.strip():
            continue
        if written is None and handed is not None:
            continue  # they took it out
        if written == handed:
            order = unit.order
            text = replaced(parse_submission(text, path), text, exercise, piece, order)
        elif handed is not None:
            offered.append(piece)
    if text != mine:
        _write(path, text, _ending(path))
    if offered:
        beside = _beside(path, "\n\n".join(offered))
        yield say(folder.lang, "start:beside", file=unit.file, beside=beside.name,
                  count=len(offered))  # fmt: skip


def _beside(path: Path, text: str) -> Path:
    """Write a text into `tensors.new.py`, or the next such name that is free or says it."""
    count = 1
    while True:
        beside = path.with_name(f"{path.stem}.new{f'-{count}' * (count > 1)}.py")
        if _text(beside) in (None, text):
            _write(beside, text, "\n")
            return beside
        count += 1


def _require_room(root: Path, book: Catalog, lang: str) -> None:
    """A folder that is new, empty, or holds chapters' files (then only the marker is lost)."""
    if root.exists() and not root.is_dir():
        raise ReaderError(say(lang, "start:file", folder=root))
    if not root.exists() or not any(root.iterdir()):
        return
    names = [root / unit.file for unit in book.units]
    if not any(_OURS in (_text(path) or "") for path in names):
        raise ReaderError(say(lang, "start:occupied", folder=root))


def _read(root: Path) -> Folder:
    """What the marker says; a damaged one says nothing, and then nothing counts as ours."""
    found = read_json(root / MARKER)
    data = found if isinstance(found, dict) else {}
    lang, issued = data.get("lang"), data.get("issued")
    texts = issued if isinstance(issued, dict) else {}
    return Folder(root, lang if lang in LANGUAGES else reader_language(),
                  {k: v for k, v in texts.items() if isinstance(v, str)})  # fmt: skip


def _untouched(mine: str, old: str | None) -> bool:
    return old is not None and mine == old


def _text(path: Path) -> str | None:
    """A file's text with plain line ends, or None; what is not UTF-8 is kept as surrogates."""
    try:
        return path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    except FileNotFoundError:
        return None


def _ending(path: Path) -> str:
    return "\r\n" if b"\r\n" in path.read_bytes() else "\n"


def _write(path: Path, text: str, ending: str) -> None:
    """Write a file, unless it says the same."""
    data = text.replace("\n", ending).encode("utf-8", "surrogateescape")
    if not path.exists() or path.read_bytes() != data:
        atomic_write(path, data)


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
