"""The sites, as far as a parser sees; "make verify" opens them in a browser."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from workbook.book import EDITIONS

pytestmark = pytest.mark.slow


class Page(HTMLParser):
    """The tags of a page, the ids they have, and where it leads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {key: value or "" for key, value in attributes}))

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    def every(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def targets(self) -> list[str]:
        found = [a[key] for _, a in self.tags for key in ("href", "src") if key in a]
        return [target for target in found if not urlsplit(target).scheme]


@pytest.fixture(scope="module")
def sites(tree) -> dict[Path, Page]:
    """The pages of all editions, for they lead to each other."""
    paths = [p for lang in EDITIONS for p in (tree.shelf / lang / "html").rglob("*.html")]
    return {path.resolve(): Page(path) for path in paths}


@pytest.fixture(scope="module")
def pages(sites, subject) -> list[Page]:
    folder = subject.html.resolve()
    return [page for path, page in sites.items() if path.is_relative_to(folder)]


def test_there_is_a_page_for_every_chapter(pages, subject):
    slugs = {entry.slug for entry in subject.edition.entries}
    assert {page.path.stem for page in pages} == slugs


def test_every_link_and_fragment_arrives(pages, sites):
    lost, seen = [], 0
    for page in pages:
        for target in page.targets():
            path, _, fragment = unquote(target).partition("#")
            place = (page.path.parent / path).resolve() if path else page.path.resolve()
            seen += 1
            if not place.is_file() or (fragment and fragment not in sites[place].ids):
                lost.append(f"{page.path.name}: {target}")
    assert lost == []
    assert seen > 100


def test_every_page_leads_to_the_same_page_of_the_other_editions(pages, subject):
    others = [edition for edition in EDITIONS if edition != subject.edition.lang]
    for page in pages:
        twins = [a["href"] for a in page.every("a") if a.get("rel") == "alternate"]
        assert twins == [f"../../{other}/html/{page.path.name}" for other in others]


def test_nothing_is_fetched_from_the_network(pages):
    loading = ("link", "script", "img", "iframe", "source", "video", "audio", "object", "embed")
    fetched = [
        f"{page.path.name}: {target}"
        for page in pages
        for tag in page.every(*loading)
        for target in (tag.get("src", ""), tag.get("href", ""), tag.get("srcset", ""))
        if target.startswith(("http:", "https:", "//"))
    ]
    assert fetched == []
    styles = [path for page in pages[:1] for path in page.path.parent.rglob("*.css")]
    assert styles
    assert [p.name for p in styles if "http" in p.read_text("utf-8").lower()] == []


def test_every_image_has_its_alternative_text(pages):
    images = [(page.path.name, image) for page in pages for image in page.every("img")]
    assert images
    assert [f"{name}: {i.get('src')}" for name, i in images if not i.get("alt")] == []
