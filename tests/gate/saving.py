# %% exr-saving-untie: storages grouped first, keys made of strings
def untie(state):
    def key(t):
        parts = t.storage_offset(), tuple(t.shape), t.stride(), str(t.dtype)
        return repr(parts)

    groups = {}
    for name, t in state.items():
        if t.numel():
            groups.setdefault(t.untyped_storage().data_ptr(), []).append(name)
    kept = {name: t for name, t in state.items() if t.numel() == 0}
    same = {}
    for names in groups.values():
        seen = {}
        for n, name in enumerate(names):
            t = state[name]
            if key(t) in seen:
                same[name] = seen[key(t)]
                continue
            seen[key(t)] = name
            kept[name] = t.clone() if n else t
    return kept, same


# %% exr-saving-untie: each with all kept before it, addresses of the first element
def untie(state):
    kept, same = {}, {}
    for name in state:
        t, shared, twin = state[name], False, None
        for earlier in list(kept) if t.numel() else []:
            u = state[earlier]
            if u.numel() == 0 or t.untyped_storage()._cdata != u.untyped_storage()._cdata:
                continue
            shared = True
            alike = t.data_ptr() == u.data_ptr() and t.size() == u.size()
            if alike and t.stride() == u.stride() and t.dtype is u.dtype:
                twin = earlier
        if twin is not None:
            same[name] = twin
        else:
            kept[name] = t.detach().clone() if shared else t
    return kept, same


# %% exr-saving-imports: pickletools, with a stack of strings and the memo kept by hand
import pickletools


def imports(data):
    names, strings, memo, last = set(), [], {}, None
    pickle_ops = list(pickletools.genops(data))
    for op, argument, _ in pickle_ops:
        if op.name == "GLOBAL":
            module, name = argument.split(" ", 1)
            names.add(f"{module}.{name}")
            last = None
        elif op.name == "STACK_GLOBAL":
            names.add(f"{strings[-2]}.{strings[-1]}")
            last = None
        elif op.name == "MEMOIZE":
            memo[len(memo)] = last
        elif op.name in ("BINPUT", "LONG_BINPUT", "PUT"):
            memo[argument] = last
        elif op.name in ("BINGET", "LONG_BINGET", "GET"):
            last = memo[argument]
            strings.append(last)
        elif "UNICODE" in op.name:
            last = argument
            strings.append(argument)
        elif op.name not in ("PROTO", "FRAME"):
            last = None
    return names


# %% exr-saving-imports: the unpickler written in Python, with one instance for everything
import io
import pickle


class Nothing(list):
    def __call__(self, *args, **kwargs):
        return Nothing()

    def __setitem__(self, key, value):
        pass

    def __setstate__(self, state):
        pass

    def __hash__(self):
        return id(self)


def imports(data):
    found = []

    class Lister(pickle._Unpickler):
        def find_class(self, module, name):
            found.append(".".join((module, name)))
            return type("Any", (Nothing,), {"__init__": lambda *a, **k: None})

    Lister(io.BytesIO(data)).load()
    return frozenset(found)


# %% exr-saving-one: NumPy, which copies
import json

import numpy as np
import torch

KINDS = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "u1"}


def read_one(path, name):
    with open(path, "rb") as file:
        count = int(np.frombuffer(file.read(8), "<u8")[0])
        entries = json.loads(file.read(count).decode())
        entries.pop("__metadata__", None)
        about = entries[name]
        low, high = about["data_offsets"]
        file.seek(low, 1)
        kind = np.dtype(KINDS[about["dtype"]])
        values = np.fromfile(file, kind, (high - low) // kind.itemsize)
    return torch.from_numpy(values.reshape(about["shape"]).copy())


# %% exr-saving-one: struct, unbuffered, filled into a tensor of bytes
import json
import os
import struct

import torch

TYPES = dict(F64=torch.float64, F32=torch.float32, I64=torch.int64, U8=torch.uint8)


def read_one(path, name):
    with open(path, "rb", buffering=0) as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = {k: v for k, v in json.loads(file.read(length)).items() if "shape" in v}
        if name not in header:
            raise KeyError(f"no tensor {name}")
        found = torch.empty(header[name]["shape"], dtype=TYPES[header[name]["dtype"]])
        start, stop = header[name]["data_offsets"]
        file.seek(start, os.SEEK_CUR)
        data = file.read(stop - start)
    if data:
        found.view(-1).view(torch.uint8).copy_(torch.tensor(list(data), dtype=torch.uint8))
    return found


# %% exr-saving-newest: all in memory first, and a loop that looks for the oldest
import io
import os

import torch


def numbers(folder):
    found = []
    for name in os.listdir(folder):
        middle = name[len("epoch-") : -len(".pt")]
        if name == f"epoch-{middle}.pt" and middle.isdigit():
            found.append(int(middle))
    return found


def keep(folder, epoch, state, count):
    data = io.BytesIO()
    torch.save(state, data)
    side = folder / "unfinished"
    side.write_bytes(data.getvalue())
    side.replace(folder / f"epoch-{epoch}.pt")
    while len(numbers(folder)) > count:
        os.remove(folder / f"epoch-{min(numbers(folder))}.pt")


def newest(folder):
    best = None
    for n in numbers(folder):
        try:
            state = torch.load(folder / f"epoch-{n}.pt")
            if isinstance(state, dict) and (best is None or n > best[0]):
                best = n, state
        except Exception:
            pass
    return best


# %% exr-saving-newest: a temporary folder for the new file
import shutil
import tempfile

import torch


def all_of(folder):
    paths = [p for p in folder.glob("epoch-*.pt") if p.stem[6:].isdecimal()]
    return sorted(paths, key=lambda p: int(p.stem[6:]))


def keep(folder, epoch, state, count):
    work = tempfile.mkdtemp(dir=folder)
    try:
        torch.save(state, f"{work}/new")
        shutil.move(f"{work}/new", folder / f"epoch-{epoch}.pt")
    finally:
        shutil.rmtree(work)
    for path in all_of(folder)[:-count]:
        path.unlink()


def newest(folder):
    for path in reversed(all_of(folder)):
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            state.keys()
        except Exception:
            continue
        return [int(path.stem[6:]), state]
    return None
