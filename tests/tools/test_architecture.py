"""The picture in docs/architecture.md is true: imports point only to earlier rows."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "workbook"


def rows() -> dict[str, int]:
    """The row of the table in which each module stands."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index("| module | takes") : text.index("## Two engines")]
    cells = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    return {
        name.rstrip("/"): row
        for row, cell in enumerate(cells)
        for name in re.findall(r"`([\w/]+)`", cell)
    }


def top(path: Path) -> str:
    """The module or package of the table that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The modules of the tooling that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workbook"):
            _, _, rest = node.module.partition(".")
            names = [rest] if rest else [alias.name for alias in node.names]
            found |= {name.split(".")[0] for name in names}
    return found


def test_every_module_stands_in_the_table():
    modules = {top(p) for p in PACKAGE.rglob("*.py")} - {"__init__"}
    assert modules == set(rows())


def test_no_import_points_upward():
    order = rows()
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name in sorted(imports(path))
        if top(path) != "__init__" and top(path) != name and order[name] > order[top(path)]
    ]
    assert wrong == []
