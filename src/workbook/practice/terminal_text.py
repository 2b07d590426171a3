"""Markdown of a hint or a slip as text for a terminal: formulas in Unicode, no markup."""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Sequence

from workbook import messages

_REFERENCE = re.compile(r"\[-?@(sec|fig|tbl|eq|exr)-([\w-]+)\]")
_FRACTION = re.compile(r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\{([^{}]*)\}")
_FUNCTION = re.compile(r"\\(cos|sin|tanh|exp|log|max|min)\b ?")
_SPACES = dict.fromkeys(range(0x2000, 0x200B), " ")  # of formulas
_GROUP = re.compile(r"([_^])\((\w)\)")  # pandoc's 0.5^(t)


class Plain(str):
    """A text that is made for a terminal already."""

    __slots__ = ()


def for_terminal(texts: Sequence[str], lang: str) -> list[str]:
    """Each text without markup; as it is where pandoc cannot be run."""
    if all(isinstance(text, Plain) for text in texts):
        return list(texts)
    marked = [_prepared(text, lang) for text in texts]
    if not any(re.search(r"[$*\[\\`]", text) for text in marked):
        return marked
    separator = "\n\n=-=-=\n\n"
    try:
        import pypandoc

        done = subprocess.run(
            [pypandoc.get_pandoc_path(), "-f", "markdown-smart-citations", "-t", "plain",
             "--wrap=none"],
            input=separator.join(marked), capture_output=True, text=True, check=True,
            encoding="utf-8", timeout=20,
        )  # fmt: skip
    except (ImportError, OSError, subprocess.SubprocessError):
        return marked
    text = unicodedata.normalize("NFC", done.stdout).translate(_SPACES)
    parts = [part.strip() for part in text.split(separator.strip())]
    return [_GROUP.sub(r"\1\2", part) for part in parts] if len(parts) == len(texts) else marked


def _prepared(text: str, lang: str) -> str:
    """References as words, and formulas in the part of TeX that pandoc writes as text."""
    kinds = messages.of("terminal", lang)
    text = _REFERENCE.sub(lambda m: f"{kinds[m[1]]} {m[2]}", text)
    text = _FRACTION.sub(lambda m: f"{_whole(m[1])}/{_whole(m[2])}", text)
    text = _ROOT.sub(lambda m: f"√{_whole(m[1])}", text)
    return _FUNCTION.sub(r"\\text{\1 }", text)


def _whole(part: str) -> str:
    return part if re.fullmatch(r"\\?\w+|\\(hat|bar) \w", part) else f"({part})"
