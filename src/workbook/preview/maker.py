"""A process that makes books for the preview, one after the other, until nobody asks any more.

It stays because Typst keeps what it has laid out for as long as its process lives. It reads
what to make from the lines of standard input, `["en", "pdf"]`, and writes to standard output
`{"said": …}` while it works and `{"problems": […]}` when it is done; its arguments are the
book's root and the folder that the books go to.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import sys
import traceback
from pathlib import Path

from workbook.build import Request, build
from workbook.problem import BookError, Location, Problem, of_file, problem


def told(problems: list[Problem]) -> str:
    """Problems as a line of JSON."""
    return json.dumps({"problems": [dataclasses.astuple(each) for each in problems]})


def heard(line: str) -> tuple[str, list[Problem] | None]:
    """What a line says: some words; or in the end the problems, of which there may be none."""
    answer = json.loads(line)
    if "said" in answer:
        return answer["said"], None
    found = [Problem(Location(*where), *rest) for where, *rest in answer["problems"]]
    return "", found


class _Told:
    """A reporter whose words go to standard output."""

    def start(self, stage: str, total: int) -> None: ...

    def step(self, stage: str, what: str, done: int, total: int) -> None:
        if done == total:
            print(json.dumps({"said": f"{stage}: {what} done"}), flush=True)

    def finish(self, stage: str) -> None: ...


def _made(root: Path, output: Path, edition: str, fmt: str) -> list[Problem]:
    """Make one book; returns what stood in the way."""
    try:
        # In this process, not in workers of its own: it is to know the book the next time.
        build(Request(root, output, (edition,), (fmt,), jobs=1), _Told())
    except BookError as error:
        return error.problems
    except OSError as error:
        return [of_file(error, root)]
    except Exception as error:
        what = f"the {fmt} of {edition} could not be made ({error!r})"
        return [problem("preview", 0, what, "ask again", traceback.format_exc())]
    return []


def serve(root: Path, output: Path) -> None:
    """Make what is asked for until there is no more."""
    gc.disable()  # looking for what could go, again and again, takes a third of the time
    for line in sys.stdin:
        print(told(_made(root, output, *json.loads(line))), flush=True)
        gc.collect()  # what the book was made from, while nobody waits


if __name__ == "__main__":
    try:
        serve(*map(Path, sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(1)
