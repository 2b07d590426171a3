"""Says in a few lines what a build made and where the time went."""

from __future__ import annotations

import os
from pathlib import Path

from workbook.build import Summary


def summarize(summary: Summary) -> str:
    """A table of the books, then the seconds of each stage."""
    width = max((len(_shown(p.path)) for p in summary.products), default=0)
    lines = [
        f"{_shown(p.path):<{width}}  {_bytes(p.size):>9}  {_pages(p.pages):>10}"
        f"  {'made' if p.fresh else 'unchanged'}"
        for p in summary.products
    ]
    lines += [f"wrote {path}" for path in summary.tangled]
    if "execute" in summary.seconds:
        ran = ", ".join(summary.executed) or "nothing, no chapter changed"
        lines.append(f"executed: {ran}")
    stages = "  ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())
    return "\n".join([*lines, f"{stages}  total {sum(summary.seconds.values()):.1f} s"])


def _shown(path: Path) -> str:
    page = path / "index.html"
    return os.path.relpath(page if page.is_file() else path)


def _bytes(size: int) -> str:
    return f"{size / 1024:,.0f} kB" if size < 1024 * 1024 else f"{size / 1024 / 1024:,.1f} MB"


def _pages(pages: int) -> str:
    return f"{pages} pages" if pages else ""
