"""Makes modules out of cells: `tangle: tensors.py` → `code/torchbook/tensors.py`.

What is written is a planned transaction: all targets are compared first, and if one of
them was edited by hand nothing at all is written. Generated chapters go the same way.
A file that is handed to the reader is theirs once they edit it: it is left as it is.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workbook.files import atomic_write
from workbook.problem import BookError, Problem, problem
from workbook.source.chapter import Chapter
from workbook.source.exercise import parsed

PACKAGE = Path("code/torchbook")
_CHECKSUM = re.compile(r"^(?:#|<!--) Checksum ([0-9a-f]{12}): .*\n", re.M)
_SOURCE = re.compile(r"(?:#|<!--) Generated from ([^,:]+)")


@dataclass(frozen=True)
class Target:
    """A file to be written: where, from which chapters, with which text."""

    path: Path  # relative to the root
    sources: tuple[Path, ...]
    body: str
    welcome: str = ""  # what the reader is told whose file this is, in place of the header

    @property
    def text(self) -> str:
        """The body under a header that names the source and guards against hand edits."""
        if self.welcome:
            guard = f"# Checksum {_digest(self.welcome + self.body)}: untouched so far."
            return f"{self.welcome}{guard}\n{self.body}"
        head = f"Generated from {', '.join(map(str, self.sources))}: edit there."
        guard = f"Checksum {_digest(self.body)}: a change made here is refused, not lost."
        if self.path.suffix == ".py":
            return f"# {head}\n# {guard}\n{self.body}"
        return f"<!-- {head} -->\n<!-- {guard} -->\n{self.body}"


def modules(chapters: Sequence[Chapter]) -> list[Target]:
    """The modules that these chapters tangle into, in the order of their first cell."""
    pieces: dict[str, list[str]] = {}
    sources: dict[str, list[Path]] = {}
    for chapter in chapters:
        for cell in chapter.cells:
            if name := cell.option("tangle"):
                pieces.setdefault(name, []).append(f"# %% {cell.label}\n{cell.code}\n")
                if chapter.path not in sources.setdefault(name, []):
                    sources[name].append(chapter.path)
    return [
        Target(PACKAGE / name, tuple(sources[name]), "\n\n".join(parts))
        for name, parts in pieces.items()
    ]


def visible(chapters: Sequence[Chapter], slug: str) -> Mapping[str, str]:
    """The modules that a chapter imports, and those that they import in turn.

    They are of its own cells or of earlier chapters. What is imported by a name that is put
    together as it runs is not among them, and not there when the chapter is run.
    """
    upto = next(i for i, chapter in enumerate(chapters) if chapter.slug == slug) + 1
    texts = {target.path.name: target.text for target in modules(chapters[:upto])}
    reached: set[str] = set()
    names = {name for cell in chapters[upto - 1].cells for name in _imported(cell.code)}
    while names := (names & texts.keys()) - reached:
        reached |= names
        names = {name for each in names for name in _imported(texts[each])}
    return {name: text for name, text in texts.items() if name in reached}


@lru_cache(maxsize=4096)
def _imported(code: str) -> frozenset[str]:
    """The files of torchbook that code imports; what is no Python imports nothing."""
    try:
        nodes = list(ast.walk(parsed(code)))
    except SyntaxError:
        return frozenset()
    dotted = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            dotted |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = (name.split(".") for name in dotted)
    return frozenset(f"{name[1]}.py" for name in parts if name[0] == PACKAGE.name and name[1:])


def write(root: Path, targets: Sequence[Target], check: bool = False) -> list[Path]:
    """Bring the files in line with the targets; returns what was written or removed.

    With `check` nothing is written and any difference is a BookError. A target edited
    by hand is a BookError in both cases, but for the reader's files: what a reader has begun
    is passed over, and so is a file of theirs that they deleted, with `check`.
    """
    problems = list(_hand_edits(root, targets))
    theirs = {target.path for target in targets if target.welcome}
    changes = [
        (path, text)
        for path, text in _changes(root, targets)
        if not _begun(root / path, path in theirs)
        and not (check and path in theirs and not (root / path).exists())
    ]
    if check:
        problems += [
            problem(path, 0, "differs from the chapters" if text else "has no chapter any more",
                    "run workbook tangle")
            for path, text in changes
        ]  # fmt: skip
    if problems:
        raise BookError(set(problems))
    for path, text in changes:
        if text:
            atomic_write(root / path, text)
        else:
            (root / path).unlink()
    return [path for path, _ in changes]


def _changes(root: Path, targets: Sequence[Target]) -> Iterator[tuple[Path, str]]:
    """Each file to change with its new text; an empty text removes an orphan."""
    for target in targets:
        file = root / target.path
        if not file.is_file() or _read(file) != target.text:
            yield target.path, target.text
    for path in _orphans(root, targets):
        yield path, ""


def _orphans(root: Path, targets: Sequence[Target]) -> Iterator[Path]:
    """Generated files beside the targets that no chapter makes any more."""
    kept = {target.path for target in targets}
    for folder, suffix in sorted(
        {(PACKAGE, ".py"), *((t.path.parent, t.path.suffix) for t in targets)}
    ):
        for file in sorted((root / folder).glob(f"*{suffix}")):
            path = file.relative_to(root)
            if path not in kept and _CHECKSUM.search(_read(file)):
                yield path


def _hand_edits(root: Path, targets: Sequence[Target]) -> Iterator[Problem]:
    ours = [target.path for target in targets if not target.welcome]
    left = [path for path in _orphans(root, targets) if _SOURCE.match(_read(root / path))]
    for path in [*ours, *left]:
        file = root / path
        if not file.is_file():
            continue
        text = _read(file)
        source = _SOURCE.match(text)
        where = source[1] if source else "the chapters"
        found = _CHECKSUM.search(text)
        if not found:
            what = "is in the way: it was not generated"
            yield problem(path, 1, what, "move it away, or rename the tangle target")
        elif _digest(text[found.end() :]) != found[1]:
            remedy = f"take the change to {where} and delete this file"
            yield problem(path, 0, "was edited by hand", remedy)


def _begun(file: Path, theirs: bool) -> bool:
    """Whether a reader has written in this file, or put another one in the place of theirs."""
    if not file.is_file():
        return False
    text = _read(file)
    if not theirs and _SOURCE.match(text):
        return False
    found = _CHECKSUM.search(text)
    return not found or _digest(text[: found.start()] + text[found.end() :]) != found[1]


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:12]
