"""The real book, built once for all tests of this folder, in a copy of the tree."""

import json
import shutil
from pathlib import Path

import pytest
from copies import ROOT, Tree, copied, made_once

from workbook.build import WORK
from workbook.source.edition import EDITIONS, read_edition
from workbook.verify.validator import Subject

COUNTED = """
import json, sys
from pathlib import Path
from workbook import build

root = Path(sys.argv[1])
assert Path(build.__file__).is_relative_to(root)
runs, execute = [], build.execute

def counted(chapter, *rest):
    runs.append(str(chapter.path))
    return execute(chapter, *rest)

class Silent:
    start = step = finish = lambda self, *_: None

build.execute = counted
summary = build.build(build.Request(root, root / "_book", force=True), Silent())
print(json.dumps([runs, summary.executed]))
"""


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Tree:
    """The book, built from the outputs that are known already and those that are not."""

    def make(folder: Path) -> str:
        tree = copied(folder / "tree")
        if (known := ROOT / WORK / "outputs").is_dir():
            shutil.copytree(known, tree.root / WORK / "outputs")
        tree.build()
        return str(tree.root)

    return Tree(Path(made_once(tmp_path_factory, "book", make)))


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory) -> tuple[Tree, list[str], list[str]]:
    """A forced build in another folder, without a cache: tree, runs, executed chapters."""

    def make(folder: Path) -> list:
        other = copied(folder / "place for the book")
        done = other.run(COUNTED, str(other.root))
        assert done.returncode == 0, done.stderr
        return [str(other.root), *json.loads(done.stdout.splitlines()[-1])]

    root, runs, executed = made_once(tmp_path_factory, "elsewhere", make)
    return Tree(Path(root)), runs, executed


@pytest.fixture(scope="session", params=EDITIONS)
def subject(tree, request) -> Subject:
    """One edition of it."""
    name = request.param
    return Subject(tree.root, read_edition(tree.root, name), tree.store / name)
