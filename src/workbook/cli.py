"""The command `workbook`: arguments in, exit status out, nothing else."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from workbook import formats
from workbook.practice.commands import READERS
from workbook.problem import BookError, Problem, of_file
from workbook.source.blocks import RECORDED_ON
from workbook.source.chapter import Chapter, read_chapters
from workbook.source.edition import (
    EDITIONS,
    LANGUAGES,
    PAPERS,
    WHICH_ANSWERS,
    Handout,
    Options,
    read_edition,
)

ALL = "all"


def _root() -> Path:
    """The book's root: the nearest folder at or above this one that has _quarto.yml."""
    here = Path.cwd()
    return next((f for f in (here, *here.parents) if (f / "_quarto.yml").is_file()), here)


def _tells_problems(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print every problem on its own line and leave with status 1.

    A file that can't be read or written is one; a reader of the output who went away is none.
    What readers install has no package that makes books: a command that needs one says so.
    """

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> Any:
        try:
            with _ended_as_by_ctrl_c():
                return command(*args, **options)
        except BookError as error:
            _tell(error.problems)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("workbook"):
                raise
            remedy = "run make setup, or pip install 'pytorch-workbook[build]'"
            what = f"this makes books and needs {error.name}, which is not installed"
            click.echo(f"{what}; {remedy}", err=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            _tell([of_file(error, _root())])
        except KeyboardInterrupt:
            click.echo("\ninterrupted: the last good book is as it was", err=True)
        raise SystemExit(1)

    return wrapped


def _tell(problems: Sequence[Problem]) -> None:
    for each in problems:
        click.echo(str(each), err=True)
    click.echo(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", err=True)


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """A polite end (`kill`, a terminal that is closed) ends the work as Ctrl-C does."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [getattr(signal, name) for name in names]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # no other may say what signals do
    before = {each: signal.getsignal(each) for each in numbers}
    ours = [each for each, was in before.items() if was is signal.SIG_DFL]  # nohup ignores one
    for each in ours:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, before[each])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96})
@click.version_option(package_name="pytorch-workbook", prog_name="workbook")
def main() -> None:
    """Work with The PyTorch Workbook, or build, check and maintain it.

    Readers: start, try, hint, answer, progress, reset. Make a folder with "workbook start",
    write your answers into its files, then "workbook try".
    读者用的命令：start、try、hint、answer、progress、reset。

    Chapters in chapters/{zh,en}/*.qmd become books in _book/ and modules in
    code/torchbook/. Start with "workbook check", then "workbook build".
    """


for reader in READERS:
    main.add_command(reader)


@main.command()
@click.option(
    "--edition",
    "-e",
    "editions",
    multiple=True,
    type=click.Choice([*EDITIONS, ALL]),
    help="Which edition; may be repeated. [all]",
)
@click.option(
    "--format",
    "-f",
    "wanted",
    multiple=True,
    type=click.Choice([*formats.options(), ALL]),
    help="Which format; may be repeated. [all]",
)
@click.option(
    "--paper",
    type=click.Choice(PAPERS),
    default=PAPERS[0],
    show_default=True,
    help="Paper of the PDF; other papers than the usual one go into the file's name.",
)
@click.option("--chapter", metavar="NAME",
    help="Make a hand-out, the PDF of this chapter alone, and no book.")  # fmt: skip
@click.option("--answers", type=click.Choice(WHICH_ANSWERS),
    help="Of a hand-out: answers at its back, none, or nothing else. [back]")  # fmt: skip
@click.option("--embed-font", is_flag=True,
    help="Put a Chinese font into the EPUBs, for e-readers without one.")  # fmt: skip
@click.option(
    "--engine",
    type=click.Choice(["embedded", "quarto"]),
    default="embedded",
    show_default=True,
    help="What renders: our own pipeline, or Quarto (an extra).",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Where the books go. [_book]")  # fmt: skip
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default="the number of cores",
    help="How many chapters run side by side.",
)
@click.option("--force", is_flag=True, help="Execute and render even what did not change.")
@_tells_problems
def build(editions: tuple[str, ...], wanted: tuple[str, ...], paper: str, chapter: str | None,
          answers: str | None, embed_font: bool, engine: str, output: Path | None, jobs: int,
          force: bool) -> None:  # fmt: skip
    """Make the books.

    Every code cell is executed, once for all editions and formats; a chapter that
    did not change since it was last run is not run again. If anything fails, the last
    good book stays as it was. PDFs for the screen are made only where they are asked for.

    \b
    workbook build                       all books
    workbook build -e zh -f pdf          the Chinese PDF
    workbook build -f pdf --paper b5     the PDFs for B5 paper
    workbook build -f pdf-screen         PDFs to read on a screen
    workbook build -f pdf --chapter tensors --answers none
                                         a chapter to hand out, without answers
    workbook build -f epub --embed-font  EPUBs for e-readers without a Chinese font
    workbook build --engine quarto       through Quarto, into _book/quarto
    """
    from workbook.build import Request, build_by_quarto
    from workbook.build import build as run
    from workbook.console import reporter, summarize

    root = _root()
    if engine == "quarto":
        ours = {"--paper": paper != PAPERS[0], "--embed-font": embed_font, "--output": output,
                "--chapter": chapter}  # fmt: skip
        if unknown := [option for option, given in ours.items() if given]:
            raise click.UsageError(f"Quarto's books know no {', '.join(unknown)}")
        if editions and not {*editions} & {*LANGUAGES, ALL}:
            raise click.UsageError("Quarto makes the editions zh and en only")
        run = build_by_quarto
    if answers and not chapter:
        raise click.UsageError("--answers is said of a hand-out: give --chapter, too")
    if chapter and {*wanted} - {formats.PDF.option}:
        raise click.UsageError("a hand-out is a PDF: --chapter goes with -f pdf alone")
    request = Request(
        root=root,
        output=(output or root / "_book").absolute(),
        editions=_chosen(editions, EDITIONS),
        formats=_chosen(wanted, formats.options(), formats.usual()),
        options=Options(paper, embed_font),
        jobs=jobs,
        force=force,
        handout=Handout(chapter, answers or WHICH_ANSWERS[0]) if chapter else None,
    )
    with reporter() as report:
        summary = run(request, report)
    click.echo(summarize(summary))
    if summary.faults:
        raise BookError(summary.faults)


@main.command()
@click.option("--style", is_flag=True, help="Print how the Chinese prose reads, in figures.")
@_tells_problems
def check(style: bool) -> None:
    """Find what is wrong in the chapters, without running anything.

    Tells file, line and remedy of each fault: house markup, references, and where the
    two languages of a chapter drifted apart. Silent if all is well.

    With --style: for each chapter its Chinese characters, how many there are between two
    stops, then ：, ；, 就, 它 and connectives in a thousand characters, and how many of the
    long paragraphs have as many sentences as their twins; below, the same of two books.
    """
    if style:
        from workbook.check.style import profiles, table

        chapters = (_written(lang) for lang in LANGUAGES)
        click.echo(table(profiles(*chapters)))
        return
    from workbook import memo
    from workbook.build import WORK
    from workbook.check import check as run

    with memo.kept_in(_root() / WORK / "pages"):
        if problems := run(_root()):
            raise BookError(problems)


@main.command()
@click.option("--check", "check_only", is_flag=True,
              help="Write nothing; fail if a file differs from the chapters.")  # fmt: skip
@_tells_problems
def tangle(check_only: bool) -> None:
    """Write code/torchbook/, exercises/, tests/chapters/ and the generated chapters.

    A file that was edited by hand is never overwritten: nothing is written then, and
    the file is named. A begun file of exercises/ is left as it is.
    """
    from workbook.build import retangle

    for path in retangle(_root(), check_only):
        click.echo(f"{'wrote' if (_root() / path).exists() else 'removed'} {path}")


@main.command()
@click.option("--device", type=click.Choice(RECORDED_ON), default="cuda", show_default=True,
              help="The kind of device to record on.")  # fmt: skip
@click.option("--into", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where the recordings go. [recordings/DEVICE]")  # fmt: skip
@_tells_problems
def record(device: str, into: Path | None) -> None:
    """Run the cells that measure this machine, and keep what they print.

    Those marked "recorded: cuda" take a GPU, those marked "recorded: cpu" any machine that
    has nothing else to do. Each recording is stamped with the device, its driver or threads,
    the torch version, the date and the hash of the code. The pages show it; "workbook check"
    tells when the code has changed since.
    """
    from workbook.run import record as recorder

    root = _root()
    cells = list(recorder.recorded_cells(_written(LANGUAGES[0]), device))
    if not cells:
        click.echo(f'no cell says "recorded: {device}"')
        return
    stamp = recorder.machine(device)
    folder = into or root / recorder.FOLDER / device
    for count, (chapter, cell) in enumerate(cells, 1):
        path = recorder.record(chapter, cell, stamp, root).write(folder)
        click.echo(f"{count}/{len(cells)} {path}")


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
def serve(port: int, show: bool) -> None:
    """Serve _book/ to a browser on this machine, and on no other.

    The address leads to the page with all editions. Search works there, which a browser
    does not allow on pages opened from a folder.
    """
    from workbook.serve import Server

    try:
        with Server(_root() / "_book", port) as server:
            click.echo(f"{server.address}\nCtrl-C stops it.")
            if show:
                click.launch(server.address)
            server.serve_forever()
    except FileNotFoundError:
        raise click.ClickException(
            'there is no _book folder yet; run "workbook build"'
        ) from None
    except OSError as error:
        what = f"port {port} is not to be had ({error.strerror}); give another with --port"
        raise click.ClickException(what) from None
    except KeyboardInterrupt:
        click.echo()


@main.command()
@click.option("--edition", "-e", "editions", multiple=True,
              type=click.Choice([*EDITIONS, ALL]),
              help="Which edition; may be repeated. [all]")  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True,
              help="Where to serve it; the next free one if it is taken.")  # fmt: skip
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@_tells_problems
def preview(editions: tuple[str, ...], port: int, show: bool) -> None:
    """Show the book in a browser while you write it, anew at each save.

    A page that you changed is loaded again and keeps its place. Prose runs nothing; a
    chapter whose code you changed is run, and so are those that import it. What is
    wrong shows on the page and here, with file and line, until it is mended, and the page
    stays as it last was. In the book of both languages a page waits for its twin.

    The pages lead to the PDF and the EPUB, which are made when you ask for them. All of it
    stands in .workbook/preview; the books in _book/ stay as they are.

    \b
    workbook preview                     all editions
    workbook preview -e zh               the Chinese one, which is the quickest
    """
    from workbook.preview.session import Session

    try:
        session = Session(_root(), _chosen(editions, EDITIONS), port, click.echo)
    except OSError as error:
        what = f"no port from {port} on is to be had ({error.strerror}); give another"
        raise click.ClickException(what) from None
    if session.server.server_port != port:
        click.echo(f"port {port} is taken")
    if show:
        click.launch(session.server.address)
    try:
        session.run()
    except KeyboardInterrupt:
        click.echo()


@main.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where the books are. [_book]")  # fmt: skip
@click.option("--edition", "-e", "editions", multiple=True,
              type=click.Choice([*EDITIONS, ALL]),
              help="Which edition; may be repeated. [all]")  # fmt: skip
@click.option("--only", multiple=True, metavar="NAME",
              help="Which validator; may be repeated. [all]")  # fmt: skip
@click.option("--force", is_flag=True, help="Validate even what was good and did not change.")
@_tells_problems
def verify(
    output: Path | None, editions: tuple[str, ...], only: tuple[str, ...], force: bool
) -> None:
    """Validate the finished books, and tell what each validator measured.

    A book that was good and has not changed since is not validated again. Fails if any
    validator finds anything, or is not installed: "make verify" installs them all. The
    table is also kept as verify.md beside the books.
    """
    from workbook.build import WORK
    from workbook.verify import validate

    folder = (output or _root() / "_book").absolute()
    memory = None if force else _root() / WORK / "verified.json"
    chosen = _chosen(editions, EDITIONS)
    if problems := validate(_root(), folder, only, chosen, click.echo, memory):
        raise BookError(problems)


@main.command()
def doctor() -> None:
    """Say what is installed and what is missing; status 1 if the books cannot be built."""
    from workbook.doctor import examine

    findings = examine()
    for finding in findings:
        click.echo(finding)
    if any(f.missing and f.needed for f in findings):
        raise SystemExit(1)


def _written(lang: str) -> tuple[Chapter, ...]:
    """The chapters of a language that an author wrote."""
    root = _root()
    return read_chapters(read_edition(root, lang), root, generated=False)


def _chosen(
    given: tuple[str, ...], known: tuple[str, ...], usual: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """What was asked for, in the usual order; everything that is usual if nothing was."""
    wanted = {*given, *(usual or known)} if ALL in given or not given else {*given}
    return tuple(x for x in known if x in wanted)
