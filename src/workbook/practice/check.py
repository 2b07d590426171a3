"""A check made ready to run: each assertion notes what came and what was expected."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import Any

from workbook.derive.assignments import check_function, check_name, taken
from workbook.source.exercise import Exercise

_COMPARES = ("allclose", "equal", "isclose", "near")  # f(came, expected)
_SIGNS = {
    ast.Eq: "",
    ast.NotEq: "≠ ",
    ast.Lt: "< ",
    ast.LtE: "≤ ",
    ast.Gt: "> ",
    ast.GtE: "≥ ",
    ast.Is: "",
    ast.IsNot: "≠ ",
}


@dataclass(frozen=True)
class Assertion:
    """What an assertion claims, and the sign between what came and what is expected."""

    claim: str
    sign: str


@dataclass(frozen=True)
class Check:
    """The check of an exercise: a function of the module that the reader's piece makes."""

    file: str  # under which its frames stand in a traceback
    name: str
    source: str
    taken: tuple[str, ...]  # the names that it takes from the reader's piece

    def __reduce__(self) -> tuple[type[Check], tuple[Any, ...]]:
        """Pickle what it is made of, not the code, which cannot be."""
        return Check, (self.file, self.name, self.source, self.taken)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def code(self) -> CodeType:
        """The check with both sides of each comparison noted."""
        tree = _Noting().visit(ast.parse(self.source))
        return compile(ast.fix_missing_locations(tree), self.file, "exec")

    def function(self, notes: dict[tuple[int, int], Any]) -> Any:
        """The check; `notes` gets what it compares, by line and side (0 or 1)."""

        def note(line: int, side: int, value: Any) -> Any:
            notes[line, side] = value
            return value

        names: dict[str, Any] = {"__name__": "check", "_note": note}
        exec(self.code, names)
        return names[self.name]

    def line(self, number: int) -> str:
        """A line of the check, as the reader would see it in tests/chapters."""
        lines = self.source.split("\n")
        return lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def assertion(self, line: int) -> tuple[int, Assertion] | None:
        """The assertion that a line belongs to, and where it begins."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assert) and node.lineno <= line <= (node.end_lineno or 0):
                sign = ""
                if isinstance(node.test, ast.Compare):
                    sign = _SIGNS.get(type(node.test.ops[0]), "")
                return node.lineno, Assertion(ast.unparse(node.test), sign)
        return None

    @cached_property
    def imported(self) -> Mapping[str, str]:
        """What its imports bind: a name, and the module or module attribute behind it."""
        bound = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.asname or alias.name.partition(".")[0]
                    bound[whole] = alias.name if alias.asname else whole
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return bound

    @cached_property
    def dotted(self) -> frozenset[str]:
        """The attributes of what it imports, as far as they are written: `torch.nn.Linear`."""
        chains = [ast.unparse(n) for n in ast.walk(self.tree) if isinstance(n, ast.Attribute)]
        found = set(self.imported.values())
        for chain in chains:
            first, _, rest = chain.partition(".")
            if first in self.imported and rest.replace(".", "").isidentifier():
                found.add(f"{self.imported[first]}.{rest}")
        return frozenset(found)


def check_of(exercise: Exercise) -> Check:
    """The check of an exercise, from its cell in the chapter."""
    file = f"<check of {exercise.name}>"
    source = check_function(exercise)
    return Check(file, check_name(exercise), source, tuple(taken(exercise)))


class _Noting(ast.NodeTransformer):
    """Puts a call of `_note` around both sides of what an assertion compares."""

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            test.left = _noted(node.lineno, 0, test.left)
            test.comparators[0] = _noted(node.lineno, 1, test.comparators[0])
        elif isinstance(test, ast.Call) and len(test.args) > 1 and _compares(test):
            test.args[:2] = [_noted(node.lineno, i, test.args[i]) for i in (0, 1)]
        return node


def _compares(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] in _COMPARES


def _noted(line: int, side: int, value: ast.expr) -> ast.expr:
    arguments = [ast.Constant(line), ast.Constant(side), value]
    return ast.Call(ast.Name("_note", ast.Load()), arguments, [])
