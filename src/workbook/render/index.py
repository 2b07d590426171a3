"""The index: which words stand on which pages of the printed book, in which sections of a site.

Terms are those of the glossary, names of the API those that stand in code within a sentence. A
mark is put into the tree before each occurrence that the index will name; on which page that
comes to stand, only Typst knows (`theme/print/index.typ`). An entry names the place where a
chapter explains the term, which is printed bold, and the sections that say it most. A site has
no pages to count, and leads to the sections (`html/word_index.py`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import panflute as pf

from workbook.derive import glossary, pinyin
from workbook.render.elements import inside

API = "API"  # the group of the names that stand in code
SECTIONS = 5  # that an entry names beside the place where its term is explained
_OFTEN = 3  # times that a section says a word before it is named
_API = re.compile(r"(?:torch|nn|F|optim|np|plt)(?:\.[A-Za-z_]\w*)+")
_TWICE = (pf.Header, pf.Caption, pf.TableHead)  # may be set twice, and so hold no mark
_NOWHERE = {"worked", "slips"}  # boxes that print leaves out, or sets elsewhere


@dataclass(frozen=True)
class Word:
    """An entry: what is printed, the forms that count, and what it is sorted by."""

    shown: str
    forms: tuple[str, ...]
    group: str  # the letter above it
    order: tuple
    lang: str = ""  # none for a name of the API


class Place(NamedTuple):
    """An occurrence: in which element at which letter, and whether it explains the word."""

    leaf: pf.Element
    at: int
    section: int
    main: bool


def marked(docs: Sequence[pf.Doc], words: Sequence[Word]) -> dict[str, list[tuple[str, bool]]]:
    """Put marks into these pages; gives those of each entry, and which is the main one."""
    found = _occurrences(docs, words)
    chosen = {word.shown: _chosen(found[word.shown]) for word in words if found[word.shown]}
    marks: dict[int, list[tuple[int, str]]] = defaultdict(list)
    entries: dict[str, list[tuple[str, bool]]] = {}
    for number, (shown, places) in enumerate(chosen.items()):
        entries[shown] = []
        for k, place in enumerate(places):
            mark = f"{number}-{k}"
            marks[id(place.leaf)].append((place.at, mark))
            entries[shown].append((mark, place.main))
    for doc in docs:
        doc.walk(lambda e, _: _with_marks(e, marks[id(e)]) if id(e) in marks else None)
    return entries


def terms(root: Path, lang: str) -> list[Word]:
    """The glossary's terms in the order of a language; none where there is no glossary."""
    if not (root / glossary.PATH).exists():
        return []
    return sorted((_term(t, lang) for t in glossary.read_glossary(root).terms), key=_order)


def names(docs: Iterable[pf.Doc]) -> list[Word]:
    """The names of the API that stand in code within a sentence."""
    return named({name for doc in docs for code in _codes(doc) for name in _API.findall(code)})


def named(found: Iterable[str]) -> list[Word]:
    """These names of the API as words: torch.Tensor is one, torch.tensor another."""
    words = [Word(name, (name,), API, (name.casefold(), name)) for name in found]
    return sorted(words, key=_order)


def typst(words: Sequence[Word], entries: dict[str, list[tuple[str, bool]]]) -> str:
    """The call that prints the index."""
    there = [word for word in words if word.shown in entries]
    groups = [
        (letter, "".join(_entry(word, entries[word.shown]) for word in group))
        for letter, group in groupby(there, key=lambda word: word.group)
    ]
    listed = "".join(f"({quoted(letter)}, ({group})), " for letter, group in groups)
    return f"#workbook-index(({listed}))"


def _entry(word: Word, places: Sequence[tuple[str, bool]]) -> str:
    pages = "".join(f'("index-{mark}", {str(main).lower()}), ' for mark, main in places)
    return f"({quoted(word.shown)}, {str(word.group == API).lower()}, ({pages})), "


def quoted(text: str) -> str:
    """A text as Typst reads it in code."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _order(word: Word) -> tuple:
    return word.order


def _term(term: glossary.Term, lang: str) -> Word:
    if lang == "zh":
        forms = tuple(name for name in (term.zh, *term.also) if pinyin.characters(name))
        forms = forms or (term.zh,)
        order = pinyin.order(term.zh, term.pinyin)
        return Word(term.zh, forms, order[0][0][:1].upper() if order else "", order, lang)
    forms = tuple(
        n for n in (term.en, term.short, *term.also) if n and not pinyin.characters(n)
    )
    return Word(term.english, forms, term.en[:1].upper(), (term.en.casefold(),), lang)


# --- where words stand -----------------------------------------------------------------


def _occurrences(docs: Sequence[pf.Doc], words: Sequence[Word]) -> dict[str, list[Place]]:
    """All places of each word, in their order."""
    by_form = {_known(form, word): word.shown for word in words for form in word.forms}
    forms = sorted(by_form, key=len, reverse=True)  # the longest first: 梯度下降 before 梯度
    pattern = re.compile("|".join(map(_bounded, forms)), re.I)
    found: dict[str, list[Place]] = defaultdict(list)
    section = 0
    for doc in docs:
        for block in _blocks(doc):
            if isinstance(block, pf.Header):
                section += 1
                continue
            leaves = [leaf for inline in block.content for leaf in _leaves(inline)]
            text = "".join(words for _, words in leaves)
            for match in pattern.finditer(text):
                leaf, at = _leaf_at(leaves, match.start())
                shown = _word_of(match[0], by_form)
                if shown and isinstance(leaf, (pf.Str, pf.Code)):
                    found[shown].append(Place(leaf, at, section, _explains(leaf)))
    return found


def _known(form: str, word: Word) -> str:
    """What a form is found by: a term in small letters, a name of the API as it is."""
    return form if word.group == API else form.casefold()


def _word_of(found: str, by_form: dict[str, str]) -> str | None:
    """The entry that these letters of a text are a form of."""
    small = found.casefold()
    keys = (found, small, small.removesuffix("s"))
    return next((by_form[key] for key in keys if key in by_form), None)


def _bounded(form: str) -> str:
    """A pattern for a form: English as a whole word, in the plural too."""
    escaped = re.escape(form)
    return escaped if pinyin.characters(form) else rf"(?<![\w.]){escaped}s?(?!\w)"


def _blocks(doc: pf.Doc) -> Iterator[pf.Block]:
    found = inside(doc, (pf.Header, pf.Para, pf.Plain))
    return (block for block in found if not _hidden(block))


def _hidden(block: pf.Block) -> bool:
    above = block.parent
    while above is not None and not isinstance(above, pf.Doc):
        if isinstance(above, _TWICE) or _NOWHERE & set(getattr(above, "classes", ())):
            return True
        if getattr(above, "attributes", {}).get("collapse") == "true":
            return True  # a hint, which print has in a part of its own
        above = above.parent
    return False


def _leaves(inline: pf.Inline) -> Iterator[tuple[pf.Element, str]]:
    """The elements that have letters, and those letters."""
    if isinstance(inline, (pf.Str, pf.Code)):
        yield inline, inline.text
    elif isinstance(inline, (pf.Space, pf.SoftBreak)):
        yield inline, " "
    elif isinstance(inline, (pf.Link, pf.Image, pf.Note, pf.Cite)):
        yield inline, "\0"  # a mark in a link would be a part of it
    elif hasattr(inline, "content"):
        for each in inline.content:
            yield from _leaves(each)
    else:
        yield inline, "\0"


def _leaf_at(leaves: Sequence[tuple[pf.Element, str]], at: int) -> tuple[pf.Element, int]:
    for leaf, words in leaves:
        if at < len(words):
            return leaf, at
        at -= len(words)
    raise ValueError(at)


def _explains(leaf: pf.Element) -> bool:
    return isinstance(leaf.parent, pf.Span) and "term" in leaf.parent.classes


def _codes(doc: pf.Doc) -> list[str]:
    return [code.text for code in inside(doc, pf.Code)]


def _chosen(places: Sequence[Place]) -> list[Place]:
    """Where the word is explained, and one place of each section that says it most."""
    main = next((place for place in places if place.main), None)
    kept = {place.section: place for place in reversed(places)}
    if main:
        kept[main.section] = main
    sections = chosen(Counter(place.section for place in places), main and main.section)
    return [kept[section] for section in sections]


def chosen(times: Mapping[int, int], main: int | None) -> list[int]:
    """The sections that an entry names: the main one, and those that say the word most.

    `times` says how often each section does, in the order of the book.
    """
    often = [s for s, count in Counter(times).most_common() if count >= _OFTEN][:SECTIONS]
    named = {*often, *([] if main is None else [main])}
    return sorted(named or [next(iter(times))])


@dataclass(frozen=True)
class Section:
    """What the index knows of a section: its heading, and the words below it."""

    heading: pf.Header
    times: Mapping[str, int]  # by what is printed of a word
    main: tuple[str, ...]  # those that are explained there for the first time on the page


def sections(doc: pf.Doc, words: Sequence[Word]) -> list[Section]:
    """The sections of a page that say any of these words, or a name of the API."""
    headings = [block for block in _blocks(doc) if isinstance(block, pf.Header)]
    times: dict[int, Counter[str]] = defaultdict(Counter)
    main: dict[int, list[str]] = defaultdict(list)
    for shown, places in _occurrences([doc], [*words, *names([doc])]).items():
        for place in places:
            times[place.section][shown] += 1
        explained = next((place.section for place in places if place.main), None)
        if explained is not None:
            main[explained].append(shown)
    return [Section(headings[at - 1], times[at], tuple(main[at])) for at in sorted(times) if at]


def _with_marks(leaf: pf.Element, marks: list[tuple[int, str]]) -> list[pf.Inline]:
    """An element in pieces, with the marks between them; code stays whole, behind them."""
    calls = [(at, pf.Span(identifier=f"index-{mark}", classes=["index-mark"]))
             for at, mark in sorted(marks)]  # fmt: skip
    if isinstance(leaf, pf.Code):
        return [*(call for _, call in calls), leaf]
    pieces: list[pf.Inline] = []
    taken = 0
    for at, call in calls:
        pieces += [pf.Str(leaf.text[taken:at])] if at > taken else []
        pieces.append(call)
        taken = at
    return [*pieces, pf.Str(leaf.text[taken:])]
