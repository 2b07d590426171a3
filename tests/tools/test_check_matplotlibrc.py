"""The style of figures, of which matplotlib passes over what it cannot read."""

import logging

import matplotlib
import pytest
from house import make_book, reported

from workbook import memo
from workbook.check import check, matplotlibrc
from workbook.problem import BookError

TAKES = "give a value that it takes"
SIZE = "matplotlib refuses this font.size: Could not convert 'big' to float"

STYLES = {
    "font.size: 10  # points\n\n# a remark\naxes.prop_cycle: cycler(color=['000000'])\n": [],
    'axes.edgecolor: "#2563a8"\nimage.cmap: "gray"  # a "remark"\nfont.size: "10"\n': [],
    "font.size: 10\nfont.sise: 10\n": [
        '2: matplotlib knows no font.sise; did you mean "font.size"?'
    ],
    "zzz: 10\n": ["1: matplotlib knows no zzz; take it out"],
    "nonsense\n": ["1: nonsense sets nothing; write key: value"],
    "font.size:\n": ["1: font.size: sets nothing; write key: value"],
    ": 10\n": ["1: : 10 sets nothing; write key: value"],
    "font.size: # 10\n": ["1: font.size: sets nothing; write key: value"],
    "font.size: 10\n\0\n": ["2: the control character U+0000; take it out"],
    'axes.edgecolor: "#2563a8\nfont.size: big\n': [
        '1: a " is never closed; close it',
        f"2: {SIZE}; {TAKES}",
    ],
    "font.size: 10\nfigure.dpi: 99\nfont.size: 11\n": [
        "3: font.size is set in line 1 already; take one of them out"
    ],
    "\nfont.size: big\nlines.linestyle: wavy\nlines.linewidth: 1.4\n": [
        f"2: {SIZE}; {TAKES}",
        "3: matplotlib refuses this lines.linestyle: linestyle 'wavy' is not a valid "
        f"on-off ink sequence.; {TAKES}",
    ],
    "axes.edgecolor: #2563a8\n": ["1: axes.edgecolor: sets nothing; write key: value"],
    "figure.figsize: 5.2\n": [
        "1: matplotlib refuses this figure.figsize: Expected 2 values, but there are 1 values "
        f"in 5.2; {TAKES}"
    ],
}


@pytest.mark.parametrize(("style", "expected"), STYLES.items())
def test_the_style_of_figures(tmp_path, style, expected, monkeypatch):
    root = make_book(tmp_path, {"matplotlibrc": style})
    monkeypatch.chdir(root)  # where any matplotlib that starts reads this style
    assert reported(check(root)) == [f"matplotlibrc:{line}" for line in expected]


@pytest.mark.parametrize("style", STYLES)
def test_what_passes_is_what_matplotlib_takes_without_a_word(tmp_path, style, caplog):
    """The rules read lines as matplotlib reads them."""
    file = tmp_path / "matplotlibrc"
    file.write_text(style)
    try:
        with caplog.at_level(logging.WARNING):
            matplotlib.rc_params_from_file(file, use_default_template=False)
    except ValueError as error:
        told = str(error)
    else:
        told = caplog.text
    assert bool(told) == bool(STYLES[style])


def test_matplotlib_is_asked_again_only_when_the_style_changed(tmp_path, monkeypatch):
    asked = []
    tried = matplotlibrc._tried
    monkeypatch.setattr(matplotlibrc, "_tried", lambda what: asked.append(what) or tried(what))
    root = make_book(tmp_path / "book", {"matplotlibrc": "font.size: big\n"})
    with memo.kept_in(tmp_path / "kept"):
        for text, times in (("big", 1), ("big", 1), ("bag", 2)):
            (root / "matplotlibrc").write_text(f"font.size: {text}\n")
            assert reported(check(root)) == [
                f"matplotlibrc:1: {SIZE.replace('big', text)}; {TAKES}"
            ]
            assert len(asked) == times


def test_a_matplotlib_that_does_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "none of them")
    with pytest.raises(BookError) as caught:
        check(make_book(tmp_path, {"matplotlibrc": "font.size: 10\n"}))
    told, detail = str(caught.value).split("\n", 1)
    assert told == (
        "matplotlibrc: matplotlib does not start; install it again, or look what its "
        "environment variables say"
    )
    assert "none of them" in detail
