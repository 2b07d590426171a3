"""The EPUBs, as far as a ZIP and an XML reader see; "make verify" runs EPUBCheck."""

import posixpath
import re
import zipfile
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from workbook.verify import browser, pdf

pytestmark = pytest.mark.slow
XHTML = "{http://www.w3.org/1999/xhtml}"
OPF = "{http://www.idpf.org/2007/opf}"
TYPE = "{http://www.idpf.org/2007/ops}type"
PHONE = {"width": 390, "height": 600}
# A formula's box is as wide as the page; what stands in it may be wider.
WIDEST = """() => Math.max(...[...document.querySelectorAll("body *")]
    .map((element) => element.getBoundingClientRect().right))"""
MATHML = "{http://www.w3.org/1998/Math/MathML}math"
# What stands before the title of a chapter, and not before that of a section: 第 4 章.
LABEL = re.compile(r"(?:\s|·|第|章|附录|Chapter|Appendix|[A-Z\d])*")
XML = (".xhtml", ".opf", ".ncx", ".xml", ".svg")


@pytest.fixture(scope="module", params=["", "-eink"])
def book(subject, request):
    path = next(path for path in subject.epubs if path.stem.endswith(request.param))
    with zipfile.ZipFile(path) as book:
        yield book


@pytest.fixture(scope="module")
def trees(book):
    """Every XML file, parsed; one that is not well formed fails here."""
    return {n: ET.fromstring(book.read(n)) for n in book.namelist() if n.endswith(XML)}


def test_the_type_comes_first_and_as_it_is(book):
    first = book.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert first.extra == b""
    assert book.read(first) == b"application/epub+zip"


def test_every_file_is_well_formed_and_says_its_language(trees, subject):
    pages = [tree for name, tree in trees.items() if name.endswith(".xhtml")]
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    expected = {"zh": "zh-CN", "en": "en", "bilingual": "zh-CN"}[subject.edition.name]
    assert {page.get(language) for page in pages} == {expected}


def test_every_reference_arrives(trees, book):
    files = set(book.namelist())
    ids = {name: {e.get("id") for e in tree.iter()} for name, tree in trees.items()}
    lost, seen = [], 0
    for name, tree in trees.items():
        for target in references(tree):
            path, _, fragment = unquote(target).partition("#")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            place = place if path else name
            seen += 1
            if place not in files or (fragment and fragment not in ids[place]):
                lost.append(f"{name}: {target}")
    assert lost == []
    assert seen > 100


def references(tree: ET.Element):
    for element in tree.iter():
        for key in ("href", "src", "{http://www.w3.org/1999/xlink}href"):
            target = element.get(key)
            if target and not target.startswith(("http:", "https:", "mailto:", "data:")):
                yield target


def test_the_network_is_only_linked_to(trees):
    linked = (f"{XHTML}a",)
    loads = [
        f"{name}: {value}"
        for name, tree in trees.items()
        if name.endswith((".xhtml", ".svg"))
        for element in tree.iter()
        if element.tag not in linked
        for key, value in element.attrib.items()
        if key.rpartition("}")[2] in ("href", "src") and value.startswith("http")
    ]
    assert loads == []


def test_the_contents_list_every_chapter_in_order(trees, subject):
    [nav] = [
        element
        for name, tree in trees.items()
        if name.endswith("nav.xhtml")
        for element in tree.iter(f"{XHTML}nav")
        if element.get(TYPE) == "toc"
    ]
    links = ["".join(link.itertext()).split() for link in nav.iter(f"{XHTML}a")]
    entries = [" ".join(["", *words]) for words in links]  # a number may come first, no word
    titles = [f" {title}" for title in pdf.titles(subject)]
    places = [
        next(
            n for n, e in enumerate(entries) if e.endswith(t) and LABEL.fullmatch(e[: -len(t)])
        )
        for t in titles
    ]
    assert places == sorted(places)


def test_the_manifest_names_every_file_and_the_spine_every_page(trees, book):
    [(name, package)] = [(n, t) for n, t in trees.items() if n.endswith(".opf")]
    items = list(package.iter(f"{OPF}item"))
    folder = posixpath.dirname(name)
    manifest = {posixpath.join(folder, item.get("href")) for item in items}
    own = {"mimetype", "META-INF/container.xml", name}
    assert manifest == {n for n in book.namelist() if n not in own and "META-INF/" not in n}
    spine = [item.get("idref") for item in package.iter(f"{OPF}itemref")]
    pages = [i.get("id") for i in items if i.get("media-type") == "application/xhtml+xml"]
    assert sorted(spine) == sorted(pages)


def test_every_image_has_its_alternative_text(trees):
    images = [
        (name, image)
        for name, tree in trees.items()
        if name.endswith(".xhtml")
        for image in tree.iter(f"{XHTML}img")
    ]
    assert images
    assert [f"{name}: {i.get('src')}" for name, i in images if not i.get("alt")] == []


def test_formulas_are_mathml_or_drawings_but_never_both(book, trees):
    pages = [tree for name, tree in trees.items() if name.endswith(".xhtml")]
    mathml = sum(len(list(page.iter(MATHML))) for page in pages)
    drawn = [e for page in pages for e in page.iter(f"{XHTML}span") if is_formula(e)]
    reported = {image.get("style", "") for span in drawn for image in span.iter(f"{XHTML}img")}
    eink = book.filename.endswith("-eink.epub")
    assert (mathml > 500, len(drawn) > 500) == (not eink, eink)
    assert all(style.startswith("width: ") for style in reported)


def is_formula(element: ET.Element) -> bool:
    return element.get("class", "").startswith("formula ")


def test_on_a_phone_nothing_is_wider_than_the_page(book, tmp_path, chromium):
    """Pages of a book cannot be scrolled sideways: what is beyond the edge is lost."""
    book.extractall(tmp_path)
    widest = {}
    with browser.page_of(chromium) as page:
        page.set_viewport_size(PHONE)
        for path in sorted(tmp_path.rglob("*.xhtml")):
            page.goto(path.as_uri())
            widest[path.name] = page.evaluate(WIDEST)
    assert {name: right for name, right in widest.items() if right > PHONE["width"]} == {}
