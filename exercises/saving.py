"""Exercises: 保存与导出 · Saving and exporting

在 raise NotImplementedError 的地方写上你的代码，再运行下面的命令。
Write your code in place of raise NotImplementedError, then run this command.

    .venv/bin/workbook try saving

每道题单独运行，能看到的只有自己那一段和第一个 # %% 以上的内容，所以 # %% 那几行要留着。
Each exercise is run alone: its own piece and what stands above the first # %%.
Leave the lines that begin with # %% in place.
"""
# Checksum 5d882cd5d24a: untouched so far.

# %% exr-saving-bytes
# 三个文件各有多少字节 ★
# How many bytes in three files ★
def bytes_by_hand() -> dict[str, int]:
    """Return your three numbers of bytes.

    "state": the state dict; "checkpoint": with AdamW's state;
    "int8": the state dict with weights in int8.
    """
    raise NotImplementedError("exr-saving-bytes")


# %% exr-saving-affine
# 手算一次量化 ★
# Quantizing by hand ★
def affine_by_hand() -> dict[str, float]:
    """Return your numbers.

    "step": s_x; "zero": z; "integer": what 2.33 becomes; "back": what
    that stands for; "clipped": what 6 ends up standing for.
    """
    raise NotImplementedError("exr-saving-affine")


# %% exr-saving-untie
# 共用的内存 ★★
# Shared memory ★★
from torch import Tensor


def untie(
    state: dict[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what can be written, and which names were the same.

    kept: each tensor once, copied if it views the storage of one
    before it; same: {name left out: name kept}. state stays as it is.
    """
    raise NotImplementedError("exr-saving-untie")


# %% exr-saving-imports
# 不运行也能看 ★★
# Looking without running ★★
import io
import pickle


def imports(data: bytes) -> set[str]:
    """Return the names that a pickle would import; run nothing.

    Each as "module.name". Damaged data raise what pickle raises.
    """
    raise NotImplementedError("exr-saving-imports")


# %% exr-saving-one
# 只读一个张量 ★★
# Just one tensor ★★
import json
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {"F64": torch.float64, "F32": torch.float32,
          "I64": torch.int64, "U8": torch.uint8}


def read_one(path: str | Path, name: str) -> Tensor:
    """Return the tensor called name; read no other tensor's data.

    path: a safetensors file. KeyError if no tensor has that name.
    """
    raise NotImplementedError("exr-saving-one")


# %% exr-saving-newest
# 保留最近几个 ★★★
# The last few ★★★
import os
import re
from pathlib import Path

import torch


def keep(folder: Path, epoch: int, state: dict, count: int) -> None:
    """Write epoch-{epoch}.pt, then leave count newest only."""
    raise NotImplementedError("exr-saving-newest")


def newest(folder: Path) -> tuple[int, dict] | None:
    """Return the newest readable (epoch, state); run no code."""
    raise NotImplementedError("exr-saving-newest")
