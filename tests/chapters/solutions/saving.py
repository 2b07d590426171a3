# Generated from chapters/zh/17-saving.qmd: edit there.
# Checksum f3babb293927: a change made here is refused, not lost.
# %% exr-saving-bytes
def bytes_by_hand() -> dict[str, int]:
    """Return your three numbers of bytes.

    "state": the state dict; "checkpoint": with AdamW's state;
    "int8": the state dict with weights in int8.
    """
    return {"state": 15672, "checkpoint": 46640, "int8": 4456}


# %% exr-saving-affine
def affine_by_hand() -> dict[str, float]:
    """Return your numbers.

    "step": s_x; "zero": z; "integer": what 2.33 becomes; "back": what
    that stands for; "clipped": what 6 ends up standing for.
    """
    return {"step": 5 / 255, "zero": 51, "integer": 170,
            "back": 2.333, "clipped": 4.0}


# %% exr-saving-untie
from torch import Tensor


def untie(
    state: dict[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what can be written, and which names were the same.

    kept: each tensor once, copied if it views the storage of one
    before it; same: {name left out: name kept}. state stays as it is.
    """
    kept, same, first, storages = {}, {}, {}, set()
    for name, t in state.items():
        storage = t.untyped_storage().data_ptr()
        place = (storage, t.storage_offset(), t.shape, t.stride(),
                 t.dtype)
        if t.numel() == 0:
            kept[name] = t
        elif place in first:
            same[name] = first[place]
        else:
            kept[name] = t.clone() if storage in storages else t
            first[place] = name
            storages.add(storage)
    return kept, same


# %% exr-saving-imports
import io
import pickle


def imports(data: bytes) -> set[str]:
    """Return the names that a pickle would import; run nothing.

    Each as "module.name". Damaged data raise what pickle raises.
    """
    names = set()

    class Stand:
        def __new__(cls, *args, **kwargs):
            return object.__new__(cls)

        def __call__(self, *args, **kwargs):
            return self

        def ignore(self, *args, **kwargs):
            pass

        __init__ = __setstate__ = __setitem__ = ignore
        append = extend = ignore

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            names.add(f"{module}.{name}")
            return Stand

    Reader(io.BytesIO(data)).load()
    return names


# %% exr-saving-one
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
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        if name == "__metadata__":
            raise KeyError(name)
        entry = header[name]
        start, stop = entry["data_offsets"]
        file.seek(8 + length + start)
        data = bytearray(file.read(stop - start))
    dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).reshape(shape)


# %% exr-saving-newest
import os
import re
from pathlib import Path

import torch


def keep(folder: Path, epoch: int, state: dict, count: int) -> None:
    """Write epoch-{epoch}.pt, then leave count newest only."""
    new = folder / f"epoch-{epoch}.new"
    try:
        torch.save(state, new)
        os.replace(new, folder / f"epoch-{epoch}.pt")
    finally:
        new.unlink(missing_ok=True)
    names = [path.name for path in folder.iterdir()]
    found = [re.fullmatch(r"epoch-(\d+)\.pt", name) for name in names]
    for n in sorted(int(m[1]) for m in found if m)[:-count]:
        (folder / f"epoch-{n}.pt").unlink()


def newest(folder: Path) -> tuple[int, dict] | None:
    """Return the newest readable (epoch, state); run no code."""
    names = [path.name for path in folder.iterdir()]
    found = [re.fullmatch(r"epoch-(\d+)\.pt", name) for name in names]
    for n in sorted((int(m[1]) for m in found if m), reverse=True):
        try:
            state = torch.load(
                folder / f"epoch-{n}.pt", weights_only=True
            )
        except Exception:
            continue
        if isinstance(state, dict):
            return n, state
    return None
