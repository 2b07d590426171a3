"""Runs cells marked `recorded: cuda` or `recorded: cpu` and keeps what they print.

The path is light on purpose: a GPU machine may have torch and little else, so a cell is
run by a plain interpreter in a process of its own, not by a Jupyter kernel.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbook.files import atomic_write
from workbook.problem import BookError, problem
from workbook.source.blocks import Cell
from workbook.source.chapter import Chapter

FOLDER = Path("recordings")
TIMEOUT = 300  # seconds for one cell
_IMPORT = re.compile(r"^\s*(?:from|import)\s+torchbook(?:\.(\w+)|\s+import\s+([\w, ]+))", re.M)
# Run in the recording process: prints one line of JSON about the machine.
_STAMP = r"""
import json, platform, re, subprocess, torch

def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:
        return ""

def cpu():
    try:
        known = open("/proc/cpuinfo").read()
    except OSError:
        known = "model name: " + said("sysctl", "-n", "machdep.cpu.brand_string")
    model = re.search(r"^model name\s*:[ \t]*(\S.*)$", known, re.M)
    return model[1].strip() if model else platform.processor() or platform.machine()

device = torch.device(%r)
stamp = {"torch": torch.__version__, "driver": "", "threads": None}
if device.type == "cuda":
    stamp["device"] = torch.cuda.get_device_name(device)
    query = said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    stamp["driver"] = query.split("\n")[0].strip()
else:
    torch.empty(1, device=device)
    stamp.update(device=cpu(), threads=torch.get_num_threads())
print(json.dumps(stamp))
"""


@dataclass(frozen=True)
class Recording:
    """What a cell printed on which machine, and the hashes of the code that did it.

    A GPU has a driver; on a CPU its threads count, and the driver is an empty string.
    """

    label: str
    device: str
    driver: str
    torch: str
    date: str
    inputs: dict[str, str]
    stdout: str
    threads: int | None = None

    def write(self, folder: Path) -> Path:
        """Write `LABEL.json`; returns its path."""
        path = folder / f"{self.label}.json"
        known = {name: value for name, value in asdict(self).items() if value is not None}
        text = json.dumps(known, indent=1, ensure_ascii=False)
        atomic_write(path, text + "\n")
        return path


def recorded_cells(chapters: Sequence[Chapter], device: str) -> Iterator[tuple[Chapter, Cell]]:
    """The cells that are recorded on this kind of device, in the order of the book."""
    for chapter in chapters:
        for cell in chapter.cells:
            if cell.option("recorded") == device:
                yield chapter, cell


def inputs_of(cell: Cell, root: Path) -> dict[str, str]:
    """SHA-1 of the cell's code and of each `torchbook` module that it imports."""
    hashes = {"cell": hashlib.sha1(cell.code.encode()).hexdigest()}
    for found in _IMPORT.finditer(cell.code):
        for name in re.split(r"[,\s]+", found[1] or found[2]):
            file = root / "code" / "torchbook" / f"{name}.py"
            if file.is_file():
                hashes[f"torchbook/{name}.py"] = hashlib.sha1(file.read_bytes()).hexdigest()
    return dict(sorted(hashes.items()))


def machine(device: str) -> dict[str, Any]:
    """Name, driver or threads, and torch version of a device; BookError where there is none."""
    done = _python(_STAMP % device, Path.cwd(), 120)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        what = f"there is no {device} device here ({reason[0]})"
        raise BookError(
            problem(f"--device {device}", 0, what, "run this on a machine with one")
        )
    return json.loads(done.stdout)


def record(chapter: Chapter, cell: Cell, stamp: dict[str, Any], root: Path) -> Recording:
    """Run one cell in a process of its own; BookError with the traceback if it fails."""
    try:
        done = _python(cell.code, root, TIMEOUT)
    except subprocess.TimeoutExpired:
        what = f'cell "{cell.label}" ran longer than {TIMEOUT} s'
        raise BookError(problem(chapter.path, cell.line, what, "make it smaller")) from None
    if done.returncode:
        what = f'cell "{cell.label}" failed while recording'
        remedy = "it must stand alone: import what it uses"
        raise BookError(problem(chapter.path, cell.code_line, what, remedy, done.stderr))
    if not done.stdout.strip():
        what = f'cell "{cell.label}" printed nothing'
        raise BookError(problem(chapter.path, cell.code_line, what, "print the result"))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    inputs = inputs_of(cell, root)
    return Recording(cell.label, **stamp, date=today, inputs=inputs, stdout=done.stdout)


def _python(code: str, folder: Path, seconds: int) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder / "code")}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds
    )
