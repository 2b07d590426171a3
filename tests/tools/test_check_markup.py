"""What of Markdown is not in the house markup, and what is said instead."""

from pathlib import Path

import pytest
from house import RAW_HTML, in_chapter, text

MARKUP = {
    "raw HTML in a line": (
        text("a <br> b\nc <span class='x'>d"),
        [
            "3: " + RAW_HTML,
            "4: " + RAW_HTML,
        ],
    ),
    "raw HTML block": (
        text("<div>\n"),
        ["3: " + RAW_HTML],
    ),
    "HTML comment": (
        text("<!-- later -->"),
        ["3: " + RAW_HTML],
    ),
    "less than": (text("a < b，1<2，\\<br>，``a ` <br>``，$$a<b>c$$。"), []),
    "schemes": (
        text(
            "[a](https://a.b:80/c) [b](#sec-b) [c](mailto:a@b.c) `[d](javascript:x)` <https://a.b>\n"
            "[e](javascript:alert(1))\n[f]( JavaScript:x) [g](&#106;avascript:x)\n"
            "[h](data:text/html,x)"
        ),
        [
            f"{line}: a link to {scheme}:; "
            "write an address that begins with one of https, http, mailto"
            for line, scheme in (
                (4, "javascript"), (5, "JavaScript"), (5, "javascript"), (6, "data"),
            )
        ],
    ),
    "raw block": (
        text("```{=html}\n<br>\n```"),
        ["3: raw block {=html}; write it in Markdown"],
    ),
    "other engine": (
        text("```{r}\nx\n```"),
        ['3: cell in another language {r}; write "```{python}"'],
    ),
    "code block with a class": (
        text("```{.python}\nx\n```"),
        ['3: code block {.python}; write "```name" for code that does not run'],
    ),
    "shortcode": (
        text("a\n{{< include x.qmd >}}"),
        ["4: shortcode {{< include x.qmd >}}; write the text itself"],
    ),
    "reference link": (
        text("见[文档][docs]。\n\n[docs]: https://pytorch.org"),
        [
            "3: reference-style link; write [text](address)",
            "5: link definition; write [text](address) where it is used",
        ],
    ),
    "a note that would be a power": (
        text("自 [2.0](https://a.example/1) 起，[2.0 版](https://a.example/2)。\n\n"
             "| a | b |\n|:-|:-|\n| 一 | [1.0](https://a.example/3) |"),
        [
            "3: link whose words end in a digit: on paper the number of its note would be a "
            "power; let the words end in a letter: [version 2.0 made](address)",
        ],
    ),
    "raw TeX": (
        text("a \\newpage b"),
        ["3: raw TeX; write it between $ and $"],
    ),
    "a paragraph that is a list for pandoc": (
        text("(1) b\n\n（2）c"),
        [
            '3: a paragraph that begins with "(1)" is a list; begin with a word: For (1), …',
            "3: narrow brackets in Chinese text: (1) b; write （…）, or a shape as `(2, 3)`",
        ],
    ),
    "underlined heading": (
        text("Title\n====="),
        ['4: underlined heading; write "## …", or a blank line above'],
    ),
    "other span": (
        text("[x]{.smallcaps} 与 `y`{.python} 与 [z](https://a.b){target=_blank}"),
        [
            "3: attributes {.python} inside text; take them off; a term is [word]{.term}",
            "3: attributes {.smallcaps} inside text; take them off; a term is [word]{.term}",
            "3: attributes {target=_blank} inside text; take them off; a term is [word]{.term}",
        ],
    ),
    "image in a sentence": (
        text("a ![b](c.svg) d"),
        [
            "3: image inside text; give it its own line: "
            '![caption](path){#fig-… fig-alt="…"}'
        ],
    ),
    "image alone": (
        text("![](c.svg)"),
        [
            "3: image without a caption; write "
            '![caption](path){#fig-tensors-… fig-alt="…"}',
            "3: image without an id fig-tensors-…; write "
            '![caption](path){#fig-tensors-… fig-alt="…"}',
            "3: image without fig-alt; write "
            '![caption](path){#fig-tensors-… fig-alt="…"}',
        ],
    ),
    "image with a class": (
        text('![a](c.svg){#fig-tensors-a .x fig-alt="b" width=40%}'),
        ['3: image with .x width=; write ![caption](path){#fig-tensors-… fig-alt="…"}'],
    ),
    "table caption without id": (
        text("| a |\n|---|\n| b |\n\n: words"),
        [
            "7: table caption without an id; "
            'write ": caption {#tbl-tensors-…}" below the table'
        ],
    ),
    "table caption of another chapter": (
        text("| a |\n|---|\n| b |\n\n: words {#tbl-a}"),
        [
            "7: table caption without an id tbl-tensors-… alone; "
            'write ": caption {#tbl-tensors-…}" below the table'
        ],
    ),
    "table caption above": (
        text(": words {#tbl-tensors-a}\n\n| a |\n|---|\n| b |"),
        [
            "3: caption does not follow a table; "
            'write ": caption {#tbl-tensors-…}" below the table'
        ],
    ),
    "line block": (
        text("| a\n| b"),
        ['3: | without a table; write "|---|---|" below the head of the table'],
    ),
    "grid table": (
        text("+---+\n| a |\n+---+"),
        ["3: grid table; write a pipe table: | a | b |"],
    ),
    "equation of another chapter": (
        text("$$\na\n$$ {#eq-a}"),
        [
            "5: formula has the attributes {#eq-a}; "
            'write "$$ {#eq-tensors-…}" in kebab-case'
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), MARKUP.values(), ids=MARKUP)
def test_markup(source, expected):
    assert in_chapter(source) == expected


def test_generated_chapters_may_be_long_and_carry_a_comment():
    source = (
        "<!-- Generated from chapters/zh by the tooling -->\n\n# 答案 {#sec-answers}\n\n"
        "```python\n" + "x" * 80 + "\n```\n\n::: {#exr-tensors-outer}\n:::\n\n"
        "```{python}\n#| label: answers-a\n#| exercise: exr-tensors-outer\nx = 1\n```\n"
    )
    path = Path("chapters/zh/90-answers.qmd")
    assert in_chapter(source, path) == []
    assert len(in_chapter(source.replace("Generated", "Written"), path)) > 5
