"""What is fuzzed: functions that take any bytes and raise only where the workbook is at fault.

Each puts the bytes where an author's or a reader's file would stand, and has it read. What is
wrong in it must be told with file and line; nothing else may come out, and no byte be lost.
"""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from workbook.check import check_chapter, picture
from workbook.check.files import read_sources
from workbook.derive import cheatsheet, claims, glossary, notation
from workbook.practice import answer_values, by_hand
from workbook.practice.attempt import begun
from workbook.practice.cells import Ran, helpers
from workbook.practice.progress import Progress
from workbook.practice.submission import parse_submission, read_submission, replaced
from workbook.practice.words import ReaderError
from workbook.problem import BookError
from workbook.render.html.minify import size
from workbook.run.execute import cached
from workbook.run.terminal import Unprintable, displayed
from workbook.source import inline
from workbook.source.chapter import Chapter, read_chapter
from workbook.source.edition import Entry, Handout, bilingual, read_edition
from workbook.weave import placeholders, weave

Target = Callable[[bytes], None]
BETWEEN = b"\n=====\n"  # the files of one input
NAME = Path("chapters/zh/01-one.qmd")
_ROOT = tempfile.TemporaryDirectory(prefix="workbook-fuzz-")
ROOT = Path(_ROOT.name)


def put(name: Path | str, data: bytes) -> Path:
    """Write a file of the book that is read."""
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def require_located(error: BookError, *files: Path | str, whole: bool = False) -> None:
    """Each problem names one of these files and a line of it; or, if it may, the `whole`."""
    assert error.problems, "a BookError without a problem"
    for found in error.problems:
        where = found.where
        assert where.path in map(str, files), f"names another file: {found}"
        lines = (ROOT / where.path).read_bytes().count(b"\n") + 1
        assert (0 if whole else 1) <= where.line <= lines, f"names no line: {found}"


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


# --- sources ---------------------------------------------------------------------------


def _read(data: bytes) -> Chapter | None:
    """The chapter, or None where it is refused with a line."""
    path = put(NAME, data)
    try:
        return read_chapter(path, ROOT)
    except BookError as error:
        require_located(error, NAME)
        return None


def chapter(data: bytes) -> None:
    """A chapter is kept byte for byte, in blocks that follow each other."""
    if not (read := _read(data)):
        return
    assert read.source.encode() == data
    line = 1
    for block in read.blocks:
        assert block.line == line
        line += block.text.count("\n")
    for cell in read.cells:
        assert cell.code in cell.text.replace("\r\n", "\n")
        cell.label, cell.stub, cell.solution, cell.flag("echo")
    assert isinstance(read.title + read.description, str)
    for exercise in read.exercises:
        exercise.stars, exercise.hints, exercise.slips, exercise.wrong  # noqa: B018


def prose(data: bytes) -> None:
    """What stands inside blocks is found at its place."""
    if not (read := _read(data)):
        return
    for block in read.blocks:
        covered = inline.masked(block.text)
        assert len(covered) == len(block.text)
        assert covered.count("\n") == block.text.count("\n")
        inline.attributes(block)
        inline.formulas(block)
        for find in (inline.references, inline.bare_references):
            for offset, key in find(block.text):
                assert block.text[offset] == "@" and block.text.startswith(key, offset + 1)
    last = read.source.count("\n") + 1
    for line, _ in (*inline.prose(read), *inline.definitions(read)):
        assert 1 <= line <= last
    assert all(1 <= mark.line <= last for mark in glossary.marks(read))
    notation.sections(read)


def rules(data: bytes) -> None:
    """Every rule over one chapter tells what it finds with its line."""
    if not (read := _read(data)):
        return
    if found := check_chapter(read):
        require_located(BookError(found), NAME)


def outputs_woven(data: bytes) -> None:
    """A chapter is woven with whatever was kept of its outputs, all of its prose in it."""
    kept, _, source = data.partition(BETWEEN)
    if not (read := _read(source)):
        return
    put("cache/one.key.json", kept)
    given = cached(ROOT / "cache", read, "key")
    for outputs in (given, placeholders(read)):
        for fmt in ("html", "pdf", "epub") if outputs is not None else ():
            try:
                woven = weave(read, Entry(NAME, "one", "1"), outputs, fmt, ROOT)
            except BookError as error:
                require_located(error, NAME)
                return
            for block in read.blocks:
                assert block.kind in ("cell", "metadata") or block.text in woven.markdown


# --- data ------------------------------------------------------------------------------


def _records(path: Path, read: Callable[[Path], object]) -> Target:
    """A file of records is read, or all that is wrong in it is told with its line."""

    def target(data: bytes) -> None:
        put(path, data)
        try:
            read(ROOT)
        except BookError as error:
            require_located(error, path)

    return target


PROFILES = ("_quarto.yml", "_quarto-zh.yml", "_quarto-en.yml")


def edition(data: bytes) -> None:
    """The profiles give editions, or are told to be wrong."""
    base, _, profile = data.partition(BETWEEN)
    for name, content in zip(PROFILES, (base, profile, profile), strict=True):
        put(name, content)
    for name in ("index.zh.qmd", "chapters/zh/01-one.qmd", "references.bib"):
        if not (ROOT / name).is_file():
            put(name, b"")
    read_sources(ROOT)
    try:
        read = read_edition(ROOT, "zh")
        both = bilingual(read, read_edition(ROOT, "en"))
    except BookError as error:
        found = [each for each in error.problems if each.where.path in PROFILES]
        if found:  # others name a file that the profile names
            require_located(BookError(found), *PROFILES, whole=True)
        return
    for one in (read, both, read.on("b5"), read.for_screen()):
        one.described(), one.titles, one.subtitles
        assert one.entry("nothing") is None
        Handout("one").path(one)
        one.published.page("zh/html/one.html")
        one.published.edit(NAME)
        one.published.report("title", "body")
        one.published.notebooks("zh", "one")


def svg(data: bytes) -> None:
    """A drawing is one, or what is wrong with it is told."""
    picture.fault(put("a.svg", data))
    size(data)


def pixels(data: bytes) -> None:
    """So is a picture of pixels."""
    picture.fault(put("a.png", data))


# --- what is printed and typed ---------------------------------------------------------------


def terminal(data: bytes) -> None:
    """Printed text becomes one that a page can show, or is refused."""
    try:
        shown = displayed(text_of(data))
    except Unprintable:
        return
    assert displayed(shown) == shown
    assert shown.count("\n") == text_of(data).count("\n") or "\x1b" in text_of(data)


def answers(data: bytes) -> None:
    """What is typed for an answer is a value, or is none."""
    text = text_of(data)
    for typed in (text, *(answer_values.pairs([text]) or {}).values()):
        try:
            value = answer_values.value(typed)
        except answer_values.Unreadable:
            continue
        repr(value), by_hand.same(value, value), by_hand.same(value, 1.5)
    answer_values.values(text.split())
    answer_values.pairs(text.split())


def progress(data: bytes) -> None:
    """A reader's progress is read and kept up, or told to be damaged, and then left alone."""
    shown = Path("exercises/progress.yml")
    path = put(shown, data)
    kept = Progress(path, shown, "en")
    try:
        before = kept.read()
        kept.note("a-b", "fail")
    except ReaderError as error:
        assert re.match(rf"{shown}:\d+: ", str(error)), error
        assert path.read_bytes() == data
        return
    kept.keep_hints("a-b", 2)
    kept.keep_answers("a-b", {"box": "½", "value": "2³"})
    after = kept.read()
    assert after["a-b"].state == "fail" and after["a-b"].hints >= 2
    assert {**before, "a-b": None} == {**after, "a-b": None}
    kept.forget("a-b")
    assert not kept.read()["a-b"].answers


def names_in(cell: Ran) -> None:
    """What a cell of a notebook binds and uses, whether or not it could be run."""
    for name in cell.names:
        helpers([cell], [name], ())


def submission(data: bytes) -> None:
    """A reader's file is cut into pieces that are the file again; a piece can be replaced."""
    file = put("exercises/one.py", data)
    read = read_submission(file)
    whole = file.read_text(encoding="utf-8-sig", errors="surrogateescape")
    names = list(read.parts)
    if whole.count("# %%") == len(names):
        assert read.head.text + "".join(part.text for part in read.parts.values()) == whole
    for name in names:
        assert whole.split("\n")[read.parts[name].line - 1].startswith("# %%")
        if not read.undecodable(name):
            begun(SimpleNamespace(id=name, stub="x = 1"), read)
            names_in(Ran("In [1]", read.parts[name]))
    piece = "# %% exr-one-new\nnew = 1\n"
    for name in (*names, "exr-one-new"):
        order = [*dict.fromkeys(["exr-one-new", *names])]
        told = replaced(read, whole, name, piece.replace("exr-one-new", name), order)
        again = parse_submission(told, file)
        assert again.parts[name].text.strip() == piece.replace("exr-one-new", name).strip()


TARGETS: dict[str, Target] = {
    "chapter": chapter,
    "prose": prose,
    "rules": rules,
    "weave": outputs_woven,
    "edition": edition,
    "glossary": _records(glossary.PATH, glossary.read_glossary),
    "claims": _records(claims.PATH, claims.read_claims),
    "notation": _records(notation.PATH, notation.read_notation),
    "cheatsheet": _records(cheatsheet.PATH, cheatsheet.read_cheatsheet),
    "svg": svg,
    "pixels": pixels,
    "terminal": terminal,
    "answers": answers,
    "progress": progress,
    "submission": submission,
}
