"""The tables in docs/architecture.md are true: imports point only to earlier rows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "workbook"
RENDER = PACKAGE / "render"
TABLES = {PACKAGE: "| room | takes", RENDER: "| module | what it does"}


def rows(folder: Path) -> dict[str, int]:
    """The row of its table in which each room or module of a folder stands."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text[text.index(TABLES[folder]) :].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {re.search(r"`(\w+)/?`", cell)[1]: row for row, cell in enumerate(cells)}


def top(path: Path, folder: Path) -> str:
    """The room or module of a folder that a file belongs to."""
    return path.relative_to(folder).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The modules of the engine that a file imports, as dotted names below `workbook`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("workbook"):
            package = (node.module or "").partition(".")[2]
            for alias in node.names:
                yield ".".join(filter(None, (package, alias.name)))


def imports(path: Path, folder: Path) -> set[str]:
    """Those of them that belong to a folder, by room or module."""
    before = folder.relative_to(PACKAGE).parts
    names = (tuple(name.split(".")) for name in imported(path))
    return {
        name[len(before)]
        for name in names
        if name[: len(before)] == before and len(name) > len(before)
    }


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path != folder / "__init__.py")


@pytest.mark.parametrize("folder", TABLES, ids=lambda folder: folder.name)
def test_every_room_stands_in_the_table(folder):
    assert {top(path, folder) for path in files(folder)} == set(rows(folder))


@pytest.mark.parametrize("folder", TABLES, ids=lambda folder: folder.name)
def test_no_import_points_upward(folder):
    order = rows(folder)
    wrong = [
        f"{path.relative_to(folder)} imports {name}"
        for path in files(folder)
        for name in sorted(imports(path, folder) & set(order))
        if order[name] > order[top(path, folder)]
    ]
    assert wrong == []


def test_pandocs_tree_is_known_where_books_are_made_and_nowhere_else():
    knows = [
        str(path.relative_to(PACKAGE))
        for path in files(PACKAGE)
        if re.search(r"^\s*(?:import|from) panflute", path.read_text(encoding="utf-8"), re.M)
    ]
    assert [each for each in knows if not each.startswith("render/")] == ["verify/pdf.py"]
