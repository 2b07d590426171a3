"""The sites, as far as a parser sees; "make verify" opens them in a browser."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from kept import ROOT
from nbclient import NotebookClient

from workbook.source.edition import EDITIONS

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
    """The pages of all editions and the front page, for they lead to each other."""
    paths = [p for lang in EDITIONS for p in (tree.store / lang / "html").rglob("*.html")]
    paths.append(tree.store / "index.html")
    return {path.resolve(): Page(path) for path in paths}


@pytest.fixture(scope="module")
def pages(sites, subject) -> list[Page]:
    folder = subject.html.resolve()
    return [page for path, page in sites.items() if path.is_relative_to(folder)]


def test_there_is_a_page_for_every_chapter(pages, subject):
    slugs = {entry.slug for entry in subject.edition.entries}
    made = {page.path.stem for page in pages}
    apart = {name for name in made if name.startswith("answers-")}
    assert made - apart == {*slugs, "term-index"}
    assert bool(apart) == bool(subject.edition.halves)


def test_no_page_weighs_more_than_its_measure_before_figures(pages, subject):
    """150 kB for one language; of two, whose style and scripts stand once, 195 kB."""
    measure = 195_000 if subject.edition.halves else 150_000

    def weight(page):
        folder = page.path.parent
        loaded = [a["src"] for a in page.every("script")]
        loaded += [a["href"] for a in page.every("link") if a["rel"] == "stylesheet"]
        assert len(loaded) == 3
        return sum((folder / name).stat().st_size for name in [page.path.name, *loaded])

    weights = {page.path.name: weight(page) for page in pages}
    assert {name: bytes for name, bytes in weights.items() if bytes > measure} == {}


def test_what_is_loaded_once_the_page_stands_is_light(subject):
    """32 kB: the fields for answers on paper, progress, and one chapter's values."""
    values = [path.stat().st_size for path in (subject.html / "practice").glob("*.js")]
    assert len(values) > 10
    always = sum(
        (subject.html / name).stat().st_size for name in ("practice.js", "practice.css")
    )
    assert always + max(values) < 32_000


def test_images_say_their_size_and_wait_for_nothing(pages):
    images = [(page.path.name, image) for page in pages for image in page.every("img")]
    assert images
    faulty = [i for _, i in images if not {"width", "height"} <= set(i) or "loading" in i]
    assert faulty == []


def test_answers_are_kept_under_ids_that_all_editions_share(sites, tree):
    def spaces(edition):
        folder = (tree.store / edition / "html").resolve()
        return {
            area["id"]
            for path, page in sites.items()
            if path.is_relative_to(folder)
            for area in page.every("textarea")
        }

    kept = {edition: spaces(edition) for edition in EDITIONS}
    assert len(kept["zh"]) > 30
    assert [name for name in EDITIONS if kept[name] != kept["zh"]] == []


def test_the_front_page_offers_every_book(sites, tree):
    front = sites[(tree.store / "index.html").resolve()]
    links = {a["href"] for a in front.every("a") if a["href"][0] != "#" and "rel" not in a}
    offered = {link for link in links if not link.endswith(".whl") and "/html/" not in link}
    pages = {link for link in links if "/html/" in link}
    assert all((tree.store / link).is_file() for link in pages)
    assert any(link.endswith(".whl") for link in links)
    books = {str(p.relative_to(tree.store)) for p in tree.store.glob("*/*") if p.is_file()}
    books -= {name for name in books if name.startswith("front/")}
    assert offered == books
    assert {f"{name}/html/index.html" for name in EDITIONS} < pages


def test_a_chapter_can_be_taken_along_as_a_notebook_that_runs(subject, tmp_path, monkeypatch):
    made = nbformat.read(subject.html / "notebooks" / "meet-pytorch.ipynb", as_version=4)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "code"))
    path = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(made, timeout=300, resources=path).execute()
    assert any(cell.get("outputs") for cell in made.cells)


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
    others = [edition for edition in EDITIONS if edition != subject.edition.name]
    for page in pages:
        twins = [a["href"] for a in page.every("a") if a.get("rel") == "alternate"]
        apart = page.path.name.startswith("answers-")
        name = "answers.html" if apart else page.path.name
        assert twins == [f"../../{other}/html/{name}" for other in others]


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
