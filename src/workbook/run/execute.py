"""Runs the cells of a chapter in a fresh Jupyter kernel and keeps what they gave.

Results are kept under the hash of everything that can change them, so a chapter that
did not change is not run again. A cell sees the modules tangled from its own chapter
and from earlier ones, in a folder made for this run, and nothing else of `torchbook`.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbook import memo
from workbook.files import atomic_write, read_json
from workbook.problem import BookError, problem
from workbook.run.kernel import (
    SETUP,
    KernelDied,
    Limits,
    NoKernel,
    OverLimit,
    Run,
    kernel,
)
from workbook.run.terminal import Unprintable, displayed
from workbook.source.blocks import Cell
from workbook.source.chapter import Chapter
from workbook.zygote import ENVIRONMENT

PACKAGES = ("torch", "numpy", "matplotlib", "matplotlib-inline", "ipython", "ipykernel")

# From the beginning of a word only, so that a long one is not tried from each of its letters.
_KERNEL_FILE = re.compile(r"(?<!\S)\S*ipykernel_\d+[/\\]\d+\.py")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")

Outputs = list[list[dict[str, Any]]]  # one list for each cell of the chapter


Modules = Mapping[str, str]  # the files of torchbook that a chapter may import


def fingerprint(chapter: Chapter, modules: Modules, root: Path) -> str:
    """The hash of all that the outputs of a chapter depend on."""
    cells = [
        (cell.code, {k: v for k, v in cell.options.items() if k in ("eval", "error", "raises")})
        for cell in chapter.cells
    ]
    style = root / "matplotlibrc"
    data = sorted(p for p in (root / "chapters" / "data").rglob("*") if p.is_file())
    parts = [
        json.dumps([cells, dict(modules), _versions(), sys.version, ENVIRONMENT, SETUP]),
        style.read_text(encoding="utf-8") if style.is_file() else "",
        *(f"{p.name} {memo.content(p)}" for p in data),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@functools.cache
def _versions() -> list[str]:
    return [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]


def cached(cache: Path, chapter: Chapter, key: str) -> Outputs | None:
    """The outputs kept under this key, if there are any and they are whole."""
    kept = read_json(_kept(cache, chapter, key))
    return kept if _are_outputs(kept, len(chapter.cells)) else None


def keep(cache: Path, chapter: Chapter, key: str, outputs: Outputs) -> None:
    """Keep outputs under their key, if that can be, and none of the chapter's earlier ones."""
    target = _kept(cache, chapter, key)
    try:
        atomic_write(target, json.dumps(outputs))
    except OSError:  # a full disk: they are made again next time
        return
    for old in cache.glob(f"{chapter.slug}.*.json"):
        if old != target:
            old.unlink()


_FIELDS = {  # that an output of each type has
    "stream": {"name": str, "text": str},
    "error": {"ename": str, "evalue": str, "traceback": list},
    "display_data": {"data": dict},
    "execute_result": {"data": dict},
}


def _are_outputs(kept: Any, cells: int) -> bool:
    """Whether this is what `keep` wrote of so many cells."""
    return (
        isinstance(kept, list)
        and len(kept) == cells
        and all(isinstance(outputs, list) for outputs in kept)
        and all(_is_output(output) for outputs in kept for output in outputs)
    )


def _is_output(output: Any) -> bool:
    fields = _FIELDS.get(output.get("output_type")) if isinstance(output, dict) else None
    return (
        fields is not None
        and all(isinstance(output.get(name), kind) for name, kind in fields.items())
        and all(isinstance(line, str) for line in output.get("traceback", ()))
        and all(
            isinstance(value, str)
            for form, value in output.get("data", {}).items()
            if form.startswith(("text/", "image/"))
        )
    )


def _kept(cache: Path, chapter: Chapter, key: str) -> Path:
    return cache / f"{chapter.slug}.{key[:24]}.json"


def execute(
    chapter: Chapter,
    modules: Modules,
    root: Path,
    on_cell: Callable[[int, int], None] = lambda done, total: None,
    limits: Limits | None = None,
) -> Outputs:
    """Run a chapter's cells in order; BookError with line and traceback where one fails.

    `on_cell(done, total)` is called after each cell.
    """
    outputs: Outputs = []
    try:
        with kernel(modules, root, limits) as run:
            for cell in chapter.cells:
                outputs.append(_run_cell(run, cell, chapter) if cell.flag("eval") else [])
                on_cell(len(outputs), len(chapter.cells))
    except NoKernel as error:
        what = f"no Python kernel could be started ({error})"
        remedy = "install it with: pip install ipykernel"
        raise BookError(problem(chapter.path, 0, what, remedy)) from None
    return outputs


def _run_cell(run: Run, cell: Cell, chapter: Chapter) -> list[dict[str, Any]]:
    where = (chapter.path, cell.code_line)
    try:
        outputs = [_clean(output) for output in _merge_streams(run(cell.code))]
    except OverLimit as error:
        what = f'cell "{cell.label}" {error}'
        raise BookError(problem(*where, what, "make it smaller")) from None
    except Unprintable as error:
        what = f'cell "{cell.label}" printed {error}, which no page can show'
        raise BookError(problem(*where, what, "print its ascii() instead")) from None
    except KernelDied as error:
        what = f'cell "{cell.label}" ended the kernel ({error})'
        raise BookError(problem(*where, what, "find what crashes the interpreter")) from None
    error = next((o for o in outputs if o["output_type"] == "error"), None)
    _require_expected(cell, error, chapter)
    return outputs


def _require_expected(cell: Cell, error: Mapping[str, Any] | None, chapter: Chapter) -> None:
    """The error that was announced must come, and no other."""
    expected = cell.option("raises") if cell.flag("error", default=False) else ""
    raised = error["ename"] if error else ""
    if raised == expected or (raised and expected == "" and cell.flag("error", default=False)):
        return
    line, trace = cell.code_line, ""
    if error:
        line += _failing_line(error["traceback"]) - 1
        trace = _ANSI.sub("", "\n".join(error["traceback"]))
    if expected and not error:
        what, remedy = (
            f'cell "{cell.label}" should raise {expected} and raised nothing',
            "mend the code, or take off error and raises",
        )
    elif expected:
        what, remedy = (
            f'cell "{cell.label}" should raise {expected} and raised {raised}',
            "mend the code or the option raises",
        )
    else:
        what, remedy = (
            f'cell "{cell.label}" raised {raised}: {error["evalue"]}',  # type: ignore[index]
            f'mend it, or announce it with "#| error: true" and "#| raises: {raised}"',
        )
    raise BookError(problem(chapter.path, line, what, remedy, trace))


def _failing_line(traceback: Sequence[str]) -> int:
    """The line within the cell, as IPython's traceback tells it."""
    text = _ANSI.sub("", "\n".join(traceback))
    found = re.search(r"Cell In\[\d+\], line (\d+)", text)
    return int(found[1]) if found else 1


def _merge_streams(outputs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the pieces in which streams arrive, standard output first.

    How many they are, and which of two streams is heard first, differs from run to run.
    """
    merged: list[dict[str, Any]] = []
    texts = {"stdout": "", "stderr": ""}

    def close() -> None:
        """What is printed later stays below."""
        for name, text in texts.items():
            if text:
                merged.append({"output_type": "stream", "name": name, "text": text})
                texts[name] = ""

    for output in outputs:
        if output["output_type"] == "stream":
            texts[output["name"]] += output["text"]
        else:
            close()
            merged.append(output)
    close()
    return merged


def _clean(output: dict[str, Any]) -> dict[str, Any]:
    """An output as a page shows it, without what differs from run to run."""
    if output["output_type"] == "stream":  # a warning names the kernel's temporary file
        output = output | {"text": displayed(_KERNEL_FILE.sub("<cell>", output["text"]))}
    if output["output_type"] == "error":
        output = output | {"evalue": displayed(output["evalue"])}
    if "text/plain" in output.get("data", {}):
        plain = {"text/plain": displayed(output["data"]["text/plain"])}
        output = output | {"data": output["data"] | plain}
    if "data" in output and "image/svg+xml" in output["data"]:
        svg = re.sub(
            r"\s*<metadata>.*?</metadata>", "", output["data"]["image/svg+xml"], flags=re.S
        )
        output = output | {"data": {"image/svg+xml": svg}}
    return output
