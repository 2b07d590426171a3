"""Mutants: what is changed in a solution, what is left alone, and what becomes of them."""

import textwrap
from pathlib import Path

import pytest

from workbook.mutants.rewrite import mutants
from workbook.mutants.survivors import FOLDER, equivalents, fates
from workbook.problem import BookError
from workbook.source.chapter import parse_chapter

CHECK = "assert f([1, 2, 3]) == 6, 'value'"


def exercise(solution: str, check: str = CHECK, given: str = "def f(xs):"):
    body = textwrap.indent(solution, "    ")
    text = (
        "# 甲 {#sec-a}\n\n::: {#exr-a-f}\n## 题 ★\n:::\n\n"
        f"```{{python}}\n#| label: a-f\n#| exercise: exr-a-f\n{given}\n"
        f"    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION\n```\n\n"
        f"```{{python}}\n#| label: a-f-check\n#| check: exr-a-f\n#| include: false\n"
        f"{check}\n```\n"
    )
    return parse_chapter(text, Path("chapters/zh/01-a.qmd")).exercises[0]


def names(solution: str, **other: str) -> list[str]:
    return [m.name for m in mutants(exercise(solution, **other)) if not m.spoiled]


@pytest.mark.parametrize(
    ("statement", "changed"),
    {
        "return xs[0] < 1": ["return xs[0] <= 1", "return xs[0] >= 1", "return xs[0] < 2",
                             "return xs[1] < 1"],
        "return xs[0] - xs[2]": ["return xs[0] + xs[2]", "return xs[0]"],
        "return g(xs, key=h)": ["return g(xs)", "return xs"],
        "return torch.zeros(xs, dtype=d)": ["return torch.zeros(xs)",
                                            "return torch.ones(xs, dtype=d)"],
        "return xs.clone().sum()": ["return xs.sum()", "return xs.clone()"],
        "return xs[1:2]": ["return xs[:2]", "return xs[1:]"],
        "xs += 1": ["left out", "xs -= 1"],
        "xs.pop()": ["left out", "xs"],
        "raise ValueError('no')": ["left out"],
        "return a if xs else b": ["return a", "return b"],
        "return not xs": ["return xs"],
        "return a and xs": ["return a or xs"],
    }.items(),
    ids=str,
)  # fmt: skip
def test_a_statement_is_changed_in_one_place(statement, changed):
    found = names(statement)
    assert set(changed) <= {name.rpartition(" ⇒ ")[2] for name in found}
    assert len(found) == len(set(found))


def test_branches_loops_and_contexts_are_changed():
    found = names("with a:\n    for x in xs:\n        if x > 1:\n            total += x")
    assert "with a: ⇒ if True:" in found
    assert "for x in xs: ⇒ for x in xs: … break" in found
    assert "for x in xs: ⇒ for x in _spoil.last_left_out(xs):" in found
    assert "if x > 1: ⇒ if False:" in found


def test_only_what_the_stub_does_not_give_away_is_changed():
    given = 'def f(xs, size: int = 3):\n    """Add 1."""'
    assert names("return xs", given=given) == []


@pytest.mark.parametrize("solution", ["raise ValueError('no 1')", "raise ValueError(f'{1}')"])
def test_messages_are_left_alone(solution):
    assert [name.rpartition(" ⇒ ")[2] for name in names(solution)] == ["left out"]


def states(solution: str, check: str = CHECK) -> dict[str, str]:
    return {
        f.mutant.name.rpartition(" ⇒ ")[2]: f.state for f in fates(exercise(solution, check))
    }


def test_what_the_check_finds_is_dead_and_what_it_accepts_is_alive():
    found = states("total = 0\nfor x in xs:\n    total += x\nreturn total + 0")
    assert found["left out"] == found["total -= x"] == "value"
    assert found["return total - 0"] == found["f: input_changed"] == "alive"
    assert found["f: once"] == "alive"  # the check calls it a single time
    assert found["f: detached"] == found["f: mode_changed"] == "idle"  # there is no tensor


@pytest.mark.slow
def test_an_endless_loop_and_a_crash_are_told_apart():
    found = states("n = len(xs)\nwhile n > 0:\n    n -= 1\nreturn sum(xs)")
    assert found["left out"] == "time"
    crash = "import os\nif xs == 3:\n    os.abort()\nreturn sum(xs)"
    assert states(crash)["if True:"] == "died"


TORCH = """\
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
assert f([w]).tolist() == [2, 4], "value"
"""


def test_tensors_are_spoiled():
    found = states("return xs[0] * 2", TORCH)
    spoils = ("detached", "input_changed", "other_dtype")
    assert [found[f"f: {spoil}"] for spoil in spoils] == ["alive"] * 3
    better = f"{TORCH}assert f([w]).requires_grad, 'graph'\nassert w[0] == 1, 'input'\n"
    better += "assert f([w]).dtype == w.dtype, 'dtype'\n"
    found = states("return xs[0] * 2", better)
    assert [found[f"f: {spoil}"] for spoil in spoils] == ["graph", "input", "dtype"]


MODULE = """\
import torch
net = torch.nn.Linear(2, 1)
assert f([net]) == 3, "value"
"""


def test_modules_are_left_in_another_state():
    found = states("return sum(p.numel() for p in xs[0].parameters())", MODULE)
    assert found["f: mode_changed"] == found["f: frozen"] == "alive"
    more = "assert net.training, 'mode'\nassert net.weight.requires_grad, 'frozen'\n"
    found = states("return sum(p.numel() for p in xs[0].parameters())", MODULE + more)
    assert (found["f: mode_changed"], found["f: frozen"]) == ("mode", "frozen")


def test_what_means_the_same_is_listed_with_a_reason(tmp_path):
    file = tmp_path / FOLDER / "a.yml"
    file.parent.mkdir(parents=True)
    file.write_text("- exercise: exr-a-f\n  mutant: >-\n    x ⇒ y\n  reason: both are 1\n")
    assert equivalents(tmp_path, "a") == {("exr-a-f", "x ⇒ y"): "both are 1"}
    assert equivalents(tmp_path, "b") == {}
    file.write_text("- exercise: exr-a-f\n  mutant: x\n")
    with pytest.raises(BookError, match="reason"):
        equivalents(tmp_path, "a")
