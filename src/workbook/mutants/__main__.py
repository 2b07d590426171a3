"""`python -m workbook.mutants [CHAPTER [EXERCISE]]`: which mutants do the checks let live?"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from workbook.mutants.survivors import entry, equivalents, fates, unlike
from workbook.practice.catalog import catalog
from workbook.practice.runner import import_torch


def main(arguments: list[str]) -> int:
    """Print what became of the mutants; 1 if any lives that is not listed."""
    root, unlisted = Path.cwd(), 0
    import_torch()
    for unit, exercises in catalog(root, "zh").find(arguments[-1:]):
        listed = equivalents(root, unit.slug)
        for exercise in exercises:
            if exercise.by_hand:
                continue
            began = time.monotonic()
            found = fates(exercise)
            new, stale = unlike(exercise, found, listed)
            alive = sum(fate.state == "alive" for fate in found)
            seconds = time.monotonic() - began
            print(f"# {exercise.name}: {len(found)} mutants, {alive} alive, "
                  f"{len(new)} not listed, {seconds:.1f} s", flush=True)  # fmt: skip
            for fate in new:
                print("\n".join(entry(exercise, fate)))
            for name in stale:
                print(f"# listed, but found or gone: {name}")
            if "-v" in arguments:
                print(*(f"#   {f.state:12}  {f.mutant.name}" for f in found), sep="\n")
            unlisted += len(new) + len(stale)
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
