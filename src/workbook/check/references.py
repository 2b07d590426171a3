"""Rules over references: labels, citations, footnotes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from workbook.check.files import WORK, Sources
from workbook.problem import Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.inline import (
    CROSS_REFERENCE,
    bare_references,
    definitions,
    generated,
    masked,
    prose,
    references,
)

_FOOTNOTE = re.compile(r"\[\^([^\]\s]+)\](?P<colon>:)?")


def duplicate_labels(chapters: Sequence[Chapter]) -> Iterator[Problem]:
    """A label stands once in the whole edition; generated chapters copy some."""
    first: dict[str, str] = {}
    for chapter in (chapter for chapter in chapters if not generated(chapter)):
        for line, name in definitions(chapter):
            if name in first:
                what = f'label "{name}" is taken by {first[name]}'
                yield problem(chapter.path, line, what, "choose another")
            else:
                first[name] = f"{chapter.path}:{line}"


def in_brackets(chapter: Chapter) -> Iterator[Problem]:
    """A reference stands in brackets, or it fails beside Chinese characters."""
    for line, text in prose(chapter):
        for offset, key in bare_references(text):
            where = line + text.count("\n", 0, offset)
            yield problem(chapter.path, where, f"@{key} without brackets", f'write "[@{key}]"')


def to_tables(chapter: Chapter) -> Iterator[Problem]:
    """What leads to a table refers to it: on paper it may float, and a colon leads nowhere."""
    shown = [block for block in chapter.blocks if block.kind != "blank"]
    for before, table, below in zip(shown, shown[1:], shown[2:], strict=False):
        leads = before.kind == "paragraph" and before.text.rstrip().endswith((":", "："))
        captioned = table.kind == "table" and below.kind == "caption"
        if leads and captioned and f"[@{below.id}]" not in before.text:
            what = "a colon leads to a table that may float elsewhere"
            yield problem(chapter.path, before.line, what, f'refer to it, as "[@{below.id}]"')


def footnotes(chapter: Chapter) -> Iterator[Problem]:
    """A footnote is used and defined, in the same chapter."""
    used: dict[str, int] = {}
    defined: dict[str, int] = {}
    for line, text in prose(chapter):
        for match in _FOOTNOTE.finditer(masked(text)):
            note = match["colon"] and text[: match.start()].rpartition("\n")[2].strip() == ""
            where = line + text.count("\n", 0, match.start())
            (defined if note else used).setdefault(match[1], where)
    for name in used.keys() - defined.keys():
        what, remedy = f"footnote [^{name}] is not defined", f'add "[^{name}]: …"'
        yield problem(chapter.path, used[name], what, remedy)
    for name in defined.keys() - used.keys():
        what, remedy = f"footnote [^{name}] is not used", f'write "[^{name}]" in the text'
        yield problem(chapter.path, defined[name], what, remedy)


def cross_references(book: Sources) -> Iterator[Problem]:
    """A cross reference leads to a label of its own edition."""
    for chapters in book.chapters.values():
        known = {name for chapter in chapters for _, name in definitions(chapter)}
        for chapter, line, key in _uses(chapters):
            target = CROSS_REFERENCE.sub("", key, count=1)
            hidden = any(f"{target}-".startswith(f"{slug}-") for slug in book.unread)
            if CROSS_REFERENCE.match(key) and key not in known and not hidden:
                near = _near(key, (n for n in known if CROSS_REFERENCE.match(n)))
                remedy = near or f'write the label "{key}" somewhere'
                yield problem(chapter.path, line, f"[@{key}] leads nowhere", remedy)


def citations(book: Sources) -> Iterator[Problem]:
    """A work that is cited is in the bibliography."""
    name = book.bibliography.name
    for chapters in book.chapters.values():
        for chapter, line, key in _uses(chapters):
            if not CROSS_REFERENCE.match(key) and key not in book.citation_keys:
                remedy = _near(key, book.citation_keys) or f"add the work to {name}"
                yield problem(chapter.path, line, f"[@{key}] is not in {name}", remedy)


def bibliography(book: Sources) -> Iterator[Problem]:
    """Each work of the bibliography is closed where the next begins, and has its own key."""
    name, seen, opened, depth = book.bibliography.name, {}, 0, 0
    for number, line in enumerate(book.works.splitlines(), 1):
        if entry := WORK.match(line):
            if depth > 0:
                yield _unclosed(name, opened)
            opened, depth = number, 0
            if (first := seen.setdefault(entry["key"], number)) != number:
                what = f'the key "{entry["key"]}" is that of line {first}, too'
                yield problem(name, number, what, "give each work one key, or take one out")
        depth += line.count("{") - line.count("}")
    if depth > 0:
        yield _unclosed(name, opened)


def _unclosed(name: str, line: int) -> Problem:
    return problem(name, line, "this work is never closed", 'add "}" at its end')


def _uses(chapters: Sequence[Chapter]) -> Iterator[tuple[Chapter, int, str]]:
    for chapter in chapters:
        for line, text in prose(chapter):
            for offset, key in references(text):
                yield chapter, line + text.count("\n", 0, offset), key


def _near(key: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, sorted(names), n=1)
    return f'did you mean "{near[0]}"?' if near else ""
