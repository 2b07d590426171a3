"""The gate: what each exercise promises, put to its stub, its solution and its wrong answers.

The checks are the functions of `tests/chapters`, as a reader's file meets them, and an
answer is run as a reader's is: its own piece of a file alone. That the reference solutions
pass is what `tests/chapters` itself tests.
"""

import ast
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbook.book import LANGUAGES, read_edition
from workbook.chapter import read_chapters
from workbook.exercise import Exercise
from workbook.handout import CHECKS, EXERCISES, SOLUTIONS, handouts, module
from workbook.practice.sheet import load, parse_sheet, run

ROOT = Path(__file__).parents[2]
TWINS = {
    lang: read_chapters(read_edition(ROOT, lang), ROOT, generated=False) for lang in LANGUAGES
}
FILES = {target.path: target.text for target in handouts(TWINS["zh"], TWINS["en"])}
ALL = [exercise for chapter in TWINS["zh"] for exercise in chapter.exercises]
MODULES = {e.id: module(chapter.slug) for chapter in TWINS["zh"] for e in chapter.exercises}


def wrong_values(exercise: Exercise):
    """The wrong values of an exercise on paper: which one, its value, the slip behind it."""
    for piece in exercise.wrong:
        *above, last = ast.parse(piece.code).body
        names = {}
        exec(compile(ast.Module(above, []), "wrong", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "wrong", "eval"), names)
        for key, part in value.items() if isinstance(value, dict) else [("", value)]:
            yield key, part, piece.slip


CODE = [(e, piece) for e in ALL if not e.paper for piece in e.wrong]
VALUES = [(e, *wrong) for e in ALL if e.paper for wrong in wrong_values(e)]
every_exercise = pytest.mark.parametrize("exercise", ALL, ids=[e.name for e in ALL])
every_wrong_code = pytest.mark.parametrize(
    ("exercise", "piece"), CODE, ids=[f"{e.name}: {piece.slip}" for e, piece in CODE]
)
every_wrong_value = pytest.mark.parametrize(
    ("exercise", "key", "value", "named"),
    VALUES,
    ids=[f"{e.name}: {named} {key}".strip() for e, key, _, named in VALUES],
)


@pytest.fixture(autouse=True)
def alone():
    """As in a process of its own: one thread, and chance begins anew."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def copy(tmp_path_factory):
    """The checks in a folder of their own, where every reference solution is corrupted."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / CHECKS, root / CHECKS)
    for path in FILES:
        if path.parent == SOLUTIONS:
            (root / path).write_text(FILES[EXERCISES / path.name], encoding="utf-8")
    return root


@pytest.fixture
def corrupted(copy, monkeypatch):
    """The root of a book, and the current one, whose references are worth nothing."""
    monkeypatch.chdir(copy)
    monkeypatch.syspath_prepend(copy / CHECKS)
    return copy


def check_of(exercise: Exercise, root: Path):
    """The check of an exercise, a function of an answer."""
    file = root / CHECKS / f"test_{MODULES[exercise.id]}"
    return getattr(load(file, exercise.id), f"test_{exercise.name.replace('-', '_')}")


def answer(exercise: Exercise, code: str):
    """What a file with this code for the exercise defines."""
    return run(parse_sheet(f"# %% {exercise.id}\n{code}\n", Path("answer.py")), exercise.id)


def on_paper(exercise: Exercise, key: str, value: object):
    """The right answer with another value under the key, or in place of the whole."""
    right = getattr(answer(exercise, exercise.solution), exercise.paper)()
    given = {**right, key: value} if key else value
    return SimpleNamespace(**{exercise.paper: lambda: given})


def slip(exercise: Exercise, given, root: Path) -> str:
    """The slip that the check finds in an answer, empty if it finds none."""
    check = check_of(exercise, root)
    try:
        check(given)
    except AssertionError as error:
        return str(error).partition(":")[0]
    return ""


@every_exercise
def test_the_exercise_is_whole_in_both_languages(exercise):
    for lang in LANGUAGES:
        [twin] = [e for c in TWINS[lang] for e in c.exercises if e.id == exercise.id]
        there = {"check": twin.check, "wrong": twin.wrong, "slips": twin.slips}
        there |= {"hints": twin.hints, "worked": twin.worked, "stars": twin.stars}
        assert [part for part, found in there.items() if not found] == [], lang


@every_exercise
def test_the_stub_is_not_done(exercise):
    """Where the references are right: a check that asked them would pass."""
    stubs = parse_sheet(FILES[EXERCISES / MODULES[exercise.id]], Path("stubs.py"))
    with pytest.raises(NotImplementedError, match=f"^{exercise.id}$"):
        check_of(exercise, ROOT)(run(stubs, exercise.id))


@every_exercise
def test_a_right_answer_passes_whatever_the_reference_says(exercise, corrupted):
    assert slip(exercise, answer(exercise, exercise.solution), corrupted) == ""


@every_wrong_code
def test_wrong_code_fails_with_its_own_slip(exercise, piece, corrupted):
    """It stands below the right answer, whose names it may use and replaces."""
    given = answer(exercise, f"{exercise.solution}\n\n\n{piece.code}")
    assert slip(exercise, given, corrupted) == piece.slip


@every_wrong_value
def test_a_wrong_value_fails_and_has_its_own_slip(exercise, key, value, named, corrupted):
    """Its slip is what the check says, or the only one named for this value."""
    found = slip(exercise, on_paper(exercise, key, value), corrupted)
    assert found
    others = {s for e, k, v, s in VALUES if (e, k, v) == (exercise, key, value)}
    assert found == named or others == {named}
