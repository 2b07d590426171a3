"""Profiles, chapters' files, images, twins and recordings."""

import hashlib
import json

import pytest
from house import GOOD_EN, PROFILE, RAW_HTML, make_book, reported

from workbook.check import check


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def recording(label, code, module="x = 1\n"):
    inputs = {"cell": sha1(code), "torchbook/tensors.py": sha1(module)}
    return json.dumps({"label": label, "device": "H200", "inputs": inputs, "stdout": ""})


RECORDED = "recordings/cuda/tensors-speed.json"
OF_CPU = "recordings/cpu/tensors-speed.json"
CODE = 'print("measured")'
AGAIN = "run workbook record --device cuda"
STALE = f"{RECORDED}: recording is stale: {{}} changed since; {AGAIN}"


def test_an_image_exists(tmp_path):
    root = make_book(tmp_path, {"chapters/en/strides.svg": None})
    assert reported(check(root)) == [
        "chapters/en/04-tensors.qmd:50: image strides.svg does not exist; "
        "make it or mend the path"
    ]


def test_twins_are_compared(tmp_path):
    english = GOOD_EN.replace("\nA tensor is an array of many dimensions.\n", "")
    root = make_book(tmp_path, {"chapters/en/04-tensors.qmd": english})
    assert reported(check(root)) == [
        "chapters/en/04-tensors.qmd:81: no twin of the paragraph at "
        "chapters/zh/04-tensors.qmd:81; translate it here"
    ]


def test_files_and_profiles_agree(tmp_path):
    root = make_book(
        tmp_path,
        {
            "chapters/zh/06-nn.qmd": "# 神经网络 {#sec-nn}\n",
            "chapters/en/07-optim.qmd": "# Optim {#sec-optim}\n",
            "_quarto-en.yml": PROFILE.format(lang="en")
            + "        - chapters/en/07-optim.qmd\n        - chapters/en/08-data.qmd\n",
        },
    )
    assert reported(check(root)) == [
        "_quarto-en.yml:10: chapters/en/08-data.qmd does not exist; "
        "write the chapter or take it off the list",
        *(
            f'_quarto-zh.yml: chapter "{slug}" is in the other edition only; '
            "write its twin and list it here"
            for slug in ("data", "optim")
        ),
        "chapters/zh/06-nn.qmd: chapter is not in _quarto-zh.yml; list it there or remove it",
    ]


def test_chapters_stand_in_one_order(tmp_path):
    files = {}
    for lang in ("zh", "en"):
        word = "优化" if lang == "zh" else "Optim"
        files[f"chapters/{lang}/05-optim.qmd"] = f"# {word} {{#sec-optim}}\n"
    files["_quarto-zh.yml"] = PROFILE.format(lang="zh") + "    - chapters/zh/05-optim.qmd\n"
    files["_quarto-en.yml"] = PROFILE.format(lang="en").replace(
        "    - part", "    - chapters/en/05-optim.qmd\n    - part"
    )
    assert reported(check(make_book(tmp_path, files))) == [
        '_quarto-en.yml:6: chapter "optim" stands where _quarto-zh.yml has "tensors"; '
        "put the chapters of both editions in one order"
    ]


@pytest.mark.parametrize("profile", ["book: [", None])
def test_a_broken_profile_is_told_and_chapters_are_still_checked(tmp_path, profile):
    chapter = GOOD_EN.replace("# Tensors {#sec-tensors}", "# Tensors")
    changes = {"_quarto-en.yml": profile, "chapters/en/04-tensors.qmd": chapter}
    found = reported(check(make_book(tmp_path, changes)))
    assert found[0].startswith("_quarto-en.yml")
    title = "chapters/en/04-tensors.qmd:1: title does not carry the chapter's id"
    assert f'{title}; write "# Title {{#sec-tensors}}"' in found


RECORDINGS = {
    "fresh": ({RECORDED: recording("tensors-speed", CODE)}, []),
    "cell changed": (
        {RECORDED: recording("tensors-speed", "print()")},
        [STALE.format("cell")],
    ),
    "module changed": (
        {RECORDED: recording("tensors-speed", CODE, "x = 2\n")},
        [STALE.format("torchbook/tensors.py")],
    ),
    "module gone": (
        {RECORDED: recording("tensors-speed", CODE), "code/torchbook/tensors.py": None},
        [STALE.format("torchbook/tensors.py")],
    ),
    "orphan": (
        {RECORDED: recording("tensors-list", CODE)},
        [
            f'{RECORDED}: recording of "tensors-list", which is no cell recorded on cuda; '
            f"remove it, or {AGAIN}"
        ],
    ),
    **{
        name: ({RECORDED: text}, [f"{RECORDED}: recording cannot be read; {AGAIN}"])
        for name, text in {
            "not JSON": "{",
            "too many levels": "[" * 100_000,
            "label a list": '{"label": ["a"], "inputs": {}}',
            "inputs a list": '{"label": "tensors-speed", "inputs": [1]}',
        }.items()
    },
    "a name that is too long": (
        {RECORDED: json.dumps({"label": "tensors-speed", "inputs": {"a" * 300: "b"}})},
        [STALE.format("a" * 300)],
    ),
    "orphan of another device": (
        {OF_CPU: recording("tensors-speed", CODE)},
        [
            f'{OF_CPU}: recording of "tensors-speed", which is no cell recorded on cpu; '
            "remove it, or run workbook record --device cpu"
        ],
    ),
}


@pytest.mark.parametrize(("files", "expected"), RECORDINGS.values(), ids=RECORDINGS)
def test_recordings(tmp_path, files, expected):
    root = make_book(tmp_path, {"code/torchbook/tensors.py": "x = 1\n"} | files)
    assert reported(check(root)) == expected


def test_a_chapter_that_does_not_parse_hides_nothing_else(tmp_path):
    files = {
        "chapters/zh/04-tensors.qmd": "# 张量\n\n```{python}\n",
        "index.zh.qmd": "# 前言 {.unnumbered}\n\n给读者<br>，见 [@sec-tensors-list]。\n",
        "index.en.qmd": "# Preface {.unnumbered}\n\nTo the reader, see [@sec-tensors-list].\n",
        RECORDED: recording("tensors-zzz", CODE),  # its cell may be in what was not read
    }
    assert reported(check(make_book(tmp_path, files))) == [
        "chapters/zh/04-tensors.qmd:3: code fence is never closed; close it with ```",
        f"index.zh.qmd:3: {RAW_HTML}",
    ]
