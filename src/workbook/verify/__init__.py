"""Validates the finished books with tools that know the formats better than we do.

Each validator is a function in one of this package's modules, registered in `VALIDATORS`
there. It says what it measured and what is wrong; a book is good if nothing is.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path

from workbook.problem import BookError, Problem, problem
from workbook.source.edition import EDITIONS, read_edition
from workbook.verify import (
    axe,
    contrast,
    epub,
    layout,
    lighthouse,
    markup,
    pdf,
    pdfa,
    pencil,
    quarto,
    search,
    site,
    table,
    text,
    typesetting,
)
from workbook.verify.kept import Kept
from workbook.verify.table import Verdict
from workbook.verify.validator import INSTALL, Failed, Finding, Missing, Subject, Validator

VALIDATORS: tuple[Validator, ...] = (
    *epub.VALIDATORS,
    *pdfa.VALIDATORS,
    *pdf.VALIDATORS,
    *layout.VALIDATORS,
    *typesetting.VALIDATORS,
    *pencil.VALIDATORS,
    *markup.VALIDATORS,
    *axe.VALIDATORS,
    *site.VALIDATORS,
    *search.VALIDATORS,
    *contrast.VALIDATORS,
    *text.VALIDATORS,
    *lighthouse.VALIDATORS,
    *quarto.VALIDATORS,
)


def validate(
    root: Path,
    output: Path,
    names: Sequence[str],
    editions: Sequence[str],
    say: Callable[[str], None],
    memory: Path | None = None,
) -> list[Problem]:
    """Say a table of what these validators, or all, measured; gives what is wrong.

    The table of all validators over all editions is kept as a file beside the books. What was
    good is remembered in the file `memory`, and not looked at again until it changes.
    """
    wanted = _chosen(names)
    order = [validator.name for validator in VALIDATORS]
    verdicts = []
    say(table.header())
    for verdict in verify(root, output, wanted, editions, memory=memory):
        say(str(verdict))
        verdicts.append(verdict)
    if again := sum(verdict.kept for verdict in verdicts):
        say(f"{again} of {len(verdicts)} good and unchanged since an earlier run")
    verdicts.sort(key=lambda v: (order.index(v.validator), EDITIONS.index(v.edition)))
    if not names and tuple(editions) == EDITIONS:
        table.write(output, verdicts)
    return [each for verdict in verdicts for each in verdict.finding.problems]


def verify(
    root: Path,
    output: Path,
    validators: Sequence[Validator] = VALIDATORS,
    editions: Sequence[str] = EDITIONS,
    jobs: int = os.cpu_count() or 1,
    memory: Path | None = None,
) -> Iterator[Verdict]:
    """Run every validator over every edition in the store `output`; verdicts as they fall.

    Most validators are processes of their own, so threads keep `jobs` cores busy. Those that
    compute here have a process for each edition, in which they share what they read of it.
    """
    kept = Kept(memory)
    subjects = [Subject(root, read_edition(root, name), output / name) for name in editions]
    tasks = [
        (validator, group)
        for validator in sorted(validators, key=lambda v: not v.slow)
        for group in _groups(validator, subjects)
    ]
    try:
        with ThreadPoolExecutor(jobs) as pool:
            together = [
                pool.submit(_verdicts, *task, kept)
                for task in tasks
                if not (task[0].alone or task[0].apart)
            ]
            together += [
                pool.submit(_apart, own, subject, kept)
                for subject in subjects
                if (own := [v for v, group in tasks if v.apart and subject in group])
            ]
            try:
                for future in as_completed(together):
                    yield from future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        for task in tasks:
            if task[0].alone:
                yield from _verdicts(*task, kept)
    finally:
        kept.write()


def _groups(validator: Validator, subjects: Sequence[Subject]) -> list[list[Subject]]:
    """The subjects that a validator takes at once: all of its own, or one at a time."""
    own = [subject for subject in subjects if subject.edition.name in validator.editions]
    return ([own] if own else []) if validator.together else [[subject] for subject in own]


def _chosen(names: Sequence[str]) -> Sequence[Validator]:
    """The validators of these names, or all; BookError for a name that none has."""
    known = {validator.name: validator for validator in VALIDATORS}
    if unknown := [name for name in names if name not in known]:
        remedy = f"choose from {', '.join(known)}"
        raise BookError([problem("workbook verify", 0, f"no {n!r}", remedy) for n in unknown])
    return [known[name] for name in names] or VALIDATORS


def _apart(validators: Sequence[Validator], subject: Subject, kept: Kept) -> list[Verdict]:
    """What these validators say of a book, one after the other in a process of their own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:

        def findings(validator: Validator, subjects: Sequence[Subject]) -> list[Finding]:
            return [process.submit(validator.run, each).result() for each in subjects]

        return [
            verdict
            for validator in validators
            for verdict in _verdicts(validator, [subject], kept, findings)
        ]


def _verdicts(
    validator: Validator,
    subjects: Sequence[Subject],
    kept: Kept,
    findings_of: Callable[[Validator, Sequence[Subject]], list[Finding]] = Validator.findings,
) -> list[Verdict]:
    """What one validator says; that it is missing, breaks, or has no book, is a fault."""
    began = time.monotonic()
    version = ""
    good: dict[Subject, Finding | None] = {}
    try:
        version = validator.version()
        findings = {subject: _no_book(validator, subject) for subject in subjects}
        good = {each: kept.good(validator, each, version) for each in subjects}
        findings |= {each: finding for each, finding in good.items() if finding}
        books = [subject for subject, known in findings.items() if not known]
        made = dict(zip(books, findings_of(validator, books) if books else (), strict=True))
        for subject, finding in made.items():
            kept.keep(validator, subject, version, finding)
        findings |= made
    except Missing as missing:
        fault = problem(validator.name, 0, f"{missing} is not installed", INSTALL)
        findings = dict.fromkeys(subjects, Finding("nothing validated", [fault]))
    except Exception as error:  # it must not hide what the others find
        what = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
        fault = problem(validator.name, 0, f"broke off: {what.strip()}",
                        f"try workbook verify --only {validator.name}")  # fmt: skip
        findings = dict.fromkeys(subjects, Finding("nothing validated", [fault]))
    seconds = (time.monotonic() - began) / len(subjects)
    return [
        Verdict(
            *(validator.name, version, subject.edition.name, finding, seconds),
            kept=bool(good.get(subject)),
        )
        for subject, finding in findings.items()
    ]


def _no_book(validator: Validator, subject: Subject) -> Finding | None:
    absent = [path for path in subject.products(validator.product) if not path.exists()]
    faults = [subject.fault(path, "is not there", "run make book") for path in absent]
    return Finding("no book", faults) if faults else None
