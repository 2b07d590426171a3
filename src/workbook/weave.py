"""Puts a chapter's prose and its outputs together as the Markdown that Quarto hands to pandoc.

The contract is `keep-md: true` of Quarto's Jupyter engine: same divs, classes, ids and
attributes, blank lines included, so one Lua filter serves both engines. Figures are SVG
in every format (Quarto writes PNG for HTML and EPUB).
"""

from __future__ import annotations

import html
import os
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook.problem import BookError, problem
from workbook.source.blocks import Cell
from workbook.source.chapter import Chapter
from workbook.source.edition import Entry

Output = Mapping[str, Any]  # one output of a cell, as nbformat 4 has it

# Quarto keeps these to itself; every other option becomes an attribute of the cell's div.
_QUARTO_OPTIONS = {
    "label", "echo", "eval", "output", "warning", "error", "include",
    "fig-cap", "fig-alt", "fig-subcap",
}  # fmt: skip
_IMAGES = {"image/svg+xml": "svg", "image/png": "png"}
_FORMS = {*_IMAGES, "text/markdown", "text/plain"}  # in which an output can be shown
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_IMAGE_LINK = re.compile(r"^!\[.*\]\(([^)\s]+)\)", re.M)


@dataclass(frozen=True)
class Woven:
    """A chapter as pandoc reads it, with its images by the path that the Markdown names."""

    entry: Entry
    markdown: str
    files: Mapping[str, bytes]
    twin: Woven | None = None  # in the bilingual edition, the same page in English


def weave(
    chapter: Chapter, entry: Entry, outputs: Sequence[Sequence[Output]], fmt: str, root: Path
) -> Woven:
    """Weave one chapter for one format; `outputs` holds one list for each cell."""
    files: dict[str, bytes] = {}
    parts: list[str] = []
    count = 0
    for block in chapter.blocks:
        if isinstance(block, Cell):
            woven = _Cell(block, count + 1, outputs[count], fmt, chapter.path.stem)
            if woven.fault:
                raise BookError(problem(chapter.path, block.line, *woven.fault))
            parts.append(woven.markdown())
            files |= woven.files
            count += 1
        elif block.kind != "metadata":
            parts.append(block.text)
            if block.kind == "figure":
                files |= _static(block.text, chapter.path, block.line, root)
    # Quarto's Jupyter engine ends what it wrote with one more newline.
    return Woven(entry, "".join(parts) + ("\n" if count else ""), files)


def _static(text: str, path: Path, line: int, root: Path) -> dict[str, bytes]:
    files = {}
    for name in _IMAGE_LINK.findall(text):
        file = root / path.parent / name
        if not os.path.isfile(file):
            raise BookError(
                problem(path, line, f"image {name} does not exist", "make it or mend the path")
            )
        files[name] = file.read_bytes()
    return files


class _Cell:
    """Weaves one cell; collects its figures in `files`."""

    def __init__(
        self, cell: Cell, count: int, outputs: Sequence[Output], fmt: str, stem: str
    ) -> None:
        self.cell, self.count, self.fmt = cell, count, fmt
        self.stem = stem
        self.outputs = list(outputs) if cell.flag("output") else []
        if not cell.flag("warning"):
            self.outputs = [o for o in self.outputs if o.get("name") != "stderr"]
        self.displays = [o for o in self.outputs if "data" in o]
        self.files: dict[str, bytes] = {}

    @property
    def fault(self) -> tuple[str, str] | None:
        """What keeps it from being shown, and what mends that."""
        label = self.cell.label
        if any(_FORMS.isdisjoint(output["data"]) for output in self.displays):
            what = f"{label} displays what no page can show"
            return what, "display text, Markdown or a figure"
        shown = all(map(self.cell.flag, ("eval", "include", "output")))
        if shown and label.startswith("fig-") and not self.displays:
            remedy = "end the cell with plt.show(), or give it a label without fig-"
            return f"{label} draws nothing", remedy
        return None

    def markdown(self) -> str:
        if not self.cell.flag("include"):
            return ""
        # Between the parts one blank line; none between the opening fence and the code.
        first = f"``` {{.python .cell-code}}\n{self.cell.code}\n```\n" if self._echo() else ""
        body = "\n".join([first, *self._outputs()])
        return f"::: {{{self._attributes()}}}\n{body}{self._caption()}:::\n\n"

    def _echo(self) -> bool:
        return self.cell.flag("echo")

    def _attributes(self) -> str:
        identifier = self._id()
        options = [
            f"{name}={_quoted(value)}"
            for name, value in self.cell.options.items()
            if name not in _QUARTO_OPTIONS
        ]
        head = [f"#{identifier}"] if identifier else []
        return " ".join([*head, ".cell", *options, f"execution_count={self.count}"])

    def _id(self) -> str:
        """The cell's id: the label is given to a single display, if there is one."""
        label = self.cell.label
        if len(self.displays) == 1 and not label.startswith("tbl-"):
            return "" if self.fmt == "pdf" else f"cell-{label}"
        return label

    def _display_id(self, number: int) -> str:
        """The id of a display output: L for the only one, L-1, L-2 … for several."""
        label = self.cell.label
        if label.startswith("tbl-"):
            return ""
        return label if len(self.displays) == 1 else f"{label}-{number}"

    def _caption(self) -> str:
        """The caption of several figures together stands below them."""
        caption = self.cell.option("fig-cap")
        return f"\n{caption}\n" if caption and len(self.displays) > 1 else ""

    def _outputs(self) -> Iterator[str]:
        shown = 0
        for index, output in enumerate(self.outputs, 1):
            kind = output["output_type"]
            if kind == "stream":
                yield _div(
                    f".cell-output .cell-output-{output['name']}", _fenced(output["text"])
                )
            elif kind == "error":
                yield _div(".cell-output .cell-output-error", self._error(output))
            else:
                shown += 1
                yield self._display(output, index, shown)

    def _error(self, output: Output) -> str:
        traceback = "\n".join(output["traceback"])
        if self.fmt == "pdf":
            return _fenced(f"{output['ename']}: {output['evalue']}\n{traceback}")
        # Quarto colours this; the filter keeps the last line only, so plain text will do.
        plain = html.escape(_ANSI.sub("", traceback), quote=False)
        raw = f"```{{=html}}\n<pre>{plain}</pre>\n```\n"
        return f"\n{_div('.ansi-escaped-output', raw)}\n"

    def _display(self, output: Output, index: int, number: int) -> str:
        data, identifier = output["data"], self._display_id(number)
        classes = ".cell-output .cell-output-display"
        image = next((mime for mime in _IMAGES if mime in data), None)
        if image:
            return _div(classes, self._image(image, data[image], index, number))
        if "text/markdown" in data:
            classes, content = f"{classes} .cell-output-markdown", data["text/markdown"] + "\n"
        else:
            content = _fenced(data["text/plain"])
        head = f"#{identifier} {classes}" if identifier else classes
        executed = output.get("execution_count")
        return _div(f"{head} execution_count={executed}" if executed else head, content)

    def _image(self, mime: str, content: str, index: int, number: int) -> str:
        label, suffix = self.cell.label, _IMAGES[mime]
        # One path for all formats: what differs in nothing else is parsed once.
        path = f"{self.stem}_files/figure/{label}-output-{index}.{suffix}"
        self.files[path] = b64decode(content) if suffix == "png" else content.encode()
        caption = self.cell.option("fig-cap")
        if len(self.displays) > 1:
            captions = self.cell.options.get("fig-subcap")
            listed = captions if isinstance(captions, list) else []
            caption = listed[number - 1] if number <= len(listed) else ""
        alt = self.cell.option("fig-alt")
        attributes = f"#{self._display_id(number)}" + (
            f" fig-alt={_quoted(alt)}" if alt else ""
        )
        return f"![{caption}]({path}){{{attributes}}}\n"


def _div(attributes: str, content: str) -> str:
    return f"::: {{{attributes}}}\n{content}:::\n"


def _fenced(text: str) -> str:
    text = text.rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}\n"


def _quoted(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"/>'
_STANDING_FOR = {
    "fig": {"output_type": "display_data", "data": {"image/svg+xml": _SVG}},
    "tbl": {"output_type": "display_data", "data": {"text/markdown": "| … |\n|---|\n| … |"}},
}


def placeholders(chapter: Chapter) -> list[list[Output]]:
    """What stands for the outputs of a chapter that was never run: enough to number it."""
    return [
        [_STANDING_FOR[kind]] if kind in _STANDING_FOR and cell.flag("eval") else []
        for cell in chapter.cells
        for kind in [cell.label.partition("-")[0]]
    ]
