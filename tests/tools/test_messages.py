"""All words that readers see stand in one file, in both languages, and in no code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbook import messages
from workbook.render import makers
from workbook.source.edition import LANGUAGES

PACKAGE = Path(messages.__file__).parents[1]
CHINESE = re.compile(r"[\u3400-\u9fff]{2,}")
# What is no word for readers. Docstrings are none of the literals that are looked at: those
# of the readers' commands are their help, in both languages.
NOT_SAID = {
    "check/style.py": "the connectives that it counts",
    "check/typing.py": "the phrase that it refuses, and how its remedy puts it",
    "verify/quarto.py": "how both engines begin a title, which is no difference",
    "verify/search.py": "what the site's search must find",
}
KEYS = [(section, key) for section, keys in messages.read().items() for key in keys]


def chinese(code: str) -> Iterator[str]:
    """The string literals of a module with Chinese words in them, docstrings left out."""
    tree = ast.parse(code)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else ""
        if isinstance(text, str) and id(node) not in docstrings and CHINESE.search(text):
            yield text


@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda name: str(name))
def test_every_word_is_said_in_both_languages(section, key):
    said = messages.read()[section][key]
    assert list(said) == list(LANGUAGES)
    assert all(isinstance(text, str) and text.strip() for text in said.values())
    blanks = [sorted(set(re.findall(r"\{(\w*)", text))) for text in said.values()]
    assert section == "epub" or blanks[0] == blanks[1]  # a date names its parts


def test_no_code_says_chinese_words():
    files = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    found = {
        name: said
        for name, path in files.items()
        if (said := list(chinese(path.read_text(encoding="utf-8"))))
    }
    assert {name: said for name, said in found.items() if name not in NOT_SAID} == {}
    assert sorted(NOT_SAID) == sorted(found), "an exception that is none"


def test_a_word_in_code_would_be_found():
    code = '"""模块的说明。"""\nA = {"zh": "目录"}\n\n\ndef f():\n    """说明。"""\n'
    code += '    # 注释在此\n    return f"第 {A} 节，共计"\n'
    assert list(chinese(code)) == ["目录", " 节，共计"]


def test_two_languages_are_said_one_after_the_other():
    assert messages.of("books", "zh")["appendices"] == "附录"
    assert messages.of("books", *LANGUAGES)["appendices"] == "附录 Appendices"
    assert messages.of("languages", *LANGUAGES)["bilingual"] == "对照", "what is the same, once"
    assert messages.of("books", "fr") == messages.of("books", "en")


def test_what_readers_of_books_see_is_known_by_its_fingerprint():
    assert "跳到正文" in messages.fingerprint()
    assert "跳到正文" not in messages.fingerprint(without=["site"])


def test_what_only_the_commands_say_shapes_no_book():
    assert set(makers._READERS) <= set(messages.read())
    assert "还没动笔" in messages.fingerprint()
    assert "还没动笔" not in makers.words()
    assert "跳到正文" in makers.words()
