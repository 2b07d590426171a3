"""The Lua filter that both engines load: the project's own constructs in each format."""

import hashlib
import json
import re
import shutil
import zipfile

import pytest

from workbook.problem import BookError
from workbook.render import pandoc
from workbook.render.theme import THEME


def written(markdown: str, to: str = "html", lang: str = "zh", script=pandoc.FILTER) -> str:
    options = ["--from=markdown", f"--to={to}", "--wrap=none", "--syntax-highlighting=none"]
    options += [f"--metadata=lang:{lang}", f"--lua-filter={script}"]
    return pandoc.run(options, markdown, source="test").strip("\n")


def in_epub(markdown: str, tmp_path, lang: str = "zh") -> str:
    """The body of the one chapter of an EPUB."""
    out = tmp_path / "book.epub"
    options = ["--from=markdown", "--to=epub3", f"--output={out}", "--metadata=title:T"]
    options += [f"--metadata=lang:{lang}", f"--lua-filter={pandoc.FILTER}"]
    pandoc.run(options, markdown, source="test")
    with zipfile.ZipFile(out) as archive:
        return archive.read("EPUB/text/ch001.xhtml").decode()


# Soft breaks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("张量是\n多维数组", "张量是多维数组"),
        ("一行，\nPyTorch", "一行，PyTorch"),
        ("PyTorch\n（框架）", "PyTorch（框架）"),
        ("他说“好”。\n然后", "他说“好”。然后"),
        ("**张量**\n*数组*", "<strong>张量</strong><em>数组</em>"),
        # Chinese and Latin are set apart by a space, and so are Latin words.
        ("张量\ntensor", "张量 tensor"),
        ("用 `x.T`\n转置", "用 <code>x.T</code> 转置"),
        ("a “quote”\nends", "a “quote” ends"),
        ("two\nwords", "two words"),
    ],
)
def test_soft_breaks_beside_wide_characters_go(source, shown):
    assert written(source) == f"<p>{shown}</p>"


def test_a_reference_keeps_its_space():
    source = "见\n[图 1.1](#fig-a){.xref}\n与"
    assert written(source, "plain") == "见 图 1.1 与"


IN_QUARTO = "quarto = {}\nreturn dofile '%s'\n"  # which sets citations after all filters


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("初始化 [@he2015] 与", "初始化（He 2015）与"),
        ("用 ReLU [@he2015] PyTorch", "用 ReLU（He 2015）PyTorch"),
        ("初始化\n[@he2015]\n与 `x`", "初始化（He 2015）与 x"),
        ("前者 [@he2015] [@doe2020] 后者", "前者（He 2015）（Doe 2020）后者"),
    ],
)
def test_no_space_stands_beside_the_brackets_of_a_chinese_citation(source, shown, tmp_path):
    works = tmp_path / "works.bib"
    works.write_text("".join(
        f"@misc{{{name.lower()}{year}, author={{{name}}}, title={{T}}, year={{{year}}}}}\n"
        for name, year in (("He", 2015), ("Doe", 2020))
    ))  # fmt: skip
    quarto = tmp_path / "quarto.lua"
    quarto.write_text(IN_QUARTO % pandoc.FILTER)
    cite = ["--citeproc", f"--bibliography={works}", f"--csl={THEME / 'cite-zh.csl'}"]
    cite += ["--metadata=suppress-bibliography"]
    ours, quartos = f"--lua-filter={pandoc.FILTER}", f"--lua-filter={quarto}"
    for order in ([*cite, ours], [quartos, *cite]):
        options = ["--from=markdown", "--to=plain", "--wrap=none", "--metadata=lang:zh", *order]
        assert pandoc.run(options, source, source="test").strip() == shown


def test_a_reference_or_an_english_citation_keeps_the_spaces_around_it(tmp_path):
    quarto = tmp_path / "quarto.lua"
    quarto.write_text(IN_QUARTO % pandoc.FILTER)
    assert written("见 [@fig-x] 与", "markdown", script=quarto) == "见 [@fig-x] 与"
    assert written("see [@he2015] and", "markdown", "en", quarto) == "see [@he2015] and"


# Room to write -------------------------------------------------------------------------

ANSWER = "::: {.answer lines=2}\n:::\n"


@pytest.mark.parametrize(("lang", "name"), [("zh", "作答处"), ("en", "Your answer")])
def test_answer_space_in_html_is_a_named_textarea(lang, name):
    expected = f'<textarea class="answer" rows="2" aria-label="{name}"></textarea>'
    assert written(ANSWER, "html", lang) == expected


@pytest.mark.parametrize(
    ("lang", "predict", "work"),
    [
        ("zh", "先写在纸上，再往下看。", "写在纸上，或者写进本章的练习文件。"),
        (
            "en",
            "Write it down on paper before you read on.",
            "Write on paper, or into the exercise file of this chapter.",
        ),
    ],
)
def test_in_an_epub_nobody_can_write_so_it_says_where_to(tmp_path, lang, predict, work):
    question = f"::: {{.callout-tip}}\n{ANSWER}:::\n"
    exercise = (
        f":::: {{#exr-x .exercise}}\n::: box\n{ANSWER.replace('2', '8 .squared')}:::\n::::\n"
    )
    body = in_epub(f"# A\n\n{question}\n{exercise}", tmp_path, lang)
    said = re.findall(r'<p class="answer-elsewhere">(.*?)</p>', body)
    assert said == [predict, work]
    assert "textarea" not in body


def test_squared_paper_is_told_from_ruled():
    squared = "::: {#answer-x .answer .squared lines=2}\n:::\n"
    assert written(squared, "typst") == (
        "#block[\n#workbook-answer(2, squared: true)\n] <answer-x>"
    )
    assert '<textarea id="answer-x" class="answer squared" rows="4"' in written(squared)


def test_answer_space_on_paper_is_ruled_lines():
    """In its box, which theme/print/typst.lua opens once it has measured what stands around."""
    assert written(ANSWER, "typst") == "#block[\n#workbook-answer(2)\n]"
    assert written("::: answer\n:::", "typst") == "#block[\n#workbook-answer(3)\n]"


# Exercises -----------------------------------------------------------------------------

EXERCISE = """
::: {#tensors-outer .cell exercise='exr-tensors-outer'}
``` {.python .cell-code}
def outer(a, b):
    if a:
        ### BEGIN SOLUTION
        return 100 % 7
        ### END SOLUTION
    ### BEGIN SOLUTION
    return []
    ### END SOLUTION
```
:::
"""


def test_a_stub_stands_in_place_of_each_solution():
    assert written(EXERCISE, "markdown") == (
        '::: {#tensors-outer .cell exercise="exr-tensors-outer"}\n'
        "``` {.python .cell-code}\n"
        "def outer(a, b):\n"
        "    if a:\n"
        '        raise NotImplementedError("exr-tensors-outer")\n'
        '    raise NotImplementedError("exr-tensors-outer")\n'
        "```\n"
        ":::"
    )


def test_other_cells_keep_their_code():
    source = EXERCISE.replace(" exercise='exr-tensors-outer'", "")
    assert "return 100 % 7" in written(source)


@pytest.mark.parametrize("kind", ["worked", "slips"])
def test_what_gives_the_solution_away_is_not_printed_in_place(kind):
    assert written(f"Before.\n\n::: {kind}\nSecret.\n:::\n\nAfter.") == (
        "<p>Before.</p>\n<p>After.</p>"
    )


def test_an_answers_title_is_a_place_for_references():
    markdown = "::: {#ans-one-x .answer-title}\n题\n:::"
    assert written(markdown, "typst") == "#workbook-answer-title[\n题\n\n] <ans-one-x>"


# Terms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "shown"),
    [
        ("html", '<p>一个<dfn class="term">张量</dfn>。</p>'),
        ("typst", "一个#workbook-term[张量];。"),
    ],
)
def test_a_term_is_marked_where_it_is_explained(to, shown):
    assert written("一个[张量]{.term}。", to) == shown


def test_a_term_in_epub(tmp_path):
    assert '<dfn class="term">张量</dfn>' in in_epub("# A\n\n[张量]{.term}", tmp_path)


# Error outputs -------------------------------------------------------------------------

BAR = "\x1b[31m" + "-" * 75 + "\x1b[39m"
TRACEBACK = f"""{BAR}
\x1b[31mValueError\x1b[39m                                Traceback (most recent call last)
\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 1\x1b[39m
\x1b[32m----> \x1b[39m\x1b[32m1\x1b[39m \x1b[38;5;28;01mraise\x1b[39;00m ValueError()

File /secret/path/lib.py:3, in f()

\x1b[31mValueError\x1b[39m: a < b & c
second line"""
TEXT = f"""
::: {{.cell-output .cell-output-error}}
```
ValueError: a < b & c
second line
{TRACEBACK}
```
:::
"""
HTML = """
::: {.cell-output .cell-output-error}

::: {.ansi-escaped-output}
```{=html}
<pre><span class="ansi-red-fg">------------------------------------------</span>
<span class="ansi-red-fg">ValueError</span>                Traceback (most recent call last)
File /secret/path/lib.py:3, in f()

<span class="ansi-red-fg">ValueError</span>: a &lt; b &amp; c
second line</pre>
```
:::

:::
"""


@pytest.mark.parametrize("source", [TEXT, HTML], ids=["text", "html"])
@pytest.mark.parametrize("to", ["html", "typst"])
def test_of_an_error_only_the_exception_is_shown(source, to):
    shown = {
        "html": '<div class="cell-output cell-output-error">\n'
        "<pre><code>ValueError: a &lt; b &amp; c\nsecond line</code></pre>\n</div>",
        "typst": "#block[\n```\nValueError: a < b & c\nsecond line\n```\n\n]",
    }
    assert written(source, to) == shown[to]


def test_of_a_chain_of_exceptions_the_last_is_shown():
    first = TRACEBACK.replace("a < b & c\nsecond line", "the cause")
    second = TRACEBACK.replace("ValueError", "RuntimeError")
    chain = f"{first}\n\nDuring handling, another exception occurred:\n\n{second}"
    source = TEXT.replace(TRACEBACK, chain)
    assert written(source, "plain") == "    RuntimeError: a < b & c\n    second line"


def test_a_syntax_error_loses_the_name_of_the_temporary_file():
    source = """
::: {.cell-output .cell-output-error}
```
SyntaxError: invalid syntax (2743743444.py, line 1)
  \x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[1]\x1b[39m\x1b[32m, line 1\x1b[39m
\x1b[31m    \x1b[39m\x1b[31mx =\x1b[39m
        ^
\x1b[31mSyntaxError\x1b[39m\x1b[31m:\x1b[39m invalid syntax
```
:::
"""
    assert written(source, "plain") == "    SyntaxError: invalid syntax"


# Recordings ----------------------------------------------------------------------------

CODE = 'print("measured")'
RECORDED = f"""
::: {{#NAME .cell recorded='cuda' execution_count=4}}
``` {{.python .cell-code}}
{CODE}
```
:::
"""


@pytest.fixture
def project(tmp_path):
    """A project of its own around the filter: a recording is found from where it lies."""
    script = tmp_path / "_extensions" / "workbook" / "workbook.lua"
    script.parent.mkdir(parents=True)
    shutil.copy(pandoc.FILTER, script)

    def show(
        to: str,
        lang: str,
        recording: dict | None,
        name: str = "tensors-speed",
        device: str = "cuda",
    ) -> str:
        if recording:
            file = tmp_path / "recordings" / device / "tensors-speed.json"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(recording), encoding="utf-8")
        cell = RECORDED.replace("NAME", name).replace("'cuda'", f"'{device}'")
        return written(cell, to, lang, script)

    return show


def recording(code: str = CODE) -> dict:
    return {
        "label": "tensors-speed",
        "device": "NVIDIA H200",
        "driver": "570.1",
        "torch": "2.11.0",
        "date": "2026-11-20",
        "inputs": {"cell": hashlib.sha1(code.encode()).hexdigest()},
        "stdout": "12.5 GB\n",
    }


@pytest.mark.parametrize("name", ["tensors-speed", "cell-tensors-speed"])
def test_a_recording_is_shown_with_its_stamp(project, name):
    assert project("html", "en", recording(), name) == (
        f'<div id="{name}" class="cell" data-recorded="cuda" data-execution_count="4">\n'
        '<pre class="python cell-code"><code>print(&quot;measured&quot;)</code></pre>\n'
        '<div class="cell-output cell-output-stdout">\n'
        "<pre><code>12.5 GB</code></pre>\n"
        "</div>\n"
        '<div class="recording">\n'
        "<p>Recorded on NVIDIA H200 · driver 570.1 · torch 2.11.0 · 2026-11-20</p>\n"
        "</div>\n"
        "</div>"
    )


def test_a_recording_whose_code_another_cell_shows(project):
    shown = project("html", "en", recording(), "tensors-speed repeats='tensors-cpu'")
    assert "12.5 GB" in shown and "NVIDIA H200" in shown
    assert "measured" not in shown


def test_a_recording_on_paper(project):
    stamp = "#workbook-recording[录制于 NVIDIA H200 · 驱动 570.1 · torch 2.11.0 · 2026-11-20]"
    assert stamp in project("typst", "zh", recording())


@pytest.mark.parametrize(
    ("lang", "device", "line"),
    [
        ("zh", "cuda", "此结果需在 GPU 上录制，目前尚未录制。"),
        ("en", "cuda", "Not recorded yet: this result needs a GPU."),
        ("zh", "cpu", "此结果因机器而异，目前尚未录制。"),
        ("en", "cpu", "Not recorded yet: this result differs from machine to machine."),
    ],
)
def test_a_missing_recording_is_told(project, lang, device, line):
    page = project("html", lang, None, device=device)
    assert f'<div class="recording">\n<p>{line}</p>\n</div>' in page


@pytest.mark.parametrize(
    ("lang", "stamp"),
    [
        ("zh", "录制于 AMD EPYC · 2 线程 · torch 2.13.0 · 2026-11-20"),
        ("en", "Recorded on AMD EPYC · threads: 2 · torch 2.13.0 · 2026-11-20"),
    ],
)
def test_a_recording_of_a_cpu_tells_its_threads(project, lang, stamp):
    machine = {"device": "AMD EPYC", "driver": "", "threads": 2, "torch": "2.13.0"}
    page = project("html", lang, recording() | machine, device="cpu")
    assert f"<p>{stamp}</p>" in page


def test_a_recording_of_other_code_is_not_shown(project):
    page = project("html", "en", recording("print('before')"))
    assert "The recording is of an earlier version of this code and is not shown." in page
    assert "12.5 GB" not in page


def test_a_broken_recording_stops_the_build(project, tmp_path):
    file = tmp_path / "recordings" / "cuda" / "tensors-speed.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    with pytest.raises(BookError):
        project("html", "en", None)
