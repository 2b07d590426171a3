"""Where a book is published, in Quarto's own words: `site-url`, `repo-url`, `repo-actions`.

A book that says none of it is published nowhere, and leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

ACTIONS = ("edit", "issue")  # of those that Quarto knows, what the pages offer
BRANCH = "main"  # Quarto's own default for repo-branch
NOTEBOOKS = "notebooks"  # the branch on which the workflow keeps them: services read no site
_GITHUB = "github.com"
# What opens a notebook that stands on GitHub, by its name in the words of the site.
_SERVICES = {
    "colab": "https://colab.research.google.com/github/{place}",
    "kaggle": "https://kaggle.com/kernels/welcome?src=https://github.com/{place}",
    "modelscope": "https://modelscope.cn/notebook/share/github/{place}",
}


@dataclass(frozen=True)
class Published:
    """The addresses of a book; an empty one where it has none."""

    site: str = ""  # of the page of all editions, with a slash at its end
    repository: str = ""  # without one
    branch: str = BRANCH
    actions: tuple[str, ...] = ()  # of ACTIONS

    def page(self, place: str) -> str:
        """The address of a file by its place below the output folder, if there is a site."""
        return self.site and self.site + quote(place)

    def edit(self, path: Path) -> str:
        """Where the source at this path, seen from the root, is edited; if that is offered."""
        if "edit" not in self.actions:
            return ""
        return f"{self.repository}/edit/{quote(self.branch)}/{quote(path.as_posix())}"

    def report(self, title: str, body: str) -> str:
        """Where an error is reported, with these words filled in; if that is offered."""
        if "issue" not in self.actions:
            return ""
        return f"{self.repository}/issues/new?{urlencode({'title': title, 'body': body})}"

    def notebooks(self, edition: str, slug: str) -> list[tuple[str, str]]:
        """The services that open the notebook of a chapter, each with the address there.

        They take it from GitHub, so a book that is kept elsewhere has none.
        """
        host, _, project = self.repository.removeprefix("https://").partition("/")
        if host != _GITHUB:
            return []
        place = f"{project}/blob/{NOTEBOOKS}/{edition}/{slug}.ipynb"
        return [(name, form.format(place=place)) for name, form in _SERVICES.items()]


NOWHERE = Published()


def published(book: Mapping[str, Any]) -> Published:
    """What the settings below `book:` say; they are right, as `faults` finds."""
    site = book.get("site-url") or ""
    return Published(
        site=site and f"{site.rstrip('/')}/",
        repository=(book.get("repo-url") or "").rstrip("/"),
        branch=book.get("repo-branch") or BRANCH,
        actions=tuple(_listed(book.get("repo-actions"))),
    )


def faults(book: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Key, fault and remedy of each setting below `book:` that is wrong."""
    for key in ("site-url", "repo-url"):
        if fault := _fault_of_address(book.get(key)):
            yield key, f"{key} {fault}", f"write {key}: https://…, in one line"
    branch = book.get("repo-branch")
    if branch is not None and not isinstance(branch, str):
        yield "repo-branch", "repo-branch is no text", "write the name of one branch, in quotes"
    actions = book.get("repo-actions")
    known = f"write repo-actions: [{', '.join(ACTIONS)}]"
    if actions is not None and not isinstance(actions, str | list):
        yield "repo-actions", f"repo-actions: {actions!r} is no list", known
        return
    for action in _listed(actions):
        if action not in ACTIONS:
            yield "repo-actions", f"repo-actions knows no {action!r}", known
    if actions and not book.get("repo-url"):
        remedy = "add repo-url:, where the sources are kept"
        yield "repo-actions", "repo-actions has no repo-url to lead to", remedy


def _listed(actions: Any) -> list[Any]:
    """Quarto takes one action without brackets, too."""
    return [actions] if isinstance(actions, str) else list(actions or ())


def _fault_of_address(address: Any) -> str:
    """What keeps a value from being the address of a folder on the web."""
    if address is None:
        return ""
    if not isinstance(address, str):
        return f"is no address: {address!r}"
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"is no address: {address}"
    if parts.scheme != "https":
        return f"does not begin with https://: {address}"
    if not parts.hostname or any(letter.isspace() for letter in address):
        return f"is no address: {address}"
    if {*address} & {*"?#"}:
        return f"has ? or #, so no page can stand below it: {address}"
    return ""
