"""The cells that were run in a notebook, or above a line of a script, and what they define.

What a check needs is taken from their text and not from memory: so it can be run again in a
process of its own, with limits, and a cell that took a minute is not run a second time.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from workbook.practice.submission import Part
from workbook.source.exercise import parsed

_START = re.compile(r"^# %%", re.M)  # of a cell in a script
# What Python says of code that it has never run: `nonlocal x` in a module, a thousand levels.
_NOT_RUN = (SyntaxError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Ran:
    """A cell that was run."""

    file: str  # under which it stands in a traceback: In [3], or the script
    part: Part

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """What it defines; what only prints something has been run, and need not be again."""
        try:
            body = parsed(self.part.text).body
        except SyntaxError:  # of a cell that was to fail
            return []
        return [node for node in body if not isinstance(node, ast.Expr)]

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that it binds."""
        return frozenset().union(*(binds(node) for node in self.statements))

    def only(self, statements: Iterable[ast.stmt]) -> Ran:
        """The cell with nothing in it but these of its statements, each on its own lines."""
        lines = self.part.text.split("\n")
        kept = {line for node in statements for line in range(_first(node), _last(node) + 1)}
        text = "\n".join(line if n in kept else "" for n, line in enumerate(lines, 1))
        return Ran(self.file, Part(self.part.line, text))


def ran() -> list[Ran]:
    """The cells that were run so far, the one that asks among them."""
    ipython = sys.modules.get("IPython")
    if shell := ipython.get_ipython() if ipython else None:
        texts = enumerate(shell.history_manager.input_hist_parsed)
        return [Ran(f"In [{n}]", Part(1, text)) for n, text in texts if text.strip()]
    return list(_of_script())


def helpers(cells: Sequence[Ran], names: Iterable[str], known: Iterable[str]) -> list[Ran]:
    """The last statements of cells that define these names, and what they need in turn.

    What is `known`, or built in, need not be looked for.
    """
    last = {
        name: (at, node)
        for at, cell in enumerate(cells)
        for node in cell.statements
        for name in binds(node)
    }
    found: dict[int, list[ast.stmt]] = {}
    seen, waiting = {*known, *vars(builtins)}, sorted(names)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in last:
            continue
        seen.add(name)
        at, node = last[name]
        if node not in found.setdefault(at, []):
            found[at].append(node)
            waiting += sorted(uses(ast.unparse(node)))
    return [cells[at].only(found[at]) for at in sorted(found)]


def binds(node: ast.stmt) -> set[str]:
    """The names that a statement gives a value."""
    try:
        symbols = symtable.symtable(ast.unparse(node), "<cell>", "exec").get_symbols()
    except _NOT_RUN:
        return set()
    return {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}


def uses(code: str) -> set[str]:
    """The names that code takes from the module around it, in whichever function."""
    try:
        tables = [symtable.symtable(code, "<cell>", "exec")]
    except _NOT_RUN:
        return set()
    found = set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        outermost = table.get_type() == "module"
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (outermost or symbol.is_global())
        }
    return found


def _of_script() -> Iterator[Ran]:
    """The cells of the script that is run, as far down as it has come."""
    main = sys.modules["__main__"]
    frame = sys._getframe()
    while frame.f_back and frame.f_globals is not vars(main):
        frame = frame.f_back
    try:
        path = Path(main.__file__ or "")
        lines = path.read_text(encoding="utf-8").split("\n")
    except (AttributeError, OSError, ValueError):  # typed into an interpreter
        return
    text = "\n".join(lines[: frame.f_lineno])
    here = Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    starts = [0, *(match.start() for match in _START.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        yield Ran(str(shown), Part(text.count("\n", 0, start) + 1, text[start:end]))


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno
