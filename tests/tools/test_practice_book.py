"""The book's own exercises, as a reader meets them: with torch, and on paper."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from workbook.derive.assignments import SOLUTIONS
from workbook.practice import answering, by_hand
from workbook.practice.attempt import attempt
from workbook.practice.catalog import catalog
from workbook.practice.check import check_of
from workbook.practice.runner import Runner, import_torch
from workbook.practice.sandbox import Limits
from workbook.practice.submission import Submission, parse_submission, read_submission

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
UNITS = catalog(ROOT, "zh").units
ALL = [(unit, exercise) for unit in UNITS for exercise in unit.exercises]
PAPER = [exercise for _, exercise in ALL if exercise.by_hand]
every_paper = pytest.mark.parametrize("exercise", PAPER, ids=[e.name for e in PAPER])


@pytest.fixture(scope="module", autouse=True)
def torch():
    import_torch()
    importlib.import_module("torch._dynamo")  # as Runner.import_learned does


def typed(value):
    """A value as a hand types it: no spaces, and no brackets that can be done without."""
    text = str(value).replace(" ", "")
    inside = text[1:-1] if isinstance(value, list | tuple) else ""
    return text if any(letter in inside for letter in "([") or not inside else inside


@every_paper
def test_the_right_answer_is_right_however_it_is_typed(exercise):
    right = by_hand.evaluated(f"{exercise.solution}\n{exercise.by_hand}()")
    names = by_hand.keys(exercise)
    assert names == tuple(right if isinstance(right, dict) else ())
    parts = [typed(right[name]) for name in names] or [right]
    pairs = (
        [f"{name}={text}" for name, text in zip(names, parts, strict=True)] if names else parts
    )
    wide = str.maketrans("0123456789,()[]=", "０１２３４５６７８９，（）【】＝")
    for texts in (parts, pairs, ["，".join(pairs).translate(wide)]):
        given = answering.read(exercise, texts, "zh")
        values = {key: answering.valued(exercise, text, "zh") for key, text in given.items()}
        ended = by_hand.graded(exercise, values)
        assert ended.reason == "finished", ended.output
        assert {key: slip for key, (slip, _) in ended.result.items() if slip} == {}


@every_paper
def test_each_wrong_value_that_is_named_is_told_by_its_name(exercise):
    for piece in exercise.wrong:
        value = by_hand.evaluated(f"{exercise.solution}\n{piece.code}")
        given = value if isinstance(value, dict) else {"": value}
        reported = by_hand.graded(exercise, given).result
        assert {slip for slip, _ in reported.values()} == {piece.slip}


@every_paper
def test_what_is_asked_can_be_said(exercise):
    unit = next(unit for unit, each in ALL if each is exercise)
    assert len(unit.questions[exercise.id]) > 20
    assert ":::" not in unit.questions[exercise.id]
    assert by_hand.form(exercise)


def test_every_solution_passes_as_a_readers_file_and_replaces_nothing():
    """Also that one process which has imported torch once serves all of them."""
    runner, failed = Runner(ROOT), []
    for unit in UNITS:
        submission = read_submission(ROOT / SOLUTIONS / unit.file.name)
        for exercise in unit.exercises:
            outcome = attempt(
                exercise, unit.file, Submission(unit.file, submission.head, submission.parts)
            )
            runner.learned.update(outcome.imported)
            runner.import_learned()
            failed += [outcome] if outcome.state != "pass" else []
    assert failed == []


TORCH = {
    "a hundred gigabytes": ("return torch.empty(100 * 1024**3 // 4)", "memory"),
    "a check that always agrees": (
        "torch.allclose = lambda *a, **k: True\n    return table", "replaced"
    ),
    "gradients left off": ("torch.set_grad_enabled(False)\n    return table", "setting"),
    "another default type": (
        "torch.set_default_dtype(torch.float64)\n    return table", "setting"
    ),
    "an endless product": (
        "a = torch.ones(4000, 500)\n    while True:\n        a.T @ a", "time"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "cause"), TORCH.values(), ids=TORCH)
def test_torch_does_not_get_around_the_limits(body, cause, runner):
    import_torch()
    [exercise] = [e for _, e in ALL if e.name == "tensors-standardize"]
    raised = f'raise NotImplementedError("{exercise.id}")'
    code = f"# %% {exercise.id}\n{exercise.stub}\n".replace(raised, body)
    path = Path("exercises/tensors.py")
    limits = Limits(seconds=3)
    verdict = attempt(exercise, path, parse_submission(code, path), limits).verdict
    assert (verdict.state, verdict.cause) == ("error", cause)


def test_both_sides_of_a_comparison_are_noted(runner):
    import_torch()
    [exercise] = [e for _, e in ALL if e.name == "tensors-standardize"]
    code = f"# %% {exercise.id}\n{exercise.stub}\n".replace(
        f'raise NotImplementedError("{exercise.id}")', "return table - table.mean(dim=0)"
    )
    verdict = attempt(exercise, Path("t.py"), parse_submission(code, Path("t.py"))).verdict
    assert (verdict.slip, verdict.expected, verdict.came) == (
        "spread", "tensor([1., 1.])", "tensor([2.1602, 8.1650])",
    )  # fmt: skip
    assert verdict.claim == "torch.allclose(biased, torch.ones(2), atol=1e-05)"


def test_checks_are_those_that_make_test_runs():
    for unit, exercise in ALL:
        file = ROOT / "tests/chapters" / f"test_{unit.file.name}"
        assert check_of(exercise).source.strip() in file.read_text(encoding="utf-8")


def test_the_command_does_not_import_torch_for_stubs():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom workbook.cli import main\n"
        "done = CliRunner().invoke(main, ['progress'])\nprint('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == "False\n"
