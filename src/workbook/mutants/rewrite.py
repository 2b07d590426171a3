"""Rewrites the code of a solution in one place at a time.

A rule takes a node of the tree and yields what could stand in its place. What a mutant is
called is the statement before and after, so its name holds as long as the statement does.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbook.source.exercise import Exercise

Changed = Iterator[ast.AST | None]  # None: the statement is left out

_COMPARED = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
}  # fmt: skip
_SWAPPED = (
    ("mean", "sum"), ("max", "min"), ("amax", "amin"), ("argmax", "argmin"), ("any", "all"),
    ("zeros", "ones"), ("zeros_like", "ones_like"), ("train", "eval"),
)  # fmt: skip
_NAMES = {a: b for pair in _SWAPPED for a, b in (pair, pair[::-1])}
_SPOILS = ("detached", "other_dtype", "input_changed", "mode_changed", "frozen", "once")
_LIBRARIES = {"torch", "nn", "F", "math", "np", "numpy", "itertools", "functools", "copy"}
_DECORATORS = ("property", "staticmethod", "classmethod", "contextmanager")
_IMPORT = "from workbook.mutants import spoil as _spoil"


@dataclass(frozen=True)
class Mutant:
    """A changed solution. `spoiled`: it counts only if the wrong thing came about."""

    name: str
    code: str
    spoiled: bool = False


def mutants(exercise: Exercise) -> list[Mutant]:
    """All mutants of an exercise's solution, each with a name of its own."""
    found: list[Mutant] = []
    counts: dict[str, int] = {}
    seen = {ast.unparse(ast.parse(f"{_IMPORT}\n{exercise.solution}"))}
    for name, code, spoiled in _mutated(exercise.solution, solution_lines(exercise)):
        if code in seen:
            continue
        seen.add(code)
        counts[name] = counts.get(name, 0) + 1
        number = f" ({counts[name]})" if counts[name] > 1 else ""
        found.append(Mutant(name + number, code, spoiled))
    return found


def solution_lines(exercise: Exercise) -> set[int]:
    """The lines of the solution that the stub does not give away."""
    inside, number, found = False, 0, set()
    for line in (exercise.cell.code if exercise.cell else "").split("\n"):
        if mark := re.fullmatch(r"\s*### (BEGIN|END) SOLUTION", line):
            inside = mark[1] == "BEGIN"
        else:
            number += 1
            if inside:
                found.add(number)
    return found


def _mutated(code: str, lines: set[int]) -> Iterator[tuple[str, str, bool]]:
    tree = ast.parse(code)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    order = {node: at for at, node in enumerate(ast.walk(tree))}
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) not in lines or _inert(node, parents):
            continue
        for changed in _changes(node, parents):
            place = _statement(node, parents)
            other = copy.deepcopy(tree)
            twin = list(ast.walk(other))
            _put(other, twin[order[node]], changed)
            after = "left out" if node is place and changed is None else twin[order[place]]
            if node is place and changed is not None:
                after = changed
            shown = after if isinstance(after, str) else _head(after)
            ast.fix_missing_locations(other)
            yield f"{_head(place)} ⇒ {shown}", f"{_IMPORT}\n{ast.unparse(other)}", False
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and _solved(node, lines, parents):
            for spoil in _SPOILS:
                other = copy.deepcopy(tree)
                twin = list(ast.walk(other))[order[node]]
                twin.decorator_list.insert(0, ast.parse(f"_spoil.{spoil}", mode="eval").body)
                ast.fix_missing_locations(other)
                name = f"{_qualified(node, parents)}: {spoil}"
                yield name, f"{_IMPORT}\n{ast.unparse(other)}", True


def _changes(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Changed:
    for rule in _RULES:
        yield from rule(node, parents)


def _constant(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.Constant):
        value = node.value
        others: tuple[object, ...] = ()
        if isinstance(value, bool):
            others = (not value,)
        elif isinstance(value, int):
            others = (value + 1, value - 1)
        elif isinstance(value, float):
            others = (value + 1, value * 2)
        elif isinstance(value, str):
            others = (f"{value}_",)
        yield from (ast.Constant(other) for other in others if other != value)


def _compare(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in _COMPARED[type(node.ops[0])]:
            yield ast.Compare(node.left, [other()], node.comparators)


def _operator(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.BinOp):
        if other := _OPERATORS.get(type(node.op)):
            yield ast.BinOp(node.left, other(), node.right)
        yield node.left
    elif isinstance(node, ast.AugAssign) and (other := _OPERATORS.get(type(node.op))):
        yield ast.AugAssign(node.target, other(), node.value)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield node.operand


def _branch(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.If | ast.While):
        yield type(node)(ast.Constant(False), node.body, node.orelse)
        if isinstance(node, ast.If):
            yield ast.If(ast.Constant(True), node.body, node.orelse)
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield ast.comprehension(node.target, node.iter, [], node.is_async)


def _loop(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.For):
        yield ast.For(node.target, node.iter, [*node.body, ast.Break()], node.orelse)
        for spoil in ("first_left_out", "last_left_out"):
            yield ast.For(node.target, _call(spoil, node.iter), node.body, node.orelse)


def _statement_left_out(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Raise | ast.Break | ast.Continue):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield None
    elif isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name):
        yield None
    elif isinstance(node, ast.With):
        yield ast.If(ast.Constant(True), node.body, [])


def _call_changed(node: ast.AST, _: object) -> Changed:
    if not isinstance(node, ast.Call):
        return
    for at in range(len(node.keywords)):
        kept = [*node.keywords[:at], *node.keywords[at + 1 :]]
        yield ast.Call(node.func, node.args, kept)
    if isinstance(node.func, ast.Attribute):
        owner = ast.unparse(node.func.value)
        if owner.partition(".")[0] not in _LIBRARIES and owner != "super()":
            yield node.func.value
        elif node.args and not isinstance(node.args[0], ast.Starred):
            yield node.args[0]
    elif node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]


def _name_swapped(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Changed:
    call = parents.get(node)
    if not isinstance(call, ast.Call) or call.func is not node:
        return
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        yield ast.Attribute(node.value, _NAMES[node.attr], ast.Load())
    elif isinstance(node, ast.Name) and node.id in _NAMES and node.id != "sum":
        yield ast.Name(_NAMES[node.id], ast.Load())


def _slice(node: ast.AST, _: object) -> Changed:
    if isinstance(node, ast.Slice):
        if node.lower:
            yield ast.Slice(None, node.upper, node.step)
        if node.upper:
            yield ast.Slice(node.lower, None, node.step)


_RULES = (
    _constant, _compare, _operator, _branch, _loop, _statement_left_out, _call_changed,
    _name_swapped, _slice,
)  # fmt: skip


def _inert(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether it is part of an annotation, of a message or of an import."""
    here: ast.AST | None = node
    while here is not None:
        above = parents.get(here)
        if isinstance(here, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
            return True
        if isinstance(above, ast.Raise) and here is above.exc:
            return True
        if isinstance(above, ast.arg | ast.AnnAssign) and here is above.annotation:
            return True
        if isinstance(above, ast.FunctionDef) and here is above.returns:
            return True
        here = above
    return False


def _statement(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST:
    """The innermost statement that it is part of."""
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return node


def _put(tree: ast.AST, old: ast.AST, new: ast.AST | None) -> None:
    """Put a node in the place of another, wherever in the tree that is."""
    new = copy.deepcopy(new)
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if value is old:
                setattr(node, name, new)
                return
            if isinstance(value, list):
                for at, part in enumerate(value):
                    if part is old:
                        value[at] = ast.Pass() if new is None else new
                        return


def _head(node: ast.AST) -> str:
    """A statement in one line; of a compound one what stands above its body."""
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    if hasattr(node, "body"):
        shallow = copy.deepcopy(node)
        shallow.body = [ast.Pass()]  # type: ignore[attr-defined]
        if hasattr(shallow, "orelse"):
            shallow.orelse = []
        text = ast.unparse(ast.fix_missing_locations(shallow)).rpartition("\n")[0]
        if isinstance(node, ast.For) and isinstance(node.body[-1], ast.Break):
            text += " … break"
    return " ".join(text.split())


def _solved(node: ast.FunctionDef, lines: set[int], parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether it is a function or method that the caller calls and the solution fills."""
    owner = parents[node]
    outer = isinstance(owner, ast.Module | ast.ClassDef)
    dunder = node.name.startswith("__") and node.name != "__call__"
    within = any(getattr(child, "lineno", 0) in lines for child in ast.walk(node))
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    decorated = any(name.rpartition(".")[2] in _DECORATORS for name in decorators)
    return outer and within and not dunder and not decorated


def _qualified(node: ast.FunctionDef, parents: dict[ast.AST, ast.AST]) -> str:
    owner = parents[node]
    return f"{owner.name}.{node.name}" if isinstance(owner, ast.ClassDef) else node.name


def _call(spoil: str, argument: ast.expr) -> ast.expr:
    call = ast.parse(f"_spoil.{spoil}(0)", mode="eval").body
    assert isinstance(call, ast.Call)
    call.args = [argument]
    return call
