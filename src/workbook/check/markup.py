"""Rules over the text of a chapter: what is refused, and the form of the rest."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from workbook.problem import Problem, problem
from workbook.source.blocks import Block
from workbook.source.chapter import Chapter
from workbook.source.inline import attributes, caption, generated, masked, prose

_REFUSED = (  # (pattern in text without code and formulas, what it is, what to write)
    (
        re.compile(r"</?[A-Za-z][^<>]*>|<!--|<\?"),
        "raw HTML",
        "write it in Markdown, and < and > in `code` or $math$",
    ),
    (
        re.compile(r"\]\[(?![@^])[^\]]*\]"),
        "reference-style link",
        "write [text](address)",
    ),
    (
        re.compile(r"^ {0,3}\[(?![\^@])[^\]]+\]:", re.M),
        "link definition",
        "write [text](address) where it is used",
    ),
    (
        re.compile(r"!\["),
        "image inside text",
        'give it its own line: ![caption](path){#fig-… fig-alt="…"}',
    ),
    (
        re.compile(r"\\[A-Za-z]+"),
        "raw TeX",
        "write it between $ and $",
    ),
    (
        re.compile(r"^(?!\|).*?[0-9]\]\( ", re.M),
        "link whose words end in a digit: on paper the number of its note would be a power",
        "let the words end in a letter: [version 2.0 made](address)",
    ),
)  # fmt: skip
_LETTERED = re.compile(r"\((?:[0-9]{1,2}|[a-zA-Z]|[ivx]+)\)(?=\s)")
_SETEXT = re.compile(r"^(=+|-+)\s*$")
_SHORTCODE = re.compile(r"\{\{<.*?>\}\}")
_SPAN = re.compile(r"(?<=[\]`)])\{[^{}]*\}")
_TARGET = re.compile(r"(?:\]\(\s*<?|<(?=\w+:))([^\s)>]*)")
_SCHEME = re.compile(r"([\w+.-]+):")
_SCHEMES = ("https", "http", "mailto")
_DELIMITERS = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_KEBAB = "[a-z0-9]+(-[a-z0-9]+)*"


def refused_text(chapter: Chapter) -> Iterator[Problem]:
    """No raw HTML, reference links, images inside text, TeX outside formulas."""
    for line, text in prose(chapter):
        plain = masked(text)
        for pattern, what, remedy in _REFUSED:
            for match in pattern.finditer(plain):
                if not (generated(chapter) and match[0] == "<!--"):
                    yield problem(chapter.path, _line(line, text, match.start()), what, remedy)


def refused_code_blocks(chapter: Chapter) -> Iterator[Problem]:
    """Code that does not run is ```name; no raw blocks, no other engine."""
    for block in chapter.blocks:
        info = block.text.splitlines()[0].strip().lstrip("`~").strip()
        if block.kind != "code" or re.fullmatch(r"[\w+-]*", info):
            continue
        what, remedy = f"code block {info}", 'write "```name" for code that does not run'
        if info.startswith("{="):
            what, remedy = f"raw block {info}", "write it in Markdown"
        elif re.match(r"\{\w", info):
            what, remedy = f"cell in another language {info}", 'write "```{python}"'
        yield problem(chapter.path, block.line, what, remedy)


def shortcodes(chapter: Chapter) -> Iterator[Problem]:
    """No {{< … >}}: Quarto expands it even in code."""
    for block in chapter.blocks:
        for match in _SHORTCODE.finditer(block.text):
            line = _line(block.line, block.text, match.start())
            yield problem(chapter.path, line, f"shortcode {match[0]}", "write the text itself")


def setext_headings(chapter: Chapter) -> Iterator[Problem]:
    """A heading begins with #, and is not underlined."""
    for block in chapter.blocks:
        if block.kind == "paragraph":
            for number, line in enumerate(block.text.splitlines()[1:], block.line + 1):
                if _SETEXT.match(line):
                    what, remedy = "underlined heading", 'write "## …", or a blank line above'
                    yield problem(chapter.path, number, what, remedy)


def lettered_start(chapter: Chapter) -> Iterator[Problem]:
    """A paragraph does not begin with (1) or (a), of which pandoc would make a list."""
    for block in chapter.blocks:
        if block.kind == "paragraph" and (match := _LETTERED.match(block.text)):
            what = f'a paragraph that begins with "{match[0]}" is a list'
            yield problem(
                chapter.path, block.line, what, f"begin with a word: For {match[0]}, …"
            )


def spans(chapter: Chapter) -> Iterator[Problem]:
    """The only attributes inside text are those of a term; generated text tells languages."""
    if generated(chapter):
        return
    for line, text in prose(chapter):
        plain = masked(text)
        for match in _SPAN.finditer(plain):
            if match[0] == "{.term}" and plain[match.start() - 1] == "]":
                continue
            what = f"attributes {match[0]} inside text"
            remedy = "take them off; a term is [word]{.term}"
            yield problem(chapter.path, _line(line, text, match.start()), what, remedy)


def schemes(chapter: Chapter) -> Iterator[Problem]:
    """A link leads to a page or a mailbox, and runs nothing."""
    for line, text in prose(chapter):
        plain = masked(text)
        for match in _TARGET.finditer(text):
            if plain[match.start()] != match[0][0]:
                continue  # inside code
            scheme = _SCHEME.match(html.unescape(match[1]))
            if scheme and scheme[1].lower() not in _SCHEMES:
                what = f"a link to {scheme[1]}:"
                remedy = f"write an address that begins with one of {', '.join(_SCHEMES)}"
                yield problem(chapter.path, _line(line, text, match.start()), what, remedy)


def figure_caption(chapter: Chapter) -> Iterator[Problem]:
    """A figure from a file has a caption."""
    for block in _figures(chapter):
        if not caption(block).strip():
            yield _unlike_figure(chapter, block, "image without a caption")


def figure_id(chapter: Chapter) -> Iterator[Problem]:
    """A figure from a file has an id that begins with its chapter's slug."""
    for block in _figures(chapter):
        if not re.fullmatch(rf"fig-{re.escape(chapter.slug)}-{_KEBAB}", attributes(block).id):
            yield _unlike_figure(chapter, block, f"image without an id fig-{chapter.slug}-…")


def figure_alt(chapter: Chapter) -> Iterator[Problem]:
    """A figure from a file has an alternative text."""
    for block in _figures(chapter):
        if not attributes(block).values.get("fig-alt", "").strip():
            yield _unlike_figure(chapter, block, "image without fig-alt")


def figure_attributes(chapter: Chapter) -> Iterator[Problem]:
    """A figure from a file carries nothing else."""
    for block in _figures(chapter):
        found = attributes(block)
        odd = [f".{name}" for name in found.classes]
        odd += [f"{key}=" for key in found.values if key != "fig-alt"] + found.rest.split()
        if odd:
            yield _unlike_figure(chapter, block, f"image with {' '.join(odd)}")


def _figures(chapter: Chapter) -> Iterator[Block]:
    return (block for block in chapter.blocks if block.kind == "figure")


def _unlike_figure(chapter: Chapter, block: Block, what: str) -> Problem:
    form = f'![caption](path){{#fig-{chapter.slug}-… fig-alt="…"}}'
    return problem(chapter.path, block.line, what, f"write {form}")


def table_rule(chapter: Chapter) -> Iterator[Problem]:
    """A pipe table has a rule below its head."""
    for block in (b for b in chapter.blocks if b.kind == "table"):
        lines = block.text.splitlines()
        if not (len(lines) > 1 and _DELIMITERS.match(lines[1].strip())):
            what, remedy = "| without a table", 'write "|---|---|" below the head of the table'
            yield problem(chapter.path, block.line, what, remedy)


def grid_tables(chapter: Chapter) -> Iterator[Problem]:
    """A table is a pipe table."""
    for block in chapter.blocks:
        if block.kind != "blank" and re.match(r"\+[-=]+\+", block.text):
            what, remedy = "grid table", "write a pipe table: | a | b |"
            yield problem(chapter.path, block.line, what, remedy)


def table_captions(chapter: Chapter) -> Iterator[Problem]:
    """A table's caption stands below it in the one form."""
    form = f'write ": caption {{#tbl-{chapter.slug}-…}}" below the table'
    above = ""
    for block in (b for b in chapter.blocks if b.kind != "blank"):
        if above == "table" and (block.kind == "definition" or block.text.startswith("Table:")):
            yield problem(chapter.path, block.line, "table caption without an id", form)
        if block.kind == "caption":
            found = attributes(block)
            right = re.fullmatch(rf"tbl-{re.escape(chapter.slug)}-{_KEBAB}", found.id)
            if above != "table":
                yield problem(chapter.path, block.line, "caption does not follow a table", form)
            elif not right or found.classes or found.values or found.rest:
                what = f"table caption without an id tbl-{chapter.slug}-… alone"
                yield problem(chapter.path, block.line, what, form)
        above = block.kind


def equations(chapter: Chapter) -> Iterator[Problem]:
    """A formula carries no attribute but its id."""
    for block in chapter.blocks:
        found = re.search(r"\$\$\s*(\{.*\})\s*$", block.text) if block.kind == "math" else None
        if found and not re.fullmatch(
            rf"\{{#eq-{re.escape(chapter.slug)}-{_KEBAB}\}}", found[1]
        ):
            line = block.line + block.text.rstrip().count("\n")
            what = f"formula has the attributes {found[1]}"
            remedy = f'write "$$ {{#eq-{chapter.slug}-…}}" in kebab-case'
            yield problem(chapter.path, line, what, remedy)


def _line(line: int, text: str, offset: int) -> int:
    return line + text.count("\n", 0, offset)
