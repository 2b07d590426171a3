"""Reads the claims ledger, and writes it as an appendix of each edition.

`chapters/claims.yml` holds what the article that this book completes asserts, claim by
claim: whether it is right, what is right, and a test or an official page that shows it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workbook import messages
from workbook.derive.records import Record, problems_in, read_records
from workbook.derive.tangle import Target
from workbook.problem import BookError, Problem, problem
from workbook.source.edition import LANGUAGES, Edition

SLUG = "claims"
PATH = Path("chapters/claims.yml")
VERDICTS = ("right", "partly", "dated", "wrong", "needs a number")  # as they are counted
_SECTION = {"section": "both", "chapter": "text", "claims": "list"}
_CLAIM = {"says": "both", "verdict": "text", "fact": "both", "evidence": "list"}
_TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")
_AND = "\\\n    "  # from one piece of evidence to the next


@dataclass(frozen=True)
class Claim:
    """One thing that the article asserts."""

    line: int
    says: dict[str, str]
    verdict: str
    fact: dict[str, str]
    tests: tuple[str, ...]  # pytest's ids
    pages: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A section of the article, and the chapter that took its place."""

    title: dict[str, str]
    chapter: str
    claims: tuple[Claim, ...]


Numbered = Iterable[tuple[Claim, int]]  # the claims of a section


def read_claims(root: Path) -> tuple[Section, ...]:
    """The sections of `chapters/claims.yml`; BookError with all that is wrong in it."""
    records = read_records(root, PATH)
    problems = [found for record in records for found in _problems_in(root, record)]
    if problems:
        raise BookError(problems)
    return tuple(
        Section(record["section"], record["chapter"], tuple(map(_claim, record["claims"])))
        for record in records
    )


def _claim(record: Record) -> Claim:
    tests, pages = (
        tuple(proof[kind] for proof in record["evidence"] if kind in proof)
        for kind in ("test", "page")
    )
    return Claim(record.line, record["says"], record["verdict"], record["fact"], tests, pages)


def _problems_in(root: Path, section: Record) -> Iterator[Problem]:
    found = problems_in(PATH, section, _SECTION)
    yield from found
    for claim in section.get("claims", []) if not found else []:
        if not isinstance(claim, Record):
            yield problem(PATH, section.line, "a claim has no keys", 'begin it with "says:"')
            continue
        found = problems_in(PATH, claim, _CLAIM)
        yield from found
        if not found:
            yield from _problems_in_claim(root, claim)


def _problems_in_claim(root: Path, claim: Record) -> Iterator[Problem]:
    if claim["verdict"] not in VERDICTS:
        what = f'verdict "{claim["verdict"]}" is none of ours'
        yield problem(PATH, claim.line, what, f"write one of {', '.join(VERDICTS)}")
    for proof in claim["evidence"]:
        line = getattr(proof, "line", claim.line)
        kind, value = next(iter(proof.items())) if isinstance(proof, Record) else ("", proof)
        if kind == "page" and str(value).startswith("https://"):
            continue
        if kind == "test" and (match := _TEST.fullmatch(str(value))):
            if not _defines(root / match[1], match[2]):
                yield problem(PATH, line, f"no test {value}", "write it, or name another")
            continue
        remedy = 'write "test: tests/code/test_x.py::test_name" or "page: https://…"'
        yield problem(PATH, line, f"evidence “{value}” is neither a test nor a page", remedy)


def _defines(file: Path, name: str) -> bool:
    return os.path.isfile(file) and f"\ndef {name}(" in file.read_text(encoding="utf-8")


def appendix(root: Path, edition: Edition) -> Target | None:
    """The ledger of an edition that lists it."""
    entry = edition.entry(SLUG)
    if entry is None:
        return None
    return Target(entry.path, (PATH,), _written(read_claims(root), edition, _definitions))


def bilingual(root: Path, edition: Edition) -> dict[Path, str]:
    """The ledgers of both halves of the bilingual edition by path, claim for claim.

    Numbers and evidence are the same in both, so that beside each other they stand once.
    """
    if edition.entry(SLUG) is None:
        return {}
    sections = read_claims(root)
    entries = ((half, half.entry(SLUG)) for half in edition.halves)
    return {entry.path: _written(sections, half, _items) for half, entry in entries if entry}


def _written(
    sections: tuple[Section, ...], edition: Edition, form: Callable[[Numbered, str], str]
) -> str:
    text = messages.of(SLUG, edition.lang)
    title = f"# {text['title']} {{#sec-{SLUG}}}"
    parts = [title, text["opening"], text["scale"], _tally(sections, edition)]
    numbers = count(1)
    for section in sections:
        name = section.title[edition.lang]
        parts.append(f"## {name} {{#sec-{SLUG}-{section.chapter}}}")
        if edition.entry(section.chapter):
            parts.append(text["chapter"].format(section=f"sec-{section.chapter}"))
        parts.append(form(zip(section.claims, numbers, strict=False), edition.lang))
    return "\n" + "\n\n".join(parts) + "\n"


def _tally(sections: tuple[Section, ...], edition: Edition) -> str:
    text = messages.of(SLUG, edition.lang)
    verdicts = messages.of("verdicts", edition.lang)
    seen = Counter(claim.verdict for section in sections for claim in section.claims)
    counts = [
        verdicts[f"{verdict} count"].format(count=seen[verdict])
        for verdict in VERDICTS
        if seen[verdict]
    ]
    return text["tally"].format(total=seen.total(), counts=text["joint"].join(counts))


def _definitions(claims: Numbered, lang: str) -> str:
    """Number, verdict and claim as a term; the facts and the evidence are what it means."""
    text, blocks = messages.of(SLUG, lang), []
    for claim, number in claims:
        tests = [_TEST.fullmatch(test) for test in claim.tests]
        proofs = [text["test"].format(name=m[2], file=Path(m[1]).name) for m in tests if m]
        proofs += [f"<{page}>" for page in claim.pages]
        evidence = text["evidence"].format(evidence=_AND.join(proofs))
        blocks += [
            f"{number} {_head(claim, lang)}",
            f":   {claim.fact[lang]}\n\n    {evidence}",
        ]
    return "\n\n".join(blocks)


def _items(claims: Numbered, lang: str) -> str:
    """A numbered list, in which nothing of the evidence is in a language."""
    items = []
    for claim, number in claims:
        proofs = [
            *(f"`{test}`" for test in claim.tests),
            *(f"<{page}>" for page in claim.pages),
        ]
        items += [
            f"{number}.".ljust(5) + f"**{_head(claim, lang)}**",
            f"     {claim.fact[lang]}",
            f"     {_evidence_label()} {_AND.join(proofs)}",
        ]
    return "\n\n".join(["::: {.claims}", *items, ":::"])


def _evidence_label() -> str:
    """The word before the evidence, where that stands once for both languages."""
    zh, en = (messages.of(SLUG, lang)["evidence-label"] for lang in LANGUAGES)
    return f'[{zh}]{{.zh lang="zh-CN"}} [{en}]{{.en lang="en"}}:'


def _head(claim: Claim, lang: str) -> str:
    verdict = messages.of("verdicts", lang)[claim.verdict]
    return messages.of(SLUG, lang)["claim"].format(verdict=verdict, says=claim.says[lang])
