"""What weaving refuses. That what it gives is Quarto's, test_conformance shows."""

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


@pytest.mark.parametrize("options", ["#| eval: false\n", "#| include: false\n"])
def test_a_figure_that_is_not_run_or_not_shown_may_be_empty(options):
    assert woven(options, []).files == {}
