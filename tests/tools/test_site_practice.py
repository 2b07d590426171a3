"""Answers on paper that a page checks as `workbook answer` does, and progress in a browser."""

import base64
import json
import math
from pathlib import Path

import pytest
from readers import Reader
from ruamel.yaml import YAML
from small import unrun

from workbook import memo
from workbook.practice import answer_values, by_hand, paper
from workbook.practice.progress import progress_of
from workbook.render.html import practice, website
from workbook.source.chapter import read_chapters
from workbook.source.edition import bilingual, read_edition

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
# What readers may type, made by hypothesis once and kept: numbers, words, brackets, full width.
TYPED = json.loads(Path(__file__).with_name("typed-answers.json").read_text(encoding="utf-8"))
DEAR = ("convolution-sizes", "data-twins", "graphs-count")  # whose checks take a while
KEPT = "JSON.parse(localStorage.getItem('workbook:progress'))"


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Reader:
    return Reader(tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def sites(book, tmp_path_factory) -> Path:
    """The small book's sites, in each language and in both."""
    out = tmp_path_factory.mktemp("sites")
    editions = {lang: read_edition(book.root, lang) for lang in ("zh", "en")}
    editions["bilingual"] = bilingual(editions["zh"], editions["en"])
    read = {lang: read_chapters(editions[lang], book.root) for lang in ("zh", "en")}
    sheets = paper.sheets(book.root, read["zh"])
    for name, edition in editions.items():
        own, twins = (read["zh"], read["en"]) if name == "bilingual" else (read[name], ())
        pages = unrun(edition, own, book.root, twins)
        given = practice.files(edition, own, twins, sheets)
        website.write(edition, pages, out / name, practice=given)
    return out


@pytest.fixture
def opened(tab, sites):
    """Opens a chapter of an edition from its folder and waits for its fields."""

    def go(edition: str = "zh", page: str = "first-steps", fields: bool = True):
        tab.goto((sites / edition / f"{page}.html").as_uri())
        tab.wait_for_selector("form.paper" if fields else ".tally", state="attached")
        return tab

    return go


def field(tab, part: str = ""):
    return tab.locator(f"#paper-first-steps-by-hand-{part}")


def verdict(tab, part: str) -> str:
    return tab.inner_text(f"#paper-first-steps-by-hand-{part}-verdict")


# Values


def told(value: object) -> object:
    """A value of Python as the script tells one."""
    if isinstance(value, list | tuple):
        return [told(item) for item in value]
    if isinstance(value, bool | str):
        return value
    return {"int": str(value)} if isinstance(value, int) else {"float": value}


def has_dict(value: object) -> bool:
    items = value if isinstance(value, list | tuple) else ()
    return isinstance(value, dict) or any(map(has_dict, items))


def typed(text: str) -> object:
    """What `workbook answer` reads in a text; a field is asked for no dictionary."""
    try:
        value = answer_values.value(text)
    except answer_values.Unreadable:
        return "unreadable"
    return "unreadable" if has_dict(value) else ["value", told(value)]


def near(one: object, other: object) -> bool:
    """The same up to the last digit of a power, which processors and engines round."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    if (
        isinstance(one, dict)
        and isinstance(other, dict)
        and "float" in one
        and "float" in other
    ):
        a, b = (math.inf if x["float"] is None else x["float"] for x in (one, other))
        return math.isclose(a, b, rel_tol=1e-14)
    return one == other


READ = """texts => {
  const told = (x) => Array.isArray(x) ? x.map(told)
    : typeof x === "bigint" ? { int: String(x) } : typeof x === "number" ? { float: x } : x;
  return texts.map((text) => {
    try { return ["value", told(workbook.value(text))]; } catch { return "unreadable"; }
  });
}"""


def test_what_is_typed_is_read_as_on_the_command_line(opened):
    assert len(TYPED) > 400
    came = opened().evaluate(READ, TYPED)
    wanted = [typed(text) for text in TYPED]
    assert sum(each == "unreadable" for each in wanted) > 100
    assert [
        (text, js, py)
        for text, js, py in zip(TYPED, came, wanted, strict=True)
        if not near(js, py)
    ] == []


@pytest.mark.parametrize(
    "text", ["½", "1/2", "0.5", "０．５", "5e-1", "1 ÷ 2", "2^-1", "０．５　"]
)
def test_a_half_is_a_half_however_it_is_typed(opened, text):
    assert opened().evaluate(READ, [text]) == [["value", {"float": 0.5}]]


# Verdicts


def nearby(value: object) -> list[object]:
    """Other answers: numbers a little and far off, sequences too long, of another form."""
    if isinstance(value, str):
        return [value[::-1], value.upper(), value[:-1], value + "x", ", ".join(value), ""]
    if isinstance(value, list | tuple):
        inside = [
            [*value[:at], other, *value[at + 1 :]]
            for at, item in enumerate(value)
            for other in nearby(item)[:6]
        ]
        return [list(value), [*value, 0], list(value[:-1]), "x", 7, *inside]
    offs = (0, 1e-9, 1e-3, 5e-3, 0.01, 0.0101, 0.02, 0.5, 1, 1000)
    around = [value + sign * off for off in offs for sign in (1, -1)]
    return [*around, round(value, 2), value * 1.019, value * 0.981, -value, "x", [value]]


JUDGE = """([part, values]) => {
  const meant = (x) => Array.isArray(x) ? x.map(meant)
    : x?.int !== undefined ? BigInt(x.int) : x?.float !== undefined ? x.float : x;
  return values.map((value) => workbook.judge(part, meant(value)));
}"""


def judged(tab, exercise, sheet) -> list[tuple]:
    """Where the page says something else than `workbook answer`: key, value, both."""
    right = by_hand.evaluated(f"{exercise.solution}\n{exercise.by_hand}()")
    differing = []
    for part in sheet["parts"]:
        key = part["key"]
        own = right[key] if key else right
        wrong = [by_hand.evaluated(f"{exercise.solution}\n{w.code}") for w in exercise.wrong]
        named = [w[key] if key else w for w in wrong if not key or key in w]
        # One that rounding can't tell from the right value has no name on the page.
        named = [value for value in named if not by_hand.same(value, own)]
        values = [own, *named, *([] if exercise.name in DEAR else nearby(own))]
        came = tab.evaluate(JUDGE, [part, [told(value) for value in values]])
        for value, js in zip(values, came, strict=True):
            [python], _ = zip(*by_hand.verdicts(exercise, {key: value}).values(), strict=True)
            if js != python and not (js is None and part.get("open")):  # it says it can't tell
                differing.append((exercise.name, key, value, js, python))
    return differing


def test_a_page_judges_as_the_command_does(opened):
    """Every exercise on paper of the book: its right and its named values, and many others."""
    edition = read_edition(ROOT, "zh")
    chapters = read_chapters(edition, ROOT, generated=False)
    with memo.kept_in(ROOT / ".workbook/pages"):
        sheets = paper.sheets(ROOT, chapters)
    tab = opened()
    asked = [e for chapter in chapters for e in chapter.exercises if e.id in sheets]
    assert len(asked) > 20
    differing = [each for e in asked for each in judged(tab, e, sheets[e.id])]
    assert not differing, "\n".join(map(str, differing))


# The page


def test_each_part_is_told_right_or_its_slip_and_what_is_left(opened):
    tab = opened("en")
    field(tab, "share").fill("２／３")
    field(tab, "pair").fill("（12、4）")
    field(tab, "pair").press("Enter")
    assert verdict(tab, "share") == "✗ wrong\nA sum."
    assert verdict(tab, "pair") == "✓ right"
    assert verdict(tab, "name") == ""
    assert tab.inner_text("form.paper .status") == "still open: name"
    assert field(tab, "share").get_attribute("aria-invalid") == "true"
    field(tab, "share").fill("1+")
    tab.locator("form.paper button").first.click()
    assert verdict(tab, "share").startswith("cannot read 1+; type a value such as 3")


def test_in_both_languages_a_slip_is_told_in_both(opened):
    tab = opened("bilingual")
    field(tab, "share").fill("2/3")
    field(tab, "share").press("Enter")
    assert verdict(tab, "share") == "✗ 不对 wrong\n这是和。\nA sum."
    said = tab.locator("#paper-first-steps-by-hand-share-verdict span")
    assert said.evaluate_all("all => all.map(each => each.lang)") == ["zh", "en"]


def test_progress_is_kept_and_counted_in_the_contents_of_every_edition(opened):
    tab = opened("en")
    answers = {"share": "1/3", "pair": "12, 4", "name": "“abc”"}
    for part, text in answers.items():
        field(tab, part).fill(text)
    field(tab, "name").press("Enter")
    assert tab.inner_text("form.paper .status") == "all right, and noted down"
    kept = tab.evaluate(KEPT)["first-steps-by-hand"]
    assert kept["state"] == "pass"
    assert kept["answers"] == {"share": "1/3", "pair": "12, 4", "name": '"abc"'}
    opened("zh", "index", fields=False)
    tallies = tab.locator("#contents .tally").all_inner_texts()
    assert [each.split() for each in tallies] == [
        ["1/5", "5", "道题做完了", "1", "道"], ["0/2", "2", "道题做完了", "0", "道"],
    ]  # fmt: skip
    opened("zh")
    assert field(tab, "share").input_value() == "1/3"
    assert verdict(tab, "share") == "✓ 对"


def test_a_word_is_asked_for_as_a_word(opened):
    tab = opened("en")
    only = tab.locator("#paper-first-steps-letters")
    assert tab.inner_text("label[for=paper-first-steps-letters]") == "answer"
    for text, said in {"a": "✗ wrong\nA sum.", "AE": "✗ wrong", "'e, a'": "✓ right"}.items():
        only.fill(text)
        only.press("Enter")
        assert tab.inner_text("#paper-first-steps-letters-verdict").startswith(said), text


def test_every_field_has_its_label_and_is_reached_by_keys(opened):
    tab = opened("en")
    names = tab.locator("form.paper input").evaluate_all(
        "all => all.map(i => i.labels[0].innerText)"
    )
    assert names == ["share", "pair", "name", "answer"]
    field(tab, "share").focus()
    for wanted in ("paper-first-steps-by-hand-pair", "paper-first-steps-by-hand-name"):
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement.id") == wanted
    live = tab.locator("form.paper [role=status]").count()
    assert live == 4 + 2  # one for each field, one for each form


def test_no_answer_can_be_read_in_the_files_of_a_page(sites):
    text = (sites / "en/practice/first-steps.js").read_text("utf-8")
    page = (sites / "en/first-steps.html").read_text("utf-8")
    assert "share" not in text and "abc" not in text
    packed = text.removeprefix('workbook.sheets("').partition('"')[0]
    assert "first-steps-by-hand" in json.loads(base64.b64decode(packed))
    assert not (sites / "en/practice/more.js").exists()
    assert "practice" not in page  # it is loaded once the page stands


# progress.yml

YML = "exercises/progress.yml"


def export(tab, folder: Path) -> Path:
    with tab.expect_download() as download:
        tab.locator(".progress-tools button").first.click()
    assert download.value.suggested_filename == "progress.yml"
    download.value.save_as(folder / "progress.yml")
    return folder / "progress.yml"


def bring(tab, path: Path) -> str:
    tab.set_input_files(".progress-tools input", path)
    status = tab.locator(".progress-tools [role=status]")
    status.filter(has_text=" ").wait_for()
    return status.inner_text()


def test_progress_goes_to_the_page_and_back_as_the_same_file(opened, reader, tmp_path):
    """What the commands keep, with odd answers in it, and what comes back from the page."""
    progress = progress_of(reader.root, Path("exercises"), "en")
    progress.note("first-steps-a", "fail")
    progress.keep_hints("first-steps-a", 2)
    odd = {"share": "1/3", "pair": "(12, 4)", "name": "'it''s: #1", "value": '"\\x', "on": "no"}
    progress.keep_answers("first-steps-by-hand", odd)
    progress.note("first-steps-by-hand", "pass")
    progress.note("不在书里", "todo")
    before = progress.read()
    tab = opened("en")
    assert bring(tab, reader.root / YML) == "read in the progress of 3 exercises"
    assert field(tab, "share").input_value() == "1/3"
    made = export(tab, tmp_path)
    (reader.root / YML).write_bytes(made.read_bytes())
    assert progress.read() == before
    assert YAML().load(made.read_text("utf-8"))["first-steps-a"]["hints"] == 2
    assert made.read_text("utf-8").startswith("# 你做到哪里了。")


@pytest.mark.parametrize(
    "text",
    [
        "first-steps-a: {}\n",
        "first-steps-a:\n  state: 'pass'\n\n  # mine\n  hints: 1 # one\nb:\n",
        '"first-steps-a":\r\n  state: "pass"\r\n  answers:\r\n      x: 1\r\n      y: "a: b"\r',
        "\ufeff---\nfirst-steps-a:\n  answers: {}\n  state: todo\n",
    ],
)
def test_a_file_that_was_written_by_hand_is_read(opened, reader, tmp_path, text):
    reader.write(YML, text)
    progress = progress_of(reader.root, Path("exercises"), "en")
    before = {name: record for name, record in progress.read().items() if record.state}
    script = "text => workbook.write(workbook.read(text), [])"
    reader.write(YML, opened("en").evaluate(script, text))
    found = progress.read()
    assert {n: r.state for n, r in found.items()} == {n: r.state for n, r in before.items()}
    assert {n: r.hints for n, r in found.items()} == {n: r.hints for n, r in before.items()}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- a\n- b\n", 1),
        ("a:\n  state: great\n", 2),
        ("a:\n  state: pass\n   hints: 1\n", 3),
        ("a:\n  hints: many\n", 2),
        ("a:\n  state: pass\nb: {state: [}\n", 3),
        ("a:\n  answers: 7\n", 2),
        ("a: b: c\n", 1),
        ("a:\n\tstate: pass\n", 2),
        ("a:\n  state: 'pass\n", 2),
    ],
)
def test_a_damaged_file_changes_nothing(opened, tmp_path, text, line):
    path = tmp_path / "progress.yml"
    path.write_text(text, encoding="utf-8")
    tab = opened("en")
    said = bring(tab, path)
    assert said == f"line {line} cannot be read, and nothing was changed"
    assert tab.evaluate(KEPT) is None


def test_what_is_brought_in_loses_nothing_that_is_newer(opened):
    here = {"a": {"state": "pass", "since": "2026-02-01 10:00", "answers": {"x": "1"}}}
    older = {"state": "fail", "since": "2026-01-01 10:00", "hints": 2, "answers": {"y": "2"}}
    there = {"a": older, "b": {"state": "pass"}}
    wanted = {
        "a": {"state": "pass", "since": "2026-02-01 10:00", "hints": 2,
              "answers": {"y": "2", "x": "1"}},
        "b": {"state": "pass"},
    }  # fmt: skip
    script = "([one, other]) => workbook.merged(one, other)"
    assert opened().evaluate(script, [here, there]) == wanted
    assert opened().evaluate(script, [there, here]) == wanted
