"""Runs a function in a process of its own that cannot hurt this one, and tells how it ended.

There are two ways: `forked`, a copy of this process, in which nothing need be imported again,
and `fresh`, a new interpreter, for systems that cannot fork. They end alike.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from workbook.practice.isolation import Ended, Limits

__all__ = ["WAYS", "Ended", "Limits", "choose", "close", "expect", "isolated", "preload", "way"]

WAYS = {"fork": "forked", "fresh": "fresh"}  # each with its module
ASKED = "WORKBOOK_RUNNER"  # the variable that names one of them

_chosen: list[str] = []  # the way that this program goes, whatever is asked for


def way() -> str:
    """The way that was asked for and can be gone here, else the quicker one that can."""
    if _chosen:
        return _chosen[0]
    forks = hasattr(os, "fork") and sys.platform != "win32"
    return "fresh" if not forks or os.environ.get(ASKED) == "fresh" else "fork"


def choose(name: str) -> None:
    """Go this way from now on, whatever is asked for."""
    _chosen[:] = [name]


def isolated(
    job: Callable[[], Any],
    limits: Limits | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Ended:
    """Run a function that returns something JSON can hold in a process of its own.

    It has to be one that can be pickled where processes are fresh. Once the result is
    `unwanted` the process is ended, for the reason `unwanted`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    return _here().isolated(job, limits or Limits(), unwanted)


def preload(names: Iterable[str]) -> None:
    """Have modules imported before a function runs, with one thread and no window."""
    _here().preload(names)


def expect(jobs: int) -> None:
    """So many functions will be run soon: what takes a while may begin now."""
    _here().expect(jobs)


def close() -> None:
    """End what waits for functions that will not come."""
    _here().close()


def _here() -> ModuleType:
    return importlib.import_module(f"workbook.practice.{WAYS[way()]}")
