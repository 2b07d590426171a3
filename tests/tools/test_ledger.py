"""The claims ledger: what is refused in its data, what the appendix says, what it rests on."""

import subprocess
import sys
from pathlib import Path

import pytest

from workbook import messages
from workbook.derive import claims
from workbook.derive.claims import PATH, VERDICTS, read_claims
from workbook.problem import BookError
from workbook.source.edition import read_edition

ROOT = Path(__file__).parents[2]
DATA = """\
- section: {zh: 概说, en: Introduction}
  chapter: one
  claims:
    - verdict: right
      says: {zh: 一加一得二。, en: One and one make two.}
      fact: {zh: 对。, en: Yes.}
      evidence:
        - test: tests/test_sums.py::test_one
        - page: https://example.org
- section: {zh: 余论, en: The rest}
  chapter: nowhere
  claims:
    - verdict: needs a number
      says: {zh: 很快。, en: It is fast.}
      fact: {zh: 要量。, en: Measure it.}
      evidence:
        - page: https://example.org/speed
"""
APPENDIX = {
    "zh": """\
一共 2 条：正确 1 条，要看数字 1 条。

## 概说 {#sec-claims-one}

见[@sec-one]。

1 正确：一加一得二。

:   对。

    依据：测试 `test_one`（`test_sums.py`）\\
    <https://example.org>

## 余论 {#sec-claims-nowhere}

2 要看数字：很快。

:   要量。

    依据：<https://example.org/speed>
""",
    "en": """\
Of 2 claims, 1 are right, 1 need a number.

## Introduction {#sec-claims-one}

See [@sec-one].

1 Right: One and one make two.

:   Yes.

    Evidence: test `test_one` (`test_sums.py`)\\
    <https://example.org>

## The rest {#sec-claims-nowhere}

2 Needs a number: It is fast.

:   Measure it.

    Evidence: <https://example.org/speed>
""",
}


@pytest.fixture
def ledger(tiny):
    """The tiny book with a ledger in place of its answers."""
    tiny.write(PATH.as_posix(), DATA)
    tiny.write("tests/test_sums.py", "\ndef test_one():\n    assert 1 + 1 == 2\n")
    tiny.edit("_quarto-LANG.yml", "90-answers", "92-claims")
    return tiny


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_appendix(ledger, lang):
    target = claims.appendix(ledger.root, read_edition(ledger.root, lang))
    assert str(target.path) == f"chapters/{lang}/92-claims.qmd"
    title, _opening, five, scale, body = target.body.lstrip("\n").split("\n\n", 4)
    assert five == ("结论分五种：" if lang == "zh" else "There are five verdicts:")
    assert [
        line.partition("：" if lang == "zh" else ": ")[0] for line in scale.split("\n")
    ] == [f"- {messages.of('verdicts', lang)[verdict]}" for verdict in VERDICTS]
    assert title == ("# 逐条核对" if lang == "zh" else "# Claims checked") + " {#sec-claims}"
    assert body == APPENDIX[lang]


BESIDE = {
    "zh": """\
::: {.claims}

1.   **正确：一加一得二。**

     对。

     EVIDENCE `tests/test_sums.py::test_one`\\
    <https://example.org>

:::
""",
    "en": """\
::: {.claims}

1.   **Right: One and one make two.**

     Yes.

     EVIDENCE `tests/test_sums.py::test_one`\\
    <https://example.org>

:::
""",
}


def test_beside_each_other_claims_have_the_same_numbers_and_evidence(ledger):
    edition = read_edition(ledger.root, "bilingual")
    written = claims.bilingual(ledger.root, edition)
    assert [str(path) for path in written] == [
        f"chapters/{lang}/92-claims.qmd" for lang in BESIDE
    ]
    evidence = '[依据]{.zh lang="zh-CN"} [Evidence]{.en lang="en"}:'
    for (lang, expected), text in zip(BESIDE.items(), written.values(), strict=True):
        assert expected.replace("EVIDENCE", evidence) in text
        assert "\n2.   **" in text, lang


REFUSED = {
    "verdict unknown": (
        ("verdict: right", "verdict: true"),
        ['4: "verdict" is not what it should be; write "verdict: …" on one line'],
    ),
    "verdict misspelt": (
        ("verdict: right", "verdict: correct"),
        [
            '4: verdict "correct" is none of ours; '
            "write one of right, partly, dated, wrong, needs a number"
        ],
    ),
    "no evidence": (
        ("      evidence:\n        - page: https://example.org/speed\n", ""),
        [
            '13: no "evidence"; write "evidence:" with "- …" below it, '
            'or "evidence: [a, b]"'
        ],
    ),
    "page without https": (
        ("https://example.org/speed", "example.org"),
        [
            "17: evidence “example.org” is neither a test nor a page; "
            'write "test: tests/code/test_x.py::test_name" or "page: https://…"'
        ],
    ),
    "test that is not there": (
        ("::test_one", "::test_two"),
        ["8: no test tests/test_sums.py::test_two; write it, or name another"],
    ),
    "claim that is a text": (
        ("    - verdict: needs a number\n", "    - much\n    - verdict: needs a number\n"),
        ['10: a claim has no keys; begin it with "says:"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), REFUSED.values(), ids=REFUSED)
def test_data_that_is_refused(ledger, change, expected):
    ledger.edit(PATH.as_posix(), *change)
    with pytest.raises(BookError) as caught:
        read_claims(ledger.root)
    found = [str(problem).removeprefix(f"{PATH}:") for problem in caught.value.problems]
    assert found == expected


def test_every_section_of_the_article_is_there():
    sections = read_claims(ROOT)
    assert [section.chapter for section in sections] == [
        "deep-learning", "meet-pytorch", "why-pytorch", "tensors", "autograd", "nn", "optim",
        "custom-modules", "summary",
    ]  # fmt: skip
    assert all(section.claims for section in sections)


@pytest.mark.slow
def test_the_tests_that_claims_rest_on_pass():
    """Each named test is run here once; on a machine without a GPU its CPU half."""
    found = [claim for section in read_claims(ROOT) for claim in section.claims]
    names = sorted({test for claim in found for test in claim.tests})
    command = [sys.executable, "-m", "pytest", "-n", "0", "-rA", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, *names], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (line for line in done.stdout.splitlines() if line.startswith("PASSED "))
    passed = {line.removeprefix("PASSED ").partition("[")[0] for line in lines}
    assert passed == set(names)
