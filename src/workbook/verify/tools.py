"""Finds and runs the programs, packages and jars that validators are made of."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workbook.verify.validator import Failed, Missing

NODE_MODULES = Path(__file__).parents[3] / "node_modules"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def package(name: str) -> Callable[[], str]:
    """Tells the version of a Python package."""

    def version() -> str:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            raise Missing(name) from None

    return version


def node_package(name: str, *needs: Callable[[], object]) -> Callable[[], str]:
    """Tells the version of an npm package; what else it needs is looked for, too."""

    def version() -> str:
        for need in needs:
            need()
        manifest = node_file(f"{name}/package.json").read_text(encoding="utf-8")
        return str(json.loads(manifest)["version"])

    return version


def node_file(name: str) -> Path:
    """A file of an npm package, such as `axe-core/axe.min.js`."""
    path = NODE_MODULES / name
    if not path.is_file():
        raise Missing(name.rpartition("/package.json")[0] or name)
    return path


def python_file(package: str, name: str) -> Path:
    """A file that comes with a Python package, such as a jar."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Missing(package)
    return Path(spec.submodule_search_locations[0]) / name


def program(name: str) -> str:
    """The path of a program: of this environment, or of the machine."""
    own = shutil.which(name, path=sysconfig.get_path("scripts"))
    found = own or shutil.which(name)
    if not found:
        raise Missing(name)
    return found


def chromium() -> str:
    """The path of Chromium, or of the browser that is made from it."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if not found:
        raise Missing(_BROWSERS[0])
    return found


def output(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """What a program prints, whatever status it ends with."""
    return _ended(*command, cwd=cwd, env=env).stdout


def report(*command: str | Path, env: Mapping[str, str] | None = None) -> Any:
    """What a program prints as JSON; Failed with its last words if it does not."""
    ended = _ended(*command, env=env)
    try:
        return json.loads(ended.stdout)
    except ValueError:
        words = (ended.stderr or ended.stdout).strip().splitlines()
        what = words[-1] if words else f"no report, exit status {ended.returncode}"
        raise Failed(what) from None


def _ended(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        cwd=cwd,
        env=os.environ | (env or {}),
        encoding="utf-8",
        errors="replace",
        check=False,
    )
