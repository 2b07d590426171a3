"""Imports modules for what will run, quietly, so that it need not."""

from __future__ import annotations

import contextlib
import importlib
import sys
import warnings
from collections.abc import Iterable


def import_all(names: Iterable[str]) -> None:
    """Import these modules as far as that can be done; torch gets one thread.

    What is forked afterwards must find no other threads.
    """
    for name in names:
        with contextlib.suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
