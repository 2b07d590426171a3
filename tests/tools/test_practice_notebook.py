"""`check("…")` in a notebook or a script: what it judges, and what it says."""

import json
import subprocess
import sys

import pytest

from workbook.practice.cells import Ran, helpers, uses
from workbook.practice.submission import Part

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.history_manager.enabled = False
for cell in json.load(sys.stdin):
    print("%%", flush=True)
    shell.run_cell(cell, store_history=True)
"""
FIRST = "from workbook.practice.notebook import check, speak\nspeak('en')"
A = "def first_steps_a(x):\n    return {}"


@pytest.fixture
def notebook(reader):
    """Runs cells and gives what each printed, without those that only set it up."""

    def run(*cells: str, first: str = FIRST) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", SHELL], input=json.dumps([first, *cells]),
            capture_output=True, encoding="utf-8", cwd=reader.root,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [part.lstrip("\n") for part in done.stdout.split("%%")[2:]]

    return run


def told(*cells: str) -> list[str]:
    """The lines of cells that define what an exercise needs, each with where it stands."""
    ran = [Ran(f"In [{n}]", Part(1, text)) for n, text in enumerate(cells, 1)]
    found = helpers(ran[:-1], uses(cells[-1]), known={"torch"})
    return [
        f"{cell.file}:{line}: {text}"
        for cell in found
        for line, text in enumerate(cell.part.text.split("\n"), 1)
        if text
    ]


def test_what_stands_in_the_cells_is_judged_as_a_file_is(notebook):
    said = notebook(
        A.format("x"), 'check("first-steps-a")',
        A.format("2 * x"), 'check("first-steps-a")',
        'def first_steps_a(x: int) -> int:\n    """Return 2x."""\n'
        '    raise NotImplementedError("exr-first-steps-a")',
        'check("exr-first-steps-a")',
    )  # fmt: skip
    assert said[1] == (
        "  ✗ fail  first-steps-a  Double ★\n"
        "    look at   Multiply: 2 * x.\n"
        "    case      x = 3\n"
        "    check     first_steps_a(x) == 2 * x\n"
        "    expected  6\n"
        "    came      3\n"
    )
    assert said[3] == "  ✓ pass  first-steps-a  Double ★\n"
    assert said[5] == "  · to do  first-steps-a  Double ★\n"


def test_it_may_stand_in_the_same_cell_and_print_nothing_twice(notebook):
    [said] = notebook(A.format("2 * x") + "\nprint('mine')\ncheck('first_steps_a')")
    assert said == "mine\n  ✓ pass  first-steps-a  Double ★\n"


def test_it_uses_what_other_cells_define_and_runs_nothing_else(notebook):
    said = notebook(
        "import math\nfactor = 2\nprint('other')",
        "def double(x):\n    return math.prod([factor, x])",
        A.format("double(x)"), 'check("first-steps-a")',
    )  # fmt: skip
    assert said[-1] == "  ✓ pass  first-steps-a  Double ★\n"


def test_an_exception_is_told_with_its_line_in_its_cell(notebook):
    said = notebook(A.format("1 / 0"), 'check("first-steps-a")')
    assert said[1] == (
        "  ! error  first-steps-a  Double ★\n"
        "    ZeroDivisionError: division by zero\n"
        "    In [2]:2: return 1 / 0\n"
    )


def test_a_crash_ends_nothing_but_the_check(notebook):
    said = notebook(
        "import os\n" + A.format("os.abort()"), 'check("first-steps-a")', "print(1)"
    )
    assert "the Python interpreter crashed (SIGABRT)" in said[1]
    assert said[2] == "1\n"


def test_an_answer_on_paper_is_checked_in_its_cell(notebook):
    stub = (
        'def letters() -> str:\n    """Return the vowels among a, b, c, d, e."""\n'
        '    raise NotImplementedError("exr-first-steps-letters")'
    )
    said = notebook(
        f'{stub}\n\ncheck("first-steps-letters")',
        'def letters():\n    return "a"\n\ncheck("first-steps-letters")',
    )
    assert said[0] == "  · to do  first-steps-letters  Double ★\n"
    assert said[1] == (
        "  ✗ fail  first-steps-letters  Double ★\n    look at   A sum.\n    came      {'a'}\n"
    )


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ('check("first-steps-a")', "first_steps_a is not defined yet; run the cell that "),
        ('check("first-steps-q")', 'there is no exercise or chapter "first-steps-q"; did you '),
        ("check(7)", 'there is no exercise or chapter "7"; '),
    ],
)
def test_what_cannot_be_checked_is_told_in_one_line(notebook, cell, line):
    [said] = notebook(cell)
    assert said.startswith(line) and said.count("\n") == 1


def test_a_function_stands_for_its_exercise(notebook):
    assert notebook(A.format("2 * x"), "check(first_steps_a)")[1].startswith("  ✓ pass")


def test_in_chinese(notebook):
    [said] = notebook('check("first-steps-a")', first=FIRST.replace("en", "zh"))
    assert said == "还没有定义 first_steps_a；先运行定义它的单元，再检查\n"


def test_a_script_is_judged_down_to_the_line_that_asks(reader):
    reader.write("mine.py", f"""\
# %% [markdown]
# Ours
# %%
{FIRST}
# %%
def double(x):
    return 2 * x
# %%
{A.format("double(x)")}
# %%
check("first-steps-a")
# %%
{A.format("1 / 0")}
# %%
check("first-steps-a")
""")  # fmt: skip
    done = subprocess.run(
        [sys.executable, "mine.py"], capture_output=True, encoding="utf-8", cwd=reader.root
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == (
        "  ✓ pass  first-steps-a  Double ★\n"
        "  ! error  first-steps-a  Double ★\n"
        "    ZeroDivisionError: division by zero\n"
        "    mine.py:16: return 1 / 0\n"
    )


@pytest.mark.parametrize(
    "failed",
    [
        "nonlocal y",
        "def f(y):\n    global y",
        "y = " + "-" * 400 + "1",
        "y = " + "-" * 9000 + "1",
        "y\0",
    ],
)
def test_a_cell_that_never_ran_defines_nothing(failed):
    assert told("y = 1", failed, "y") == ["In [1]:1: y = 1"]
    assert told("y = 1", failed) == []


def test_helpers_are_the_last_statements_that_define_a_name_and_what_these_need():
    assert told(
        "import torch\nimport math\nx = torch.ones(3)",
        "def f(a):\n    return math.pi * a\nprint(f(1))",
        "def g(x):\n    y = f(x)\n    return y",
        "y = expensive()\nz = 3; w = 4",
        "@decorated\ndef f(a, b=z):\n    return a",
        "def decorated(f): return f",
        "def answer(x):\n    return [g(x) for y in x]",
    ) == [
        "In [3]:1: def g(x):", "In [3]:2:     y = f(x)", "In [3]:3:     return y",
        "In [4]:2: z = 3; w = 4",
        "In [5]:1: @decorated", "In [5]:2: def f(a, b=z):", "In [5]:3:     return a",
        "In [6]:1: def decorated(f): return f",
    ]  # fmt: skip


def test_a_cell_that_is_no_python_defines_nothing():
    assert told("if x = 1:\n    pass", "f = 1", "f") == ["In [2]:1: f = 1"]
