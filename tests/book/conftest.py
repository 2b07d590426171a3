"""The real book, built for all tests of this folder, in copies of the tree.

One copy is kept while nothing changes that shapes a book, and then made with what its caches
know. The other is made from nothing in every run, as builds are what it tests; of its chapters
only those are run that it has never run. So that both are alike shows the caches to be right.
"""

import json
import os
import shutil
from pathlib import Path

import kept
import pytest
from copies import Tree, copied, made_once, shaping
from kept import KEPT, ROOT

from workbook.build import WORK
from workbook.source.edition import EDITIONS, read_edition
from workbook.verify.validator import Subject

COUNTED = """
import hashlib, json, sys
from pathlib import Path
from workbook import build, run
from workbook.run.execute import cached, fingerprint, keep

root, kept = (Path(argument) for argument in sys.argv[1:])
assert Path(build.__file__).is_relative_to(root)
runs, execute = [], build.execute
engine = sorted(Path(run.__file__).parent.glob("*.py"))
ours = hashlib.sha256(b"".join(path.read_bytes() for path in engine)).hexdigest()

def counted(chapter, modules, root, *rest):
    runs.append(str(chapter.path))
    key = hashlib.sha256((ours + fingerprint(chapter, modules, root)).encode()).hexdigest()
    outputs = cached(kept, chapter, key)
    if outputs is None:
        outputs = execute(chapter, modules, root, *rest)
        keep(kept, chapter, key, outputs)
    return outputs

class Silent:
    start = step = finish = lambda self, *_: None

build.execute = counted
summary = build.build(build.Request(root, root / "_book", force=True), Silent())
print(json.dumps([runs, summary.executed]))
"""


CACHES = ("outputs", "pages")  # of a build, whose entries are replaced and never changed


def lend(known: Path, to: Path) -> None:
    """Let the entries of a cache stand in another one too."""
    for entry in (path for path in known.rglob("*") if path.is_file()):
        other = to / entry.relative_to(known)
        other.parent.mkdir(parents=True, exist_ok=True)
        if not other.exists():
            os.link(entry, other)


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Tree:
    """The book, built with the caches of builds before it, as a reader builds it."""

    def make(folder: Path) -> None:
        tree = copied(folder / "tree")
        for cache in CACHES:
            for known in (KEPT / cache, ROOT / WORK / cache):
                lend(known, tree.root / WORK / cache)
        tree.build()
        for cache in CACHES:
            shutil.rmtree(KEPT / cache, ignore_errors=True)
            lend(tree.root / WORK / cache, KEPT / cache)

    def find(_: Path) -> str:
        return str(kept.folder("book", shaping(), make) / "tree")

    return Tree(Path(made_once(tmp_path_factory, "book", find)))


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory) -> tuple[Tree, list[str], list[str]]:
    """A forced build in another folder: tree, chapters to be run, executed chapters.

    Its outputs are none of `tree`'s: each chapter, as it stands, has been run for it once.
    """

    def make(folder: Path) -> list:
        other = copied(folder / "place for the book")
        done = other.run(COUNTED, str(other.root), str(KEPT / "outputs-elsewhere"))
        assert done.returncode == 0, done.stderr
        return [str(other.root), *json.loads(done.stdout.splitlines()[-1])]

    root, runs, executed = made_once(tmp_path_factory, "elsewhere", make)
    return Tree(Path(root)), runs, executed


@pytest.fixture(scope="session", params=EDITIONS)
def subject(tree, request) -> Subject:
    """One edition of it."""
    name = request.param
    return Subject(tree.root, read_edition(tree.root, name), tree.store / name)
