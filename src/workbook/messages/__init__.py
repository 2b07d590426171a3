"""The words that readers see, in both languages: `zh-en.yml` holds them, and no code does.

A section of the file is what one part of the books, or of the readers' commands, says.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import yaml

FILE = Path(__file__).with_name("zh-en.yml")
DEFAULT = "en"  # for a language that the file does not have
Words = Mapping[str, str]  # by what is said


@functools.cache
def of(section: str, *languages: str) -> Words:
    """What a section says; in several languages one after the other, what is the same once."""
    tables = [_in_language(section, lang) for lang in languages]
    first, *_ = tables
    return MappingProxyType(
        {key: " ".join(dict.fromkeys(table[key] for table in tables)) for key in first}
    )


def fingerprint(without: Sequence[str] = ()) -> str:
    """All words but those of some sections, for the keys of what is made with them."""
    return repr({name: keys for name, keys in read().items() if name not in without})


@functools.cache
def read() -> Mapping[str, Mapping[str, Words]]:
    """The file: by section, by key, by language."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)


def _in_language(section: str, lang: str) -> Words:
    return {key: said.get(lang, said[DEFAULT]) for key, said in read()[section].items()}
