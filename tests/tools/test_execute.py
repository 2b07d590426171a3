"""Cells run in a real kernel; whatever goes wrong is told with file, line and remedy."""

import errno
import gc
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from workbook import zygote
from workbook.problem import BookError
from workbook.run.execute import cached, execute, fingerprint, keep
from workbook.run.kernel import Limits
from workbook.run.terminal import displayed
from workbook.source.chapter import parse_chapter

pytestmark = pytest.mark.slow
PATH = Path("chapters/zh/01-one.qmd")


def chapter(*cells: str):
    return parse_chapter("\n".join(f"```{{python}}\n{cell}\n```\n" for cell in cells), PATH)


def failure(tmp_path, *cells: str, limits: Limits | None = None) -> str:
    with pytest.raises(BookError) as caught:
        execute(chapter(*cells), {}, tmp_path, limits=limits)
    [problem] = caught.value.problems
    return f"{problem.where}: {problem.what}; {problem.remedy}"


def test_outputs_come_in_the_order_of_the_cells(tmp_path):
    seen = []
    outputs = execute(
        chapter("#| label: one-a\nx = 2\nprint(x)", "#| label: one-b\nx + 1"),
        {},
        tmp_path,
        lambda done, total: seen.append((done, total)),
    )
    assert outputs[0] == [{"name": "stdout", "output_type": "stream", "text": "2\n"}]
    assert outputs[1][0]["data"] == {"text/plain": "3"}
    assert seen == [(1, 2), (2, 2)]


def test_a_cell_that_raises_is_told_with_its_line(tmp_path):
    assert failure(tmp_path, "#| label: one-a\nx = 1\nx / 0") == (
        'chapters/zh/01-one.qmd:4: cell "one-a" raised ZeroDivisionError: division by zero; '
        'mend it, or announce it with "#| error: true" and "#| raises: ZeroDivisionError"'
    )


def test_the_traceback_comes_along(tmp_path):
    with pytest.raises(BookError, match="----> 2 x / 0"):
        execute(chapter("#| label: one-a\nx = 1\nx / 0"), {}, tmp_path)


ANNOUNCED = "#| label: one-a\n#| error: true\n#| raises: ValueError\n"


def test_the_announced_error_is_an_output(tmp_path):
    [[output]] = execute(chapter(ANNOUNCED + 'raise ValueError("no")'), {}, tmp_path)
    assert (output["ename"], output["evalue"]) == ("ValueError", "no")


def test_an_announced_error_must_come(tmp_path):
    assert failure(tmp_path, ANNOUNCED + "x = 1") == (
        'chapters/zh/01-one.qmd:5: cell "one-a" should raise ValueError and raised nothing; '
        "mend the code, or take off error and raises"
    )


def test_another_error_than_announced_is_a_failure(tmp_path):
    assert failure(tmp_path, ANNOUNCED + "{}[1]") == (
        'chapters/zh/01-one.qmd:5: cell "one-a" should raise ValueError and raised KeyError; '
        "mend the code or the option raises"
    )


def test_a_cell_that_ends_the_interpreter(tmp_path):
    reported = failure(tmp_path, "#| label: one-a\nimport os\nos._exit(3)")
    assert reported.startswith('chapters/zh/01-one.qmd:3: cell "one-a" ended the kernel')


@pytest.mark.parametrize(
    ("code", "limits", "what"),
    [
        ("while True: pass", Limits(computing=1), "computed longer than 1 s"),
        ("import time; time.sleep(60)", Limits(waiting=1), "was not done after 1 s"),
        ("input()", Limits(), "raised StdinNotImplementedError: "),
        (
            "while True: print('x' * 999)",
            Limits(output=1 << 20),
            "gave more than 1 MB of output",
        ),
    ],
    ids=["computes", "waits", "asks", "floods"],
)
def test_a_cell_that_takes_more_than_it_may(tmp_path, code, limits, what, caplog, capfd):
    reported = failure(tmp_path, f"#| label: one-a\n{code}", limits=limits)
    assert reported.startswith(f'chapters/zh/01-one.qmd:3: cell "one-a" {what}')
    gc.collect()  # of a task that was left behind, asyncio says so when it is thrown away
    assert (caplog.text, capfd.readouterr().err) == ("", "")


def test_only_what_a_cell_computes_counts(tmp_path):
    limits = Limits(computing=1)
    code = "#| label: one-a\nimport time\ntime.sleep(2.5)\n1"
    [[output]] = execute(chapter(code), {}, tmp_path, limits=limits)
    assert output["data"] == {"text/plain": "1"}


@pytest.mark.skipif(sys.platform != "linux", reason="no other system holds a program to it")
@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("b'x' * (30 << 30)", "MemoryError"),
        ("import torch\ntorch.ones(30 << 30, dtype=torch.uint8)", "RuntimeError"),
    ],
    ids=["Python", "torch"],
)
def test_a_cell_that_eats_memory(tmp_path, code, raised):
    assert f'cell "one-a" raised {raised}: ' in failure(tmp_path, f"#| label: one-a\n{code}")


@pytest.mark.parametrize("call", ["quit()", "exit()", "import sys; sys.exit(2)"])
def test_the_cell_that_leaves_is_named_and_no_later_one(tmp_path, call):
    reported = failure(
        tmp_path, "#| label: one-a\n1", f"#| label: one-b\n{call}", "#| label: one-c\n2"
    )
    assert reported.startswith('chapters/zh/01-one.qmd:8: cell "one-b" ')


def test_what_a_cell_starts_ends_with_its_chapter(tmp_path):
    """A child in a session of its own, a double fork, and a thread that would never end."""
    code = """#| label: one-a
import os, subprocess, sys, threading, time
own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"],
                       start_new_session=True)
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(write, str(os.getpid()).encode())
        time.sleep(300)
    os._exit(0)
threading.Thread(target=time.sleep, args=(300,)).start()
own.pid, int(os.read(read, 20))"""
    [[output]] = execute(chapter(code), {}, tmp_path)
    for pid in eval(output["data"]["text/plain"]):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


SHOWN = (  # what a cell prints, as Python writes it, and what the page has
    (r"\x1b[1;31mred\x1b[0m \x1b]8;;u\x07link\x1b]8;;\x07", "red link"),
    (r"10%\r50%\r100%", "100%"),
    (r"long line\rshort", "shortline"),
    (r"ab\b\bX", "Xb"),
    (r"one\r\ntwo", "one\ntwo"),
    (r"مرحبا \u200fשלום\u200e", "مرحبا \u200fשלום\u200e"),
)


@pytest.mark.parametrize(("printed", "shown"), SHOWN)
def test_outputs_are_what_a_terminal_would_show(printed, shown):
    assert displayed(eval(f"'{printed}'")) == shown


def test_outputs_are_shown_as_a_terminal_would_however_they_arrive(tmp_path):
    code = (
        "import sys, time\nfor part in ('10%', '\\r5', '\\x1b[3', '1m!'):\n"
        "    print(part, end='', flush=True)\n    time.sleep(0.3)"
    )
    [[output]] = execute(chapter(f"#| label: one-a\n{code}"), {}, tmp_path)
    assert output["text"] == "5!%"


def test_a_line_of_a_megabyte_is_kept(tmp_path):
    [[output]] = execute(chapter("#| label: one-a\nprint('字' * 2**20)"), {}, tmp_path)
    assert output["text"] == "字" * 2**20 + "\n"


@pytest.mark.parametrize(
    ("code", "character"),
    [
        ("print('a\\0b')", "U+0000"),
        ("print('\\x07')", "U+0007"),
        ("print(chr(0x1f642))", "U+1F642"),
        ("print(chr(0xe000))", "U+E000"),
        ("class A:\n    __repr__ = lambda self: '\\0'\nA()", "U+0000"),
    ],
)
def test_a_character_that_no_page_can_show(tmp_path, code, character):
    assert failure(tmp_path, f"#| label: one-a\n{code}") == (
        f'chapters/zh/01-one.qmd:3: cell "one-a" printed the character {character}, which no '
        "page can show; print its ascii() instead"
    )


def test_each_kernel_is_fresh(tmp_path):
    code = (
        "#| label: one-a\nimport os, random, sys, numpy, torch\nok = not hasattr(os, 'mark')\n"
        "os.mark = sys.modules['mark'] = 1\n"
        "ok, random.random(), float(numpy.random.rand()), torch.initial_seed()"
    )
    first, second = (
        eval(execute(chapter(code), {}, tmp_path)[0][0]["data"]["text/plain"]) for _ in range(2)
    )
    assert first[0] and second[0]
    assert all(drawn != again for drawn, again in zip(first[1:], second[1:], strict=True))


def test_a_kernel_is_as_if_it_were_an_interpreter_of_its_own(tmp_path, monkeypatch):
    code = (
        "#| label: one-a\nimport os, sys, torch, matplotlib\n"
        "(sys.argv[:2], sys.path[1:], sys.flags, __name__, os.getcwd(),"
        " torch.get_num_threads(), hash('a'), sorted(os.environ), matplotlib.get_backend(),"
        " matplotlib.rcParams['font.size'])"
    )
    (tmp_path / "matplotlibrc").write_text("font.size: 7\n")
    forked = execute(chapter(code), {}, tmp_path)
    monkeypatch.setattr(zygote, "_FORKS", False)
    assert forked == execute(chapter(code), {}, tmp_path)


def test_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    reported = failure(tmp_path, "#| label: one-a\n1")
    assert re.fullmatch(
        r"chapters/zh/01-one\.qmd: no Python kernel could be started \(.*ipykernel.*\); "
        r"install it with: pip install ipykernel",
        reported,
    )


def test_eval_false_is_not_run(tmp_path):
    outputs = execute(chapter("#| label: one-a\n#| eval: false\n1 / 0"), {}, tmp_path)
    assert outputs == [[]]


def test_only_the_given_modules_can_be_imported(tmp_path):
    here = {"mine.py": "ANSWER = 42\n"}
    [[output]] = execute(
        chapter("#| label: one-a\nfrom torchbook.mine import ANSWER\nANSWER"), here, tmp_path
    )
    assert output["data"] == {"text/plain": "42"}
    reported = failure(tmp_path, "#| label: one-a\nimport torchbook.tensors")
    assert "ModuleNotFoundError: No module named 'torchbook.tensors'" in reported


def test_the_kernel_is_gone_afterwards(tmp_path):
    [[output]] = execute(chapter("#| label: one-a\nimport os; os.getpid()"), {}, tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(int(output["data"]["text/plain"]), 0)


def test_what_torch_profiles_is_all_that_its_profiler_tells(tmp_path):
    profiled = """#| label: one-a
import torch
from torch.profiler import ProfilerActivity, profile
with profile(activities=[ProfilerActivity.CPU], acc_events=True) as seen:
    torch.ones(2).add(1)
print(any(event.name == "aten::add" for event in seen.events()))"""
    [[output]] = execute(chapter(profiled), {}, tmp_path)
    assert output == {"name": "stdout", "output_type": "stream", "text": "True\n"}


def test_a_temporary_folder_with_too_long_a_name_for_sockets(tmp_path, monkeypatch):
    folder = tmp_path / ("temporary" * 12)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    [[output]] = execute(chapter("#| label: one-a\n1 + 1"), {}, tmp_path)
    assert output["data"] == {"text/plain": "2"}
    assert list(folder.iterdir()) == []


def test_what_is_printed_in_pieces_is_one_output_until_something_is_displayed(tmp_path):
    code = (
        "import sys, time\nfrom IPython.display import display\n"
        "for n in range(3):\n    print(n, flush=True)\n    time.sleep(0.1)\n"
        'print("e", file=sys.stderr, flush=True)\nprint(3, flush=True)\n'
        "display({})\nprint(4)"
    )
    [outputs] = execute(chapter(f"#| label: one-a\n{code}"), {}, tmp_path)
    shown = [o.get("text") or o["data"]["text/plain"] for o in outputs]
    assert shown == ["0\n1\n2\n3\n", "e\n", "{}", "4\n"]


@pytest.mark.parametrize("pause", [0, 0.5])
def test_which_stream_is_heard_first_makes_no_difference(tmp_path, pause):
    code = f"import sys, time\nprint(1, file=sys.stderr)\ntime.sleep({pause})\nprint(2)"
    [outputs] = execute(chapter(f"#| label: one-a\n{code}"), {}, tmp_path)
    assert [(o["name"], o["text"]) for o in outputs] == [("stdout", "2\n"), ("stderr", "1\n")]


def test_warnings_name_no_temporary_file(tmp_path):
    [[output]] = execute(
        chapter('#| label: one-a\nimport warnings\nwarnings.warn("careful")'), {}, tmp_path
    )
    assert output["text"].startswith("<cell>:2: UserWarning: careful\n")


def test_figures_are_the_same_bytes_each_time(tmp_path):
    cell = "#| label: fig-one-a\nimport matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()"
    (tmp_path / "matplotlibrc").write_text("svg.hashsalt: salt\n")
    [[first], [second]] = (execute(chapter(cell), {}, tmp_path)[0] for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first["data"]["image/svg+xml"]


def test_outputs_are_kept_under_the_hash_of_all_they_depend_on(tmp_path):
    one, other = chapter("#| label: one-a\n1"), chapter("#| label: one-a\n2")
    key = fingerprint(one, {}, tmp_path)
    assert key == fingerprint(one, {}, tmp_path)
    assert key != fingerprint(other, {}, tmp_path)
    assert key != fingerprint(one, {"m.py": "x = 1"}, tmp_path)
    (tmp_path / "matplotlibrc").write_text("font.size: 9\n")
    assert key != fingerprint(one, {}, tmp_path)

    outputs = [[{"output_type": "stream", "name": "stdout", "text": "1\n"}]]
    assert cached(tmp_path, one, key) is None
    keep(tmp_path, one, key, outputs)
    assert cached(tmp_path, one, key) == outputs
    keep(tmp_path, one, "0" * 64, [])
    assert cached(tmp_path, one, key) is None, "a chapter keeps one result"


@pytest.mark.parametrize("name", ["torch", "jupyter_client", "nbformat", "zmq", "asyncio"])
def test_where_nothing_is_executed_nothing_of_it_is_imported(name):
    code = f"import sys, workbook.build, workbook.console; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "null",
        "{}",
        "[]",
        "[1]",
        "[[1]]",
        '[[{"output_type": "stream"}]]',
        "[[], []]",
        "\0",
        '[[{"output_type": "display_data", "data": {"text/plain": 1}}]]',
        '[[{"output_type": "error", "ename": "", "evalue": "", "traceback": [1]}]]',
        "[" * 100_000,
    ],
)
def test_outputs_that_are_damaged_are_none(tmp_path, garbage):
    one = chapter("#| label: one-a\n1")
    keep(tmp_path, one, "0" * 64, [[]])
    [kept] = tmp_path.iterdir()
    kept.write_text(garbage)
    assert cached(tmp_path, one, "0" * 64) is None


def test_a_disk_that_is_full_keeps_nothing_and_stops_nothing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("workbook.run.execute.atomic_write", full)
    keep(tmp_path, chapter("#| label: one-a\n1"), "0" * 64, [[]])
    assert list(tmp_path.iterdir()) == []
