"""The readers' part of the command line: try, hint, answer, progress, reset."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbook.practice import console
from workbook.practice.catalog import Catalog, UnknownName, catalog
from workbook.practice.folder import checkout, kit_of, reader_folder
from workbook.practice.words import ReaderError, reader_language, say
from workbook.problem import BookError
from workbook.source.edition import LANGUAGES
from workbook.source.exercise import Exercise

if TYPE_CHECKING:
    from workbook.practice.progress import Progress


class Context:
    """Where a reader works: the book, their language, what they have done."""

    def __init__(self, lang: str | None) -> None:
        here = Path.cwd()
        self.asked = lang
        self.folder = reader_folder(here)
        self.checkout = checkout(here)
        if self.folder and self.checkout and self.checkout.is_relative_to(self.folder.root):
            self.folder = None  # the nearer one counts
        self.lang = reader_language(lang or (self.folder.lang if self.folder else None))

    @property
    def root(self) -> Path:
        """Where the reader's files are named from; ReaderError outside of any book."""
        if self.folder:
            return self.folder.root
        if self.checkout:
            return self.checkout
        raise ReaderError(say(self.lang, "no:book"))

    @functools.cached_property
    def catalog(self) -> Catalog:
        if self.folder:
            return kit_of(self.lang).catalog(self.folder.root, self.lang)
        return catalog(self.root, self.lang)

    @functools.cached_property
    def progress(self) -> Progress:
        from workbook.practice.progress import progress_of

        return progress_of(self.root, self.catalog.folder, self.lang)

    def say(self, key: str, /, **values: object) -> None:
        click.echo(say(self.lang, key, **values))


def reader_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with --lang that gets a context, and says what is wrong in their words."""

    @click.option("--lang", type=click.Choice(LANGUAGES),
                  help="Language of what is said. [the locale's]")  # fmt: skip
    @functools.wraps(command)
    def wrapped(lang: str | None, **options: Any) -> None:
        console.settle()
        try:
            context = Context(lang)
            try:
                status = command(context, **options)
            except UnknownName as error:
                raise ReaderError(error.told(context.lang)) from None
        except ReaderError as error:
            click.echo(str(error), err=True)
            status = 2
        except BookError as error:
            click.echo(str(error), err=True)
            status = 2
        except KeyboardInterrupt:
            status = 130
        raise SystemExit(status or 0)

    return wrapped


@click.command()
@click.argument("place", required=False, metavar="[FOLDER]", type=click.Path(path_type=Path))
@reader_command
def start(context: Context, place: Path | None) -> None:
    """Make a folder to do the exercises in, or bring it up to date. 建一个做题的文件夹。

    A file for each chapter, and a README in your language (--lang). Run it again with a
    newer edition installed: new chapters come in, and what you wrote stays as it is; where
    an exercise that you have begun has changed, its new stub is put into a file beside it.

    再次运行就更新：新的章节会加进来，你写过的一个字也不动。

    \b
    workbook start                        in ./pytorch-workbook, or the folder you are in
    workbook start "D:\\my exercises"
    """
    from workbook.practice import folder

    where = place or (context.folder.root if context.folder else Path(folder.NAME))
    for line in folder.start(where, context.asked, context.lang):
        click.echo(line)


@click.command("try")
@click.argument("names", nargs=-1, metavar="[EXERCISE|CHAPTER]...")
@click.option("--watch", "-w", "watching", is_flag=True,
              help="Stay, and check again what changes whenever you save.")  # fmt: skip
@click.option("--runner", type=click.Choice(["fork", "fresh"]), envvar="WORKBOOK_RUNNER",
              help="What each exercise runs in: a fork of this one, or a fresh interpreter. "
                   "[fork, where there is one]")  # fmt: skip
@reader_command
def try_(context: Context, names: tuple[str, ...], watching: bool, runner: str | None) -> int:
    """Check what you wrote into the chapters' files. 检查你写在各章文件里的答案。

    Each exercise is run alone, in a process of its own, with limits on time (10 s of
    computing) and memory (2 GB). You are told pass, fail, error or to do, and where it
    failed what was expected, what came, and the likely slip. Without a name everything
    is checked. The exit status is 0 only if all that was asked for passes.

    每道题单独运行，死循环、崩溃都只算它自己的。不写名字就检查全部。

    \b
    workbook try tensors                  one chapter · 一章
    workbook try tensors-standardize      one exercise · 一道题
    workbook try tensors --watch          again at each save · 保存就重查
    """
    from workbook.practice import sandbox
    from workbook.practice.session import Session

    if runner:
        os.environ[sandbox.ASKED] = runner
    session = Session(context.root, context.catalog, context.progress, context.lang)
    return session.run(names, watching)


@click.command()
@click.argument("name", metavar="EXERCISE")
@click.option("--again", is_flag=True, help="Show the hints once more that you have had.")
@reader_command
def hint(context: Context, name: str, again: bool) -> None:
    """Give one more hint each time. 每次给一条提示。

    After the last one you are told where the worked solution stands.

    \b
    workbook hint tensors-windows
    workbook hint tensors-windows --again
    """
    from workbook.practice.progress import Record
    from workbook.practice.terminal_text import for_terminal

    _, exercise = context.catalog.one(name)
    record = context.progress.read().get(exercise.name, Record())
    hints, given = (
        for_terminal(exercise.hints, context.lang),
        min(record.hints, len(exercise.hints)),
    )
    fresh = [] if again else hints[given : given + 1]
    for number, text in enumerate(hints[:given] if again else fresh, 1 if again else given + 1):
        label = say(context.lang, "hint", number=number, count=len(hints))
        click.echo(f"{click.style(label, bold=True)}  {text}")
    if fresh:
        given += 1
        context.progress.keep_hints(exercise.name, given)
    elif not again or not given:
        context.say("hint:none", name=exercise.name, count=len(hints))
    if given < len(hints):
        context.say("hint:more")
    else:
        if fresh:
            context.say("hint:last")
        context.say("hint:solution", title=exercise.title)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="EXERCISE")
@click.argument("values", nargs=-1, metavar="[VALUE]...", type=click.UNPROCESSED)
@reader_command
def answer(context: Context, name: str, values: tuple[str, ...]) -> int:
    """Check an answer that you found on paper. 检查在纸上算出的答案。

    Without a value you are told what is asked and in which form. A value is a Python
    literal; 1/3, 10^9, bare words and full-width signs will do. Where several things are
    asked, write key=value; a part of them is enough, and right ones are remembered.

    不写值，就告诉你问的是什么、怎么写。全角的数字和标点也读得懂。

    \b
    workbook answer autograd-by-hand
    workbook answer autograd-by-hand x=1 y=-1/2
    workbook answer tensors-copies abc
    workbook answer tensors-boxes stride=3,2,1 'rows=((5, 6), (7, 8), 9)'
    """
    from workbook.practice.answering import ask, take

    unit, exercise = context.catalog.one(name)
    if not exercise.by_hand:
        words = {"name": exercise.name, "file": unit.file}
        raise ReaderError(say(context.lang, "no:paper", **words))
    if not values:
        ask(unit, exercise, context.lang)
        return 0
    return take(exercise, values, context.progress, context.lang)


@click.command()
@reader_command
def progress(context: Context) -> None:
    """Draw what is done, chapter by chapter. 画出每章做了多少。

    It is kept in progress.yml beside your files, which you may read and edit.
    """
    from workbook.practice.overview import draw

    draw(context.catalog, context.progress, context.lang)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="EXERCISE|CHAPTER...")
@reader_command
def reset(context: Context, names: tuple[str, ...]) -> None:
    """Begin anew: put the stub back. 恢复成没动过的样子。

    What you had written is kept in backup/ first. A file that was deleted is
    written anew.

    \b
    workbook reset tensors-windows        one exercise · 一道题
    workbook reset tensors                a chapter · 一章
    """
    from workbook.practice.reset import reset_exercises

    for unit, exercises in context.catalog.find(names):
        try:
            done = reset_exercises(context.catalog, unit, exercises)
        except OSError as error:
            words = {"file": unit.file, "error": error.strerror}
            raise ReaderError(say(context.lang, "no:write", **words)) from None
        for exercise in done.exercises:
            context.progress.forget(exercise.name)
            context.say("reset:done", name=exercise.name)
        for exercise in _others(exercises, done.exercises):
            context.say("reset:same", name=exercise.name)
        if done.whole:
            context.say("reset:new", file=unit.file)
        if done.backup:
            context.say("reset:kept", file=done.backup)


READERS = (start, try_, hint, answer, progress, reset)


def _others(all_: list[Exercise], some: list[Exercise]) -> list[Exercise]:
    return [exercise for exercise in all_ if exercise not in some]
