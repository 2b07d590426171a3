"""A format is one entry of the registry: a toy one, added from outside, is built like ours."""

import pytest
from click.testing import CliRunner

from workbook import cli, formats
from workbook.build import Request, build
from workbook.console import Lines


def words(job: formats.Job, out) -> int:
    """A book of nothing but the woven Markdown."""
    out.write_text("\n".join(page.markdown for page in job.pages), encoding="utf-8")
    return len(job.pages)


@pytest.fixture
def toy():
    entry = formats.register(formats.Format("words", "{edition}/{stem}.txt", words))
    yield entry
    formats.unregister("words")


def make(tiny):
    request = Request(tiny.root, tiny.root / "_book", ("zh", "en"), ("words",), jobs=1)
    return build(request, Lines())


def test_a_toy_format_is_made_kept_and_told(tiny, toy):
    products = {p.path.name: p for p in make(tiny).products if p.path.suffix == ".txt"}
    assert sorted(products) == ["tiny-en.txt", "tiny-zh.txt"]
    for product in products.values():
        assert product.fresh and product.pages >= 3
    text = (tiny.root / "_book" / "zh" / "tiny-zh.txt").read_text(encoding="utf-8")
    assert "{.python .cell-code}" in text  # what Quarto hands to pandoc
    again = [p for p in make(tiny).products if p.path.suffix == ".txt"]
    assert [product.fresh for product in again] == [False, False]
    tiny.edit("index.zh.qmd", "你好", "您好吗")
    fresh = {p.path.name: p.fresh for p in make(tiny).products if p.path.suffix == ".txt"}
    assert fresh == {"tiny-zh.txt": True, "tiny-en.txt": False}


def test_the_command_line_knows_it(toy):
    assert "words" in formats.options()
    asked = formats.asked_for(["words", "epub"])
    assert [each.name for each in asked] == ["epub", "eink", "words"]
    result = CliRunner().invoke(cli.main, ["build", "-f", "nonsense"])
    assert result.exit_code == 2


def test_the_pdf_for_the_screen_is_made_only_where_it_is_asked_for():
    assert "pdf-screen" in formats.options() and "pdf-screen" not in formats.usual()
    chosen = [
        cli._chosen(given, formats.options(), formats.usual())
        for given in ((), ("all",), ("all", "pdf-screen"), ("pdf-screen",))
    ]
    assert chosen[0] == chosen[1] == formats.usual()
    assert chosen[2:] == [(*formats.usual(), "pdf-screen"), ("pdf-screen",)]


def test_a_name_is_taken_once(toy):
    with pytest.raises(ValueError, match="there is a format 'words' already"):
        formats.register(toy)
