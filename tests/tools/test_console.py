"""What is shown while a build runs: bars to somebody who looks, lines to a log."""

import io

from rich.console import Console
from rich.progress import Progress

from workbook.console import COLUMNS, Bars, Lines, reporter


def shown(bars: Bars) -> list[tuple[str, float, float]]:
    """What the bars say now: name, how much is done, of how much."""
    return [(task.description, task.completed, task.total) for task in bars.progress.tasks]


def test_a_bar_for_the_stage_and_one_for_each_chapter_that_runs():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with Progress(*COLUMNS, console=console) as progress:
        bars = Bars(progress)
        bars.start("execute", 3)
        bars.step("execute", "tensors", 1, 2)
        bars.step("execute", "autograd", 1, 1)
        assert shown(bars) == [("execute", 2, 3), ("  tensors", 1, 2)]
        bars.step("execute", "tensors", 2, 2)
        bars.finish("execute")
        bars.start("render", 0)  # nothing to do: no bar
        bars.finish("render")
        assert shown(bars) == [("execute", 3, 3)]


def test_lines_tell_what_is_done(capsys):
    lines = Lines()
    lines.start("execute", 3)
    lines.step("execute", "tensors", 1, 2)
    lines.step("execute", "tensors", 2, 2)
    lines.finish("execute")
    lines.start("render", 0)
    assert capsys.readouterr().err == "execute: 3 to do\nexecute: tensors done\n"


def test_a_pipe_gets_lines():
    with reporter() as report:
        assert isinstance(report, Lines)
