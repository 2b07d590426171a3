"""Hints, answers on paper, progress, reset, watching, and plain pytest."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from readers import Reader

from workbook.practice import answer_values, by_hand
from workbook.practice.progress import Record, progress_of
from workbook.practice.terminal_text import for_terminal
from workbook.practice.words import ReaderError

both_ways = pytest.mark.usefixtures("runner")
WORKBOOK = [sys.executable, "-c", "from workbook.cli import main; main()"]
JOURNAL = "exercises/progress.yml"


def progress(reader, lang="en"):
    return progress_of(reader.root, reader.file.parent, lang)


# hints


def test_each_time_one_more_hint_then_where_the_solution_stands(reader):
    first = "hint 1/2  Think first.\nNot enough? Run this again for the next one.\n"
    assert reader.run("hint", "first-steps-a", status=0) == first
    last = (
        "That was the last one.\nThe solution stands under Double ★ in the appendix “Answers”; "
        "on the site it is below the exercise, folded\n"
    )
    second = "hint 2/2  Then look at 1/2x\n"
    assert reader.run("hint", "exr-first-steps-a", status=0) == second + last
    ended = reader.run("hint", "first_steps_a", status=0)
    assert ended.startswith("first-steps-a: you have had all hints (2); --again shows them")
    assert progress(reader).read() == {"first-steps-a": Record(hints=2)}
    again = reader.run("hint", "first-steps-a", "--again", status=0)
    assert again.startswith("hint 1/2  Think first.\nhint 2/2  Then look at 1/2x\nThe solution")


def test_hints_in_chinese(reader):
    assert reader.run("hint", "first-steps-a", lang="zh") == (
        "提示 1/2  先想想。\n还不够？再运行一次，给下一条\n"
    )


def test_a_hint_to_nothing(reader):
    assert reader.run("hint", "first-steps-q", lang="zh", status=2).startswith(
        "没有叫 first-steps-q 的题目或章节；你是不是想写 first-steps-"
    )


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("$\\partial L / \\partial \\hat y$ 与 **所有** `x.T`", "∂L/∂ŷ 与 所有 x.T"),
        ("$\\frac{1}{2}(1 + \\cos \\pi x)$", "1/2(1 + cos πx)"),
        ("$\\hat m / \\sqrt{\\hat v}$", "m̂/√v̂"),
        ("see [@eq-optim-momentum]", "see equation optim-momentum"),
        ("[tensor]{.term} $1 - 0.5^t$", "tensor 1 − 0.5^t"),
        ("plain words", "plain words"),
    ],
)
def test_markdown_as_text(markdown, text):
    assert for_terminal([markdown, "$x$"], "en") == [text, "x"]


# answers on paper


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/3", 1 / 3),
        ("-1/2", -0.5),
        ("−６", -6),
        ("１２，４，１", (12, 4, 1)),
        ("12、4", (12, 4)),
        ("（２，４），（１２，１），４", ((2, 4), (12, 1), 4)),
        ("【１，２】", [1, 2]),
        ("½", 0.5),
        ("10^9", 10**9),
        ("3×10⁶", 3 * 10**6),
        ("1e9", 1e9),
        ("２。５", 2.5),
        ("abc", "abc"),
        ("‘abc’", "abc"),
        ("{“a”：1}", {"a": 1}),
        ("True", True),
        ("(1, (2, [3, x]))", (1, (2, [3, "x"]))),
    ],
)
def test_what_can_be_typed(text, value):
    assert answer_values.value(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "f(1)", "x.y", "1 +", "9**9**9", "10**10**8", "1/0", "[i for i in (1, 2)]", "a/2",
     "__import__('os')", "lambda: 1", "{**{}}", "(" * 500, "-" * 900 + "1", "-" * 9000 + "1",
     "{[1]: 2}", "1or 2", "\\d", "'\\d' 1", "f'{1}'", "1 if 1 else 2"],
)  # fmt: skip
@pytest.mark.filterwarnings("error")  # Python's own words would stand among ours
def test_what_is_no_value(text):
    with pytest.raises(answer_values.Unreadable):
        answer_values.value(text)


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (["box=23"], {"box": "23"}),
        (["stride=12,4,1", "box=23"], {"stride": "12, 4, 1", "box": "23"}),
        (["stride＝12，4，1，box：23"], {"stride": "12, 4, 1", "box": "23"}),
        (['{"x": 12.0, "y": [1, 2]}'], {"x": "12.0", "y": "[1, 2]"}),
        (["rows=((5, 6), (7, 8), 9) x = abc"], {"rows": "((5, 6), (7, 8), 9)", "x": "abc"}),
        (["x='a, b=c'", "y=2"], {"x": "'a, b=c'", "y": "2"}),
        (["12", "14"], None),
        (["1, x=2"], None),
    ],
)
def test_parts_by_their_keys(texts, pairs):
    assert answer_values.pairs(texts) == pairs


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ((1, 2), [1, 2], True),
        (1.33, 4 / 3, True),
        (1200, 1201, False),
        (0.5, 1, False),
        ((1.0, (2, 3)), (1, (2, 3)), True),
        ((1, 2), (1, 2, 3), False),
        ("a", "a", True),
        (True, 1, False),
    ],
)
def test_values_that_are_the_same(one, other, is_same):
    assert by_hand.same(one, other) is is_same


@both_ways
def test_an_answer_in_parts(reader):
    wrong = reader.run("answer", "first-steps-by-hand", "share=0.667", "pair=12,4", status=1)
    assert wrong.split("\n") == [
        "  ✗ wrong  share = 0.667",
        "      A sum.",  # the slip of 2 / 3, which the chapter names
        "  ✓ right  pair = 12, 4",
        "still open: name",
        "",
    ]
    assert progress(reader).read()["first-steps-by-hand"].answers == {"pair": "12, 4"}
    other = reader.run("answer", "first-steps-by-hand", "share=5", "name=abc", status=1)
    assert other.split("\n")[1] == "      Multiply: 2 * x."  # what the check says
    right = reader.run("answer", "first-steps-by-hand", "share=1/3", lang="zh", status=0)
    assert right == "  ✓ 对  share = 1/3\nfirst-steps-by-hand 全答对了，已记下\n"
    assert (
        "✓ pass  first-steps-by-hand  Double ★ (answered with workbook answer)"
        in reader.run("try", "first-steps-by-hand", status=0)
    )


def test_an_answer_without_keys_goes_by_the_order(reader):
    reported = reader.run("answer", "first-steps-by-hand", "1/3", "[12, 4]", "abc", status=0)
    assert reported.split("\n")[:3] == [
        "  ✓ right  share = 1/3", "  ✓ right  pair = [12, 4]", "  ✓ right  name = abc",
    ]  # fmt: skip


@pytest.mark.parametrize(("values", "status"), [(["a，e"], 0), (["a", "e"], 0), (["'ae'"], 0),
                                                (["a"], 1)])  # fmt: skip
@both_ways
def test_an_answer_that_is_a_word(reader, values, status):
    reader.run("answer", "first-steps-letters", *values, status=status)


@both_ways
def test_an_answer_of_another_type(reader):
    reported = reader.run("answer", "first-steps-by-hand", "share=(1, 2)", status=1)
    assert "What you return is of the wrong type" in reported


def test_a_negative_answer_is_no_option(reader):
    assert "✗ wrong  share = -1/3" in reader.run("answer", "first-steps-by-hand", "share=-1/3")
    assert "could belong to any part; write share=-1" in reader.run(
        "answer", "first-steps-by-hand", "-1", status=2
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["first-steps-a", "3"],
         "first-steps-a asks for code, not for a value; write it in exercises/first_steps.py, "
         "then run workbook try first-steps-a\n"),
        (["first-steps-by-hand", "shares=3"],
         "shares is not asked for; this exercise asks for share, pair, name\n"),
        (["first-steps-by-hand", "share=f(x)"],
         "cannot read f(x); type a Python value such as 3, 1/3, (2, 4) or [1, 2], in single "
         "quotes where there are brackets\n"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_taken(reader, arguments, said):
    assert reader.run("answer", *arguments, status=2) == said


def test_without_a_value_the_question_and_the_form_are_told(reader):
    assert reader.run("answer", "first-steps-by-hand", status=0) == (
        "first-steps-by-hand  Double ★\n\nWrite the function.\n\n"
        'Return "share", a part of 1, "pair" and "name".\n\n'
        "Type Python values. For example:\n"
        "  workbook answer first-steps-by-hand share=… pair=… name=…\n"
        "Answer as many at a time as you like; right ones are remembered.\n"
    )


# progress


@both_ways
def test_progress_is_drawn_with_what_comes_next(reader):
    reader.solve("more-a", "return 2 * x", "exercises/more.py")
    reader.solve("first-steps-c", "return x")
    reader.run("try")
    lines = [line.rstrip() for line in reader.run("progress", status=0).split("\n")]
    assert lines[:5] == [
        "1  First steps  ────────────────────  0/5  ··✗··",
        "2  First steps  ━━━━━━━━━━──────────  1/2  ✓·",
        "   in all       ━━──────────────────  1/7",
        "",
        "next: first-steps-a  Double ★",
    ]
    assert lines[5:7] == [
        "  workbook try first-steps-a", "kept in exercises/progress.yml, which you may edit"
    ]  # fmt: skip


def test_next_is_in_the_chapter_worked_in_last(reader):
    entry = "{}:\n  state: pass\n  since: 2026-01-0{} 10:00\n"
    reader.write(JOURNAL, entry.format("more-a", 2) + entry.format("first-steps-a", 1))
    assert "next: more-b  Double ★\n  workbook try more-b" in reader.run("progress", status=0)


@both_ways
def test_what_the_reader_writes_into_the_progress_file_stays(reader):
    reader.write(JOURNAL, "# mine\nfirst-steps-b:  # hard\n  state: fail\n  note: ask Li\n")
    reader.solve("first-steps-b", "return 2 * x")
    reader.run("try", "first-steps-b", status=0)
    text = reader.read(JOURNAL)
    assert re.sub(r"since: [\d-]+ [\d:]+", "since: NOW", text) == (
        "# mine\nfirst-steps-b:  # hard\n  state: pass\n  note: ask Li\n  since: NOW\n"
    )


DAMAGE = {
    "not YAML": ("a: [\n", 2, "this is not YAML"),
    "a list": ("- a\n", 1, 'here should be "exercise: …", one for each exercise'),
    "a word": (
        "a:\n  state: pass\nb: yes\n",
        3,
        "below b should be lines such as state and hints",
    ),
    "a state": (
        "a:\n  hints: 1\n  state: done\n",
        3,
        "state is one of pass, fail, error, todo",
    ),
    "hints": ("a:\n  hints: many\n", 2, "hints is a whole number, 0 or more"),
    "not UTF-8": (b"a:\n  note: \xb2\xe2\n", 2, "this line is not UTF-8"),
    "tabs": ("a:\n\tstate: pass\n", 2, "this is not YAML"),
    "a number": (
        "7:\n  state: pass\n",
        1,
        "the name of an exercise is a word, such as tensors-boxes",
    ),
    "nothing": (
        "a:\n  hints: 1\n:\n  state: pass\n",
        3,
        "the name of an exercise is a word, such as tensors-boxes",
    ),
    "true": (
        "true:\n  state: pass\n",
        1,
        "the name of an exercise is a word, such as tensors-boxes",
    ),
    "a list for a name": (
        "? [a, b]\n: {state: pass}\n",
        1,
        "the name of an exercise is a word, such as tensors-boxes",
    ),
    "an omap": (
        "!!omap\n- 7: {state: pass}\n",
        1,
        "the name of an exercise is a word, such as tensors-boxes",
    ),
    "a day that is none": ("a:\n  since: 2026-99-99\n", 1, "this is not YAML"),
    "an omap that is none": ("a: {state: pass}\n!!omap b: {}\n", 1, "this is not YAML"),
    "a merged key": (
        "a: &a\n  state: pass\nb:\n  <<: *a\n  hints: x\n",
        5,
        "hints is a whole number, 0 or more",
    ),
    "twice": ("a:\n  state: pass\na:\n  state: fail\n", 3, "this is not YAML"),
}


@pytest.mark.parametrize(("text", "line", "what"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_progress_file_is_told_and_left_as_it_is(reader, text, line, what):
    reader.write(JOURNAL, text)
    reader.solve("first-steps-a", "return 2 * x")
    reported = (
        f"exercises/progress.yml:{line}: {what}; mend the line, or put the file aside under "
        "another name to begin anew\n"
    )
    assert reader.run("progress", status=2) == reported
    tried = reader.run("try", "first-steps-a", status=2)
    assert "✓ pass  first-steps-a" in tried and tried.endswith(reported)
    assert reader.run("hint", "first-steps-a", status=2) == reported
    raw = text if isinstance(text, bytes) else text.encode()
    assert (reader.root / JOURNAL).read_bytes() == raw


def test_what_could_not_be_read_again_is_not_written(reader):
    text = "? first-steps-b # mine\n"
    reader.write(JOURNAL, text)
    assert list(progress(reader).read()) == ["first-steps-b"]
    with pytest.raises(ReaderError, match=r"exercises/progress\.yml:1: this is not YAML; mend"):
        progress(reader).note("first-steps-a", "pass")
    assert reader.read(JOURNAL) == text


def _note_many(root, start):
    progress = progress_of(root, Reader.file.parent, "en")
    for number in range(start, start + 8):
        progress.note(f"e-{number}", "pass")


def test_two_at_once_lose_nothing(reader):
    processes = [
        multiprocessing.get_context("spawn").Process(target=_note_many, args=(reader.root, n))
        for n in (0, 8, 16)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert set(progress(reader).read()) == {f"e-{n}" for n in range(24)}


def test_an_interrupted_write_leaves_the_old_file(reader, monkeypatch):
    progress(reader).note("first-steps-a", "pass")
    before = reader.read(JOURNAL)
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        progress(reader).note("first-steps-b", "pass")
    assert reader.read(JOURNAL) == before
    assert [p.name for p in (reader.root / "exercises").iterdir() if "progress" in p.name] == [
        "progress.yml"
    ]


# reset


def kept(text):
    return re.search(r"exercises/backup/\S+", text)[0]


def test_an_exercise_is_begun_anew_and_the_old_one_is_kept(reader):
    fresh = reader.read()
    reader.solve("first-steps-a", "return 2 * x")
    reader.solve("first-steps-b", "return 3 * x")
    begun = reader.read()
    reader.run("try", "first-steps")
    reported = reader.run("reset", "first-steps-a", "first-steps-c", status=0)
    assert re.fullmatch(
        "first-steps-a is as it was at first\nfirst-steps-c is untouched anyway\nwhat you had "
        r"written is kept in exercises/backup/first_steps-\d{8}-\d{6}\.py\n", reported,
    )  # fmt: skip
    assert reader.read(kept(reported)) == begun
    reader.solve("first-steps-a", "return 2 * x")
    assert reader.read() == begun
    assert "first-steps-a" not in progress(reader).read()
    assert progress(reader).read()["first-steps-b"].state == "fail"
    reader.run("reset", "first-steps", status=0)
    assert reader.read() == fresh


def test_a_chapter_is_begun_anew_whatever_has_become_of_its_file(reader):
    fresh = reader.read()
    reader.write(str(reader.file), "张量\n".encode("gbk"))
    reported = reader.run("reset", "first-steps", status=0)
    assert reader.read() == fresh
    assert (reader.root / kept(reported)).read_bytes() == "张量\n".encode("gbk")


def test_a_deleted_file_is_written_anew(reader):
    fresh = reader.read()
    (reader.root / reader.file).unlink()
    reported = reader.run("reset", "first-steps-b", status=0)
    assert reported.endswith("wrote exercises/first_steps.py anew\n")
    assert reader.read() == fresh
    assert not (reader.root / "exercises/backup").exists()


def test_a_piece_without_its_marker_comes_back_in_order(reader):
    text = reader.read()
    start, end = text.index("# %% exr-first-steps-b"), text.index("# %% exr-first-steps-c")
    reader.write(str(reader.file), text[:start] + text[end:])
    reader.run("reset", "first-steps-b", status=0)
    assert reader.read() == text


def test_two_resets_in_one_second_keep_both(reader):
    backups = set()
    for body in ("return 1", "return 2", "return 3"):
        reader.solve("first-steps-a", body)
        backups.add(kept(reader.run("reset", "first-steps-a", status=0)))
    assert len(backups) == 3
    assert {"return 1", "return 2", "return 3"} == {
        re.search(r"return \d(?!x)", reader.read(name))[0] for name in backups
    }


# consoles


@pytest.mark.parametrize(
    ("encoding", "marks"), [("utf-8", "✓✗"), ("cp936", "√×"), ("latin-1", "?×")]
)
def test_a_console_of_any_encoding_gets_marks_that_it_has(reader, encoding, marks):
    reader.solve("first-steps-a", "return 2 * x")
    reader.solve("first-steps-b", "return x")
    done = subprocess.run(
        [*WORKBOOK, "try", "first-steps-a", "first-steps-b", "--lang", "zh"], cwd=reader.root,
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True,
    )  # fmt: skip
    said = done.stdout.decode(encoding)
    assert done.stderr == b""
    assert re.findall(r"^  (.) .* first-steps-\w  ", said, re.M) == list(marks)


# watching


@both_ways
def test_watching_checks_again_what_has_changed(reader):
    command = [*WORKBOOK, "try", "first-steps", "--watch", "--lang", "en"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(command, cwd=reader.root, env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    stop = threading.Timer(60, running.kill)
    stop.start()

    def until(word):
        lines = []
        for line in running.stdout:
            lines.append(line)
            if word in line:
                return lines
        raise AssertionError(f"{word} never came: {lines}, status {running.wait()}")

    assert sum("· to do" in line for line in until("watching exercises/first_steps.py")) == 5
    fresh = reader.read()

    def save(body):
        aside = reader.root / "exercises/.aside"  # as editors do
        raised = 'raise NotImplementedError("exr-first-steps-a")'
        aside.write_text(fresh.replace(raised, body), encoding="utf-8")
        aside.replace(reader.root / reader.file)

    for body, mark in (("return x", "✗ fail"), ("return 2 * x", "✓ pass")):
        began = time.monotonic()
        save(body)
        reported = until(" in all, ")
        assert time.monotonic() - began < 5  # 2 s where nothing else runs
        assert f"  {mark}  first-steps-a" in "".join(reported)
        assert "first-steps-b" not in "".join(reported)
    save("while True:\n        x += 1")
    until("exercises/first_steps.py changed")
    time.sleep(1)
    began = time.monotonic()
    save("return x * 2  # nobody waits for the loop")
    assert "✓ pass  first-steps-a" in "".join(until(" in all, "))
    assert time.monotonic() - began < 5
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 1
    assert "no longer watching" in running.stdout.read()
    stop.cancel()
    assert progress(reader).read()["first-steps-a"].state == "pass"


# plain pytest


@both_ways
def test_plain_pytest_says_the_same(reader):
    reader.write(
        "exercises/conftest.py", "from workbook.practice.plugin import pytest_collect_file\n"
    )
    reader.solve("first-steps-a", "return 2 * x")
    reader.solve("first-steps-b", "return x + 1")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "exercises/"],
        cwd=reader.root, env={**os.environ, "LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith(".Fsssss")
    assert "看看  要乘二：2 * x。\n情形  x = 0\n" in done.stdout
    assert "1 failed, 1 passed, 5 skipped" in done.stdout
