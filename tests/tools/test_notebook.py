"""Chapters as notebooks and scripts: readable as they are, and they run."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from small import BIB, edition

from workbook.render.notebook import ipynb
from workbook.render.notebook.setup import Setup
from workbook.source.chapter import parse_chapter
from workbook.source.edition import Entry
from workbook.weave import weave

CHAPTER = """# 张量 {#sec-one}

[张量]{.term}（tensor）见 [@sec-one-shape]，[@doe2020]。

::: {.callout-tip title="先想再跑"}
是 $x_1$ 吗？

::: {.answer lines=1}
:::
:::

```{python}
#| label: one-hidden
#| include: false
from torchbook.one import twice
```

```{python}
#| label: one-run
print(twice(21))
```

## 形状 {#sec-one-shape}

$$
a = b
$$ {#eq-one-e}

```{python}
#| label: one-fails
#| error: true
#| raises: ValueError
text = "made"
int("x")
```

```{python}
#| label: one-gpu
#| recorded: cuda
#| eval: false
print("on the GPU")
```

## 练习 {.unnumbered}

::: {#exr-one-thrice}

## 三倍 ★

见 [@eq-one-e]。

::: {.callout-tip collapse="true" title="提示"}
乘以三。
:::

::: {.answer lines=2}
:::

::: {.worked}
乘就是了。
:::

:::

```{python}
#| label: one-thrice
#| exercise: exr-one-thrice
def thrice(x):
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION
```

```{python}
#| label: one-thrice-check
#| check: exr-one-thrice
#| include: false
assert thrice(2) == 6
```

```{python}
#| label: one-last
print(text)
```
"""
SCRIPT = """\
# %% [markdown]
# > OPENING

# %% [markdown]
# # 第 1 章 张量
#
# **张量**（tensor）见 第 1.1 节，(Doe 2020年)。
#
# > **先想再跑**
# >
# > 是 $x_1$ 吗？

# %% [markdown]
# *你的作答：*

# %% one-hidden
from torchbook.one import twice

# %% one-run
print(twice(21))

# %% [markdown]
# ## 1.1 形状
#
# $$a = b \\tag{1.1}$$

# %% one-fails
try:  # this is meant to fail
    text = "made"
    int("x")
except ValueError as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
# ``` python
# print("on the GPU")
# ```
#
# 此结果需在 GPU 上录制，目前尚未录制。
#
# ## 练习
#
# ### **习题 1.1** 三倍 ★
#
# 见 式 1.1。
#
# <details><summary>提示</summary>
#
# 乘以三。
#
# </details>

# %% [markdown]
# *你的作答：*

# %% one-thrice
def thrice(x):
    raise NotImplementedError("exr-one-thrice")

# %% one-last
print(text)

# %% [markdown]
# ## 参考文献
#
# Doe, Jane. 2020年. *A Title*.
"""


def written(out: Path, setup: Setup | None = None) -> Path:
    """The notebook of the chapter in a folder, beside a module that it imports."""
    (out / "references.bib").write_text(BIB)
    (out / "torchbook").mkdir()
    (out / "torchbook" / "__init__.py").touch()
    (out / "torchbook" / "one.py").write_text("def twice(x):\n    return 2 * x\n")
    chapter = parse_chapter(CHAPTER, Path("chapters/zh/01-one.qmd"))
    outputs = [[] for _ in chapter.cells]
    entry = Entry(chapter.path, "one", "1")
    woven = weave(chapter, entry, outputs, "html", out)
    book = edition(woven, bibliography=out / "references.bib")
    ipynb.write(book, [chapter], [woven], out, setup)
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("site"))


def first_cell(code: str, languages: tuple[str, ...] = ("zh",), home: str = "") -> str:
    """What the first cell of a notebook with this code says where nothing is installed."""
    cell = Setup("book-1-py3-none-any.whl", home, ("onnx", "tensorboard")).cell(
        languages, [code]
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", cell], capture_output=True, encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.stderr.partition("ModuleNotFoundError: ")[2]


def test_where_the_wheel_is_offered_each_exercise_has_its_check(tmp_path):
    written(tmp_path, Setup("book-1-py3-none-any.whl"))
    made = nbformat.read(tmp_path / "notebooks/one.ipynb", as_version=4)
    assert "第一个单元会告诉你怎么装" in made.cells[0].source
    assert (made.cells[1].id, made.cells[1].source.splitlines()[-1]) == ("setup", 'speak("zh")')
    ids = [cell.id for cell in made.cells]
    check = made.cells[ids.index("one-thrice") + 1]
    assert (check.id, check.source) == ("check-one-thrice", 'check("one-thrice")')
    assert "# %% check-one-thrice\ncheck" in (tmp_path / "notebooks/one.py").read_text("utf-8")


def test_the_first_cell_says_the_line_that_installs_what_is_missing():
    assert first_cell("") == (
        "还缺一些包。把 .whl 文件和这个笔记本放在一起，"
        "在新的单元或者终端里运行下面这一行，再从头运行：\n"
        "    pip install book-1-py3-none-any.whl\n"
    )
    said = first_cell("from torch.utils.tensorboard import x", ("zh", "en"), "https://a.b/zh/")
    assert said == (
        "还缺一些包。在新的单元或者终端里运行下面这一行，再从头运行：\n"
        "Some packages are missing. Run this line in a new cell or in a terminal, and begin "
        "again from the top:\n"
        "    pip install https://a.b/zh/notebooks/book-1-py3-none-any.whl tensorboard\n"
    )


def test_what_some_chapters_need_is_what_the_wheel_says(tmp_path):
    path = tmp_path / "book-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "book-1.dist-info/METADATA",
            "Name: book\nRequires-Dist: torch>=2\nProvides-Extra: chapters\n"
            "Requires-Dist: onnx>=1.18; extra == 'chapters'\n"
            "Requires-Dist: lxml>=6; extra == 'build'\n",
        )
    assert Setup.of(path) == Setup("book-1-py3-none-any.whl", packages=("onnx",))


def test_a_script_holds_the_chapter_as_plain_markdown_and_cells(folder):
    text = (folder / "notebooks/one.py").read_text(encoding="utf-8")
    opening = (
        "《工作簿》第 1 章的代码，从上到下运行就行；有些单元是特意写来报错的。"
        "运行前先装好 PyTorch 和书里的 `torchbook` 包。"
    )
    expected = SCRIPT.replace("OPENING", opening)
    assert text.replace("\N{NO-BREAK SPACE}", " ") == expected


def test_a_notebook_holds_the_same(folder):
    made = nbformat.read(folder / "notebooks/one.ipynb", as_version=4)
    text = (folder / "notebooks/one.py").read_text(encoding="utf-8")
    cells = [("code" if c.cell_type == "code" else "text", c.id) for c in made.cells]
    assert cells == [
        ("text", "opening"), ("text", "text-1"), ("text", "text-2"), ("code", "one-hidden"),
        ("code", "one-run"), ("text", "text-3"), ("code", "one-fails"), ("text", "text-4"),
        ("text", "text-5"), ("code", "one-thrice"), ("code", "one-last"), ("text", "text-6"),
    ]  # fmt: skip
    prose = [c.source for c in made.cells if c.cell_type == "markdown"]
    assert all(line in text for source in prose for line in source.splitlines())
    assert [c.id for c in made.cells if c.metadata.get("tags") == ["raises-exception"]] == [
        "one-fails"
    ]


def test_a_notebook_runs_from_top_to_bottom(folder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(folder))
    made = nbformat.read(folder / "notebooks/one.ipynb", as_version=4)
    NotebookClient(made, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    printed = {
        cell.id: "".join(o.get("text", o.get("ename", "")) for o in cell.outputs)
        for cell in made.cells
        if cell.cell_type == "code" and cell.outputs
    }
    assert printed == {"one-run": "42\n", "one-fails": "ValueError", "one-last": "made\n"}


def test_a_script_runs_from_top_to_bottom(folder):
    done = subprocess.run(
        [sys.executable, folder / "notebooks/one.py"],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = "42\nValueError: invalid literal for int() with base 10: 'x'\nmade\n"
    assert (done.stdout, done.stderr, done.returncode) == (said, "", 0)


def test_code_that_is_no_python_stays_a_comment():
    piece = ipynb.Piece("one-slip", "if x = 1:\n    pass", True, "SyntaxError")
    assert ipynb.script([piece]) == (
        "# %% one-slip\n# this is meant to fail:\n# if x = 1:\n#     pass\n"
    )


def test_chapters_without_code_that_runs_have_no_notebook():
    chapters = [
        parse_chapter(text, Path(name))
        for name, text in {
            "index.zh.qmd": "# 前言\n",
            "chapters/zh/01-one.qmd": CHAPTER,
            "chapters/zh/90-answers.qmd": "```{python}\n#| label: a\n1\n```\n",
            "chapters/zh/02-two.qmd": "```{python}\n#| label: b\n#| eval: false\n1\n```\n",
        }.items()
    ]
    assert ipynb.offered(chapters) == ["one"]
