"""Reads the claims ledger, and writes it as an appendix of each edition.

`chapters/claims.yml` holds what the article that this book completes asserts, claim by
claim: whether it is right, what is right, and a test or an official page that shows it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workbook.derive.records import Record, problems_in, read_records
from workbook.derive.tangle import Target
from workbook.problem import BookError, Problem, problem
from workbook.source.edition import Edition

SLUG = "claims"
PATH = Path("chapters/claims.yml")
VERDICTS = {  # in the order in which they are counted; "many" is how several are told
    "right": {"zh": "正确", "en": "Right", "many": "are right"},
    "partly": {"zh": "部分正确", "en": "Partly right", "many": "partly right"},
    "dated": {"zh": "过时", "en": "Dated", "many": "dated"},
    "wrong": {"zh": "错误", "en": "Wrong", "many": "wrong"},
    "needs a number": {"zh": "要看数字", "en": "Needs a number", "many": "need a number"},
}
_SECTION = {"section": "both", "chapter": "text", "claims": "list"}
_CLAIM = {"says": "both", "verdict": "text", "fact": "both", "evidence": "list"}
_TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")
_TEXT = {
    "zh": {
        "title": "逐条核对",
        "opening": "这本书补全的那篇教程说过的话，我们按原文的次序逐条核对过。每条先给"
        "结论，再转述原文的说法，下面是实情和依据，也就是一个测试或者一页官方"
        "文档。测试在 `tests/` 里，"
        "运行 `.venv/bin/pytest -k` 加上测试的名字，你可以自己验一遍。",
        "scale": "结论分五种：\n\n"
        "- 正确：照原话成立，下文只作补充。\n"
        "- 部分正确：要加上条件才成立，条件写在下文里。\n"
        "- 过时：从前成立，如今不再成立。\n"
        "- 错误：照原话不成立。\n"
        "- 要看数字：说的是多少或者多快，不给出数字就无从判断。",
        "tally": "一共 {total} 条：{counts}。",
        "count": "{zh} {count} 条",
        "joint": "，",
        "chapter": "见[@{section}]。",
        "claim": "{verdict}：{says}",
        "evidence": "依据：{evidence}",
        "test": "测试 `{name}`（`{file}`）",
    },
    "en": {
        "title": "Claims checked",
        "opening": "What the tutorial that this book completes asserts, checked claim by claim "
        "in its own order. Each begins with the verdict and the claim in our words; below are "
        "the facts and the evidence, which is a test or an official page. The tests are in "
        "`tests/`: `.venv/bin/pytest -k` and a name runs one.",
        "scale": "There are five verdicts:\n\n"
        "- Right: it holds as it is said; what follows only adds to it.\n"
        "- Partly right: it holds under a condition, which follows.\n"
        "- Dated: it did hold, and no longer does.\n"
        "- Wrong: it doesn't hold as it is said.\n"
        "- Needs a number: how much, or how fast, can't be judged without one.",
        "tally": "Of {total} claims, {counts}.",
        "count": "{count} {many}",
        "joint": ", ",
        "chapter": "See [@{section}].",
        "claim": "{verdict}: {says}",
        "evidence": "Evidence: {evidence}",
        "test": "test `{name}` (`{file}`)",
    },
}
_AND = "\\\n    "  # from one piece of evidence to the next
# Where what follows stands once for both languages.
_EVIDENCE = '[依据]{.zh lang="zh-CN"} [Evidence]{.en lang="en"}:'


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
    return file.is_file() and f"\ndef {name}(" in file.read_text(encoding="utf-8")


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
    text = _TEXT[edition.lang]
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
    text = _TEXT[edition.lang]
    seen = Counter(claim.verdict for section in sections for claim in section.claims)
    counts = [
        text["count"].format(count=seen[verdict], **words)
        for verdict, words in VERDICTS.items()
        if seen[verdict]
    ]
    return text["tally"].format(total=seen.total(), counts=text["joint"].join(counts))


def _definitions(claims: Numbered, lang: str) -> str:
    """Number, verdict and claim as a term; the facts and the evidence are what it means."""
    text, blocks = _TEXT[lang], []
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
            f"     {_EVIDENCE} {_AND.join(proofs)}",
        ]
    return "\n\n".join(["::: {.claims}", *items, ":::"])


def _head(claim: Claim, lang: str) -> str:
    verdict = VERDICTS[claim.verdict][lang]
    return _TEXT[lang]["claim"].format(verdict=verdict, says=claim.says[lang])
