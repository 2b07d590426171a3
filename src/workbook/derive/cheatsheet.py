"""Reads the cheat sheet, runs it, and writes it as an appendix of each edition.

`chapters/cheatsheet.yml` holds cards of code. What each line gives is computed by running it,
so the sheet cannot say what torch does not do; results are kept under a hash of the code and
the versions it ran on.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook import messages, zygote
from workbook.derive.records import Record, problems_in, read_records
from workbook.derive.tangle import Target
from workbook.files import atomic_write, read_json
from workbook.problem import BookError, Problem, problem
from workbook.source.edition import Edition

SLUG = "cheatsheet"
PATH = Path("chapters/cheatsheet.yml")
SHOWN = ("shape", "values", "nothing")  # or the name of an error
_CARD = {"card": "both", "section": "text"}
_MORE = {"setup": "text", "rule": "both", "entries": "list", "listing": "text", "for": "text"}
_ENTRY = {"code": "text"}
_NOTES = {"note": "both", "show": "text"}
# Runs cards in a process of its own: JSON in, JSON out. A failure names the line of the YAML.
_RUNNER = '''
import ast, json, sys
import torch
from torch import nn

def shown(value, how):
    if isinstance(value, torch.Tensor):
        if how == "values" or not value.ndim:
            return str(value.tolist())
        return str(tuple(value.shape))
    return str(tuple(value)) if isinstance(value, torch.Size) else str(value)

def give(code, names, how):
    """The value of a last line that is an expression, as it is shown."""
    tree = ast.parse(code)
    if not isinstance(tree.body[-1], ast.Expr):
        exec(code, names)
        return ""
    exec(compile(ast.Module(tree.body[:-1], []), "card", "exec"), names)
    last = tree.body[-1].value
    value = eval(compile(ast.Expression(last), "card", "eval"), names)
    if how == "nothing" or value is None:
        return ""
    parts = value if isinstance(last, ast.Tuple) else [value]
    return ", ".join(shown(part, how) for part in parts)

def result(entry, names):
    try:
        given = give(entry["code"], names, entry["show"])
    except Exception as error:
        if type(error).__name__ != entry["show"]:
            raise
        return entry["show"]
    if entry["show"].endswith("Error"):
        raise AssertionError(f"raised no {entry['show']}")
    return given

answers = []
for card in json.load(sys.stdin):
    torch.manual_seed(0)
    names, answer = {"torch": torch, "nn": nn}, []
    for entry in card:
        try:
            answer.append(result(entry, names))
        except Exception as error:
            print(json.dumps([entry["line"], f"{type(error).__name__}: {error}"]))
            sys.exit(1)
    answers.append(answer)
print(json.dumps(answers))
'''


@dataclass(frozen=True)
class Entry:
    """A line of code, how its result is shown, and what is said about it."""

    line: int
    code: str
    show: str
    note: dict[str, str]


@dataclass(frozen=True)
class Card:
    """What belongs together, and the section that it comes from."""

    line: int
    title: dict[str, str]
    section: str
    setup: str
    rule: dict[str, str]
    entries: tuple[Entry, ...]
    listing: str
    shared: bool  # whether all cards know the names of its listing

    @property
    def runs(self) -> list[dict[str, object]]:
        """All that is run of it, in order, with the line of each piece."""
        quiet = [(self.line, code, "nothing") for code in (self.setup, self.listing) if code]
        shown = [(entry.line, entry.code, entry.show) for entry in self.entries]
        return [{"line": n, "code": c, "show": s} for n, c, s in [*quiet, *shown]]


def _runs(cards: Sequence[Card]) -> list[list[dict[str, object]]]:
    """All that is run for each card: what all cards know, then its own."""
    shared = [run for card in cards if card.shared for run in card.runs]
    return [[*shared, *card.runs] for card in cards]


# --- reading ---------------------------------------------------------------------------


def read_cheatsheet(root: Path) -> tuple[Card, ...]:
    """The cards of `chapters/cheatsheet.yml`; BookError with all that is wrong in it."""
    records = read_records(root, PATH)
    problems = [found for record in records for found in _problems_in(record)]
    if problems:
        raise BookError(problems)
    return tuple(map(_card, records))


def _card(record: Record) -> Card:
    entries = tuple(
        Entry(e.line, e["code"], e.get("show", "shape"), e.get("note", {}))
        for e in record.get("entries", [])
    )
    setup, listing = (record.get(key, "").strip("\n") for key in ("setup", "listing"))
    rule = record.get("rule", {})
    shared = "for" in record
    return Card(
        record.line, record["card"], record["section"], setup, rule, entries, listing, shared
    )


def _problems_in(card: Record) -> Iterator[Problem]:
    found = problems_in(PATH, card, _CARD, _MORE)
    yield from found
    if not found and not ("entries" in card or "listing" in card):
        yield problem(PATH, card.line, "an empty card", 'add "entries:" or "listing:"')
    if not found and card.get("for", "all") != "all":
        yield problem(PATH, card.line, f'for "{card["for"]}"', 'write "for: all", or nothing')
    for entry in card.get("entries", []) if not found else []:
        if not isinstance(entry, Record):
            yield problem(PATH, card.line, "an entry has no keys", 'begin it with "code:"')
            continue
        wrong = problems_in(PATH, entry, _ENTRY, _NOTES)
        yield from wrong
        show = entry.get("show", "shape")
        if not wrong and "\n" in entry["code"]:
            what = "an entry of several lines"
            yield problem(PATH, entry.line, what, 'write one line, or a card with "listing:"')
        if not wrong and show not in SHOWN and not show.endswith("Error"):
            remedy = f"write one of {', '.join(SHOWN)}, or the name of an error"
            yield problem(PATH, entry.line, f'show "{show}" is none of ours', remedy)


# --- running ---------------------------------------------------------------------------


def results(cards: Sequence[Card], cache: Path, root: Path) -> list[list[str]]:
    """What the entries of each card give; run only if the code or a version has changed."""
    runs = _runs(cards)
    key = _key(runs)
    kept = read_json(cache)
    if not _is_whole(kept, key, cards):
        kept = {"key": key, "given": _run(runs, root)}
        with contextlib.suppress(OSError):  # a full disk: it is run again next time
            atomic_write(cache, json.dumps(kept))
    return [
        given[len(given) - len(card.entries) :]
        for card, given in zip(cards, kept["given"], strict=True)
    ]


def _is_whole(kept: Any, key: str, cards: Sequence[Card]) -> bool:
    """Whether this was kept under this key, with a result for each entry."""
    if not isinstance(kept, dict) or kept.get("key") != key:
        return False
    given = kept.get("given")
    return (
        isinstance(given, list)
        and len(given) == len(cards)
        and all(isinstance(each, list) for each in given)
        and all(isinstance(text, str) for each in given for text in each)
        and all(len(each) >= len(c.entries) for c, each in zip(cards, given, strict=True))
    )


def _key(runs: list[list[dict[str, object]]]) -> str:
    codes = [[(run["code"], run["show"]) for run in card] for card in runs]
    ran_on = (sys.version, importlib.metadata.version("torch"), _RUNNER)
    return hashlib.sha256(repr((codes, ran_on)).encode()).hexdigest()


def _run(runs: list[list[dict[str, object]]], root: Path) -> list[list[str]]:
    done = zygote.run(_RUNNER, root, json.dumps(runs))
    if done.returncode == 0:
        return json.loads(done.stdout)
    try:
        line, what = json.loads(done.stdout)
    except ValueError:
        line, what = 0, (done.stderr.strip().splitlines() or ["nothing"])[-1]
    raise BookError(problem(PATH, line, what, "mend the code, or name the error in show:"))


# --- the appendix ----------------------------------------------------------------------


def appendix(root: Path, edition: Edition, cache: Path) -> Target | None:
    """The sheet of an edition that lists one; what it gives is looked up in `cache`."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    lang, cards = edition.lang, read_cheatsheet(root)
    words = messages.of(SLUG, lang)
    parts = [f"# {words['title']} {{#sec-{SLUG}}}", words["opening"], ":::: {.cheatsheet}"]
    for card, given in zip(cards, results(cards, cache, root), strict=True):
        parts.append("\n\n".join(["::: {.card}", *_blocks(card, given, lang), ":::"]))
    return Target(entry.path, (PATH,), "\n" + "\n\n".join([*parts, "::::"]) + "\n")


def _blocks(card: Card, given: Sequence[str], lang: str) -> Iterator[str]:
    yield f"::: {{.card-title}}\n**{card.title[lang]}**\n:::"
    yield f"::: {{.card-place}}\n[@{card.section}]\n:::"
    if card.rule:
        yield card.rule[lang]
    if card.listing:
        yield f"```python\n{card.listing}\n```"
    for entry, result in zip(card.entries, given, strict=True):
        shown = [f"[{entry.note[lang]}]{{.card-note}}"] if entry.note else []
        shown += [f"`{result}`"] if result else []
        yield f"`{entry.code}`\n:   {' · '.join(shown)}".rstrip()
