"""Rules over the cells of a chapter: labels and options."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from workbook.problem import Problem, problem
from workbook.source.blocks import RECORDED_ON
from workbook.source.chapter import Chapter
from workbook.source.inline import attributes, generated, option_line

TEXT_OPTIONS = {
    "label", "fig-cap", "fig-alt", "tbl-cap",
    "tangle", "exercise", "check", "wrong", "raises", "recorded", "repeats", "why",
}  # fmt: skip
FLAGS = {"echo", "output", "warning", "error", "include", "eval"}
_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def fence(chapter: Chapter) -> Iterator[Problem]:
    """A cell opens with ```{python} and nothing more."""
    for cell in chapter.cells:
        first = cell.text.splitlines()[0].strip()
        if not re.fullmatch(r"`{3,}\{python\}", first):
            remedy = 'write "```{python}" and the options as "#| key: value" below it'
            yield problem(chapter.path, cell.line, f"cell opens with {first}", remedy)


def label(chapter: Chapter) -> Iterator[Problem]:
    """A label is there, in kebab-case, and begins with the chapter's slug."""
    slug = chapter.slug
    for cell in chapter.cells:
        name, line = cell.label, option_line(cell, "label")
        kind = re.match(r"fig-|tbl-|", name)[0]  # type: ignore[index]
        if not name:
            yield problem(chapter.path, line, "cell has no label", f'add "#| label: {slug}-…"')
        elif not _KEBAB.fullmatch(name):
            kebab = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            what = f'label "{name}" is not kebab-case'
            yield problem(chapter.path, line, what, f'write "{kebab}"')
        elif not name.startswith(f"{kind}{slug}-"):
            what = f'label "{name}" does not begin with the chapter\'s slug'
            yield problem(chapter.path, line, what, f'write "{kind}{slug}-…"')


def known_options(chapter: Chapter) -> Iterator[Problem]:
    """Only the options of the house markup."""
    for cell in chapter.cells:
        for name in map(str, cell.options):
            if name not in TEXT_OPTIONS | FLAGS:
                near = difflib.get_close_matches(name, sorted(TEXT_OPTIONS | FLAGS), n=1)
                remedy = f'did you mean "{near[0]}"?' if near else "take it off"
                what = f'unknown cell option "{name}"'
                yield problem(chapter.path, option_line(cell, name), what, remedy)


def options_once(chapter: Chapter) -> Iterator[Problem]:
    """An option is given once."""
    for cell in chapter.cells:
        written = re.findall(r"^#\|\s*([\w-]+)\s*:", cell.text, re.M)
        for name in sorted({name for name in written if written.count(name) > 1}):
            what = f'cell option "{name}" is given twice'
            yield problem(chapter.path, option_line(cell, name), what, "keep one of the two")


def scalar_options(chapter: Chapter) -> Iterator[Problem]:
    """A flag is true or false, any other option one piece of text."""
    for cell in chapter.cells:
        for name, value in cell.options.items():
            what, remedy = "", f'write "#| {name}: text" on one line, in quotes if need be'
            if name in FLAGS and not isinstance(value, bool):
                what, remedy = "is neither true nor false", f'write "#| {name}: false"'
            elif isinstance(value, list | dict):
                what = "is not a scalar"
            elif (
                value is None
                or value == ""
                or (name in TEXT_OPTIONS and isinstance(value, bool))
            ):
                what = "has no text"
            if what:
                line = option_line(cell, str(name))
                yield problem(chapter.path, line, f'cell option "{name}" {what}', remedy)


def figure_texts(chapter: Chapter) -> Iterator[Problem]:
    """A figure has fig-cap and fig-alt."""
    for cell in chapter.cells:
        has = {name: name in cell.options for name in ("fig-cap", "fig-alt")}
        if cell.label.startswith("fig-") or any(has.values()):
            for name in (name for name in has if not has[name]):
                what, remedy = f"figure has no {name}", f'add "#| {name}: …"'
                yield problem(chapter.path, cell.line, what, remedy)


def figure_label(chapter: Chapter) -> Iterator[Problem]:
    """The label of a figure begins with fig-."""
    for cell in chapter.cells:
        texts = {"fig-cap", "fig-alt"} & set(cell.options)
        if texts and cell.label and not cell.label.startswith("fig-"):
            what = f'label "{cell.label}" of a figure does not begin with fig-'
            remedy = f'write "fig-{chapter.slug}-…"'
            yield problem(chapter.path, option_line(cell, "label"), what, remedy)


def figure_shown(chapter: Chapter) -> Iterator[Problem]:
    """A cell that draws is a figure: without fig-alt nobody could hear what it shows."""
    for cell in chapter.cells:
        seen = all(cell.flag(name) for name in ("include", "output", "eval"))
        drawn = re.search(r"^plt\.show\(\)", cell.code, re.M)
        named = {"fig-cap", "fig-alt"} & set(cell.options) or cell.label.startswith("fig-")
        if seen and drawn and not named:
            what, remedy = "cell shows a figure without a caption", "add fig-cap and fig-alt"
            yield problem(chapter.path, cell.line, what, remedy)


def table_caption(chapter: Chapter) -> Iterator[Problem]:
    """A table has tbl-cap."""
    for cell in chapter.cells:
        if cell.label.startswith("tbl-") and "tbl-cap" not in cell.options:
            yield problem(
                chapter.path, cell.line, "table has no tbl-cap", 'add "#| tbl-cap: …"'
            )


def table_label(chapter: Chapter) -> Iterator[Problem]:
    """The label of a table begins with tbl-."""
    for cell in chapter.cells:
        named = cell.label.startswith("tbl-")
        if "tbl-cap" in cell.options and cell.label and not named:
            what = f'label "{cell.label}" of a table does not begin with tbl-'
            remedy = f'write "tbl-{chapter.slug}-…"'
            yield problem(chapter.path, option_line(cell, "label"), what, remedy)


def reason(chapter: Chapter) -> Iterator[Problem]:
    """A cell that does not run says why, is a recording or a wrong answer."""
    for cell in chapter.cells:
        if not cell.flag("eval") and not {"why", "recorded", "wrong"} & set(cell.options):
            what, remedy = "eval: false without a reason", 'add "#| why: …"'
            yield problem(chapter.path, option_line(cell, "eval"), what, remedy)


def error(chapter: Chapter) -> Iterator[Problem]:
    """error: true and raises go together."""
    for cell in chapter.cells:
        allowed, raises = cell.flag("error", default=False), "raises" in cell.options
        if allowed and not raises:
            what, remedy = "error: true without raises", 'add "#| raises: RuntimeError"'
            yield problem(chapter.path, option_line(cell, "error"), what, remedy)
        if raises and not allowed:
            what, remedy = "raises without error: true", 'add "#| error: true"'
            yield problem(chapter.path, option_line(cell, "raises"), what, remedy)


def recorded_on(chapter: Chapter) -> Iterator[Problem]:
    """A recording is made on a device that we know."""
    for cell in (cell for cell in chapter.cells if "recorded" in cell.options):
        if (value := cell.option("recorded")) not in RECORDED_ON:
            what = f"recorded: {value} is no device we know"
            known = " or ".join(f'"recorded: {name}"' for name in RECORDED_ON)
            line = option_line(cell, "recorded")
            yield problem(chapter.path, line, what, f"write {known}")


def recorded_not_run(chapter: Chapter) -> Iterator[Problem]:
    """What is recorded is not run with the book."""
    for cell in chapter.cells:
        if "recorded" in cell.options and cell.flag("eval"):
            what, remedy = "recorded without eval: false", 'add "#| eval: false"'
            yield problem(chapter.path, option_line(cell, "recorded"), what, remedy)


def repeated(chapter: Chapter) -> Iterator[Problem]:
    """A recorded cell whose code is not shown names the one before it that shows it.

    Quarto drops a cell that neither runs nor shows its code, and its recording with it.
    """
    before: set[str] = set()
    for cell in chapter.cells:
        if "repeats" in cell.options:
            name, line = cell.option("repeats"), option_line(cell, "repeats")
            if "recorded" not in cell.options:
                remedy = "record it, or take the option off"
                yield problem(chapter.path, line, "repeats without recorded", remedy)
            elif name not in before:
                what = f'repeats "{name}", which is no recorded cell before it'
                yield problem(chapter.path, line, what, "name the cell that shows the code")
        elif "recorded" in cell.options and not cell.flag("echo"):
            what, remedy = "recorded with echo: false", 'write "#| repeats: …" instead'
            yield problem(chapter.path, option_line(cell, "echo"), what, remedy)
        elif "recorded" in cell.options:
            before.add(cell.label)


def check_hidden(chapter: Chapter) -> Iterator[Problem]:
    """A check is not printed."""
    for cell in chapter.cells:
        if "check" in cell.options and cell.flag("include"):
            what, remedy = "check without include: false", 'add "#| include: false"'
            yield problem(chapter.path, option_line(cell, "check"), what, remedy)


def exercise_named(chapter: Chapter) -> Iterator[Problem]:
    """exercise, check and wrong name an exercise of this chapter."""
    if generated(chapter):
        return
    ids = [attributes(block).id for block in chapter.blocks if block.kind == "open"]
    known = [name for name in ids if name.startswith("exr-")]
    for cell in chapter.cells:
        for option in ("exercise", "check", "wrong"):
            name = cell.option(option)
            if name and name not in known:
                near = difflib.get_close_matches(name, known, n=1, cutoff=0)
                what = f'{option}: no exercise "{name}" in this chapter'
                remedy = (
                    f'did you mean "{near[0]}"?' if near else f'write "::: {{#{name}}}" above'
                )
                yield problem(chapter.path, option_line(cell, option), what, remedy)


def tangle_target(chapter: Chapter) -> Iterator[Problem]:
    """A module's name can be imported."""
    for cell in chapter.cells:
        name = cell.option("tangle")
        if name and not (name.endswith(".py") and name.removesuffix(".py").isidentifier()):
            what, remedy = f'tangle: "{name}" is no module', 'write "tangle: name.py"'
            yield problem(chapter.path, option_line(cell, "tangle"), what, remedy)


def tangle_alone(chapter: Chapter) -> Iterator[Problem]:
    """What becomes a module runs, and is neither exercise nor check nor recording."""
    for cell in (cell for cell in chapter.cells if "tangle" in cell.options):
        clash = [
            name for name in ("exercise", "check", "wrong", "recorded") if name in cell.options
        ]
        if not cell.flag("eval"):
            clash.append("eval: false")
        for name in clash:
            what = f"tangle together with {name}"
            remedy = "take off one of them, or make two cells"
            yield problem(chapter.path, option_line(cell, "tangle"), what, remedy)
