"""Rules over the letters of running text: brackets, minus signs, 倍, spaces at references."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from workbook.problem import Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.inline import generated, masked, prose

_CHINESE = "[㐀-鿿]"
_NUMBER = "[一二两三四五六七八九十百千万亿几数0-9.$ ]"
_BRACKETS = re.compile(r"(?<![\]A-Za-z0-9_.])\(([^()]*)\)")
_ITEM = re.compile(r"[0-9]{1,2}|[a-z]|[ivx]+")
_HYPHEN = re.compile(r"(?<![\w\-–—/.\]}$`])-(?=\d)")
_TIMES = re.compile(
    rf"(?:减少|减小|减慢|降低|缩小|缩短|下降|变小|变少|变慢|变短)了?(?:同样的|{_NUMBER}+)倍"
    rf"|(?<![多大长])[小少低短慢]了?{_NUMBER}+倍"
)
# 图 4.1 ends with a digit, which Chinese keeps apart from its characters; 第 4 章 does not.
_CLOSE = re.compile(rf"\[-?@(?:fig|tbl|eq|exr)-[\w-]+\](?={_CHINESE})")
_APART = re.compile(rf"\[@sec-[\w-]+\] +(?={_CHINESE})")


def brackets(chapter: Chapter) -> Iterator[Problem]:
    """Brackets in Chinese are wide, but around a shape or another tuple."""
    if chapter.path.parent.name == "zh" or chapter.path.name.endswith(".zh.qmd"):
        yield from _found(chapter, _BRACKETS, _narrow, "narrow brackets in Chinese text",
                          "write （…）, or a shape as `(2, 3)`")  # fmt: skip


def minus(chapter: Chapter) -> Iterator[Problem]:
    """A minus sign is none of the keyboard's hyphens."""
    yield from _found(chapter, _HYPHEN, lambda _: True, "a hyphen for a minus sign",
                      "write a formula: $-1$, or −")  # fmt: skip


def times_less(chapter: Chapter) -> Iterator[Problem]:
    """What becomes less does so 到几分之一: a 倍 can only grow."""
    yield from _found(chapter, _TIMES, lambda _: True, "less, by a multiple",
                      "say to what part of it: 降到十分之一")  # fmt: skip


def number_spaced(chapter: Chapter) -> Iterator[Problem]:
    """In Chinese a space follows the number of a figure."""
    if chapter.path.parent.name == "zh" or chapter.path.name.endswith(".zh.qmd"):
        yield from _found(chapter, _CLOSE, lambda _: True, "no space after a number",
                          "write a space behind the reference")  # fmt: skip


def section_unspaced(chapter: Chapter) -> Iterator[Problem]:
    """In Chinese no space follows 第 4 章."""
    if chapter.path.parent.name == "zh" or chapter.path.name.endswith(".zh.qmd"):
        yield from _found(chapter, _APART, lambda _: True, "a space after 章 or 节",
                          "write none behind the reference")  # fmt: skip


def _narrow(match: re.Match[str]) -> bool:
    inside = match[1].strip()
    return bool(re.search(_CHINESE, inside) or _ITEM.fullmatch(inside))


def _found(
    chapter: Chapter,
    pattern: re.Pattern[str],
    holds: Callable[[re.Match[str]], bool],
    what: str,
    remedy: str,
) -> Iterator[Problem]:
    """A problem for each match in the running text of a chapter that an author wrote."""
    for line, text in () if generated(chapter) else prose(chapter):
        for match in filter(holds, pattern.finditer(masked(text))):
            here = line + text.count("\n", 0, match.start())
            yield problem(chapter.path, here, f"{what}: {_excerpt(text, match)}", remedy)


def _excerpt(text: str, match: re.Match[str]) -> str:
    return " ".join(text[max(0, match.start() - 6) : match.end() + 6].split())
