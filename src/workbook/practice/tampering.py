"""Notices when a reader's code has replaced what the check uses, or set torch otherwise."""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

_ASKED = (
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "get_default_dtype",
    "are_deterministic_algorithms_enabled",
    "is_anomaly_enabled",
)


@dataclass(frozen=True)
class Snapshot:
    """What was there before: functions, classes and modules by name, and torch's settings."""

    modules: Mapping[str, ModuleType]
    owners: Mapping[str, tuple[Any, Mapping[str, Any]]]
    settings: Mapping[str, Any]

    def changed(self) -> str:
        """The first setting of torch that is not what it was, as it is asked for."""
        now = _settings()
        return next((name for name, kept in self.settings.items() if now[name] != kept), "")

    def replaced(self) -> str:
        """The dotted name of the first thing that is not what it was, or an empty string."""
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                return f'sys.modules["{name}"]'
        for name, (owner, kept) in self.owners.items():
            now = vars(owner)
            for attribute, value in kept.items():
                if not _same(now.get(attribute), value):
                    return f"{name}.{attribute}".removeprefix("builtins.")
        return ""


def snapshot(dotted: Iterable[str]) -> Snapshot:
    """Snapshot what these dotted names stand in, and Python's own functions."""
    owners: dict[str, Any] = {"builtins": builtins}
    for name in sorted(dotted):
        owners |= _owners(name)
    if torch := sys.modules.get("torch"):
        owners["torch.Tensor"] = torch.Tensor
    modules = {name: x for name, x in owners.items() if isinstance(x, ModuleType)}
    kept = {name: (owner, _kept(owner)) for name, owner in owners.items()}
    return Snapshot(modules, kept, _settings())


def _settings() -> dict[str, Any]:
    """What holds for all of torch, where it has been imported."""
    torch = sys.modules.get("torch")
    return {f"torch.{name}()": getattr(torch, name)() for name in _ASKED} if torch else {}


def _owners(dotted: str) -> dict[str, Any]:
    """The modules and classes on the way along a dotted name."""
    first, *rest = dotted.split(".")
    found: dict[str, Any] = {first: importlib.import_module(first)}
    here, name = found[first], first
    for part in rest:
        name = f"{name}.{part}"
        try:
            here = getattr(here, part)
        except AttributeError:
            try:
                here = importlib.import_module(name)
            except ImportError:
                break
        if isinstance(here, ModuleType):
            found[here.__name__] = here
        elif isinstance(here, type):
            found[name] = here
    return found


def _same(now: Any, kept: Any) -> bool:
    """Whether it is what it was, or that in a library's wrapper (as torch.compile's)."""
    if now is kept:
        return True
    file = getattr(getattr(now, "__code__", None), "co_filename", "")
    return getattr(now, "__wrapped__", None) is kept and "site-packages" in file


def _kept(owner: Any) -> dict[str, Any]:
    """What is worth guarding: what can be called or holds what can be called."""
    return {
        name: value
        for name, value in vars(owner).items()
        if (callable(value) or isinstance(value, ModuleType)) and name != "_"
    }
