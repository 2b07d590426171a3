"""Reads the cheat sheet, runs it, and writes it as an appendix of each edition.

`chapters/cheatsheet.yml` holds cards of code, and each part of the book has a sheet of those
that refer to its chapters. What each line gives is computed by running it, so a sheet cannot
say what torch does not do; results are kept under a hash of the code and of what it ran on.
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
COLUMNS = 48  # of code, as many as the narrowest column of a printed sheet has
_CARD = {"card": "both", "section": "text"}
_MORE = {"setup": "text", "rule": "both", "entries": "list", "listing": "text", "for": "text"}
_ENTRY = {"code": "text"}
_NOTES = {"note": "both", "show": "text"}
_PACKAGES = ("torch", "safetensors", "onnx", "onnxscript", "onnxruntime")  # of what cards run
# Runs cards in a process of its own: JSON in, JSON out. A failure names the line of the YAML.
# Each card has a folder for its files; what it says by the way is not told.
_RUNNER = '''
import ast, contextlib, io, json, logging, sys, tempfile, warnings
import numpy, torch
from torch import nn

def shown(value, how):
    if isinstance(value, torch.Tensor | numpy.ndarray):
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

def results(card):
    """What each entry of a card gives; the line and the error of the one that fails."""
    torch.manual_seed(0)
    names, given = {"torch": torch, "nn": nn}, []
    for entry in card:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                given.append(result(entry, names))
        except Exception as error:
            print(json.dumps([entry["line"], f"{type(error).__name__}: {error}"]))
            sys.exit(1)
    return given

answers = []
warnings.simplefilter("ignore")
logging.disable()
for card in json.load(sys.stdin):
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        answers.append(results(card))
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
    shared: bool  # whether all cards of its sheet know the names of its listing

    @property
    def runs(self) -> list[dict[str, object]]:
        """All that is run of it, in order, with the line of each piece."""
        quiet = [(self.line, code, "nothing") for code in (self.setup, self.listing) if code]
        shown = [(entry.line, entry.code, entry.show) for entry in self.entries]
        return [{"line": n, "code": c, "show": s} for n, c, s in [*quiet, *shown]]


@dataclass(frozen=True)
class Sheet:
    """The cards of a part of the book, under its title; of all parts without one."""

    title: str
    cards: tuple[Card, ...]

    @property
    def runs(self) -> list[list[dict[str, object]]]:
        """All that is run for each card: what all cards know, then its own."""
        shared = [run for card in self.cards if card.shared for run in card.runs]
        return [[*shared, *card.runs] for card in self.cards]


def sheets(cards: Sequence[Card], edition: Edition) -> tuple[Sheet, ...]:
    """The cards by the part that their sections belong to, parts and cards in their order."""
    of_part: dict[str, list[Card]] = {}
    for card in cards:
        of_part.setdefault(_part(card, edition), []).append(card)
    return tuple(Sheet(title, tuple(of_part[title])) for title in of_part)


def _part(card: Card, edition: Edition) -> str:
    """The title of the part with the card's section; empty if it stands in none."""
    longest_first = sorted(edition.entries, key=lambda entry: -len(entry.slug))
    named = (e for e in longest_first if f"{card.section}-".startswith(f"sec-{e.slug}-"))
    entry = next(named, None)
    return " ".join(entry.part) if entry else ""


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
    if not found and card.get("for", "part") != "part":
        yield problem(PATH, card.line, f'for "{card["for"]}"', 'write "for: part", or nothing')
    if not found:
        yield from _too_wide(card, card.get("listing", ""))
    for entry in card.get("entries", []) if not found else []:
        if not isinstance(entry, Record):
            yield problem(PATH, card.line, "an entry has no keys", 'begin it with "code:"')
            continue
        wrong = problems_in(PATH, entry, _ENTRY, _NOTES)
        yield from wrong
        if not wrong:
            yield from _too_wide(entry, entry["code"])
        show = entry.get("show", "shape")
        if not wrong and "\n" in entry["code"]:
            what = "an entry of several lines"
            yield problem(PATH, entry.line, what, 'write one line, or a card with "listing:"')
        if not wrong and show not in SHOWN and not show.endswith("Error"):
            remedy = f"write one of {', '.join(SHOWN)}, or the name of an error"
            yield problem(PATH, entry.line, f'show "{show}" is none of ours', remedy)


def _too_wide(record: Record, code: str) -> Iterator[Problem]:
    for line in code.split("\n"):
        if len(line) > COLUMNS:
            what = f"“{line.strip()}” has {len(line)} columns"
            yield problem(PATH, record.line, what, f"{COLUMNS} fit on a card: shorten it")


# --- running ---------------------------------------------------------------------------


def results(found: Sequence[Sheet], cache: Path, root: Path) -> list[list[str]]:
    """What the entries of each card give; run only if the code or a version has changed."""
    runs = [run for sheet in found for run in sheet.runs]
    cards = [card for sheet in found for card in sheet.cards]
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
    ran_on = (sys.version, *map(_version, _PACKAGES), _RUNNER)
    return hashlib.sha256(repr((codes, ran_on)).encode()).hexdigest()


def _version(package: str) -> str:
    """The version of a package, if it is installed; a card that needs it tells if not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


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
    """The sheets of an edition that lists them; what they give is looked up in `cache`."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    lang, found = edition.lang, sheets(read_cheatsheet(root), edition)
    words = messages.of(SLUG, lang)
    given = iter(results(found, cache, root))
    parts = [f"# {words['title']} {{#sec-{SLUG}}}", words["opening"]]
    for number, sheet in enumerate(found, 1):
        if len(found) > 1:
            parts.append(f"## {sheet.title} {{#sec-{SLUG}-{number}}}")
        parts += [":::: {.cheatsheet}", *_cards(sheet, given, lang), "::::"]
    return Target(entry.path, (PATH,), "\n" + "\n\n".join(parts) + "\n")


def _cards(sheet: Sheet, given: Iterator[list[str]], lang: str) -> Iterator[str]:
    for card in sheet.cards:
        yield "\n\n".join(["::: {.card}", *_blocks(card, next(given), lang), ":::"])


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
