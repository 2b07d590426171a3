"""What weaving refuses. That what it gives is Quarto's, test_conformance shows."""

import base64
from pathlib import Path

import pytest

from workbook.problem import BookError
from workbook.source.chapter import parse_chapter
from workbook.source.edition import Entry
from workbook.weave import weave

FIGURE = """\
# T {#sec-one}

```{python}
#| label: fig-one-x
#| fig-cap: "C"
#| fig-alt: "A"
OPTIONS
x = 1
```
"""


def woven(options: str, outputs):
    path = Path("chapters/zh/01-one.qmd")
    chapter = parse_chapter(FIGURE.replace("OPTIONS\n", options), path)
    return weave(chapter, Entry(path, "one", "1"), [outputs], "html", Path())


def test_a_figure_that_draws_nothing_is_told_with_its_line():
    with pytest.raises(BookError) as error:
        woven("", [{"output_type": "stream", "name": "stdout", "text": "1"}])
    assert str(error.value) == (
        "chapters/zh/01-one.qmd:3: fig-one-x draws nothing; "
        "end the cell with plt.show(), or give it a label without fig-"
    )


def test_an_output_in_no_form_that_a_page_can_show_is_told_with_its_line():
    with pytest.raises(BookError) as error:
        woven("", [{"output_type": "display_data", "data": {"text/html": "<b>1</b>"}}])
    assert str(error.value) == (
        "chapters/zh/01-one.qmd:3: fig-one-x displays what no page can show; "
        "display text, Markdown or a figure"
    )


def test_a_picture_of_pixels_is_the_bytes_that_were_displayed():
    png = b"\x89PNG\r\n\x1a\n"
    [image] = woven("", [{"output_type": "display_data", "data": {
        "image/png": base64.b64encode(png).decode()}}]).files.values()  # fmt: skip
    assert image == png


@pytest.mark.parametrize("captions", ["3", "{a: b}", "a", "[a]"])
def test_captions_of_several_figures_that_are_no_list_are_none(captions):
    drawn = {"output_type": "display_data", "data": {"image/svg+xml": "<svg/>"}}
    text = woven(f"#| fig-subcap: {captions}\n", [drawn, drawn]).markdown
    assert ("![a](" in text, text.count("![](")) == (captions == "[a]", 1 + (captions != "[a]"))


@pytest.mark.parametrize("options", ["#| eval: false\n", "#| include: false\n"])
def test_a_figure_that_is_not_run_or_not_shown_may_be_empty(options):
    assert woven(options, []).files == {}
