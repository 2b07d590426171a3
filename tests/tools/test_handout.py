"""A chapter by itself: with its answers, without them, or they alone; no link leads out."""

import pymupdf
import pytest
from click.testing import CliRunner
from tiny import TinyBook

from workbook.build import Request, Summary, build
from workbook.cli import main
from workbook.console import Lines
from workbook.problem import BookError
from workbook.source.edition import Handout, Options

pytestmark = pytest.mark.slow
NAMES = {"back": "one", "none": "one-questions", "only": "one-answers"}


def hand_out(tiny: TinyBook, answers: str = "back", slug: str = "one", **options) -> Summary:
    request = Request(
        tiny.root, tiny.root / "_book", jobs=1, handout=Handout(slug, answers), **options
    )
    return build(request, Lines())


def text(tiny: TinyBook, answers: str, edition: str = "zh") -> str:
    """All that it says, without the spaces between."""
    path = tiny.root / "_book" / edition / f"tiny-{edition}-{NAMES[answers]}.pdf"
    with pymupdf.open(path) as pdf:
        return "".join("".join(page.get_text().split()) for page in pdf)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The three of the first chapter in every edition, and what the first build told."""
    tiny = TinyBook(tmp_path_factory.mktemp("book"))
    summary = hand_out(tiny)
    for answers in ("none", "only"):
        hand_out(tiny, answers)
    return tiny, summary


def test_only_its_chapter_is_run_and_no_book_is_made(made):
    tiny, summary = made
    assert summary.executed == ["one"]
    files = sorted(p.relative_to(tiny.root / "_book").as_posix()
                   for p in (tiny.root / "_book").rglob("*") if p.is_file())  # fmt: skip
    assert files == sorted(
        f"{edition}/tiny-{edition}-{name}.pdf"
        for edition in ("zh", "en", "bilingual")
        for name in NAMES.values()
    )


@pytest.mark.parametrize(
    ("answers", "said", "unsaid"),
    [
        ("back", ["写出thrice", "不是乘以二", "乘就是了", "return3*x"], []),
        ("none", ["写出thrice", "不是乘以二"], ["乘就是了", "return3*x", "答案"]),
        ("only", ["乘就是了", "return3*x", "习题1.1"], ["写出thrice", "不是乘以二", "试一试"]),
    ],
)
def test_answers_are_at_the_back_or_nowhere_or_alone(made, answers, said, unsaid):
    shown = text(made[0], answers)
    assert [words for words in said if words not in shown] == []
    assert [words for words in unsaid if words in shown] == []
    assert "《Tinyzh》第1章" in shown and "CCBY-SA4.0" in shown, "where it is from"


@pytest.mark.parametrize("edition", ["zh", "en", "bilingual"])
def test_a_reference_out_of_it_is_words_and_one_within_it_leads_there(made, edition):
    path = made[0].root / "_book" / edition / f"tiny-{edition}-one.pdf"
    with pymupdf.open(path) as pdf:
        shown = "".join(page.get_text() for page in pdf)
        led = "".join(
            page.get_textbox(link["from"])
            for page in pdf
            for link in page.get_links()
            if link["kind"] in (pymupdf.LINK_GOTO, pymupdf.LINK_NAMED)
        )
        assert not any(page.get_text().strip() == "" and page.number % 2 == 0 for page in pdf)
    away, of_away, within = {"en": ("Chapter 2", "Chapter", "Answer")}.get(
        edition, ("第 2 章", "章", "答案")
    )
    assert away in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert of_away not in led and within in led


def test_it_is_kept_until_a_chapter_changes_and_paper_names_its_file(made):
    tiny, _ = made
    again = hand_out(tiny, editions=("en",))
    assert [product.fresh for product in again.products] == [False]
    [b5] = hand_out(tiny, editions=("en",), options=Options(paper="b5")).products
    assert b5.path.name == "tiny-en-b5-one.pdf"
    tiny.edit("chapters/LANG/02-two.qmd", "{#sec-two}", "more {#sec-two}")
    [other] = hand_out(tiny, editions=("en",)).products
    assert other.fresh


def test_an_unknown_chapter_is_answered_with_those_there_are(tiny):
    for slug in ("on", "answers", "index"):
        with pytest.raises(BookError) as caught:
            hand_out(tiny, slug=slug)
        assert [str(each) for each in caught.value.problems] == [
            f"--chapter: there is no chapter {slug!r}; choose from one, two"
        ]
    assert not (tiny.root / "_book").exists()


def test_answers_alone_of_a_chapter_without_exercises_are_refused(made):
    with pytest.raises(BookError) as caught:
        hand_out(made[0], "only", "two")
    [told] = caught.value.problems
    assert str(told) == (
        "chapters/zh/02-two.qmd: has no exercises and so no answers; "
        "hand out the chapter itself"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--answers", "none"], "--answers is said of a hand-out: give --chapter, too"),
        (["-f", "html", "--chapter", "one"], "a hand-out is a PDF: --chapter goes with -f pdf"),
        (["--engine", "quarto", "--chapter", "one"], "Quarto's books know no --chapter"),
        (
            ["--chapter", "one", "--answers", "some"],
            "'some' is not one of 'back', 'none', 'only'",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, told, tiny, monkeypatch):
    monkeypatch.chdir(tiny.root)
    said = CliRunner().invoke(main, ["build", *arguments])
    assert said.exit_code == 2
    assert told in said.output
