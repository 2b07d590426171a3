"""Cells run in a real kernel; whatever goes wrong is told with file, line and remedy."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbook.problem import BookError
from workbook.run.execute import cached, execute, fingerprint, keep
from workbook.source.chapter import parse_chapter

pytestmark = pytest.mark.slow
PATH = Path("chapters/zh/01-one.qmd")


def chapter(*cells: str):
    return parse_chapter("\n".join(f"```{{python}}\n{cell}\n```\n" for cell in cells), PATH)


def failure(tmp_path, *cells: str) -> str:
    with pytest.raises(BookError) as caught:
        execute(chapter(*cells), {}, tmp_path)
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


def test_a_cell_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr("workbook.run.kernel.CELL_TIMEOUT", 2)
    monkeypatch.setattr("workbook.run.execute.CELL_TIMEOUT", 2)
    reported = failure(tmp_path, "#| label: one-a\nwhile True: pass")
    assert reported == (
        'chapters/zh/01-one.qmd:3: cell "one-a" ran longer than 2 s; make it smaller'
    )


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


def test_the_tooling_does_not_import_torch():
    code = "import sys, workbook.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
