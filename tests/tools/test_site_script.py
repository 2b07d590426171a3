"""What the site's scripts do, in a browser: from a server, and from a folder."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from small import edition, page
from verifying import WIDTHS

from workbook.render.html import website
from workbook.serve import Server
from workbook.source.edition import bilingual

pymupdf = pytest.importorskip("pymupdf")
pytestmark = pytest.mark.slow
DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">
<path d="M0 0H40V20H0z" style="fill: #000000"/></svg>"""
INDEX = (
    "# 前言 {.unnumbered}\n\n他说“好”，停了……又说——“不”。\n\n![黑与空](a.svg){fig-alt='x'}\n"
)
LOSSES = f"""# 损失 {{#sec-two}}

先有 `MSELoss`，后有 backward，中间隔着 loss。

## 求导 {{#sec-two-call}}

算好之后写 `loss.backward()`。

## 对齐 {{#sec-two-wide}}

{"甲" * 60} 0.5 {"乙" * 38}广播{"丙" * 100}
"""
FILLER = "\n\n".join(f"第 {n} 段。" for n in range(60))
TEXT = """# 自动微分 {#sec-one}

开头。

::: {.answer lines=1}
:::

## 计算图 {#sec-one-graph}

用 autograd 求导。

FILLER

## 张量 {#sec-one-tensor}

多维数组。

FILLER

::: {#exr-one-x}

## 题 ★

文。

:::: {.callout-tip collapse="true" title="提示"}
画图。

列表。

求和。
::::

::: {.worked}
解。
:::

:::

$$
a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 = 1\\,000\\,000\\,000\\,000\\,000\\,000
$$ {#eq-one-sum}

$$
E = m c^2
$$ {#eq-one-energy}

| 名 | 说 | 时 |
|:---|:----------------------------------------|:--|
| 叶子张量 | FILLER_LINE | 现在就问 |
"""
BOXES = "e => [...e.children].map(child => child.getBoundingClientRect().toJSON())"
ANSWERS = f"""# 答案

```python
{"x" * 72}
```

::: {{#ans-one-x .answer-title}}
[@exr-one-x]
:::
"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Path:
    """The same small site in two languages."""
    store = tmp_path_factory.mktemp("store")
    for lang, other in (("zh", "en"), ("en", "zh")):
        one = page("one", "1", TEXT.replace("FILLER_LINE", "文" * 60).replace("FILLER", FILLER))
        listed = page("answers", "A", ANSWERS)
        index, two = page("index", "", INDEX, a_svg=DRAWING), page("two", "2", LOSSES)
        pages = [index, one, two, listed]
        book = replace(edition(*pages), name=lang, languages=(lang,))
        folder = store / lang / "html"
        website.write(
            book, pages, folder, {other: f"../../{other}/html"}, front="../../index.html"
        )
    return store


@pytest.fixture(scope="module")
def address(sites):
    with Server(sites) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.address.rstrip("/")
        server.shutdown()


@pytest.mark.parametrize("word", ["微分", "自动微分", "多维数组", "autograd"])
def test_search_finds_words_of_both_languages_in_a_chinese_page(tab, address, word):
    tab.goto(f"{address}/zh/html/answers.html")
    tab.keyboard.press("/")
    tab.keyboard.type(word)
    tab.wait_for_selector("dialog .found a")
    assert tab.inner_text("dialog .found a").endswith("章 自动微分")
    for nonsense in ("龘靐", "qqqqzz"):
        tab.locator("dialog input").fill(nonsense)
        tab.wait_for_selector("dialog .status:text-is('没有找到')")
        tab.locator("dialog input").fill(word)
        tab.wait_for_selector("dialog .found a")
    tab.keyboard.press("Escape")
    assert not tab.locator("dialog").evaluate("dialog => dialog.open")


def found(tab, address, query) -> list[tuple[str, str]]:
    """What a search lists: the kind of each line, and its text with what is marked in []."""
    tab.goto(f"{address}/zh/html/answers.html")
    tab.keyboard.press("/")
    tab.keyboard.type(query)
    tab.wait_for_selector("dialog .found p")
    lines = """all => all.map(e => [e.className || e.localName,
      e.innerHTML.replaceAll("<mark>", "[").replaceAll("</mark>", "]")])"""
    return [tuple(line) for line in tab.locator("dialog .found > li > *").evaluate_all(lines)]


def test_a_name_with_a_dot_is_found_and_marked_as_a_whole(tab, address):
    page, section, excerpt = found(tab, address, "loss.backward")
    assert page[0] == "page" and page[1].endswith("章 损失")
    assert section == ("section", "2.1 求导")
    assert "算好之后写 [loss.backward]()。" in excerpt[1]


def test_an_excerpt_begins_at_a_word_and_marks_what_was_asked(tab, address):
    _, section, (_, excerpt) = found(tab, address, "广播")
    assert section == ("section", "2.2 对齐")
    assert excerpt.startswith("乙" * 38 + "[广播]丙")


def test_words_of_a_question_are_each_marked(tab, address):
    lines = found(tab, address, "backward loss")
    assert any("后有 [backward]，中间隔着 [loss]。" in text for _, text in lines)


def test_from_a_folder_the_search_box_says_how_to_search(tab, sites):
    tab.goto((sites / "zh" / "html" / "one.html").as_uri())
    tab.keyboard.press("/")
    assert "workbook serve" in tab.inner_text("dialog .status")
    assert tab.locator("dialog input").is_disabled()


def test_a_key_typed_into_an_answer_stays_there(tab, address):
    tab.goto(f"{address}/zh/html/one.html")
    tab.locator("textarea").press("/")
    assert tab.locator("textarea").input_value() == "/"
    assert tab.locator("dialog").count() == 0


def test_an_answer_is_kept_for_both_languages_until_it_is_cleared(tab, address):
    tab.goto(f"{address}/zh/html/one.html")
    tab.locator("textarea").fill("三")
    tab.goto(f"{address}/en/html/one.html")
    assert tab.locator("textarea").input_value() == "三"
    clear = tab.locator(".answer-tools button")
    clear.click()
    assert tab.locator("textarea").input_value() == "三", "asked first"
    clear.click()
    tab.reload()
    assert tab.locator("textarea").input_value() == ""


def test_answers_can_be_taken_along(tab, address):
    tab.goto(f"{address}/en/html/one.html")
    tab.locator("textarea").fill("three")
    with tab.expect_download() as download:
        tab.locator(".export button").click()
    assert download.value.suggested_filename == "one-answers.md"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text.endswith("(answer-one-1)\n\nthree\n")


def test_the_switch_of_language_follows_the_section_in_view(tab, address):
    tab.goto(f"{address}/zh/html/one.html")
    tab.locator("#sec-one-tensor").evaluate("section => section.scrollIntoView()")
    tab.wait_for_selector('.here a[href="#sec-one-tensor"][aria-current]')
    place = tab.locator(".languages a").bounding_box()
    tab.mouse.click(place["x"] + 5, place["y"] + 5)  # a locator's click would scroll first
    tab.wait_for_url("**/en/html/**")
    assert tab.url == f"{address}/en/html/one.html#sec-one-tensor"
    tab.goto(f"{address}/zh/html/one.html")
    tab.locator(".languages a").click()
    assert tab.url == f"{address}/en/html/one.html"


def test_the_appearance_is_chosen_and_kept(tab, address):
    def paper():
        return tab.evaluate("getComputedStyle(document.body).backgroundColor")

    tab.goto(f"{address}/zh/html/one.html")
    light = paper()
    for _ in ("light", "dark"):
        tab.locator(".theme").click()
    dark = paper()
    assert light != dark
    tab.goto(f"{address}/en/html/answers.html")
    assert paper() == dark
    tab.locator(".theme").click()
    assert paper() == light, "the system's again"


def painted(tab, selector) -> set[tuple[int, int, int]]:
    """The colors on the left edge of an element, from its head to its foot."""
    pixels = pymupdf.Pixmap(tab.locator(selector).screenshot())
    return {pixels.pixel(1, y)[:3] for y in range(1, pixels.height - 1)}


def test_a_drawing_takes_the_appearance_that_the_reader_chose(tab, address):
    tab.goto(f"{address}/zh/html/index.html")
    white_paper = painted(tab, "main img")
    assert (0, 0, 0) in white_paper and (253, 253, 251) in white_paper
    for _ in ("light", "dark"):
        tab.locator(".theme").click()
    tab.wait_for_function(
        "getComputedStyle(document.body).backgroundColor === 'rgb(23, 24, 26)'"
    )
    dark = painted(tab, "main img")
    assert (23, 24, 26) in dark, "no ground of its own"
    assert max(dark) > (200, 200, 200), "what was black is light"
    assert (0, 0, 0) not in dark


def test_in_print_a_drawing_is_there_and_dark_on_white(tab, address):
    tab.emulate_media(color_scheme="dark")
    tab.goto(f"{address}/zh/html/index.html")
    with pymupdf.open("pdf", tab.pdf()) as printed:
        shown = [drawing["fill"] for page in printed for drawing in page.get_drawings()]
    assert (0.0, 0.0, 0.0) in shown


def test_chinese_punctuation_is_full_width_whatever_face_comes_first(tab, address):
    tab.goto(f"{address}/zh/html/index.html")
    tab.evaluate("document.body.style.textSpacingTrim = 'space-all'")
    widths = tab.locator("main p", has_text="停了").evaluate(WIDTHS)
    assert {sign: widths[sign] for sign in "他“”…—"} == dict.fromkeys("他“”…—", 1)


def test_in_english_it_is_as_narrow_as_the_letters_are(tab, address):
    tab.goto(f"{address}/en/html/index.html")
    tab.locator("html").evaluate("html => { html.lang = 'en'; }")
    assert tab.locator("main p", has_text="停了").evaluate(WIDTHS)["“"] < 0.7


def test_on_a_phone_the_way_home_is_in_the_bar_and_the_preface_in_the_menu(tab, address):
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(f"{address}/zh/html/one.html")
    home = tab.locator(".bar .home")
    assert home.is_visible() and home.bounding_box()["width"] >= 40
    assert home.text_content() == "工作簿", "said to those who do not see the sign"
    tab.locator(".open").click()
    links = tab.locator("#contents .front a")
    assert [(a.inner_text(), a.get_attribute("href")) for a in links.all()] == [
        ("前言", "index.html"),
        ("全部版本与下载", "../../index.html"),
    ]
    assert all(a.is_visible() for a in links.all())
    links.first.click()
    assert tab.url == f"{address}/zh/html/index.html"


def test_a_link_opens_the_fold_that_it_leads_into(tab, address):
    tab.goto(f"{address}/zh/html/answers.html")
    assert tab.locator(".answer-title a").get_attribute("href") == "one.html#worked-one-x"
    tab.locator(".answer-title a").click()
    tab.wait_for_selector("details.worked[open]")


def test_hints_come_one_by_one_and_all_of_them_on_paper(tab, address):
    tab.goto(f"{address}/zh/html/one.html")
    hint = tab.locator("details.callout-tip")
    hint.locator("summary").click()
    hints = hint.locator(".callout-body > p:not(.next-hint)")

    def shown() -> list[str]:
        seen = "e => e.checkVisibility({ contentVisibilityAuto: true }) && e.offsetHeight > 0"
        return [each.text_content() for each in hints.all() if each.evaluate(seen)]

    assert shown() == ["画图。"]
    boxes = hint.locator(".callout-body").evaluate(BOXES)
    assert boxes[-1]["top"] - boxes[0]["bottom"] < 25, "hidden hints take no room"
    tab.get_by_role("button", name="再给一条提示").click()
    assert shown() == ["画图。", "列表。"]
    tab.emulate_media(media="print")
    assert shown() == ["画图。", "列表。", "求和。"]
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="再给一条提示").click()
    assert shown() == ["画图。", "列表。", "求和。"]
    assert tab.get_by_role("button", name="再给一条提示").count() == 0


def test_on_a_phone_a_number_lies_on_no_formula_and_no_column_is_one_character(tab, address):
    tab.set_viewport_size({"width": 360, "height": 800})
    tab.goto(f"{address}/zh/html/one.html")
    formula, number = tab.locator("#eq-one-sum").evaluate(BOXES)
    assert formula["bottom"] <= number["top"], "below a formula that is wider than the page"
    formula, number = tab.locator("#eq-one-energy").evaluate(BOXES)
    assert formula["right"] <= number["left"], "beside one that is not"
    assert formula["top"] < number["bottom"] and number["top"] < formula["bottom"]
    cells = tab.locator("tbody td").evaluate_all("cells => cells.map(c => c.offsetWidth)")
    assert min(cells) >= 70
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_the_drawer_of_a_phone_takes_the_focus_and_gives_it_back(tab, address):
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(f"{address}/zh/html/one.html")
    tab.locator(".open").click()
    tab.wait_for_selector(".close:focus")
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".open:focus")
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_code_wider_than_the_page_is_scrolled_by_keys(tab, address):
    tab.goto(f"{address}/zh/html/answers.html")
    assert tab.locator("pre").get_attribute("tabindex") is None
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.wait_for_selector("pre[tabindex='0']")
    tab.locator("pre").focus()
    tab.keyboard.press("ArrowRight")
    scrolled = (
        "async pre => { while (!pre.scrollLeft) await new Promise(requestAnimationFrame) }"
    )
    tab.locator("pre").evaluate(scrolled)
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.wait_for_selector("pre:not([tabindex])")


@pytest.fixture(scope="module")
def beside(tmp_path_factory) -> Path:
    """A page of the bilingual edition, with a list and a box."""
    text = "# {0} {{#sec-one}}\n\n{0}\n\n- {0}\n\n::: {{.callout-note title={0}}}\n- {0}\n:::\n"
    zh, en = (page("one", "1", text.format(word)) for word in ("甲", "One"))
    site = tmp_path_factory.mktemp("bilingual")
    both = bilingual(edition(zh), edition(en, lang="en"))
    website.write(both, [replace(zh, twin=en)], site)
    return site / "one.html"


def test_pairs_are_stacked_below_one_width_and_stand_side_by_side_above_it(tab, beside):
    tab.goto(beside.as_uri())
    seen = []
    for width in (360, 700, 799, 800, 900, 961, 1000, 1050, 1103, 1104, 1105, 1200, 1280, 1600):
        tab.set_viewport_size({"width": width, "height": 800})
        columns = tab.locator("main .pair").first.evaluate("p => getComputedStyle(p).display")
        seen.append((width, columns == "grid", tab.locator(".contents").is_visible()))
    assert [width for width, columns, _ in seen if columns] == [w for w, *_ in seen if w >= 800]
    # The contents come out of their drawer where there is room for them as well.
    assert [width for width, _, listed in seen if listed] == [w for w, *_ in seen if w > 1104]


def test_on_a_phone_cells_close_up_and_no_word_of_a_head_is_broken(tab, tmp_path):
    table = "| Symbol | Meaning | Brought in by |\n|---|---|---|\n| x | y | z |\n"
    text = f"# 符号 {{#sec-one}}\n\n::: {{.notation}}\n{table}\n:::\n"
    one = page("one", "1", text)
    website.write(edition(one), [one], tmp_path)
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto((tmp_path / "one.html").as_uri())
    head = tab.locator("th").first
    assert head.evaluate("th => parseFloat(getComputedStyle(th).paddingLeft)") < 8
    assert head.evaluate("th => th.getClientRects()[0].height") < 80


@pytest.mark.parametrize("width", [800, 1104, 1280])
def test_side_by_side_all_english_begins_on_one_axis(tab, beside, width):
    tab.goto(beside.as_uri())
    tab.set_viewport_size({"width": width, "height": 800})
    places = "all => all.map(p => p.getBoundingClientRect().left)"
    left = tab.locator("main .pair > [lang]").evaluate_all(places)
    assert len(left) == 3
    assert max(left) - min(left) < 3  # the rule of a box is wider than its other edge


def test_the_first_key_leads_to_the_text(tab, address):
    tab.goto(f"{address}/zh/html/one.html")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_on_paper_there_are_no_bars_and_every_fold_is_open(tab, address):
    tab.goto(f"{address}/zh/html/one.html")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    bars = ".bar, .contents, .here, .turn, .copy, .anchor, .export"
    assert [b for b in tab.locator(bars).all() if b.is_visible()] == []
    assert tab.locator("details:not([open])").count() == 0
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0
