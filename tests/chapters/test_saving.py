# Generated from chapters/zh/17-saving.qmd: edit there.
# Checksum 83e9fba92c11: a change made here is refused, not lost.
# %% exr-saving-bytes
def test_saving_bytes(exercise):
    bytes_by_hand = exercise.bytes_by_hand

    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10),
    )
    rule = torch.optim.AdamW(net.parameters())
    net(torch.zeros(2, 1, 8, 8)).sum().backward()
    rule.step()
    state = sum(v.nbytes for v in net.state_dict().values())
    own = sum(v.nbytes for s in rule.state.values() for v in s.values())
    weights = [p for p in net.parameters() if p.ndim > 1]
    saved = sum(3 * p.numel() - 4 * len(p) for p in weights)
    wanted = {"state": state, "checkpoint": state + own,
              "int8": state - saved}
    found = bytes_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, number in wanted.items():
        assert hasattr(found[name], "__float__"), f"type: {name}"
        assert float(found[name]) == number, name


# %% exr-saving-affine
def test_saving_affine(exercise):
    affine_by_hand = exercise.affine_by_hand

    import torch

    step = (4 - -1) / 255
    zero = round(1 / step)
    x = torch.tensor([2.33, 6.0])
    near = torch.fake_quantize_per_tensor_affine(x, step, zero, 0, 255)
    wanted = {"step": step, "zero": zero,
              "integer": round(near[0].item() / step) + zero,
              "back": near[0].item(), "clipped": near[1].item()}
    symmetric = {"step": 4 / 127, "zero": 0}
    slips = {"intervals": {"step": 5 / 256}, "symmetric": symmetric,
             "no-zero": {"integer": wanted["integer"] - zero},
             "not-minus": {"back": wanted["integer"] * step},
             "wrapped": {"clipped": (round(6 / step) - 256) * step}}
    found = affine_by_hand()
    assert isinstance(found, dict), "type"
    assert set(found) == set(wanted), "keys"
    for name, number in wanted.items():
        assert hasattr(found[name], "__float__"), f"type: {name}"
        value, near = float(found[name]), {"step": 2e-5}.get(name, 2e-3)
        for slip, values in slips.items():
            likely = name in values and abs(value - values[name]) < near
            assert not likely, slip
        assert abs(value - number) < near, name


# %% exr-saving-untie
def test_saving_untie(exercise):
    untie = exercise.untie

    import torch


    def again(t):
        """Return another tensor object for the same memory."""
        return t.view(t.shape)


    def cases():
        g = torch.Generator().manual_seed(0)
        a, b, c = (torch.randn(4, 4, generator=g) for _ in range(3))
        e = torch.zeros(0, 4)
        yield {"a": a, "b": b}, {}, set()
        yield {"a": a, "b": a.clone()}, {}, set()
        yield {"a": a, "b": b, "c": again(a)}, {"c": "a"}, set()
        yield ({"z": b, "a": a, "c": again(a), "d": again(a),
                "e": again(b)}, {"c": "a", "d": "a", "e": "z"}, set())
        yield {"a": a, "row": a[0]}, {}, {"row"}
        yield {"row": a[0], "a": a}, {}, {"a"}
        yield {"a": a, "t": a.mT, "c": again(a)}, {"c": "a"}, {"t"}
        yield {"a": a, "low": a[2:], "i": a.view(torch.int32)}, {}, {
            "low", "i"}
        yield {"x": a[:2], "y": a[2:], "again": a[2:]}, {"again": "y"}, {
            "y"}
        yield {"e": e, "f": e, "g": again(e), "c": c}, {}, set()
        yield {"none": a[:0], "a": a, "end": a[4:], "b": b}, {}, set()
        yield {}, {}, set()


    for state, names, copies in cases():
        before = dict(state)
        values = {k: v.clone() for k, v in state.items()}
        found = untie(state)
        assert found is not None, "returns"
        assert isinstance(found, tuple | list) and len(found) == 2, "type"
        kept, same = found
        assert isinstance(kept, dict) and isinstance(same, dict), "type"
        assert list(state) == list(before), "input"
        assert all(state[k] is before[k] for k in before), "input"
        same_values = [torch.equal(state[k], values[k]) for k in values]
        assert all(same_values), "input"
        gone = set(before) - set(kept)
        for name in gone - set(names):
            lost = before[name]
            assert lost.numel(), f"empty: {name}"
            memory = lost.untyped_storage().data_ptr()
            sharing = [v for k, v in before.items() if k != name
                       and v.untyped_storage().data_ptr() == memory]
            assert not sharing, f"dropped: {name}"
            raise AssertionError(f"equal: {name}")
        assert not set(kept) & set(names), "twice"
        assert set(kept) == set(before) - set(names), "keys"
        assert same == names, f"same: {same}"
        for name, t in kept.items():
            assert isinstance(t, torch.Tensor), "type"
            assert torch.equal(t, values[name]), f"value: {name}"
            assert t.dtype == values[name].dtype, "dtype"
            own = t.untyped_storage().data_ptr()
            moved = own != before[name].untyped_storage().data_ptr()
            assert moved or name not in copies, f"overlap: {name}"
            assert not moved or name in copies, f"copied: {name}"


# %% exr-saving-imports
def test_saving_imports(exercise):
    imports = exercise.imports

    import collections
    import decimal
    import functools
    import operator
    import pickle
    import sys
    import types


    class Note:
        """What runs leaves a mark here."""

        marks = []

        class Inner:
            def __init__(self, *args):
                Note.marks.append(args)

            def __setstate__(self, state):
                Note.marks.append(state)


    def mark(*args):
        Note.marks.append(args)
        return Note.marks.append


    hidden = types.ModuleType("exercise_module")
    for name, thing in (("Note", Note), ("mark", mark),
                        ("Note.Inner", Note.Inner)):
        thing.__module__, thing.__qualname__ = "exercise_module", name
    hidden.Note, hidden.mark = Note, mark


    class Call:
        """Pickled as a call, with a state and items if they are given."""

        def __init__(self, *parts):
            self.parts = parts

        def __reduce__(self):
            return self.parts

        def __call__(self):
            """A call may give the function of another."""


    def cases():
        m, own = "exercise_module.", "exercise_module"
        yield [1, "two", (3.0, None)], set()
        yield ["builtins", "eval", "os.system", own], set()
        yield Call(mark, ("x",)), {m + "mark"}
        yield [Note, mark, Note], {m + "Note", m + "mark"}
        yield Note.Inner, {m + "Note.Inner"}
        yield Call(Note.Inner, (), {"a": 1}), {m + "Note.Inner"}
        yield Call(Call(mark, ()), (1,)), {m + "mark"}
        yield Call(mark, (Call(print, ("ran",)),)), {
            m + "mark", "builtins.print"}
        yield Call(list, (), None, iter([1, 2, Call(mark, ())])), {
            "builtins.list", m + "mark"}
        yield Call(list, (), None, iter([Call(mark, ())])), {
            "builtins.list", m + "mark"}
        yield Call(dict, (), None, None, iter([(1, mark), (2, 3)])), {
            "builtins.dict", m + "mark"}
        yield Call(dict, (), None, None, iter([(1, mark)])), {
            "builtins.dict", m + "mark"}
        yield {"a": decimal.Decimal(3)}, {"decimal.Decimal"}
        yield collections.OrderedDict(a=mark), {
            "collections.OrderedDict", m + "mark"}
        yield functools.partial(mark, 1), {
            "functools.partial", m + "mark"}
        yield [operator.attrgetter("a.b"), {Call(mark, ()): 1}], {
            "operator.attrgetter", m + "mark"}
        yield types.SimpleNamespace(x=mark), {
            "types.SimpleNamespace", m + "mark"}


    pickles = []
    sys.modules[own := "exercise_module"] = hidden
    try:
        for protocol in (3, 4, 5):
            for thing, wanted in cases():
                if protocol > 3 or own + ".Note.Inner" not in wanted:
                    pickles.append((pickle.dumps(thing, protocol), wanted))
    finally:
        del sys.modules[own]
    extra = [name for name in ("antigravity", "this", "idlelib")
             if name not in sys.modules]
    for name in extra[:1]:
        data = b"c" + name.encode() + b"\nx\n."
        pickles.append((b"\x80\x03" + data, {f"{name}.x"}))
    for data, wanted in pickles:
        Note.marks.clear()
        before = set(sys.modules)
        try:
            found = imports(data)
        except ModuleNotFoundError:
            raise AssertionError("imported") from None
        except AttributeError as error:
            assert "no attribute 'x'" not in str(error), "imported"
            raise AssertionError(f"stand-in: {error}") from None
        except (TypeError, pickle.UnpicklingError) as error:
            raise AssertionError(f"stand-in: {error}") from None
        assert not Note.marks, "ran"
        assert found is not None, "returns"
        assert isinstance(found, set | frozenset), "type"
        new = set(sys.modules) - before
        assert not new & set(extra), "imported"
        flat = {name.replace("Note.Inner", "Inner") for name in wanted}
        assert not (found != wanted and found == flat), "dotted"
        assert not wanted - found, f"missed: {sorted(wanted - found)}"
        assert not found - wanted, f"too-many: {sorted(found - wanted)}"
    for bad in (b"", pickles[0][0][:-2], b"\x80\x04not one"):
        try:
            imports(bad)
        except Exception:
            continue
        raise AssertionError("damaged")


# %% exr-saving-one
def test_saving_one(exercise):
    read_one = exercise.read_one

    import builtins
    import io
    import json
    import sys
    import tempfile
    from pathlib import Path

    import torch


    def written(path, state, pad=0, notes=None):
        """Write a safetensors file by hand, its header padded."""
        letters = {torch.float64: "F64", torch.float32: "F32",
                   torch.int64: "I64", torch.uint8: "U8"}
        header, body = ({"__metadata__": notes} if notes else {}), b""
        for name, t in state.items():
            data = t.contiguous().numpy().tobytes()
            header[name] = {"dtype": letters[t.dtype],
                            "shape": list(t.shape),
                            "data_offsets": [len(body), len(body + data)]}
            body += data
        text = json.dumps(header).encode() + b" " * pad
        path.write_bytes(len(text).to_bytes(8, "little") + text + body)
        return len(text) + 8, header


    g = torch.Generator().manual_seed(0)
    state = {
        "a": torch.randn(3, 4, generator=g),
        "big": torch.randn(400, 500, generator=g),
        "whole": torch.arange(6).reshape(1, 2, 3) - 2,
        "bytes": torch.arange(200, dtype=torch.uint8),
        "one": torch.tensor(2.5),
        "none": torch.zeros(0, 4, dtype=torch.int64),
        "exact": torch.randn(5, generator=g, dtype=torch.float64) * 1e-9,
    }
    read = []


    class Counted(io.FileIO):
        """A file that notes how many bytes are read."""

        def read(self, size=-1):
            data = super().read(size)
            read.append(len(data))
            return data

        def readinto(self, target):
            count = super().readinto(target)
            read.append(count)
            return count


    def opened(path, mode="r", *args, **kwargs):
        return Counted(path) if mode == "rb" else real(path, mode)


    real = builtins.open
    library = "safetensors" in sys.modules
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        for pad, notes in ((0, None), (3000, {"data_offsets": "00"})):
            begin, header = written(path, state, pad, notes)
            kept = path.read_bytes()
            for name in [*state, *reversed(state)]:
                t = state[name]
                try:
                    came = read_one(path, name)
                except (MemoryError, OverflowError, UnicodeDecodeError,
                        json.JSONDecodeError):
                    raise AssertionError("length") from None
                except ValueError as error:
                    assert t.numel(), "empty"
                    if "buffer" in str(error) or "shape" in str(error):
                        raise AssertionError("offset") from None
                    raise
                except NotImplementedError:
                    raise
                except RuntimeError:
                    raise AssertionError(f"offset: {name}") from None
                assert came is not None, "returns"
                assert isinstance(came, torch.Tensor), "type"
                assert came.dtype == t.dtype, f"dtype: {came.dtype}"
                assert came.shape == t.shape, f"shape: {came.shape}"
                assert torch.equal(came, t), f"offset: {name}"
                came.mul_(2)  # memory of its own
            assert path.read_bytes() == kept, "input"
            assert library or "safetensors" not in sys.modules, "library"
            for name in ("b", "__metadata__", ""):
                try:
                    read_one(str(path), name)
                except KeyError:
                    continue
                except (TypeError, ValueError, AttributeError):
                    assert not name.startswith("_"), "metadata"
                slip = "metadata" if name.startswith("_") else "raises"
                raise AssertionError(slip)
            for name in ("a", "exact"):  # before and after the big one
                read.clear()
                builtins.open, io_open, io.open = opened, io.open, opened
                try:
                    read_one(path, name)
                finally:
                    builtins.open, io.open = real, io_open
                assert sum(read) < begin + 10_000, "all"
            cut = Path(folder) / "cut.safetensors"
            cut.write_bytes(kept[: begin + header["a"]["data_offsets"][1]])
            assert torch.equal(read_one(cut, "a"), state["a"]), "all"


# %% exr-saving-newest
def test_saving_newest(exercise):
    keep = exercise.keep
    newest = exercise.newest

    import os
    import pickle
    import tempfile
    from pathlib import Path

    import torch

    flag = Path(tempfile.mkdtemp()) / "ran"


    class Call:
        def __reduce__(self):
            return os.mkdir, (str(flag),)


    def marked(epoch):
        return {"w": torch.full((50,), float(epoch)), "epoch": epoch}


    def good(folder):
        """Return the epochs of the files that hold what they should."""
        found = set()
        for path in set(folder.glob("epoch-[0-9]*.pt")):
            try:
                state = torch.load(path, weights_only=True)
            except Exception:
                raise AssertionError(f"half: {path.name}") from None
            assert path.name == f"epoch-{state['epoch']}.pt", "value"
            right = marked(state["epoch"])["w"]
            assert torch.equal(state["w"], right), "value"
            found.add(state["epoch"])
        return found


    def failing(state, target, *args, **kwargs):
        """Write the first half of what torch.save would, then fail."""
        real(state, whole := Path(tempfile.mkdtemp()) / "whole")
        data = whole.read_bytes()[:700]
        if hasattr(target, "write"):
            target.write(data)
        else:
            Path(target).write_bytes(data)
        raise OSError("no space left")


    real = torch.save
    others = ("notes.txt", "epoch-x.pt", "epoch-7.pt.bak", "epoch-.pt",
              "best-epoch-99.pt", "old-2.pt")
    for count, numbers in ((2, (1, 2, 3)), (3, (8, 9, 10, 11, 100)),
                           (1, (5, 6)), (4, (1, 2)), (2, (9, 3, 10))):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            for name in others:
                real(marked(1000), folder / name)
            assert newest(folder) is None, "none"
            expected = set()
            for epoch in numbers:
                state = marked(epoch)
                torch.save = failing
                try:
                    keep(folder, epoch, state, count)
                except OSError:
                    pass
                else:
                    raise AssertionError("raises")
                finally:
                    torch.save = real
                now = good(folder)
                assert now >= expected, "early"
                assert now == expected, "half"
                names = {path.name for path in folder.iterdir()}
                assert set(others) <= names, "others"
                assert len(names) == len(others) + len(now), "left"
                came = keep(folder, epoch, state, count)
                assert torch.equal(state["w"], marked(epoch)["w"]), "input"
                expected = set(sorted(expected | {epoch})[-count:])
                now = good(folder)
                if now != expected and len(now) == len(expected):
                    raise AssertionError(f"order: {sorted(now)}")
                assert now == expected, f"count: {sorted(now)}"
                names = {path.name for path in folder.iterdir()}
                assert set(others) <= names, "others"
                assert len(names) == len(others) + len(now), "left"
                found = newest(folder)
                assert found is not None, "none"
                assert isinstance(found, tuple | list), "type"
                fits = len(found) == 2 and isinstance(found[1], dict)
                assert fits, "type"
                assert found[0] != 1000, "others"
                assert found[0] == max(expected), f"order: {found[0]}"
                wanted = marked(max(expected))
                assert found[1]["epoch"] == wanted["epoch"], "value"
                w = found[1]["w"]
                assert w.dtype == torch.float32, f"dtype: {w.dtype}"
                assert torch.equal(w, wanted["w"]), "value"
            keep(folder, 200, marked(200), 1)
            left = good(folder)
            assert len(left) == 1, "count: one is to be left"
            assert left == {200}, f"order: {left}"

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for epoch in (9, 10, 11):
            real(marked(epoch), folder / f"epoch-{epoch}.pt")
        data = (folder / "epoch-11.pt").read_bytes()
        real([1, 2], folder / "epoch-12.pt")
        (folder / "epoch-13.pt").write_bytes(data[:600])
        (folder / "epoch-14.pt").write_bytes(b"")
        real({"w": Call()}, folder / "epoch-15.pt")
        (folder / "epoch-16.pt").write_bytes(pickle.dumps(Call()))
        before = sorted(path.name for path in folder.iterdir())
        for wanted in (11, 10, 9, None):
            try:
                found = newest(folder)
            except Exception as error:
                raise AssertionError(f"damaged: {error}") from None
            assert not flag.exists(), "ran"
            if wanted is None:
                assert found is None, "none"
                continue
            assert found is not None, "damaged"
            assert found[0] in (11, 10, 9), f"damaged: {found[0]}"
            assert found[0] == wanted, f"order: {found[0]}"
            names = sorted(path.name for path in folder.iterdir())
            assert names == before, "input"
            (folder / f"epoch-{wanted}.pt").write_bytes(data[:300])
