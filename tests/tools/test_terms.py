"""The glossary: what is refused in its data, what the appendix says, what check finds."""

import re
from pathlib import Path

import pytest
from house import PROFILE, make_book, reported

from workbook.build import retangle
from workbook.check import check
from workbook.derive import glossary, pinyin
from workbook.derive.glossary import PATH, marks, read_glossary
from workbook.problem import BookError
from workbook.source.chapter import parse_chapter, read_chapter
from workbook.source.edition import read_edition

ROOT = Path(__file__).parents[2]
DATA = """\
- zh: 张量
  pinyin: zhāngliàng
  en: tensor
  means: {zh: 一组数。, en: Numbers.}
  also: [张量们]
  avoid: [张亮]

- zh: 图形处理器
  pinyin: túxíng chǔlǐqì
  en: graphics processing unit
  short: GPU
  means: {zh: 一种处理器。, en: A processor.}

- zh: Adam
  pinyin: Adam
  en: Adam
  means: {zh: 一种优化器。, en: An optimizer.}
"""
ZH, EN = (f"chapters/{lang}/04-tensors.qmd" for lang in ("zh", "en"))


LISTED = {
    f"_quarto-{lang}.yml": PROFILE.format(lang=lang)
    + f"  appendices:\n    - chapters/{lang}/91-glossary.qmd\n"
    for lang in ("zh", "en")
}


def lines(*texts):
    """A chapter with one paragraph on each of the lines 3, 5, 7 …"""
    return "\n\n".join(["# 张量 {#sec-tensors}", *texts]) + "\n"


def book(root, zh, en, data=DATA):
    return make_book(root, {PATH.as_posix(): data, ZH: lines(*zh), EN: lines(*en)})


# --- the data --------------------------------------------------------------------------

REFUSED = {
    "not YAML": ("- zh: [", ["1: did not find expected node content; mend it"]),
    "no list": ("zh: 张量\n", ['1: is not a list of records; begin each with "- "']),
    "key missing": (
        DATA.replace("  en: tensor\n", ""),
        ['1: no "en"; write "en: …" on one line'],
    ),
    "key unknown": (
        DATA.replace("also:", "aslo:"),
        ['1: unknown key "aslo"; write one of zh, pinyin, en, means, short, also, avoid, '
         "everyday, section, waits"],
    ),
    "key twice": (
        DATA.replace("  short: GPU\n", "  short: GPU\n  short: gpu\n"),
        ['12: "short" is given twice; mend it'],
    ),
    "meaning in one language": (
        DATA.replace(", en: A processor.", ""),
        [
            '8: "means" is not what it should be; write "means:" with "zh: …" and "en: …" '
            "below it"
        ],
    ),
    "list that is none": (
        DATA.replace("[张亮]", "张亮"),
        [
            '1: "avoid" is not what it should be; write "avoid:" with "- …" below it, '
            'or "avoid: [a, b]"'
        ],
    ),
    "term twice": (
        DATA + DATA[: DATA.index("\n\n")].replace("zh: 张量\n", "zh: 数组\n") + "\n",
        [
            '18: "tensor" already names the term on line 1; keep one of the two',
            '18: "张量们" already names the term on line 1; keep one of the two',
        ],
    ),
    "syllable missing": (
        DATA.replace("chǔlǐqì", "chǔlǐ"),
        ["8: 4 syllables of pinyin for 5 characters; write the reading of each character"],
    ),
    "no tones": (
        DATA.replace("zhāngliàng", "zhangliang"),
        ['1: pinyin without tone marks; write "zhāngliàng"'],
    ),
    "term to be avoided": (
        DATA.replace("[张亮]", "[图形]"),
        ['1: "图形" is to be avoided, but "图形处理器" is a term; take one of them away'],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), REFUSED.values(), ids=REFUSED)
def test_data_that_is_refused(tmp_path, data, expected):
    book(tmp_path, [], [], data)
    with pytest.raises(BookError) as caught:
        read_glossary(tmp_path)
    found = [line.removeprefix(f"{PATH}:") for line in reported(caught.value.problems)]
    assert found == expected
    assert reported(check(tmp_path)) == reported(caught.value.problems)


def test_a_glossary_that_is_listed_is_there(tmp_path):
    problem = f"{PATH}: not found; write it, or take its appendix off"
    assert reported(check(make_book(tmp_path, LISTED))) == [problem]


# --- the rules -------------------------------------------------------------------------

CHECKED = {
    "marked in both": (
        ["[张量]{.term}（tensor）在 [GPU]{.term} 上。"],
        ["A [Tensor]{.term} on a [graphics processing unit]{.term}."],
        [],
    ),
    "another form": (["[张量们]{.term}。"], ["A [tensor]{.term}."], []),
    "not in the English twin": (
        ["第一段。", "数组\n叫[张量]{.term}（tensor），[张量]{.term}。"],
        ["One.", "A tensor."],
        [f'{ZH}:6: term "张量" is not marked in {EN}; '
         "write [tensor]{.term} there, where it is explained"],
    ),
    "not in the Chinese twin": (
        ["张量。"],
        ["A [tensor]{.term}."],
        [f'{EN}:3: term "tensor" is not marked in {ZH}; '
         "write [张量]{.term} there, where it is explained"],
    ),
    "not in the glossary": (
        ["[梯度]{.term}与 `[斜率]{.term}`。"],
        ["A [gradient]{.term}."],
        [
            f'{EN}:3: term "gradient" is not in the glossary; '
            f"add it to {PATH}, or take the mark off",
            f'{ZH}:3: term "梯度" is not in the glossary; '
            f"add it to {PATH}, or take the mark off",
        ],
    ),
    "marked in the other language": (
        ["张量（[tensor]{.term}）与 [Adam]{.term}。"],
        ["The [tensors]{.term} of [Adam]{.term}."],
        [f'{ZH}:3: term "tensor" is marked in the other language; write [张量]{{.term}}'],
    ),
    "bad translation": (
        ["第一段。", "一个\n张亮。"],
        ["One.", "A tensor."],
        [f"{ZH}:6: bad translation “张亮”; write “张量”"],
    ),
    "bad translation that is quoted or code": (
        ["机器译成“张亮”，`张亮 = 1`，还有 $张亮$。"],
        ["A 张亮, $张亮$."],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("zh", "en", "expected"), CHECKED.values(), ids=CHECKED)
def test_rules(tmp_path, zh, en, expected):
    assert reported(check(book(tmp_path, zh, en))) == expected


def test_captions_are_prose(tmp_path):
    cell = '```{{python}}\n#| label: tbl-tensors-a\n#| tbl-cap: "{}"\n1\n```'
    root = book(tmp_path, [cell.format("张亮的形状")], [cell.format("Shapes")])
    assert reported(check(root)) == [f"{ZH}:5: bad translation “张亮”; write “张量”"]


def test_without_a_glossary_terms_are_free(tmp_path):
    root = make_book(tmp_path, {ZH: lines("[某]{.term}，张亮。"), EN: lines("Some.")})
    assert check(root) == []


# --- the appendix ----------------------------------------------------------------------

CHAPTER = """\
# 张量 {#sec-tensors}

`[张量]{.term}` 不算。

## 创建 {#sec-tensors-create}

一个[张量]{.term}。

### 别的

又一个[张量]{.term}，在
[GPU]{.term} 上。
"""
APPENDIX = {
    "zh": """
# 术语表 {#sec-glossary}

OPENING

## A {.unnumbered}

Adam
:   一种优化器。

## T {.unnumbered}

图形处理器
:   túxíng chǔlǐqì · [graphics processing unit (GPU)]{lang="en"}：一种处理器。PLACE

## Z {.unnumbered}

张量
:   zhāngliàng · [tensor]{lang="en"}：一组数。PLACE
""",
    "en": """
# Glossary {#sec-glossary}

OPENING

## A {.unnumbered}

Adam
:   An optimizer.

## G {.unnumbered}

graphics processing unit (GPU)
:   [图形处理器]{lang="zh"} túxíng chǔlǐqì. A processor. PLACE

## T {.unnumbered}

tensor
:   [张量]{lang="zh"} zhāngliàng. Numbers. PLACE
""",
}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_appendix(tiny, lang):
    tiny.write(PATH.as_posix(), DATA)
    answers = f"    - chapters/{lang}/90-answers.qmd\n"
    tiny.edit(f"_quarto-{lang}.yml", answers, answers.replace("90-answers", "91-glossary"))
    chapter = parse_chapter(CHAPTER, Path("chapters/zh/04-tensors.qmd"))
    target = glossary.appendix(tiny.root, read_edition(tiny.root, lang), [chapter])
    body = re.sub(r"(?<=sec-glossary}\n\n).*", "OPENING", target.body, count=1)
    body = body.replace("[@sec-tensors-create]", "PLACE")
    assert (str(target.path), body) == (f"chapters/{lang}/91-glossary.qmd", APPENDIX[lang])


def test_the_appendix_is_written_and_passes_the_check(tmp_path):
    waiting = "  waits: later\n"
    data = DATA.replace("  short: GPU\n", f"  short: GPU\n{waiting}") + waiting
    root = make_book(tmp_path, {PATH.as_posix(): data, **LISTED})
    written = [Path(f"chapters/{lang}/91-glossary.qmd") for lang in ("zh", "en")]
    assert [path for path in retangle(root) if "glossary" in path.name] == written
    assert check(root) == []


def test_no_appendix_where_none_is_listed(tiny):
    assert glossary.appendix(tiny.root, read_edition(tiny.root, "zh"), []) is None


def test_marks_tell_line_and_section():
    chapter = parse_chapter(CHAPTER, Path(ZH))
    assert [(m.line, m.words, m.section) for m in marks(chapter)] == [
        (7, "张量", "sec-tensors-create"),
        (11, "张量", "sec-tensors-create"),
        (12, "GPU", "sec-tensors-create"),
    ]
    written = parse_chapter(f"<!-- Generated from x -->\n{CHAPTER}", Path(ZH))
    assert list(marks(written)) == []


SORTED = [
    ("安", "ān"), ("鞍点", "āndiǎn"), ("暗", "àn"), ("昂", "áng"), ("测试集", "cèshìjí"),
    ("层", "céng"), ("机器", "jīqì"), ("即时", "jíshí"), ("计算", "jìsuàn"), ("金", "jīn"),
    ("Kaiming 初始化", "Kaiming chūshǐhuà"), ("路", "lù"), ("率", "lǜ"),
    ("向量–雅可比积", "xiàngliàng–Yǎkěbǐ jī"), ("种子", "zhǒngzi"),
]  # fmt: skip


def test_pinyin_sorts_as_dictionaries_do():
    assert sorted(SORTED, key=lambda pair: pinyin.order(*pair)) == SORTED


def test_pinyin_has_a_syllable_for_each_character():
    for words, reading in [*SORTED, ("方案", "fāng'àn"), ("金额", "jīn'é"), ("西安", "Xī'ān")]:
        assert len(pinyin.syllables(words, reading)) == len(pinyin.characters(words))


def test_the_bilingual_glossaries_stand_entry_beside_entry():
    edition = read_edition(ROOT, "bilingual")
    written = glossary.bilingual(ROOT, edition, ())
    zh, en = (written[half.entry("glossary").path] for half in edition.halves)
    terms = read_glossary(ROOT).terms
    order = sorted(terms, key=lambda term: pinyin.order(term.zh, term.pinyin))
    heads = [re.findall(r"^(.+)\n:   ", text, re.M) for text in (zh, en)]
    assert heads == [
        [" ".join(filter(None, (term.zh, term.reading))) for term in order],
        [term.english for term in order],
    ]
    assert re.findall("^#.*", zh, re.M)[1:] == re.findall("^#.*", en, re.M)[1:]


# --- this book -------------------------------------------------------------------------


def test_this_books_glossary():
    terms = read_glossary(ROOT).terms
    assert len(terms) >= 130
    for term in terms:
        zh, en = term.means["zh"], term.means["en"]
        assert zh.endswith("。") and zh.count("。") == 1, zh
        assert en.endswith(".") and not re.search(r"[.!?] [A-Z]", en), en
        # Not circular: a meaning doesn't use its own word.
        word = re.escape(term.zh) if pinyin.characters(term.zh) else rf"\b{term.zh}\b"
        assert not re.search(word, zh, re.A), term
        assert not re.search(rf"\b{re.escape(term.en)}\b", en), term


def test_this_books_terms_are_explained_in_both_languages():
    for lang in ("zh", "en"):
        chapters = [
            read_chapter(ROOT / entry.path, ROOT)
            for entry in read_edition(ROOT, lang).entries
            if (ROOT / entry.path).is_file()
        ]
        uses = glossary.first_uses(read_glossary(ROOT), chapters)
        assert uses["张量"] == "sec-tensors-create"
        assert uses["链式法则"] == "sec-autograd-engine"


# --- terms at their first use ---------------------------------------------------------------


def two_chapters(root, early, marked="[张量]{.term}（tensor）是一组数。", data=DATA):
    """A book in which the second chapter explains a term that the first one uses."""
    files = {PATH.as_posix(): data}
    for lang in ("zh", "en"):
        files[f"_quarto-{lang}.yml"] = PROFILE.format(lang=lang).replace(
            f"    - chapters/{lang}/04-tensors.qmd\n",
            f"    - chapters/{lang}/03-boxes.qmd\n    - chapters/{lang}/04-tensors.qmd\n",
        )
    files["chapters/zh/03-boxes.qmd"] = (
        f"# 张量的格子 {{#sec-boxes}}\n\n先看张量。\n\n## 节 {{#sec-boxes-a}}\n\n{early}\n"
    )
    text = "Text. [@sec-tensors]" if "@sec" in early else "Text."
    files["chapters/en/03-boxes.qmd"] = (
        f"# Boxes {{#sec-boxes}}\n\nFirst.\n\n## A section {{#sec-boxes-a}}\n\n{text}\n"
    )
    files[ZH], files[EN] = lines(marked), lines("A [tensor]{.term} is numbers.")
    return make_book(root, files)


EARLY = "chapters/zh/03-boxes.qmd:7"


def test_a_term_before_its_mark_needs_its_english(tmp_path):
    root = two_chapters(tmp_path, "一个张量有格子。")
    what = f"{EARLY}: term “张量” stands before its mark; "
    assert reported(check(root)) == [f"{what}write “张量（tensor）”, or name the section"]


@pytest.mark.parametrize(
    "early",
    ["一个张量（tensor）有格子，张量很多。", "张量见[@sec-tensors]。", "`张量` 与“张量”。"],
)
def test_english_or_the_section_explains_a_term(tmp_path, early):
    assert reported(check(two_chapters(tmp_path, early))) == []


def test_an_everyday_word_needs_no_english(tmp_path):
    data = DATA.replace("  also: [张量们]\n", "  also: [张量们]\n  everyday: 人人都懂\n")
    assert reported(check(two_chapters(tmp_path, "一个张量有格子。", data=data))) == []


def test_another_word_for_the_same_english_is_refused(tmp_path):
    root = two_chapters(tmp_path, "一个数组（tensor）有格子。")
    what = f"{EARLY}: “一个数组（tensor）” is another word for tensor; "
    assert reported(check(root)) == [f"{what}write “张量（tensor）”"]


def test_two_words_for_the_same_english_are_refused(tmp_path):
    marked = "[张量]{.term}（tensor）有元胞（cell）。"
    root = two_chapters(tmp_path, "一排格子（cell）。", marked)
    what = f"{ZH}:3: “有元胞（cell）” is “一排格子” in {EARLY}; choose one of the two"
    assert reported(check(root)) == [what]


# --- every entry has its place -------------------------------------------------------------

UNMARKED = "\n\n".join(DATA.split("\n\n")[:2]) + "\n"
HERE = "  section: sec-tensors\n"
PLACED = {
    "nowhere": ("", "no chapter explains “图形处理器”; "
                "mark it, name its section:, or say for which chapter it waits:"),
    "a section": (HERE, ""),
    "no such section": ("  section: sec-nowhere\n", "there is no sec-nowhere; "
                        "name a section that there is"),
    "waiting": ("  waits: later\n", ""),
    "waiting for what is there": ("  waits: tensors\n", "“图形处理器” waits for tensors, which "
        "is there; mark it there, or name the section: that explains it"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), PLACED.values(), ids=PLACED)
def test_an_entry_is_marked_or_has_a_section_or_waits(tmp_path, line, expected):
    root = make_book(tmp_path, {PATH.as_posix(): f"{UNMARKED}{line}", **LISTED})
    retangle(root)
    assert reported(check(root)) == ([f"{PATH}:8: {expected}"] if expected else [])


def test_a_mark_makes_a_section_and_waiting_needless(tmp_path):
    data = DATA.split("\n\n")[0] + "\n  waits: later\n"
    root = make_book(tmp_path, {PATH.as_posix(): data, **LISTED})
    retangle(root)
    what = "“张量” is marked, and has a section or waits all the same; take it off"
    assert reported(check(root)) == [f"{PATH}:1: {what}"]


def test_a_section_that_is_named_stands_in_the_appendix(tmp_path):
    root = make_book(tmp_path, {PATH.as_posix(): f"{UNMARKED}{HERE}", **LISTED})
    retangle(root)
    assert "一种处理器。[@sec-tensors]" in (root / "chapters/zh/91-glossary.qmd").read_text(
        "utf-8"
    )
