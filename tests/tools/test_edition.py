"""Metadata and chapter order come from the Quarto files, and faults in them are told."""

import datetime
from pathlib import Path

import pytest

from workbook.problem import BookError
from workbook.source.edition import EDITIONS, Entry, read_edition, slug_of

ROOT = Path(__file__).parents[2]


def failure(tiny) -> list[str]:
    with pytest.raises(BookError) as caught:
        read_edition(tiny.root, "zh")
    return [str(problem) for problem in caught.value.problems]


def test_an_edition_is_its_profile_over_the_common_file(tiny):
    edition = read_edition(tiny.root, "zh")
    assert (edition.title, edition.author, edition.name) == ("Tiny zh", "Nobody", "zh")
    assert edition.languages == ("zh",)
    assert edition.date == datetime.date(2026, 1, 1)
    assert edition.entries == (
        Entry(Path("index.zh.qmd"), "index", ""),
        Entry(Path("chapters/zh/01-one.qmd"), "one", "1", ("Part",)),
        Entry(Path("chapters/zh/02-two.qmd"), "two", "2", ("Part",)),
        Entry(Path("chapters/zh/90-answers.qmd"), "answers", "A", (), True),
    )


def test_the_bilingual_edition_is_what_the_two_languages_say(tiny):
    tiny.edit("_quarto-zh.yml", "part: Part", "part: 部分")
    zh, en, both = (read_edition(tiny.root, name) for name in EDITIONS)
    assert (both.name, both.languages, both.lang) == ("bilingual", ("zh", "en"), "zh")
    assert (both.title, both.author) == ("Tiny zh · Tiny en", "Nobody")
    assert both.output_file == "tiny-bilingual"
    assert both.on("b5").output_file == "tiny-bilingual-b5"
    assert both.halves == (zh, en)
    parts = ("部分", "Part")
    assert [entry.part for entry in both.entries] == [(), parts, parts, ()]
    assert [entry.path for entry in both.entries] == [entry.path for entry in zh.entries]


@pytest.mark.parametrize(
    ("path", "slug"),
    [("chapters/zh/04-tensors.qmd", "tensors"), ("index.en.qmd", "index"), ("a/nn.qmd", "nn")],
)
def test_slugs_are_names_not_positions(path, slug):
    assert slug_of(path) == slug


def test_the_page_for_quartos_bibliography_is_no_chapter_of_ours(tiny):
    before = read_edition(tiny.root, "zh").entries
    tiny.edit("_quarto-zh.yml", "90-answers.qmd", "90-answers.qmd\n    - references.zh.qmd")
    assert read_edition(tiny.root, "zh").entries == before


def test_a_missing_key(tiny):
    tiny.edit("_quarto-zh.yml", "  title: Tiny zh\n", "")
    assert failure(tiny) == ["_quarto-zh.yml: book has no title; add book: title:"]


def test_a_chapter_that_is_absent(tiny):
    (tiny.root / "chapters/zh/02-two.qmd").unlink()
    assert failure(tiny) == [
        "_quarto-zh.yml:11: chapters/zh/02-two.qmd does not exist; "
        "write the chapter or take it off the list"
    ]


def test_a_profile_that_is_no_yaml(tiny):
    tiny.write("_quarto-zh.yml", "lang: zh\nbook: [1,\n")
    [reported] = failure(tiny)
    assert reported.startswith("_quarto-zh.yml:3: not YAML: ") and reported.endswith(
        "; mend it"
    )


def test_this_book_has_the_same_chapters_in_both_languages():
    zh, en = (read_edition(ROOT, lang) for lang in ("zh", "en"))
    assert [(e.slug, e.number) for e in zh.entries] == [(e.slug, e.number) for e in en.entries]
