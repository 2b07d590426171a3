"""What is released says which version it is, and the branch of notebooks is where pages look.

`cff-1.2.0.json` is the schema of the Citation File Format, unchanged (CC BY 4.0, its authors).
"""

import json
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml

from workbook.source.edition import read_edition
from workbook.source.published import NOTEBOOKS, Published

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((Path(__file__).parent / "cff-1.2.0.json").read_text(encoding="utf-8"))
EDITION = read_edition(ROOT, "en")


def citation() -> dict:
    data = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return {key: value.isoformat() if isinstance(value, date) else value
            for key, value in data.items()}  # fmt: skip


def test_the_citation_is_valid():
    jsonschema.validate(citation(), SCHEMA)


@pytest.mark.parametrize("change", [{"version": None}, {"authors": []}, {"by": "nobody"}])
def test_an_invalid_citation_would_be_told(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(citation() | change, SCHEMA)


def test_version_date_and_title_are_the_same_wherever_they_stand():
    found = citation()
    assert (found["version"], found["date-released"]) == (
        EDITION.version, EDITION.date.isoformat()
    )  # fmt: skip
    assert found["title"] == EDITION.title
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d[\d.]*)\] - (\d{4}-\d\d-\d\d)$", log, re.M)
    assert versions[0] == (EDITION.version, EDITION.date.isoformat())
    assert versions == sorted(versions, key=lambda v: [*map(int, v[0].split("."))])[::-1]


def test_the_log_keeps_its_form():
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^##.*", log, re.M)
    assert headings[0] == "## [Unreleased] · 尚未发布"
    known = "Added · 新增|Changed · 变动|Removed · 移除|Fixed · 修正"
    version = r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d"
    assert all(re.fullmatch(rf"{version}|### ({known})", each) for each in headings[1:])


def notes(*version: str) -> subprocess.CompletedProcess:
    command = ["python3", str(ROOT / "scripts/release-notes"), *version]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def test_the_notes_of_a_release_are_its_section_of_the_log():
    told = notes(EDITION.version).stdout
    assert told.startswith("### ") and "## [" not in told.replace("### ", "")


def test_a_tag_of_another_version_makes_no_release():
    refused = notes("9.9.9")
    assert refused.returncode == 1
    assert refused.stderr == f"pyproject.toml says {EDITION.version}, the tag 9.9.9\n"


def git(folder: Path, *arguments: str) -> str:
    names = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    run = subprocess.run(
        ["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return run.stdout


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with the script and an origin to push to."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
    git(tmp_path, "init", "-q", "--bare", "origin")
    git(tmp_path, "clone", "-q", "origin", "clone")
    clone = tmp_path / "clone"
    (clone / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/push-notebooks", clone / "scripts")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "Begin")
    return clone


def push(clone: Path) -> subprocess.CompletedProcess:
    return subprocess.run(["scripts/push-notebooks"], cwd=clone, capture_output=True, text=True)


def test_notebooks_are_pushed_to_where_the_pages_lead(clone):
    for text in ("old", "new"):  # the second takes the place of the first
        for edition in ("zh", "en"):
            notebook = clone / "_book" / edition / "html/notebooks/tensors.ipynb"
            notebook.parent.mkdir(parents=True, exist_ok=True)
            notebook.write_text(text)
        assert push(clone).returncode == 0
    origin = clone.parent / "origin"
    files = git(origin, "ls-tree", "-r", "--name-only", NOTEBOOKS).split()
    assert files == ["en/tensors.ipynb", "zh/tensors.ipynb"]
    _, address = Published(repository="https://github.com/a/b").notebooks("en", "tensors")[0]
    assert address.endswith(f"/blob/{NOTEBOOKS}/{files[0]}")
    assert git(origin, "show", f"{NOTEBOOKS}:en/tensors.ipynb") == "new"
    assert git(origin, "rev-list", "--count", NOTEBOOKS) == "1\n"
    assert git(clone, "status", "--short") == "?? _book/\n", "nothing is staged"


def test_without_notebooks_nothing_is_pushed(clone):
    refused = push(clone)
    assert refused.returncode == 1 and "no notebook in _book" in refused.stderr
    assert git(clone.parent / "origin", "branch", "--list", NOTEBOOKS) == ""


def test_only_a_tag_is_released_and_only_main_is_published():
    text = (ROOT / ".github/workflows/book.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["release"]["if"] == "startsWith(github.ref, 'refs/tags/v')"
    assert jobs["release"]["needs"] == ["check", "readers"]
    for name in ("publish", "notebooks"):
        assert jobs[name]["if"].startswith("github.ref == 'refs/heads/main'")
