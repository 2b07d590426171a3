"""No tag is found or changed as text: HTML and XHTML go through `render/dom.py`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import workbook

PACKAGE = Path(workbook.__file__).parent
FOLDERS = ("render", "publish")
# A tag or a comment, an attribute with its value; not (?<name>, nor a look behind.
MARKUP = re.compile(r"""<(?:[A-Za-z/(\[\\.]|!--)|[\w-]+=\\?["']""")
GROUP = re.compile(r"\(\?P?<")
# Of strings: what finds or changes a piece of one.
METHODS = {
    "replace", "split", "rsplit", "partition", "rpartition", "find", "rfind", "index", "count",
    "removeprefix", "removesuffix",
}  # fmt: skip
NO_HTML = {  # what looks like it
    "render/html/figures.py": "a style sheet, whose colors are asked for",
    "render/notebook/markdown.py": "our own marks between the cells, in Markdown",
}


def text_of(node: ast.AST, names: dict[str, str]) -> str:
    """The literal text of an expression: of a string, of pieces of one, of a constant."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, names) for part in parts)
        case ast.BinOp(left=left, right=right):
            return text_of(left, names) + text_of(right, names)
    return ""


def over_html(code: str) -> Iterator[tuple[int, str]]:
    """The calls of a module that look for markup in text: line, and what they look for."""
    tree = ast.parse(code)
    names = {
        target.id: text_of(node.value, {})
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        if not isinstance(node.func, ast.Attribute):
            continue
        of_re = isinstance(node.func.value, ast.Name) and node.func.value.id in ("re", "regex")
        wanted = text_of(node.args[0], names) if of_re or node.func.attr in METHODS else ""
        if MARKUP.search(GROUP.sub("(", wanted)):
            yield node.lineno, wanted


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_pattern_is_run_over_html(folder):
    found = {
        path.relative_to(PACKAGE).as_posix(): calls
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        if (calls := list(over_html(path.read_text(encoding="utf-8"))))
    }
    expected = [name for name in NO_HTML if name.startswith(f"{folder}/")]
    assert sorted(found) == expected, found


@pytest.mark.parametrize(
    "code",
    [
        "import re\nre.sub(r'<span[^>]*>', '', html)",
        "import re\nTAGS = re.compile(rf'</?{name}>')",
        "import re\nOPEN = '<(p|div)'\nlist(re.finditer(OPEN, html))",
        "import re\nre.findall('<' + r'[a-z]+>', html)",
        "import re\nre.search(r' lang=\"zh-CN\"', html)",
        "html.replace('<h1>', '<h2>')",
    ],
)
def test_one_that_is_would_be_found(code):
    assert len(list(over_html(code))) == 1


def test_what_only_looks_alike_is_left_alone():
    code = "import re\nre.sub(r'(?<=a)(?<!b)(?P<name>c)', '', text)\nre.search('[<>&]', text)"
    assert list(over_html(code)) == []
