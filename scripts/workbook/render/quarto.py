"""Builds with Quarto: `quarto render` on the chapters as they stand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from workbook.problem import BookError, problem

TARGETS = {"html": "html", "epub": "epub", "pdf": "typst"}


def render(root: Path, lang: str, formats: Sequence[str]) -> Path:
    """Render one profile in some formats, one after another; returns the output folder.

    Quarto must not render two profiles of one folder at the same time.
    """
    quarto = shutil.which("quarto")
    if quarto is None:
        what = "there is no quarto on this machine"
        remedy = "install it with: pip install 'pytorch-workbook[quarto]', or drop --engine"
        raise BookError(problem("--engine quarto", 0, what, remedy))
    environment = os.environ | {"QUARTO_PYTHON": sys.executable}
    environment |= {"PYTHONPATH": str(root / "code")}
    command = [quarto, "render", "--profile", lang]
    # All formats in one run, or Quarto cleans away what it made before.
    every = set(formats) == set(TARGETS)
    targets = [] if every else ["--to", ",".join(TARGETS[f] for f in formats)]
    done = subprocess.run([*command, *targets], cwd=root, env=environment, check=False)
    if done.returncode:
        what = f"quarto render --profile {lang} failed with status {done.returncode}"
        raise BookError(problem(f"_quarto-{lang}.yml", 0, what, "read what it said above"))
    return root / "_book" / "quarto" / lang
