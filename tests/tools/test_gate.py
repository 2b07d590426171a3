"""The gate: what each exercise promises, put to its stub, its solution and its wrong answers.

The checks are the functions of `tests/chapters`, as a reader's file meets them, and an
answer is run as a reader's is: its own piece of a file alone. That the reference solutions
pass is what `tests/chapters` itself tests.
"""

import ast
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from workbook.derive.assignments import CHECKS, EXERCISES, SOLUTIONS, assignments, module
from workbook.mutants.survivors import FOLDER, entry, equivalents, fates, unlike
from workbook.practice.submission import load, parse_submission, run
from workbook.source.chapter import read_chapters
from workbook.source.edition import LANGUAGES, read_edition
from workbook.source.exercise import Exercise

ROOT = Path(__file__).parents[2]
TWINS = {
    lang: read_chapters(read_edition(ROOT, lang), ROOT, generated=False) for lang in LANGUAGES
}
FILES = {target.path: target.text for target in assignments(TWINS["zh"], TWINS["en"])}
WITH_EXERCISES = [chapter for chapter in TWINS["zh"] if chapter.exercises]
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


def returning(exercise: Exercise):
    """The functions of an exercise in code that return something."""
    for node in ast.parse(exercise.solution).body:
        if isinstance(node, ast.FunctionDef) and ast.unparse(node.returns) != "None":
            yield node.name


def right_answers(chapter):
    """Other right answers to a chapter's exercises: exercise, what is different, code."""
    file = ROOT / FOLDER / module(chapter.slug)
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    _, *found = re.split(r"^# %% (exr-[\w-]+): (.+)$", text, flags=re.M)
    exercises = {e.id: e for e in chapter.exercises}
    for name, what, code in zip(found[::3], found[1::3], found[2::3], strict=True):
        yield exercises[name], what, code


IN_CODE = [
    (chapter.slug, e) for chapter in TWINS["zh"] for e in chapter.exercises if not e.by_hand
]
RIGHT = [answer for chapter in TWINS["zh"] for answer in right_answers(chapter)]
FUNCTIONS = [(e, name) for e in ALL if not e.by_hand for name in returning(e)]
CODE = [(e, piece) for e in ALL if not e.by_hand for piece in e.wrong]
VALUES = [(e, *wrong) for e in ALL if e.by_hand for wrong in wrong_values(e)]
every_exercise = pytest.mark.parametrize("exercise", ALL, ids=[e.name for e in ALL])
every_exercise_on_paper = pytest.mark.parametrize(
    "exercise", [e for e in ALL if e.by_hand], ids=[e.name for e in ALL if e.by_hand]
)
every_exercise_in_code = pytest.mark.parametrize(
    ("slug", "exercise"), IN_CODE, ids=[e.name for _, e in IN_CODE]
)
every_right_answer = pytest.mark.parametrize(
    ("exercise", "code"),
    [(e, code) for e, _, code in RIGHT],
    ids=[f"{e.name}: {what}" for e, what, _ in RIGHT],
)
every_function = pytest.mark.parametrize(
    ("exercise", "name"), FUNCTIONS, ids=[e.name for e, _ in FUNCTIONS]
)
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
    return run(
        parse_submission(f"# %% {exercise.id}\n{code}\n", Path("answer.py")), exercise.id
    )


def right_value(exercise: Exercise):
    """What is to be found on paper."""
    return getattr(answer(exercise, exercise.solution), exercise.by_hand)()


def on_paper(exercise: Exercise, value: object):
    """What a file defines for an exercise on paper, when this is the answer."""
    return SimpleNamespace(**{exercise.by_hand: lambda: value})


def slip(exercise: Exercise, given, root: Path) -> str:
    """The slip that the check finds in an answer, empty if it finds none."""
    check = check_of(exercise, root)
    sys.modules["exercise"] = given  # in the place that the check took, and compilers ask
    try:
        check(given)
    except AssertionError as error:
        return str(error).partition(":")[0]
    return ""


def replaced(value: object, sequence: type, number: type):
    """The value with all its lists and tuples, and all its numbers, of another type."""
    if isinstance(value, dict):
        return {key: replaced(part, sequence, number) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return sequence(replaced(part, sequence, number) for part in value)
    return number(value) if isinstance(value, int | float) else value


@pytest.mark.parametrize("chapter", WITH_EXERCISES, ids=lambda chapter: chapter.slug)
def test_a_chapter_has_work_for_the_pencil_and_for_the_machine(chapter):
    paper = [exercise.name for exercise in chapter.exercises if exercise.by_hand]
    assert paper
    assert len(chapter.exercises) - len(paper) >= 2


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
    stubs = parse_submission(FILES[EXERCISES / MODULES[exercise.id]], Path("stubs.py"))
    with pytest.raises(NotImplementedError, match=f"^{exercise.id}$"):
        check_of(exercise, ROOT)(run(stubs, exercise.id))


@every_exercise
def test_a_right_answer_passes_whatever_the_reference_says(exercise, corrupted):
    assert slip(exercise, answer(exercise, exercise.solution), corrupted) == ""


@every_exercise_in_code
def test_two_other_right_answers_are_kept(slug, exercise):
    assert len([e for e, _, _ in RIGHT if e.id == exercise.id]) >= 2, slug


@every_right_answer
def test_a_right_answer_of_another_form_passes(exercise, code, corrupted):
    assert slip(exercise, answer(exercise, code), corrupted) == ""


@pytest.mark.slow
@every_exercise_in_code
def test_no_mutant_of_the_solution_slips_past(slug, exercise):
    """But for those that mean the same, which are listed with the reason."""
    new, stale = unlike(exercise, fates(exercise), equivalents(ROOT, slug))
    unlisted = [line for fate in new for line in entry(exercise, fate)]
    assert unlisted == [], "\n".join(unlisted)
    assert stale == [], "listed as equivalent, but found by the check, or gone"


def test_every_mutant_that_is_listed_belongs_to_an_exercise():
    known = {(slug, e.id) for slug, e in IN_CODE}
    for file in sorted((ROOT / FOLDER).glob("*.yml")):
        assert {(file.stem, e) for e, _ in equivalents(ROOT, file.stem)} <= known, file.name


@every_wrong_code
def test_wrong_code_fails_with_its_own_slip(exercise, piece, corrupted):
    """It stands below the right answer, whose names it may use and replaces."""
    given = answer(exercise, f"{exercise.solution}\n\n\n{piece.code}")
    assert slip(exercise, given, corrupted) == piece.slip


@every_wrong_value
def test_a_wrong_value_fails_and_has_its_own_slip(exercise, key, value, named, corrupted):
    """Its slip is what the check says, or the only one named for this value."""
    given = {**right_value(exercise), key: value} if key else value
    found = slip(exercise, on_paper(exercise, given), corrupted)
    assert found
    others = {s for e, k, v, s in VALUES if (e, k, v) == (exercise, key, value)}
    assert found == named or others == {named}


@every_exercise_on_paper
@pytest.mark.parametrize("sequence", [list, tuple])
@pytest.mark.parametrize("number", [float, numpy.float64, numpy.float32])
def test_a_right_value_passes_in_another_form(exercise, sequence, number):
    given = replaced(right_value(exercise), sequence, number)
    assert slip(exercise, on_paper(exercise, given), ROOT) == ""


@every_exercise_on_paper
@pytest.mark.parametrize("given", [None, 0, "x", [], {}], ids=repr)
def test_a_value_of_no_use_is_told_in_words(exercise, given):
    assert slip(exercise, on_paper(exercise, given), ROOT)
    right = right_value(exercise)
    for key in right if isinstance(right, dict) else ():
        assert slip(exercise, on_paper(exercise, {**right, key: given}), ROOT), key


@every_function
def test_a_function_that_returns_nothing_is_told_so(exercise, name):
    given = answer(exercise, exercise.solution)
    solved = getattr(given, name)
    setattr(given, name, lambda *args, **kwargs: (solved(*args, **kwargs), None)[1])
    assert slip(exercise, given, ROOT)
