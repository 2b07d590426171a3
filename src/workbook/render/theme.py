"""The folders of the theme, from which the writers hand files to pandoc, Typst and Jinja."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
THEME = ROOT / "theme"
SITE, EPUB, PRINT = (THEME / name for name in ("site", "epub", "print"))
