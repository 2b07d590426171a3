"""Reads a list of records from YAML, each with its line, and tells what is wrong in it.

The data of the generated appendices is kept this way: `chapters/glossary.yml`,
`chapters/claims.yml` and the like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from workbook.problem import BookError, Problem, problem
from workbook.source.edition import LANGUAGES
from workbook.source.text import Loader, NotYaml, parse_yaml, read_text

Form = Mapping[str, str]  # key → what it holds: "text", "both" (a text per language), "list"
_REMEDY = {
    "text": 'write "{key}: …" on one line',
    "both": 'write "{key}:" with "zh: …" and "en: …" below it',
    "list": 'write "{key}:" with "- …" below it, or "{key}: [a, b]"',
}


class Record(dict[str, Any]):
    """A mapping that knows the line it begins on."""

    line = 0


class _Loader(Loader):
    """Makes records of mappings, and refuses a key that is given twice."""


def _record(loader: Any, node: yaml.MappingNode) -> Record:
    record = Record()
    record.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in record:
            raise yaml.MarkedYAMLError(
                problem=f'"{key}" is given twice', problem_mark=key_node.start_mark
            )
        record[key] = loader.construct_object(value_node, deep=True)
    return record


_Loader.add_constructor("tag:yaml.org,2002:map", _record)


def read_records(root: Path, path: Path) -> list[Record]:
    """The records of a file; BookError where it is no list of mappings."""
    try:
        data = parse_yaml(read_text(root / path, path), _Loader)
    except FileNotFoundError:
        what = "not found"
        raise BookError(problem(path, 0, what, "write it, or take its appendix off")) from None
    except NotYaml as error:
        raise BookError(problem(path, error.line, error.why, "mend it")) from None
    if not (isinstance(data, list) and all(isinstance(record, Record) for record in data)):
        raise BookError(problem(path, 1, "is not a list of records", 'begin each with "- "'))
    return data


def problems_in(
    path: Path, record: Record, needed: Form, optional: Form | None = None
) -> list[Problem]:
    """Keys that are missing, unknown, or hold something else than they should."""
    known = {**needed, **(optional or {})}
    found = list(_missing(path, record, needed))
    for key, value in record.items():
        if key not in known:
            what, remedy = f'unknown key "{key}"', f"write one of {', '.join(known)}"
            found.append(problem(path, record.line, what, remedy))
        elif not _holds(value, known[key]):
            remedy = _REMEDY[known[key]].format(key=key)
            what = f'"{key}" is not what it should be'
            found.append(problem(path, record.line, what, remedy))
    return found


def _missing(path: Path, record: Record, needed: Form) -> Iterator[Problem]:
    for key, kind in needed.items():
        if key not in record:
            yield problem(path, record.line, f'no "{key}"', _REMEDY[kind].format(key=key))


def _holds(value: Any, kind: str) -> bool:
    if kind == "both":
        texts = [value.get(lang) for lang in LANGUAGES] if isinstance(value, dict) else []
        return bool(texts) and len(value) == len(LANGUAGES) and all(map(_is_text, texts))
    if kind == "list":
        return isinstance(value, list) and bool(value)
    return _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
