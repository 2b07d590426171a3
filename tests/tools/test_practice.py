"""What readers are told of their files, whatever they have written in them."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workbook import messages
from workbook.practice import attempt, words
from workbook.practice.sandbox import Limits
from workbook.practice.words import reader_language

pytestmark = pytest.mark.usefixtures("runner")

SMALL = Limits(seconds=2.0, memory=300_000_000, output=200_000, file=10_000_000)


@pytest.fixture
def small(monkeypatch):
    """Limits that are reached soon."""
    monkeypatch.setattr("workbook.practice.runner.Limits", lambda: SMALL)


def reported(reader, body, name="first-steps-a", **options):
    """What is said of an exercise, without its headline, and that the next one is not hurt."""
    reader.solve(name, body)
    reader.solve("first-steps-b", "return 2 * x")
    lines = reader.run("try", "first-steps", **options).split("\n")
    states = {line.split()[2]: line.split()[0] for line in lines if re.match("  [✓✗!·] ", line)}
    assert states["first-steps-b"] == "✓"
    start = next(i for i, line in enumerate(lines) if f"  {name}  " in line)
    end = next(i for i in range(start + 1, len(lines)) if not lines[i].startswith("    "))
    mark = lines[start].split()[0]
    return mark, [line.strip() for line in lines[start + 1 : end]]


def test_a_right_answer_passes_and_stubs_are_not_begun(reader):
    reader.solve("first-steps-a", "return x + x")
    assert reader.run("try", "first-steps-a", "more-a", status=1).split("\n")[:4] == [
        "1 First steps  exercises/first_steps.py",
        "  ✓ pass  first-steps-a  Double ★",
        "2 First steps  exercises/more.py",
        "  · to do  more-a  Double ★",
    ]
    assert "✓ 通过  first-steps-a  翻倍 ★" in reader.run(
        "try", "exr-first-steps-a", lang="zh", status=0
    )


def test_a_wrong_answer_is_told_with_slip_expected_and_came(reader):
    assert reported(reader, "return x + 1") == (
        "✗",
        [
            "look at   Multiply: 2 * x.",
            "case      x = 0",
            "check     first_steps_a(x) == 2 * x",
            "expected  0",
            "came      1",
        ],
    )


def test_the_same_in_chinese(reader):
    assert reported(reader, "print('试试')\nreturn x + 1", lang="zh") == (
        "✗",
        [
            "看看  要乘二：2 * x。",
            "情形  x = 0",
            "检查  first_steps_a(x) == 2 * x",
            "应得  0",
            "得到  1",
            "打印  试试",
            "试试",
        ],
    )


def test_a_slip_that_all_exercises_share_is_explained_too(reader):
    mark, lines = reported(reader, "pass")
    assert (mark, lines[0]) == (
        "✗",
        "look at   The function returns nothing (None came back). Is a return missing?",
    )


LINE = "exercises/first_steps.py:19"
ERRORS = {
    "endless loop": (
        "while True:\n    x += 1",
        ["no result after 2 s of computing, so it was stopped; most likely a loop never ends"],
        r"exercises/first_steps\.py:(19: while True:|20: x \+= 1)",
    ),
    "sleep": (
        "import time\ntime.sleep(60)",
        ["no result after 2 s of computing, so it was stopped; most likely a loop never ends"],
        "exercises/first_steps.py:20: time.sleep(60)",
    ),
    "abort": (
        "import os\nos.abort()",
        ["the Python interpreter crashed (SIGABRT)"],
        "exercises/first_steps.py:20: os.abort()",
    ),
    "segmentation fault": (
        "import ctypes\nctypes.string_at(0)",
        ["the Python interpreter crashed (SIGSEGV)"],
        "exercises/first_steps.py:20: ctypes.string_at(0)",
    ),
    "killed": (
        "import os\nos.kill(os.getpid(), 9)",
        ["the Python interpreter crashed (SIGKILL)"],
        "",
    ),
    "sys.exit": (
        "import sys\nsys.exit(0)",
        ["your code makes Python exit (SystemExit: 0); "
         "in a function write return, not sys.exit"],
        "exercises/first_steps.py:20: sys.exit(0)",
    ),
    "os._exit": (
        "import os\nos._exit(0)",
        ["the process ended before the check was through (exit status 0); "
         "does your code call os._exit?"],
        "",
    ),
    "all files closed": (
        "import os\nos.closerange(3, 1000)\nreturn 2 * x",
        ["the process ended before the check was through (exit status 0); "
         "does your code call os._exit?"],
        "",
    ),
    "exception": (
        "return x.double()",
        ["AttributeError: 'int' object has no attribute 'double'"],
        f"{LINE}: return x.double()",
    ),
    "own assertion": ("assert x > 5", ["AssertionError"], f"{LINE}: assert x > 5"),
    "keyboard interrupt": (
        "raise KeyboardInterrupt", ["KeyboardInterrupt"], f"{LINE}: raise KeyboardInterrupt"
    ),
    "exception that cannot be told": (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd",
        ["Odd"],
        "exercises/first_steps.py:22: raise Odd",
    ),
    "syntax": (
        "return 2 * * x", ["Python cannot read this piece: SyntaxError: invalid syntax"],
        f"{LINE}: return 2 * * x",
    ),
    "indentation": (
        "y = x\n  return y",
        ["Python cannot read this piece: IndentationError: "
         "unexpected indent"],
        "exercises/first_steps.py:20: return y",
    ),
    "null byte": (
        "return '\0'", ["Python cannot read this piece: SyntaxError: "
                        "source code string cannot contain null bytes"],
        "",
    ),
    "open string": (
        "return '''",
        ["Python cannot read this piece: SyntaxError: unterminated triple-quoted string "
         "literal (detected at line 21)"],
        f"{LINE}: return '''",
    ),
    "endless recursion": (
        "return first_steps_a(x)",
        ["the recursion never ends: a function keeps calling itself"],
        f"{LINE}: return first_steps_a(x)",
    ),
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(10**9)\n"
        "f = lambda n: max([n], key=f)\nreturn f(x)",
        None,
        "",
    ),
    "a hundred gigabytes": (
        "return [0] * (100 * 1024**3 // 8)",
        ["out of memory: an exercise may use 0.28 GB; is there a dimension too many, or a list "
         "that keeps growing?"],
        f"{LINE}: return [0] * (100 * 1024**3 // 8)",
    ),
    "a list that grows": (
        "kept = []\nwhile True:\n    kept.append(bytearray(10**8))",
        ["out of memory: an exercise may use 0.28 GB; is there a dimension too many, or a list "
         "that keeps growing?"],
        "exercises/first_steps.py:21: kept.append(bytearray(10**8))",
    ),
    "input": (
        "return int(input('x?'))",
        ["your code waits for somebody to type, and nobody is there; take input() out"],
        f"{LINE}: return int(input('x?'))",
    ),
    "child left behind": (
        "import os, time\nif not os.fork():\n    time.sleep(30)\n    os._exit(0)\nreturn 2 * x",
        ["the check is through, but a process that your code started still runs; "
         "wait for it with join(), or start none"],
        "",
    ),
    "replaced builtin": (
        "import builtins\nbuiltins.print = None\nreturn 2 * x",
        ["your code puts something else in place of print, which the check needs; "
         "give your function another name"],
        "",
    ),
    "file without end": (
        "with open('big', 'wb') as file:\n    while True:\n        file.write(bytes(10**6))",
        ["OSError: [Errno 27] File too large"],
        "exercises/first_steps.py:21: file.write(bytes(10**6))",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "said", "place"), ERRORS.values(), ids=ERRORS)
def test_each_is_an_error_with_its_cause_in_that_exercise_alone(
    reader, small, body, said, place
):
    began = time.monotonic()
    mark, lines = reported(reader, body)
    assert time.monotonic() - began < 20
    assert mark == "!"
    if said is None:
        assert re.match("the recursion never ends|the Python interpreter crashed", lines[0])
        return
    lines = [line for line in lines if not line.startswith("printed")]
    assert lines[:1] == said
    if place:
        assert lines[1] == place or (place[-1] == ")" and re.fullmatch(place, lines[1]))
    assert not any("src/workbook" in line or "Traceback" in line for line in lines)


def test_megabytes_are_cut_and_stopped(reader, small):
    mark, lines = reported(reader, "while True:\n    print('over and over', x)")
    assert mark == "!"
    assert lines[0].startswith("it printed more than 0.2 MB, so it was stopped")
    assert lines[-1] == "… and more, left out"
    assert lines.count("over and over 1") == 19
    assert len(lines) < 30


def test_what_is_printed_is_shown_though_the_answer_is_right(reader):
    assert reported(reader, "print('x is', x)\nreturn 2 * x") == (
        "✓", ["printed   x is 1", "x is 0", "x is 3"],
    )  # fmt: skip


def test_no_process_is_left(reader, small):
    reported(reader, "import subprocess\nsubprocess.Popen(['sleep', '97'])\nreturn 2 * x")
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "97"]]
    assert left == []


def test_another_module_in_place_of_one_that_the_check_uses(reader):
    reader.solve("first-steps-by-hand", "import sys\nsys.modules['math'] = sys\nreturn {}")
    said = reader.run("try", "first-steps-by-hand", status=1)
    assert 'your code puts something else in place of sys.modules["math"]' in said
    reader.write(str(reader.file), reader.read().replace(
        "sys.modules['math'] = sys", "import math\n    math.isclose = lambda *a, **k: True"
    ))  # fmt: skip
    assert "in place of math.isclose," in reader.run("try", "first-steps-by-hand", status=1)


def test_what_one_exercise_changes_the_next_does_not_see(reader):
    reader.solve("first-steps-a", "import math\nmath.tau = 1\nreturn 2 * x")
    reader.solve("first-steps-b", "import math\nassert math.tau > 6\nreturn 2 * x")
    assert reader.states("first-steps")["first-steps-b"] == "✓"


def test_a_file_that_was_deleted_is_an_error_of_its_chapter_alone(reader):
    (reader.root / reader.file).unlink()
    reader.solve("more-a", "return 2 * x", "exercises/more.py")
    said = reader.run("try", status=1)
    assert (
        said.count(
            "there is no file exercises/first_steps.py; workbook reset first-steps writes it"
        )
        == 5
    )
    assert "✓ pass  more-a" in said


def test_a_marker_that_was_removed(reader):
    reader.solve("first-steps-b", "return 2 * x")
    text = reader.read()
    reader.write(str(reader.file), text.replace("# %% exr-first-steps-c\n", ""))
    said = reader.run("try", "first-steps", status=1)
    assert (
        'the line "# %% exr-first-steps-c" is missing in exercises/first_steps.py; put it back '
        "above your code, or begin this exercise anew with workbook reset first-steps-c"
    ) in said
    assert "✓ pass  first-steps-b" in said


def test_a_function_that_was_renamed(reader):
    reader.solve("first-steps-b", "return 2 * x")
    text = reader.read()
    reader.write(str(reader.file), text.replace("def first_steps_a", "def double"))
    said = reader.run("try", "first-steps", status=1)
    assert "first_steps_a is not there: keep the names of functions and classes" in said
    assert "✓ pass  first-steps-b" in said


def test_a_piece_in_another_encoding_is_an_error_of_its_own(reader):
    reader.solve("first-steps-b", "return 2 * x")
    raw = (reader.root / reader.file).read_bytes()
    old = b'    raise NotImplementedError("exr-first-steps-a")'
    reader.write(str(reader.file), raw.replace(old, "    return 2 * x  # 两倍".encode("gbk")))
    said = reader.run("try", "first-steps", status=1)
    assert "this line is not UTF-8; save exercises/first_steps.py in the encoding UTF-8" in said
    assert f"    {LINE}: return 2 * x  # " in said
    assert "✓ pass  first-steps-b" in said


@pytest.mark.parametrize("change", [("\n", "\r\n"), ('"""Ex', '\ufeff"""Ex')])
def test_windows_line_ends_and_byte_order_marks_do_no_harm(reader, change):
    reader.solve("first-steps-a", "return 2 * x")
    reader.write(
        str(reader.file), reader.read().replace(*change, 1 if "Ex" in change[0] else -1)
    )
    assert reader.states("first-steps")["first-steps-a"] == "✓"


def test_an_error_above_the_first_marker_is_told_where_it_stands(reader):
    reader.solve("first-steps-a", "return 2 * x")
    reader.write(str(reader.file), "import nothing_like_it\n" + reader.read())
    said = reader.run("try", "first-steps-a", status=1)
    assert "ModuleNotFoundError: No module named 'nothing_like_it'" in said
    assert "exercises/first_steps.py:1: import nothing_like_it" in said


def test_an_exercise_that_is_half_done_is_to_do(reader):
    text = reader.read()
    reader.write(str(reader.file), text.replace(
        '    raise NotImplementedError("exr-first-steps-a")',
        '    y = 2\n    raise NotImplementedError("exr-first-steps-a")',
    ))  # fmt: skip
    said = reader.run("try", "first-steps-a", status=1)
    assert "· to do  first-steps-a" in said
    assert "not finished: raise NotImplementedError is still there" in said
    assert "exercises/first_steps.py:20: raise NotImplementedError" in said


def test_an_answer_on_paper_is_not_given_away(reader):
    reader.solve(
        "first-steps-by-hand", 'return {"share": 2 / 3, "pair": [12, 4], "name": "abc"}'
    )
    said = reader.run("try", "first-steps-by-hand", status=1)
    assert "look at   A sum." in said  # the slip of the wrong value that the chapter names
    assert "expected" not in said and "0.33" not in said


def test_the_reference_is_never_run_in_place_of_the_readers_file(reader):
    solutions = reader.root / "tests/chapters/solutions"
    shutil.rmtree(solutions)
    for lang in ("zh", "en"):
        name = f"chapters/{lang}/01-first-steps.qmd"
        reader.write(
            name, reader.read(name).replace("    return 2 * x", "    return 'corrupt'")
        )
    reader.solve("first-steps-a", "return 2 * x")
    reader.solve("first-steps-b", "return 'corrupt'")
    assert reader.states("first-steps-a", "first-steps-b") == {
        "first-steps-a": "✓", "first-steps-b": "✗",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "first-step-a",
            'there is no exercise or chapter "first-step-a"; did you mean first-steps-a,',
        ),
        ("zzz", 'there is no exercise or chapter "zzz"; workbook progress lists the chapters'),
    ],
)
def test_a_name_that_is_unknown(reader, name, said):
    assert reader.run("try", name, status=2).startswith(said)
    assert not (reader.root / "exercises/progress.yml").exists()


@pytest.mark.parametrize(
    "name", ["first_steps", "exercises/first_steps.py", "1", "FIRST-STEPS"]
)
def test_a_chapter_has_several_names(reader, name):
    assert len(reader.states(name)) == 5


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN", "LC_ALL": ""}, "zh"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_locale(monkeypatch, variables, expected):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert reader_language() == expected


def test_every_sentence_is_said_somewhere():
    folder = Path(words.__file__).parent
    code = "".join(f.read_text(encoding="utf-8") for f in folder.glob("*.py"))
    said = {
        key for key in messages.of("practice", "zh") if not key.startswith(("slip:", "bad:"))
    }
    uses = {key: len(re.findall(f"""["']{re.escape(key)}["']""", code)) for key in said}
    assert [key for key, count in uses.items() if not count] == []


def test_the_command_itself_loads_nothing_heavy():
    heavy = [
        "torch",
        "nbclient",
        "IPython",
        "ipykernel",
        "matplotlib",
        "numpy",
        "pypandoc",
        "typst",
    ]
    code = f"import sys, workbook.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_an_interrupted_try_keeps_what_was_done(reader, tmp_path):
    reader.solve("first-steps-a", "return 2 * x")
    reader.solve("first-steps-b", "while True:\n    pass")
    command = [
        sys.executable,
        "-c",
        "from workbook.cli import main; main()",
        "try",
        "first-steps",
    ]
    running = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    progress = tmp_path / "exercises/progress.yml"
    until = time.monotonic() + 20
    while not progress.exists() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    children = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 130
    assert "first-steps-a:\n  state: pass" in progress.read_text()
    assert psutil.wait_procs(children, 5)[1] == []


def test_a_result_that_a_forked_process_sends_does_not_count(reader):
    body = "import os\nif os.fork() == 0:\n    return 0\nos.wait()\nreturn 2 * x"
    assert reported(reader, body) == ("✓", [])


MESSAGES = ["5", '{"pid": PID}', '{"pid": PID, "result": 7}', '{"pid": PID, "result": {}}',
            '{"pid": PID, "result": {"verdict": {"a": 1}}}', "\\xff"]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_that_the_readers_code_writes_is_an_error_of_that_exercise(reader, message):
    body = (
        f"import os\ntext = {message!r}.replace('PID', str(os.getpid())) + '\\n'\n"
        "for fd in range(3, 30):\n    try:\n        os.write(fd, text.encode('latin-1'))\n"
        "    except OSError:\n        pass\nos._exit(0)"
    )
    mark, lines = reported(reader, body)
    assert mark == "!" and lines[0].startswith("the process ended before the check was through")


@pytest.mark.parametrize("method", ["__str__", "__repr__"])
def test_what_cannot_be_shown_in_time_is_told_as_such(reader, small, method):
    kind, use = ("Exception", "raise Odd") if method == "__str__" else ("int", "return Odd(7)")
    loop = "        while True:\n            pass"
    body = f"class Odd({kind}):\n    def {method}(self):\n{loop}\n{use}"
    mark, lines = reported(reader, body)
    assert mark == "!"
    assert lines[0] == (
        "your code is through, but showing its result or exception took more than 2 s; look at "
        "__repr__ and __str__"
    )


def test_an_answer_of_too_many_levels_is_an_error_of_that_exercise(reader):
    reader.solve("first-steps-a", "return " + "-" * 9000 + "x")
    said = reader.run("try", "first-steps-a", status=1)
    assert "! error  first-steps-a" in said and "SyntaxError: too many levels" in said


def test_what_stands_in_the_file_decides_whether_it_is_begun(reader):
    [chapter] = [c for c in reader.books()[0] if c.slug == "more"]
    submission = attempt.read(reader.root / "exercises/more.py")
    assert [attempt.begun(e, submission) for e in chapter.exercises] == [False, False]
