"""Cells become modules; a file that was edited by hand is never overwritten."""

from pathlib import Path

import pytest

from workbook.derive import tangle
from workbook.problem import BookError
from workbook.source.chapter import Chapter, parse_chapter

ONE = parse_chapter(
    """```{python}
#| label: one-double
#| tangle: one.py
def double(x):
    return 2 * x
```

```{python}
#| label: one-demo
double(2)
```

```{python}
#| label: one-half
#| tangle: one.py
def half(x):
    return x / 2
```
""",
    Path("chapters/zh/01-one.qmd"),
)
TWO = parse_chapter(
    "```{python}\n#| label: two-x\n#| tangle: two.py\nX = 1\n```\n",
    Path("chapters/zh/02-two.qmd"),
)
BODY = """# %% one-double
def double(x):
    return 2 * x


# %% one-half
def half(x):
    return x / 2
"""
FILE = "code/torchbook/one.py"


def failures(*arguments, **options) -> list[str]:
    with pytest.raises(BookError) as caught:
        tangle.write(*arguments, **options)
    return [str(problem) for problem in caught.value.problems]


def test_a_module_is_its_cells_in_order():
    [target] = tangle.modules([ONE])
    assert str(target.path) == FILE
    head, guard, body = target.text.split("\n", 2)
    assert head == "# Generated from chapters/zh/01-one.qmd: edit there."
    assert guard.startswith("# Checksum ")
    assert body == BODY


def importing(name: str, code: str, tangled: str = "") -> Chapter:
    option = f"#| tangle: {tangled}\n" if tangled else ""
    text = f"# X\n\n```{{python}}\n#| label: {name}-x\n{option}{code}\n```\n"
    return parse_chapter(text, Path(f"chapters/zh/09-{name}.qmd"))


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("from torchbook.one import f", ["one.py"]),
        ("import torchbook.two as t", ["one.py", "two.py"]),  # which imports one
        ("from torchbook import two, one", ["one.py", "two.py"]),
        ("def f():\n    from torchbook.one import f", ["one.py"]),
        ("import torchbook, torch", []),
        ("from torchbook.later import f", []),
        ("f(", []),
    ],
)
def test_a_chapter_sees_what_it_imports_of_its_own_and_earlier_modules(code, seen):
    book = [
        importing("one", "f = 1", "one.py"),
        importing("two", "from torchbook.one import f", "two.py"),
        importing("own", code),
        importing("later", "f = 1", "later.py"),
    ]
    assert list(tangle.visible(book, "own")) == seen


def test_writing_twice_changes_nothing(tmp_path):
    targets = tangle.modules([ONE, TWO])
    assert tangle.write(tmp_path, targets) == [t.path for t in targets]
    assert tangle.write(tmp_path, targets) == []
    tangle.write(tmp_path, targets, check=True)


def test_an_orphan_is_removed(tmp_path):
    tangle.write(tmp_path, tangle.modules([ONE, TWO]))
    (tmp_path / "code/torchbook/__init__.py").write_text("")
    assert tangle.write(tmp_path, tangle.modules([ONE])) == [Path("code/torchbook/two.py")]
    left = sorted(p.name for p in (tmp_path / "code/torchbook").iterdir())
    assert left == ["__init__.py", "one.py"]


def test_a_hand_edit_is_refused_and_nothing_is_written(tmp_path):
    tangle.write(tmp_path, tangle.modules([ONE]))
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text() + "X = 1\n")
    assert failures(tmp_path, tangle.modules([ONE, TWO])) == [
        f"{FILE}: was edited by hand; "
        "take the change to chapters/zh/01-one.qmd and delete this file"
    ]
    assert not (tmp_path / "code/torchbook/two.py").exists()
    assert (tmp_path / FILE).read_text().endswith("X = 1\n")


def test_a_file_that_was_never_generated_is_refused(tmp_path):
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text("mine = True\n")
    assert failures(tmp_path, tangle.modules([ONE])) == [
        f"{FILE}:1: is in the way: it was not generated; "
        "move it away, or rename the tangle target"
    ]


def test_check_writes_nothing_and_tells_each_difference(tmp_path):
    tangle.write(tmp_path, tangle.modules([TWO]))
    assert failures(tmp_path, tangle.modules([ONE]), check=True) == [
        f"{FILE}: differs from the chapters; run workbook tangle",
        "code/torchbook/two.py: has no chapter any more; run workbook tangle",
    ]
    assert not (tmp_path / FILE).exists()


def test_the_modules_of_this_book_are_those_of_its_chapters():
    from workbook.build import retangle

    root = Path(__file__).parents[2]
    assert retangle(root, check_only=True, readers=False) == []
