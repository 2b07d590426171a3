"""An edition to validate, and books in which something is bad."""

from pathlib import Path

import pytest
import typst
from small import SVG, edition, page

from workbook.verify.validator import Finding, Missing, Subject, Validator

PRINTED = """
#set text(lang: "en")
#set page(width: 9cm, height: 9cm, numbering: "1")
#outline(title: "Contents")
#pagebreak(to: "odd")
= One
Text.
#pagebreak()
= Two
Text.
"""
PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>T</title>
<meta http-equiv="Content-Security-Policy" content="img-src file:; script-src file:">
<meta name="viewport" content="width=device-width"><link rel="icon" href="a.svg"></head>
<body><p id="here">Text</p>BODY</body></html>"""
# How wide each sign of a text is, in em, as a browser sets it.
WIDTHS = """(root) => {
  const words = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), widths = {};
  for (let node; (node = words.nextNode());) {
    const size = parseFloat(getComputedStyle(node.parentElement).fontSize);
    [...node.data].forEach((sign, i) => {
      const range = document.createRange();
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      widths[sign] = Math.round(100 * range.getBoundingClientRect().width / size) / 100;
    });
  }
  return widths;
}"""


def empty_store(root: Path) -> Subject:
    """An English edition of two chapters, without its books."""
    pages = [page("one", "1", "# One\n"), page("two", "2", "# Two\n")]
    for each in pages:
        path = root / each.entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each.markdown)
    folder = root / "_book" / "en"
    (folder / "html").mkdir(parents=True)
    return Subject(root, edition(*pages, lang="en"), folder)


def printed(subject: Subject, old: str = "", new: str = "", source: str = PRINTED) -> Subject:
    """The subject with a PDF, of whose source something is replaced."""
    assert old in source
    content = typst.compile(source.replace(old, new).encode(), ignore_system_fonts=True)
    subject.pdf.write_bytes(content)
    return subject


def shown(subject: Subject, body: str, page: str = PAGE) -> Subject:
    """The subject with a site of one page."""
    (subject.html / "a.svg").write_bytes(SVG)
    (subject.html / "one.html").write_text(page.replace("BODY", body))
    return subject


def reported(finding: Finding) -> list[str]:
    return [problem.what for problem in finding.problems]


def needs(*validators: Validator) -> None:
    """Skip the test where a validator is not installed."""
    for validator in validators:
        try:
            validator.version()
        except Missing as missing:
            pytest.skip(f"{missing} is not installed; make verify installs it")
