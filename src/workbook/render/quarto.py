"""Builds with Quarto: `quarto render` on the chapters as they stand.

Quarto says all it has to say on one stream. Here it becomes progress, warnings and a log.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pypdf import PdfReader

from workbook.problem import BookError, Problem, problem
from workbook.render import typefaces

BOOKS = {"html": "", "epub": "{stem}.epub", "typst": "{stem}.pdf"}  # in its folder, by target
OLDEST = (1, 9)
KERNEL = "python3"  # the one that the chapters name, and Quarto's own default
INSTALL = "install it with: pip install 'pytorch-workbook[quarto]', or drop --engine"

_FILE = re.compile(r"\s*\[ *(\d+)/(\d+)\] (\S.*?)\s*$")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# WARN: and WARNING: are Quarto's own, WARNING (filter.lua:7) its filters', [WARNING]
# pandoc's, warning: Typst's.
_WARNING = re.compile(r"\s*(?:\[WARNING\]|WARN(?:ING)?\b(?: \([^)]*\))?:?|warning:)\s*(.*)")
_GRAVE = re.compile(
    r"cross-?ref|reference|citation|citeproc|bibliograph|link target|\bfonts?\b", re.I
)
_TAIL = 20  # lines of the log that are shown when Quarto fails


@dataclass
class Said:
    """What Quarto said while it rendered an edition."""

    lines: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)  # file, words

    @property
    def grave(self) -> list[tuple[str, str]]:
        """The warnings that a reader would see: of references, citations and fonts."""
        return [each for each in self.warnings if _GRAVE.search(each[1])]


def listen(lines: Iterable[str], step: Callable[[str, int, int], None]) -> Said:
    """Read what Quarto says; `step` is told of each file that it begins, which of how many."""
    said, file = Said(), ""
    for line in lines:
        line = _COLOR.sub("", line).rstrip()
        if begun := _FILE.match(line):
            file = begun[3]
            step(file, int(begun[1]), int(begun[2]))
        elif warning := _WARNING.match(line):
            said.warnings.append((file, warning[1].strip()))
        if line:
            said.lines.append(line)
    return said


def lacking() -> list[Problem]:
    """What Quarto needs to render the chapters and this machine has not."""

    def lack(what: str, remedy: str) -> Problem:
        return problem("--engine quarto", 0, what, remedy)

    found = []
    program = shutil.which("quarto")
    if program is None:
        found.append(lack("there is no quarto on this machine", INSTALL))
    elif version(program) < OLDEST:
        here = ".".join(map(str, version(program))) or "unknown"
        oldest = ".".join(map(str, OLDEST))
        found.append(lack(f"this quarto is {here}, older than {oldest}", INSTALL))
    for name in ("ipykernel", "nbclient", "yaml"):
        if importlib.util.find_spec(name) is None:
            what = f"{sys.executable} has no {name}, which Quarto runs the cells with"
            found.append(lack(what, "run make setup"))
    if not found and not _has_kernel():
        what = f"Jupyter finds no kernel {KERNEL!r} for {sys.executable}"
        found.append(lack(what, f"run: {sys.executable} -m ipykernel install --sys-prefix"))
    return found


def version(program: str) -> tuple[int, ...]:
    """The version of a Quarto, as (1, 9, 12); () if it does not say one."""
    command = [program, "--version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    number = re.match(r"\s*(\d+(?:\.\d+)*)", said)
    return tuple(map(int, number[1].split("."))) if number else ()


def render(
    root: Path,
    lang: str,
    targets: Sequence[str],
    log: Path,
    step: Callable[[str, int, int], None] = lambda _file, _at, _of: None,
) -> Said:
    """Render one profile for some targets, one after another, into `folder(root, lang)`.

    All that Quarto says goes into `log`. BookError tells the end of it if Quarto fails.
    Quarto must not render two profiles of one folder at the same time.
    """
    environment = os.environ | {"QUARTO_PYTHON": sys.executable, "NO_COLOR": "1"}
    environment |= {"PYTHONPATH": str(root / "code")}
    _lay_fonts(root)
    # All targets in one run, or Quarto cleans away what it made before.
    some = [] if set(targets) == set(BOOKS) else ["--to", ",".join(targets)]
    process = subprocess.Popen(
        [shutil.which("quarto") or "quarto", "render", "--profile", lang, *some],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,  # \r, which Quarto draws its progress with, ends a line, too
        encoding="utf-8",
        errors="replace",
    )
    try:
        assert process.stdout is not None
        said = listen(process.stdout, step)
    except BaseException:
        process.terminate()
        raise
    finally:
        status = process.wait()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("\n".join(said.lines) + "\n", encoding="utf-8")
    if status:
        what = f"quarto render --profile {lang} failed with status {status}"
        remedy = f"all that it said is in {_shown(log, root)}; its end:"
        end = "\n".join(f"  {line}" for line in said.lines[-_TAIL:])
        raise BookError(problem(f"_quarto-{lang}.yml", 0, what, remedy, end))
    return said


def _lay_fonts(root: Path) -> None:
    """The faces of the printed book, where `font-paths` in _quarto.yml looks."""
    fonts, link = typefaces.folder(), root / ".workbook" / "fonts"
    if not link.is_dir():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(fonts, target_is_directory=True)


def problems_of(said: Said, lang: str) -> list[Problem]:
    """What must be mended before a reader gets the book."""
    return [
        problem(file or f"_quarto-{lang}.yml", 0, f"Quarto warns: {words}", "the book shows it")
        for file, words in said.grave
    ]


def folder(root: Path, lang: str) -> Path:
    """Where Quarto puts an edition."""
    return root / "_book" / "quarto" / lang


def books(root: Path, lang: str, stem: str, targets: Sequence[str]) -> list[Path]:
    """The books of an edition, as Quarto names them: a folder for the site."""
    return [folder(root, lang) / BOOKS[target].format(stem=stem) for target in targets]


def pages(book: Path) -> int:
    """The pages of a PDF or a site; 0 of an EPUB."""
    if book.is_dir():
        return len(list(book.rglob("*.html")))
    return len(PdfReader(book).pages) if book.suffix == ".pdf" else 0


def _has_kernel() -> bool:
    from jupyter_client.kernelspec import KernelSpecManager

    return KERNEL in KernelSpecManager().find_kernel_specs()


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
