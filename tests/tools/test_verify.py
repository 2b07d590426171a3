"""The table of validators: who is asked, in what order, and what is done with the answers."""

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from workbook import verify
from workbook.cli import main
from workbook.source.edition import EDITIONS
from workbook.verify import table, text, tools
from workbook.verify.validator import Failed, Finding, Missing, Subject, Validator


def lacking() -> str:
    raise Missing("gauge")


def measure(good: bool):
    fault = verify.problem("book.pdf", 3, "is crooked", "straighten it")
    return lambda subject: Finding(f"{subject.edition.name} seen", [] if good else [fault])


def breaking(error: Exception):
    def run(subject: Subject) -> Finding:
        raise error

    return run


def whereabouts(subject: Subject) -> Finding:
    """A validator that measures in which process it runs."""
    return Finding(str(os.getpid()))


def breaking_apart(subject: Subject) -> Finding:
    raise ValueError("torn")


def verdicts(tiny, *validators: Validator, jobs: int = 1) -> list[tuple[str, list[str]]]:
    """Rows without the seconds, which no two runs share, and problems."""
    found = list(verify.verify(tiny.root, tiny.root / "_book", validators, jobs=jobs))
    return [
        (" ".join([*v.cells[:4], v.cells[5]]), [str(p) for p in v.finding.problems])
        for v in found
    ]


def test_each_edition_has_a_line_that_says_what_was_measured(tiny):
    ruler = Validator("ruler", "text", lambda: "1.2", measure(good=True), ("zh", "en"))
    level = Validator("level", "text", lambda: "3", measure(good=False), ("en",))
    assert verdicts(tiny, ruler, level) == [
        ("ruler 1.2 zh zh seen good", []),
        ("ruler 1.2 en en seen good", []),
        ("level 3 en en seen BAD", ["book.pdf:3: is crooked; straighten it"]),
    ]


def test_those_that_compute_here_share_a_process_for_each_edition(tiny):
    runs = {"one": whereabouts, "torn": breaking_apart, "two": whereabouts}
    rows = [Validator(name, "text", lambda: "1", run, apart=True) for name, run in runs.items()]
    found = list(verify.verify(tiny.root, tiny.root / "_book", rows, ("zh", "en"), jobs=2))
    said = {(v.validator, v.edition): v.finding.figure for v in found}
    for edition in ("zh", "en"):
        assert said["torn", edition] == "nothing validated"
        assert said["one", edition] == said["two", edition]
    assert len({str(os.getpid()), said["one", "zh"], said["one", "en"]}) == 3


def test_a_missing_validator_fails_and_says_how_to_install_it(tiny):
    gauge = Validator("gauge", "text", lacking, measure(good=True), ("zh",))
    assert verdicts(tiny, gauge) == [
        (
            "gauge not installed zh nothing validated BAD",
            ["gauge: gauge is not installed; run make verify, which installs it"],
        )
    ]


def test_a_validator_that_breaks_is_a_fault_and_hides_no_other(tiny):
    cut = Validator("cut", "text", lambda: "1", breaking(Failed("out of memory")), ("zh",))
    bug = Validator("bug", "text", lambda: "1", breaking(KeyError("x")), ("zh",))
    ruler = Validator("ruler", "text", lambda: "1.2", measure(good=True), ("zh",))
    assert verdicts(tiny, cut, bug, ruler) == [
        (
            "cut 1 zh nothing validated BAD",
            ["cut: broke off: out of memory; try workbook verify --only cut"],
        ),
        (
            "bug 1 zh nothing validated BAD",
            ["bug: broke off: KeyError: 'x'; try workbook verify --only bug"],
        ),
        ("ruler 1.2 zh zh seen good", []),
    ]


def test_a_book_that_is_not_there_fails(tiny):
    ruler = Validator("ruler", "pdf", lambda: "1.2", measure(good=True), ("zh",))
    reader = Validator("reader", "epub", lambda: "1", measure(good=True), ("zh",))
    assert verdicts(tiny, ruler, reader) == [
        ("ruler 1.2 zh no book BAD", ["_book/zh/tiny-zh.pdf: is not there; run make book"]),
        (
            "reader 1 zh no book BAD",
            [
                f"_book/zh/tiny-zh{kind}.epub: is not there; run make book"
                for kind in ("", "-eink")
            ],
        ),
    ]


def test_books_on_other_papers_are_validated_too(tiny):
    folder = tiny.root / "_book" / "zh"
    subject = Subject(tiny.root, verify.read_edition(tiny.root, "zh"), folder)
    assert [path.name for path in subject.pdfs] == ["tiny-zh.pdf"]
    folder.mkdir(parents=True)
    (folder / "tiny-zh-b5.pdf").touch()
    assert [path.name for path in subject.pdfs] == ["tiny-zh-b5.pdf", "tiny-zh.pdf"]


def test_one_that_takes_all_editions_at_once_runs_once(tiny):
    asked = []

    def run(subjects):
        asked.append([subject.edition.name for subject in subjects])
        return [measure(subject.edition.name == "zh")(subject) for subject in subjects]

    rows = verdicts(tiny, Validator("gauge", "text", lambda: "1.0", run, together=True))
    assert asked == [list(EDITIONS)]
    assert [row for row, _ in rows] == [
        "gauge 1.0 zh zh seen good",
        "gauge 1.0 en en seen BAD",
        "gauge 1.0 bilingual bilingual seen BAD",
    ]


def test_slow_ones_begin_first_and_those_that_measure_time_run_alone(tiny):
    running, most = [], {}

    def stay(name: str):
        def run(subject: Subject) -> Finding:
            running.append(name)
            time.sleep(0.2)
            most[name] = max(most.get(name, 0), len(running))
            running.remove(name)
            return Finding("")

        return run

    def named(name: str, **how: bool) -> Validator:
        return Validator(name, "text", lambda: "1", stay(name), ("zh",), **how)

    clock, quick, slow = named("clock", alone=True), named("quick"), named("slow", slow=True)
    rows = [row for row, _ in verdicts(tiny, clock, quick, slow, jobs=2)]
    assert rows[-1].startswith("clock")
    assert most["clock"] == 1
    assert max(most["quick"], most["slow"]) == 2
    assert [row.split()[0] for row, _ in verdicts(tiny, clock, quick, slow)] == [
        "slow", "quick", "clock"
    ]  # fmt: skip


def test_validators_have_names_of_their_own():
    names = [validator.name for validator in verify.VALIDATORS]
    assert sorted(set(names)) == sorted(names)


def test_the_command_prints_and_keeps_the_table_and_fails_with_the_problems(tiny, monkeypatch):
    ruler = Validator("ruler", "text", lambda: "1.2", measure(good=True), ("zh", "en"))
    reader = Validator("reader", "pdf", lambda: "3", measure(good=True), ("en",), slow=True)
    monkeypatch.setattr(verify, "VALIDATORS", (ruler, reader))
    monkeypatch.chdir(tiny.root)
    store = tiny.root / "store"
    store.mkdir()
    result = CliRunner().invoke(main, ["verify", "--output", str(store)])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert tuple(lines[0].split()) == table.HEADINGS
    assert sorted(line.split()[0] for line in lines[1:]) == ["reader", "ruler", "ruler"]
    assert "store/en/tiny-en.pdf: is not there; run make book" in result.stderr.splitlines()
    kept = (store / "verify.md").read_text().splitlines()
    assert kept[0] == "| validator | version | edition | figure | seconds | verdict |"
    assert [row.split(" | ")[0:4:2] for row in kept[2:]] == [
        ["| ruler", "zh"], ["| ruler", "en"], ["| reader", "en"]
    ]  # fmt: skip


def test_one_validator_can_be_asked_alone(tiny, monkeypatch):
    monkeypatch.chdir(tiny.root)
    (tiny.root / "_book").mkdir()
    asked = ["verify", "--only", "fonts", "--edition", "zh"]
    result = CliRunner().invoke(main, asked)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["fonts"]
    assert not (tiny.root / "_book" / "verify.md").exists()
    result = CliRunner().invoke(main, ["verify", "--only", "font"])
    assert result.exit_code == 1
    assert result.stderr.startswith("workbook verify: no 'font'; choose from epubcheck, ")


def test_a_tool_without_a_report_says_its_last_words():
    with pytest.raises(Failed, match=r"^no memory left$"):
        tools.report("sh", "-c", "echo starting >&2; echo; echo no memory left >&2; exit 3")
    with pytest.raises(Failed, match="exit status 3"):
        tools.report("sh", "-c", "exit 3")
    assert tools.report("echo", "[1]") == [1]


def test_every_exception_has_its_reason():
    known = [*text.exceptions("codespell").items(), *text.exceptions("autocorrect").items()]
    assert known
    assert all(isinstance(reason, str) and len(reason) > 9 for _, reason in known)


def test_the_package_holds_the_exceptions():
    assert text.EXCEPTIONS.is_relative_to(Path(verify.__file__).parent)


@pytest.fixture
def seen(tiny):
    """A validator of PDFs that notes whose it looked at, and a way to run it."""
    looked = []

    def look(subject: Subject) -> Finding:
        looked.append(subject.edition.name)
        faults = (
            [] if subject.pdf.read_text() != "bad" else [subject.fault(subject.pdf, "", "")]
        )
        return Finding(f"{len(subject.pdf.read_text())} characters", faults)

    def run(version: str = "1") -> list[str]:
        looked.clear()
        ruler = Validator("ruler", "pdf", lambda: version, look, ("zh", "en"))
        memory = tiny.root / ".workbook" / "verified.json"
        found = verify.verify(tiny.root, tiny.root / "_book", [ruler], jobs=1, memory=memory)
        assert len([v for v in found if v.finding.figure.endswith("characters")]) == 2
        return list(looked)

    for lang in ("zh", "en"):
        tiny.write(f"_book/{lang}/tiny-{lang}.pdf", "good")
    return run


def test_what_was_good_and_did_not_change_is_not_validated_again(tiny, seen):
    assert seen() == ["zh", "en"]
    assert seen() == []
    tiny.write("_book/en/tiny-en.pdf", "better")
    assert seen() == ["en"]
    tiny.edit("chapters/zh/02-two.qmd", "# 二", "# 贰")
    assert seen() == ["zh"]
    assert seen(version="2") == ["zh", "en"]
    tiny.write("references.bib", "@misc{x}")
    assert seen(version="2") == ["zh", "en"]


def test_what_was_bad_is_validated_until_it_is_good(tiny, seen):
    tiny.write("_book/zh/tiny-zh.pdf", "bad")
    assert seen() == ["zh", "en"]
    assert seen() == ["zh"]
    tiny.write("_book/zh/tiny-zh.pdf", "good")
    assert seen() == ["zh"]
    assert seen() == []


@pytest.mark.parametrize("garbage", ["", "{", "[1]", '{"x": 1}'])
def test_garbage_for_a_memory_is_no_memory(tiny, seen, garbage):
    seen()
    tiny.write(".workbook/verified.json", garbage)
    assert seen() == ["zh", "en"]
