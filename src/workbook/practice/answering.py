"""What `workbook answer` says: what is asked, which parts are right, what is still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from workbook.practice import answer_values, by_hand, sandbox
from workbook.practice.catalog import Unit
from workbook.practice.progress import Progress, Record
from workbook.practice.report import slip_text
from workbook.practice.runner import import_torch
from workbook.practice.terminal_text import for_terminal
from workbook.practice.words import ReaderError, say
from workbook.source.exercise import Exercise


def ask(unit: Unit, exercise: Exercise, lang: str) -> None:
    """Say what is asked and how to write the answer."""
    title = say(lang, "answer:asks", name=exercise.name, title=exercise.title)
    click.echo(click.style(title, bold=True))
    question = for_terminal([unit.questions[exercise.id]], lang)[0]
    click.echo(f"\n{question}\n\n{by_hand.form(exercise)}\n")
    click.echo(say(lang, "answer:form"))
    names = by_hand.keys(exercise)
    given = " ".join(f"{name}=…" for name in names) or "…"
    click.echo(f"  workbook answer {exercise.name} {given}")
    if names:
        click.echo(say(lang, "answer:keys"))


def take(exercise: Exercise, texts: Sequence[str], progress: Progress, lang: str) -> int:
    """Check what was typed, tell each part's verdict; 0 if nothing is wrong or missing."""
    given = read(exercise, texts, lang)
    names = by_hand.keys(exercise) or ("",)
    if "torch" in exercise.check.code if exercise.check else "":
        import_torch()
    values = {key: valued(exercise, text, lang) for key, text in given.items()}
    ended = by_hand.graded(exercise, values)
    sandbox.close()
    if ended.reason != "finished":
        raise ReaderError(say(lang, "answer:lost", error=ended.reason))
    known = progress.read().get(exercise.name, Record()).answers
    found: Mapping[str, list[str]] = ended.result
    right = {key: given[key] for key in given if not found[key][0]}
    for key in given:
        _tell(exercise, key, given[key], found[key], lang)
    kept = {
        key: text for key, text in {**known, **right}.items() if not found.get(key, [""])[0]
    }
    missing = [name for name in names if (name or "value") not in _stored(kept)]
    progress.keep_answers(exercise.name, _stored(kept))
    return _closing(exercise, missing, found, progress, lang)


def read(exercise: Exercise, texts: Sequence[str], lang: str) -> dict[str, str]:
    """What was typed for each part, still as text; one value alone has the key ""."""
    names = by_hand.keys(exercise)
    if not names:
        return {"": " ".join(map(answer_values.tidy, texts))}
    found = answer_values.pairs(texts)
    if found is None:
        values = answer_values.values(texts)
        if len(values) != len(names):
            words = {"text": " ".join(texts), "example": f"{names[0]}={texts[0]}"}
            raise ReaderError(say(lang, "no:key-wanted", **words))
        found = dict(zip(names, map(answer_values.tidy, values), strict=True))
    for key in found:
        if key not in names:
            raise ReaderError(say(lang, "no:key", key=key, names=_listed(names, lang)))
    return found


def valued(exercise: Exercise, text: str, lang: str) -> object:
    """The value of what was typed; ReaderError where it is none."""
    if by_hand.is_word(exercise):
        return text.strip("\"'")
    try:
        return answer_values.value(text)
    except answer_values.Unreadable:
        raise ReaderError(say(lang, "no:value", text=text)) from None


def _tell(exercise: Exercise, key: str, text: str, verdict: list[str], lang: str) -> None:
    slip, detail = verdict
    shown = f"{key} = {text}" if key else text
    mark = click.style(f"✗ {say(lang, 'answer:wrong')}", fg="red")
    if not slip:
        mark = click.style(f"✓ {say(lang, 'answer:right')}", fg="green")
    click.echo(f"  {mark}  {shown}")
    if slip:
        click.echo(f"      {slip_text(exercise, slip, lang)}")
    if detail and detail not in (key, text):
        click.echo(f"      {say(lang, 'case')}  {detail}")


def _closing(
    exercise: Exercise, missing: list[str], found: Mapping[str, list[str]],
    progress: Progress, lang: str,
) -> int:  # fmt: skip
    wrong = [key for key, (slip, _) in found.items() if slip]
    if not missing and not wrong:
        progress.note(exercise.name, "pass")
        click.echo(say(lang, "answer:all", name=exercise.name))
        return 0
    progress.note(exercise.name, "fail" if wrong else "todo")
    if open_ := [name for name in missing if name and name not in wrong]:
        click.echo(say(lang, "answer:left", names=_listed(open_, lang)))
    return 1


def _stored(answers: Mapping[str, str]) -> dict[str, str]:
    """Answers as they are kept: one value without a key is kept as `value`."""
    return {key or "value": text for key, text in answers.items()}


def _listed(names: Sequence[str], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(names)
