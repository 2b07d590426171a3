"""Validators of the site: each must find what is bad, or its silence means nothing.

Those that "make verify" installs are skipped where they are not.
"""

import pytest
from small import page
from verifying import empty_store, needs, reported, shown

from workbook.render.html import website
from workbook.verify import axe, browser, contrast, lighthouse, markup, search, site
from workbook.verify.validator import Finding

pytestmark = pytest.mark.slow
PLAIN = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>T</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="a.svg">
<meta name="description" content="A page"><style>STYLE</style></head>
<body><main><h1 id="here">Text</h1>BODY</main></body></html>"""
DARK = "@media (prefers-color-scheme: dark) { body { background: #000; color: #333 } }"


@pytest.fixture
def subject(tmp_path):
    return empty_store(tmp_path)


def styled(style: str = "") -> str:
    return PLAIN.replace("STYLE", f"body {{ background: #fff; color: #000 }} {style}")


def test_a_broken_link_or_anchor_is_found_out(subject):
    needs(site.VALIDATORS[0])
    assert site.lychee(shown(subject, '<a href="one.html#here">a</a>')).problems == []
    body = '<a href="one.html#there">a</a>\n<a href="../../zh/html/one.html">b</a>'
    finding = site.lychee(shown(subject, body))
    assert finding.figure == "2 broken of 3 links"
    assert sorted(str(p) for p in finding.problems) == [
        "_book/en/html/one.html:4: broken link to _book/en/html/one.html#there; mend it",
        "_book/en/html/one.html:5: broken link to _book/zh/html/one.html; mend it",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<img src="a.svg" alt="">', ""),
        ("<pre style='overflow: auto'>" + "x" * 900 + "</pre>", ""),
        (
            '<link rel="stylesheet" href="http://localhost:9/a.css">',
            "asks for http://localhost",
        ),
        ('<img src="../other.svg" alt="">', "asks for file://"),
        ('<img src="none.svg" alt="">', "cannot get file://"),
        ("<script>1</script>", "Content Security Policy"),
        ('<script src="bad.js"></script>', "script error: "),
        ("<p class='wide' style='width: 400px'>W</p>", "is wider than 360 px: 408 px, p.wide"),
    ],
)
def test_a_bad_page_is_found_out(subject, body, expected):
    needs(site.VALIDATORS[1])
    (subject.html / "bad.js").write_text("throw new Error('no');")
    found = "\n".join(reported(site.requests(shown(subject, body))))
    assert expected in found if expected else found == ""


def test_html_css_and_drawings_that_are_not_valid_are_found_out(tmp_path):
    needs(*markup.VALIDATORS)
    good, bad = (empty_store(tmp_path / name) for name in ("good", "bad"))
    (shown(good, "", styled()).html / "site.css").write_text("p { color: red }\n")
    shown(bad, '<p id="here">twice</p>', styled())
    (bad.html / "site.css").write_text("p {\n  colour: red;\n}\n")
    (bad.html / "a.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><rect size="1"/></svg>'
    )
    passed, failed = markup.vnu([good, bad])
    assert passed == Finding("0 errors in 3 files", [])
    found = [str(problem) for problem in failed.problems]
    expected = [
        "_book/en/html/a.svg:1: Attribute “size” not allowed on element “rect”",
        "_book/en/html/one.html:4: Duplicate ID “here”.",
        "_book/en/html/site.css:2: CSS: “colour”: Property “colour” doesn't exist.",
    ]
    for start in expected:
        assert any(each.startswith(start) for each in found), found


@pytest.mark.parametrize(
    ("body", "style", "expected"),
    [
        ("<img src='a.svg' alt='A line'>", "", []),
        (
            "<img src='a.svg'>",
            "",
            [f'image-alt (light, {w} px): <img src="a.svg">' for w in (360, 1280)],
        ),
        (
            "",
            "@media (max-width: 400px) { h1 { color: #999 } }",
            [
                f'color-contrast ({scheme}, 360 px): <h1 id="here">Text</h1>'
                for scheme in ("light", "dark")
            ],
        ),
        (
            "<p>Well</p><div class='box'><p>Ill</p></div>",  # the same letters, another ground
            ".box { background: #555 }",
            [
                f"color-contrast ({scheme}, {w} px): <p>Ill</p>"
                for scheme in ("light", "dark")
                for w in (360, 1280)
            ],
        ),
        (
            "",
            DARK,
            [f'color-contrast (dark, {w} px): <h1 id="here">Text</h1>' for w in (360, 1280)],
        ),
    ],
)
def test_a_page_that_shuts_readers_out_is_found_out(subject, body, style, expected):
    needs(*axe.VALIDATORS)
    finding = axe.axe(shown(subject, body, styled(style)))
    assert reported(finding) == expected
    violations = "1 violation" if len(expected) == 1 else f"{len(expected)} violations"
    assert finding.figure == f"{violations} in 4 views of 1 page"


def test_a_page_of_another_width_is_looked_at_when_its_scripts_have_seen_it(subject):
    needs(*axe.VALIDATORS)
    body = "<p>T</p><script>const p = document.querySelector('p'); "
    body += "new ResizeObserver(() => { p.title = innerWidth }).observe(p)</script>"
    path = shown(subject, body, styled()).html / "one.html"
    with browser.opened() as chromium, browser.page_of(chromium) as page:
        page.goto(path.resolve().as_uri())
        seen = []
        for width in browser.WIDTHS * 10:
            browser.resize(page, width)
            seen.append(page.locator("p").get_attribute("title"))
    assert seen == [str(width) for width in browser.WIDTHS] * 10


def test_code_that_is_pale_in_greyscale_is_found_out(subject):
    needs(contrast.VALIDATORS[1])
    code = '<pre><code class="sourceCode">x <span class="co"># y</span></code></pre>'
    finding = contrast.shown(shown(subject, code, styled(".co { color: #555 }")))
    assert finding == Finding("7.46 or more, 2 colors", [])
    style = "pre { background: #eee } .co { color: #4f94cd } " + DARK
    assert reported(contrast.shown(shown(subject, code, styled(style)))) == [
        "code has a contrast of 2.81 in greyscale (light, .co)",
    ]
    style = f"{DARK} @media (prefers-color-scheme: dark) {{ .co {{ color: #eee }} }}"
    assert reported(contrast.shown(shown(subject, code, styled(style)))) == [
        "code has a contrast of 1.66 in greyscale (dark, .sourceCode)",
    ]


def test_lighthouse_marks_down_a_bad_page(subject, monkeypatch):
    needs(*lighthouse.VALIDATORS)
    monkeypatch.setattr(lighthouse, "PAGES", ("one",))
    body = "<img src='a.svg'><script>throw new Error('no')</script>"
    monkeypatch.setattr(lighthouse, "_TRIES", 1)
    found = reported(lighthouse.lighthouse(shown(subject, body, styled())))
    failed = {what.partition(" is ")[0] for what in found}
    assert failed >= {"accessibility", "best-practices"}  # the machine may be too busy for more
    monkeypatch.setattr(lighthouse, "_scores", lambda _: lighthouse.LEAST)
    monkeypatch.setattr(lighthouse, "PAGES", ("one", "two"))
    assert "not all of one, two are there" in reported(lighthouse.lighthouse(subject))


def test_lighthouse_takes_the_median_where_a_page_seems_slow(monkeypatch):
    runs = iter([90, 99, 97])
    good = {"accessibility": 100, "best-practices": 100}
    monkeypatch.setattr(lighthouse, "_run", lambda _: {"performance": next(runs)} | good)
    assert lighthouse._scores("http://localhost") == {"performance": 97} | good


def test_a_word_that_search_does_not_find_is_found_out(subject, monkeypatch):
    needs(*search.VALIDATORS)
    pages = [page("index", "", "# Preface\n"), page("one", "1", "# One\n\nA tensor.\n")]
    website.write(subject.edition, pages, subject.html)
    monkeypatch.setitem(search.PROBES, "en", {"tensor": "one"})
    assert search.search(subject) == Finding("1 of 1 probe found", [])
    monkeypatch.setattr(search, "_PATIENCE", 3.0)
    monkeypatch.setitem(search.PROBES, "en", {"tensor": "one", "zebra": "one"})
    finding = search.search(subject)
    assert finding.figure == "1 of 2 probes found"
    assert reported(finding) == ["looking for “zebra” does not find one.html"]
