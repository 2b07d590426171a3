"""Typesetting costs as much as the book is long, not the square of that."""

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak is read as Linux tells it"),
]
PROGRAM = """
import datetime, pathlib, re, resource, sys
from workbook.render import pdf

count = int(sys.argv[1])
preamble = '''
#import "book.typ": workbook-book, workbook-main
#import "forms.typ"
#show: workbook-book.with(edition: "zh", titles: ("书",), author: "人",
  date: datetime(year: 2026, month: 1, day: 1), paper: "a4")
'''
paragraph = "张量是带有形状的数组，读程序时先看形状，再看步幅，最后看内存。" * 6
headline = '#forms.headline({}, kind: "{}", number: "{}", id: "{}")[标题]'
parts = [preamble]
for chapter in range(1, count + 1):
    parts.append(headline.format(1, "chapter", f"第 {chapter} 章", f"c{chapter}"))
    for section in range(1, 7):
        number = f"{chapter}.{section}"
        parts.append(headline.format(2, "section", number, f"s{number}"))
        parts += [paragraph] * 4
pdf.compile_pdf("\\n\\n".join(parts), {}, datetime.date(2026, 1, 1))
# The peak that getrusage knows is the parent's where that held more before the exec.
status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
peak = re.search(r"VmHWM:\\s*(\\d+)", status)[1]
print(resource.getrusage(resource.RUSAGE_SELF).ru_utime, peak)
"""


def cost(chapters: int) -> tuple[float, int]:
    """Seconds of the processor, and kilobytes at the most."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(chapters)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = done.stdout.split()
    return float(seconds), int(memory)


def test_four_times_the_chapters_cost_about_four_times_as_much():
    (less, small), (more, large) = cost(20), cost(80)
    nothing, base = cost(1)
    assert more - nothing < 6 * (less - nothing)
    assert large - base < 6 * (small - base)
