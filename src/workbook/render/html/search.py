"""Makes the site's search index, which a browser reads piece by piece and no server answers.

Pagefind cuts Chinese into words, so 微分 is found in 自动微分. Its own interface is left out:
theme/site/search.js is ours.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workbook.problem import BookError, problem

FOLDER = "pagefind"
_NOT_TEXT = ".anchor, .take, .turn, .running-part, .title-page"
_CUTS = "needsWordSegmentation=(lang)=>{"
_KEPT = ("pagefind.js", "pagefind-worker.js", "pagefind-entry.json")


def index(site: Path) -> None:
    """Write the index of all pages of a site into its folder `pagefind`."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pagefind", "--site", str(site), "--silent",
            "--output-subdir", FOLDER, "--root-selector", "main", "--keep-index-url",
            "--exclude-selectors", _NOT_TEXT, "--include-characters", "_.",
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )  # fmt: skip
    if done.returncode or not (site / FOLDER / _KEPT[0]).is_file():
        lines = (done.stderr or done.stdout).strip().splitlines()
        what = f"no search index: pagefind says {lines[-1] if lines else 'nothing'}"
        raise BookError(problem(site, 0, what, "install it: pip install 'pagefind[extended]'"))
    for name in _KEPT[:2]:
        _leave_words_whole(site / FOLDER / name)
    for path in (site / FOLDER).iterdir():  # the interfaces that are not ours
        if path.suffix in (".js", ".css") and path.name not in _KEPT:
            path.unlink()


def _leave_words_whole(script: Path) -> None:
    """Keep Pagefind's script from cutting the query as the browser does: see search.js."""
    text = script.read_text(encoding="utf-8")
    if _CUTS not in text:
        what = "cuts Chinese queries in a way that we do not know"
        raise BookError(problem(script.name, 0, what, "install pagefind 1.5"))
    script.write_text(text.replace(_CUTS, f"{_CUTS}return false;"), encoding="utf-8")
