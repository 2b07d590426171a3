"""Sets the numbered pages of two editions beside each other: one tree of both languages.

Both trees are walked at once. What is the same in both stands once, prose becomes a pair,
titles and captions become one of both, and boxes keep their form. An id stands once, with
the Chinese. What the writers may rely on is told in docs/architecture.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import panflute as pf

from workbook.problem import BookError, Problem, problem
from workbook.render import pandoc
from workbook.render.elements import inside, plain_text
from workbook.source.edition import BETWEEN

# Boxes that hold one line: a title of both languages, not a pair.
_LINES = {"callout-title", "exercise-title", "answer-reference", "card-title", "card-place"}


def zip_trees(zh: pf.Doc, en: pf.Doc, paths: tuple[Path, Path]) -> pf.Doc:
    """The Chinese page with the English one set into it; `paths` are told in problems.

    Raises BookError with every place where the trees are not of one shape.
    """
    zipper = _Zipper(paths)
    _drop_ids(en)
    zh.content = zipper.blocks(list(zh.content), list(en.content))
    if zipper.problems:
        raise BookError(zipper.problems)
    zh.metadata["bilingual"] = True
    return zh


def title_of(words: Sequence[str]) -> list[pf.Inline]:
    """A title in one language, or in both as `join_titles` gives it."""
    first, *others = map(pandoc.inlines, words)
    return join_titles(first, *others) if others else first


def join_titles(left: Iterable[pf.Inline], right: Iterable[pf.Inline]) -> list[pf.Inline]:
    """A line of both languages; what is the same in both stands once."""
    return _joined(left, right, pf.Space)


class _Zipper:
    """Zips two trees; collects what cannot be zipped in `problems`."""

    def __init__(self, paths: tuple[Path, Path]) -> None:
        self.zh, self.en = paths
        self.problems: list[Problem] = []

    def blocks(self, left: Sequence[pf.Block], right: Sequence[pf.Block]) -> list[pf.Block]:
        for ours, theirs in zip(left, right, strict=False):
            if type(ours) is not type(theirs) and not _prose(ours, theirs):
                self._differ(f"{_described(theirs)} stands for {_described(ours)}")
                return []
        if len(left) != len(right):
            longer = max(left, right, key=len)
            self._differ(f"{_described(longer[min(len(left), len(right))])} stands in one only")
            return []
        return [self._block(*pair) for pair in zip(left, right, strict=True)]

    def _differ(self, what: str) -> None:
        remedy = f"write the same blocks as in {self.zh}"
        self.problems.append(problem(self.en, 0, what, remedy))

    def _block(self, left: pf.Block, right: pf.Block) -> pf.Block:
        if _same([left], [right]):
            return left
        if type(left) is not type(right):
            return pair([left], [right])
        match left:
            case pf.Header():
                return _header(left, right)
            case pf.CodeBlock():
                # Comments apart it is the same, and all else in it is English.
                left.text = right.text
                return left
            case pf.RawBlock():  # where a generated page comes from, which nobody reads
                return left
            case pf.Div():
                return self._div(left, right)
            case pf.Figure():
                return self._figure(left, right)
            case pf.Table():
                return self._table(left, right)
            case pf.BulletList() | pf.OrderedList():
                return self._list(left, right)
            case pf.DefinitionList():
                return self._definitions(left, right)
            case pf.BlockQuote():
                left.content = self.blocks(list(left.content), list(right.content))
                return left
        return pair([left], [right])

    def _div(self, left: pf.Div, right: pf.Div) -> pf.Div:
        if _LINES & set(left.classes):
            left.content = [pf.Para(*join_titles(_words_in(left), _words_in(right)))]
        else:
            left.content = self.blocks(list(left.content), list(right.content))
        return left.walk(_narrow) if "card" in left.classes else left

    def _figure(self, left: pf.Figure, right: pf.Figure) -> pf.Figure:
        for ours, theirs in zip(inside(left, pf.Image), inside(right, pf.Image), strict=False):
            ours.attributes["alt"] = _both(ours, theirs)
        left.caption = _caption(left.caption, right.caption)
        parts = zip(left.content, right.content, strict=False)
        if any(isinstance(part, pf.Figure) for part in left.content):
            left.content = [self._block(*each) for each in parts]
        return left

    def _table(self, left: pf.Table, right: pf.Table) -> pf.Table:
        left.caption = _caption(left.caption, right.caption)
        cells = inside(left, pf.TableCell), inside(right, pf.TableCell)
        if len(cells[0]) != len(cells[1]):
            self._differ(f"{_described(right)} has other cells")
            return left
        for ours, theirs in zip(*cells, strict=True):
            ours.content = self._cell(list(ours.content), list(theirs.content))
        return left

    def _cell(self, left: list[pf.Block], right: list[pf.Block]) -> list[pf.Block]:
        """A cell is narrow: its languages stand under each other."""
        if len(left) == len(right) == 1 and isinstance(left[0], pf.Plain):
            return [pf.Plain(*_lines(left[0].content, right[0].content))]
        return self.blocks(left, right)

    def _list(self, left: pf.Block, right: pf.Block) -> pf.Block:
        """Item beside item, or where their numbers differ list beside list."""
        if len(left.content) != len(right.content):
            return pair([left], [right])
        for ours, theirs in zip(left.content, right.content, strict=True):
            ours.content = self.blocks(list(ours.content), list(theirs.content))
        return left

    def _definitions(self, left: pf.DefinitionList, right: pf.DefinitionList) -> pf.Block:
        if len(left.content) != len(right.content):
            return pair([left], [right])
        for ours, theirs in zip(left.content, right.content, strict=True):
            ours.term = join_titles(ours.term, theirs.term)
            bodies = zip(ours.definitions, theirs.definitions, strict=False)
            for body, other in bodies:
                body.content = self.blocks(list(body.content), list(other.content))
        return left


# --- forms -----------------------------------------------------------------------------


def pair(left: Sequence[pf.Block], right: Sequence[pf.Block]) -> pf.Div:
    """Prose beside prose: `.pair` with the children `.zh` and `.en`."""
    zh, en = (
        pf.Div(*blocks, classes=[lang], attributes={"lang": pandoc.LOCALES[lang]})
        for lang, blocks in (("zh", left), ("en", right))
    )
    _mark_links(zh, en)
    return pf.Div(zh, en, classes=["pair"])


def _half(lang: str, inlines: Iterable[pf.Inline]) -> pf.Span:
    return pf.Span(*inlines, classes=[lang], attributes={"lang": pandoc.LOCALES[lang]})


def _joined(
    left: Iterable[pf.Inline], right: Iterable[pf.Inline], between: pf.Inline
) -> list[pf.Inline]:
    zh, en = _half("zh", left), _half("en", right)
    if _same(zh.content, en.content):
        return list(zh.content)
    _mark_links(zh, en)
    return [zh, between, en]


def _lines(left: Iterable[pf.Inline], right: Iterable[pf.Inline]) -> list[pf.Inline]:
    """Both languages, each on lines of its own."""
    return _joined(left, right, pf.LineBreak)


def _narrow(element: pf.Element, _doc: pf.Doc | None) -> pf.Block | None:
    """On a card a rule has lines of each language, and notes share one with the result."""
    if not (isinstance(element, pf.Div) and "pair" in element.classes):
        return None
    left, right = (half.content[0] for half in element.content)
    if isinstance(left, pf.Para):
        return pf.Para(*_lines(left.content, right.content))
    (ours, *result), (theirs, *_) = left.content, right.content  # notes, and what both give
    stroke = (pf.Space(), pf.Str("/"))  # or 输出 4 and 3 in would be 4 3
    return pf.Plain(*join_titles([*ours.content, *stroke], theirs.content), *result)


def _header(left: pf.Header, right: pf.Header) -> pf.Header:
    left.content = join_titles(left.content, right.content)
    labels = [x.attributes["label"] for x in (left, right) if "label" in x.attributes]
    if labels:
        left.attributes["label"] = BETWEEN.join(labels)
    return left


def _caption(left: pf.Caption | None, right: pf.Caption | None) -> pf.Caption | None:
    if not (left and right and left.content and right.content):
        return left
    return pf.Caption(pf.Plain(*_lines(left.content[0].content, right.content[0].content)))


def _both(left: pf.Image, right: pf.Image) -> str:
    words = [image.attributes.get("alt") or plain_text(image) for image in (left, right)]
    return " ".join(dict.fromkeys(filter(None, words)))


def _words_in(box: pf.Div) -> list[pf.Inline]:
    return list(box.content[0].content)


def _mark_links(left: pf.Element, right: pf.Element) -> None:
    """Links that the left has too become `.again`: on paper one note tells the address."""
    urls = {link.url for link in inside(left, pf.Link)}
    for link in inside(right, pf.Link):
        if link.url in urls and "xref" not in link.classes:
            link.classes.append("again")


# --- comparing --------------------------------------------------------------------------


def _same(left: Sequence[pf.Element], right: Sequence[pf.Element]) -> bool:
    return [x.to_json() for x in left] == [x.to_json() for x in right]


def _prose(*blocks: pf.Block) -> bool:
    """What can stand for each other: “(1) …” is a list in one language, a line in the other."""
    kinds = (pf.Para, pf.Plain, pf.BulletList, pf.OrderedList)
    return all(isinstance(block, kinds) for block in blocks)


def _described(block: pf.Block) -> str:
    """A block as problems name it: its kind and how it begins."""
    words = plain_text(block)
    return f"{type(block).__name__} “{words[:30]}{'…' if len(words) > 30 else ''}”"


def _drop_ids(doc: pf.Doc) -> None:
    def drop(element: pf.Element, _doc: pf.Doc) -> None:
        if getattr(element, "identifier", ""):
            element.identifier = ""

    doc.walk(drop)
