"""The recording path, on the CPU: run apart, stamped, kept, shown, told when stale."""

import datetime
import functools
import hashlib
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from workbook.cli import main
from workbook.problem import BookError
from workbook.run import record
from workbook.source.chapter import parse_chapter

CELL = """```{python}
#| label: one-speed
#| recorded: cuda
#| eval: false
#| why: needs a GPU
CODE
```
"""


machine = functools.cache(record.machine)  # it imports torch in a process of its own


def chapter_with(code: str):
    chapter = parse_chapter(CELL.replace("CODE", code), Path("chapters/zh/01-one.qmd"))
    return chapter, chapter.cells[0]


def made(tmp_path, code: str) -> record.Recording:
    chapter, cell = chapter_with(code)
    return record.record(chapter, cell, machine("cpu"), tmp_path)


def failure(tmp_path, code: str) -> str:
    with pytest.raises(BookError) as caught:
        made(tmp_path, code)
    [problem] = caught.value.problems
    return f"{problem.where}: {problem.what}; {problem.remedy}"


@pytest.mark.slow
def test_a_recording_carries_what_was_printed_where_and_by_which_code(tmp_path):
    code = "import torch\nprint(torch.ones(2).sum())"
    recording = made(tmp_path, code)
    assert recording == record.Recording(
        label="one-speed",
        device=machine("cpu")["device"],
        driver="",
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        inputs={"cell": hashlib.sha1(code.encode()).hexdigest()},
        stdout="tensor(2.)\n",
    )
    path = recording.write(tmp_path / "recordings")
    assert json.loads(path.read_text())["stdout"] == "tensor(2.)\n"


def test_the_modules_that_a_cell_imports_count_as_its_code(tmp_path):
    package = tmp_path / "code" / "torchbook"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("X = 1\n")
    recording = made(tmp_path, "from torchbook.one import X\nprint(X)")
    assert recording.stdout == "1\n"
    assert recording.inputs["torchbook/one.py"] == hashlib.sha1(b"X = 1\n").hexdigest()
    assert list(record.inputs_of(chapter_with("from torchbook import one")[1], tmp_path)) == [
        "cell",
        "torchbook/one.py",
    ]


def test_a_cell_that_fails(tmp_path):
    assert failure(tmp_path, "print(undefined)") == (
        'chapters/zh/01-one.qmd:6: cell "one-speed" failed while recording; '
        "it must stand alone: import what it uses"
    )


def test_a_cell_that_prints_nothing(tmp_path):
    assert failure(tmp_path, "x = 1") == (
        'chapters/zh/01-one.qmd:6: cell "one-speed" printed nothing; print the result'
    )


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_the_device_nothing_is_recorded(tiny, monkeypatch):
    tiny.write("chapters/zh/01-one.qmd", "# One {#sec-one}\n\n" + CELL.replace("CODE", "1"))
    monkeypatch.chdir(tiny.root)
    result = CliRunner().invoke(main, ["record", "--device", "cuda"])
    assert result.exit_code == 1
    assert "--device cuda: there is no cuda device here" in result.output
    assert not (tiny.root / "recordings").exists()


def test_the_command_records_every_such_cell(tiny, monkeypatch):
    tiny.write(
        "chapters/zh/01-one.qmd", "# One {#sec-one}\n\n" + CELL.replace("CODE", "print(1)")
    )
    stamp = {"device": "Test GPU", "driver": "1.2", "torch": "2.13.0", "threads": None}
    monkeypatch.setattr(record, "machine", lambda device: stamp)
    monkeypatch.chdir(tiny.root)
    result = CliRunner().invoke(main, ["record"])
    assert (result.exit_code, result.output) == (
        0,
        f"1/1 {tiny.root}/recordings/cuda/one-speed.json\n",
    )
    kept = json.loads(tiny.read("recordings/cuda/one-speed.json"))
    assert (kept["device"], kept["stdout"]) == ("Test GPU", "1\n")
    assert "threads" not in kept


@pytest.mark.slow
def test_a_cpu_is_recorded_with_its_name_and_threads(tiny, monkeypatch):
    cell = CELL.replace("CODE", "print(1)").replace("cuda", "cpu")
    tiny.write("chapters/zh/01-one.qmd", "# One {#sec-one}\n\n" + cell)
    monkeypatch.chdir(tiny.root)
    result = CliRunner().invoke(main, ["record", "--device", "cpu"])
    assert result.output == f"1/1 {tiny.root}/recordings/cpu/one-speed.json\n"
    kept = json.loads(tiny.read("recordings/cpu/one-speed.json"))
    assert kept["threads"] == torch.get_num_threads()
    assert kept["device"] and kept["stdout"] == "1\n"


def test_a_recording_goes_stale_with_its_code(tiny, monkeypatch):
    for lang in ("zh", "en"):
        file = f"chapters/{lang}/02-two.qmd"
        cell = CELL.replace("one-speed", "two-speed").replace("CODE", "print(1)")
        tiny.write(file, tiny.read(file) + "\n" + cell)
    stamp = {"device": "Test GPU", "driver": "1.2", "torch": "2.13.0"}
    monkeypatch.setattr(record, "machine", lambda device: stamp)
    monkeypatch.chdir(tiny.root)
    CliRunner().invoke(main, ["tangle"])
    CliRunner().invoke(main, ["record"])
    assert CliRunner().invoke(main, ["check"]).output == ""
    tiny.edit("chapters/LANG/02-two.qmd", "print(1)", "print(2)")
    assert CliRunner().invoke(main, ["check"]).output == (
        "recordings/cuda/two-speed.json: recording is stale: cell changed since; "
        "run workbook record --device cuda\n1 problem\n"
    )
