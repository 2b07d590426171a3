"""Looks over the machine: what the books need, what is there, how to get the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from dataclasses import dataclass

NEEDED = (
    ("torch", "torch"),
    ("numpy", "numpy"),
    ("matplotlib", "matplotlib"),
    ("hatchling", "hatchling"),
    ("jupyter_client", "jupyter_client"),
    ("ipykernel", "ipykernel"),
    ("pypandoc_binary", "pypandoc"),
    ("typst", "typst"),
    ("pylopdf-fonts-zh-cn", "pylopdf_fonts_zh_cn"),
)


@dataclass(frozen=True)
class Finding:
    """One part: its version, or how to get it."""

    name: str
    version: str
    remedy: str
    needed: bool

    @property
    def missing(self) -> bool:
        return not self.version

    def __str__(self) -> str:
        if not self.missing:
            return f"ok       {self.name} {self.version}"
        return f"{'MISSING ' if self.needed else 'absent  '} {self.name}: {self.remedy}"


def examine() -> list[Finding]:
    """All parts, the needed ones first."""
    python = sys.version.split()[0]
    findings = [Finding("python", python if sys.version_info >= (3, 11) else "", "3.11+", True)]
    findings += [_package(name, module) for name, module in NEEDED]
    findings.append(
        Finding(
            "quarto",
            _program("quarto"),
            "only for --engine quarto: pip install quarto-cli",
            False,
        )
    )
    findings.append(Finding("cuda", _cuda(), "only to record GPU results", False))
    return findings


def _package(name: str, module: str) -> Finding:
    there = importlib.util.find_spec(module) is not None
    version = importlib.metadata.version(name) if there else ""
    return Finding(name, version, "run make setup", True)


def _program(name: str) -> str:
    return shutil.which(name) or ""


def _cuda() -> str:
    if importlib.util.find_spec("torch") is None:
        return ""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""
