"""saving: files cut at a hundred places, files that want to run code, torch as the referee."""

import copy
import io
import json
import logging
import os
import pickle
import signal
import sys
import tarfile
import threading
import time
import warnings
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torchbook import saving
from torchbook.convolution import digit_cnn
from torchbook.saving import (
    Fit,
    Int8Linear,
    OnnxModel,
    compare,
    evaluating,
    export_open,
    killed_at,
    load_state,
    load_weights,
    quantize_onnx,
    read_header,
    replacing,
    rounded_copy,
    save_onnx,
    save_weights,
    scales,
    to_integers,
    unwrapped,
)
from torchbook.training import load_checkpoint, save_checkpoint

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def net(seed=0, out=3):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(5, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, out)
    )


def state(seed=0, **options):
    return {k: v.clone() for k, v in net(seed, **options).state_dict().items()}


def same(a, b):
    return set(a) == set(b) and all(torch.equal(a[k], b[k]) for k in a)


# Names


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_wrappers_go(prefix):
    wrapped = {prefix + k: v for k, v in state().items()}
    assert same(unwrapped(wrapped), state())
    model = net(1)
    assert load_state(model, wrapped)
    assert same(model.state_dict(), state())


def test_the_prefixes_are_those_that_torch_puts_there():
    compiled = torch.compile(net(), backend="eager")
    assert all(k.startswith("_orig_mod.") for k in compiled.state_dict())
    parallel = nn.DataParallel(net())
    assert all(k.startswith("module.") for k in parallel.state_dict())
    assert same(unwrapped(parallel.state_dict()), state())


def test_a_prefix_that_not_all_have_stays():
    odd = {"module.a": torch.ones(1), "b": torch.ones(1)}
    assert list(unwrapped(odd)) == ["module.a", "b"]
    assert unwrapped({}) == {}


def test_compare_names_each_kind():
    other = state(out=2)
    other["more"] = other.pop("1.running_var")
    fit = compare(net(), other)
    assert fit == Fit(("1.running_var",), ("more",), ("4.weight", "4.bias"))
    assert not fit and compare(net(), state())


def test_what_does_not_fit_changes_nothing():
    model = net(1)
    for wrong in (state(out=2), {}, {"x": torch.ones(1)}):
        with pytest.raises(ValueError, match="state: missing"):
            load_state(model, wrong)
        assert same(model.state_dict(), state(1))
    with pytest.raises(ValueError, match="state"):
        load_state(model, {"x": torch.ones(1)}, partial=True)  # nothing fits


def test_torch_itself_leaves_a_model_half_loaded():
    """The chapter says so of load_state_dict."""
    model = net(1)
    with pytest.raises(RuntimeError, match="size mismatch"):
        model.load_state_dict(state(out=2))
    assert torch.equal(model[0].weight, net(0)[0].weight)
    assert torch.equal(model[4].weight, net(1)[4].weight)


def test_partial_loads_what_fits_and_says_what_does_not():
    model, source = net(1), state(out=2)
    fit = load_state(model, source, partial=True)
    assert fit == Fit((), (), ("4.weight", "4.bias"))
    assert torch.equal(model[0].weight, source["0.weight"])
    assert torch.equal(model[4].weight, net(1)[4].weight)


def test_loading_copies():
    model, source = net(1), state()
    load_state(model, source)
    source["0.weight"].zero_()
    assert torch.equal(model[0].weight, net(0)[0].weight)


# Interrupted writes

STEP, PLACES = 1, 100


def write_checkpoint(path, mark):
    save_checkpoint(path, mark=mark, model=state(mark))


def read_checkpoint(path):
    parts = load_checkpoint(path)
    assert same(parts["model"], state(parts["mark"]))
    return parts["mark"]


def write_safetensors(path, mark):
    save_weights(path, state(mark), mark=str(mark))


def read_safetensors(path):
    mark = int(read_header(path)["__metadata__"]["mark"])
    assert same(load_weights(path), state(mark))
    return mark


@forks
@pytest.mark.parametrize(
    ("write", "read"),
    [(write_checkpoint, read_checkpoint), (write_safetensors, read_safetensors)],
)
def test_cut_at_a_hundred_places_the_old_file_still_loads(tmp_path, write, read):
    path = tmp_path / "model.bin"
    write(path, 0)
    size = path.stat().st_size
    places = {size * i // PLACES for i in range(PLACES)} | {0, 1, size - 1}
    assert len(places) >= PLACES
    for place in sorted(places):
        assert killed_at(place, lambda: write(path, 1)), place
        assert read(path) == 0, place
    assert not killed_at(size, lambda: write(path, 1))
    assert read(path) == 1


@forks
def test_written_in_place_no_cut_file_loads(tmp_path):
    """Otherwise the test above could not fail."""
    path = tmp_path / "model.pt"
    write_checkpoint(path, 0)
    size = path.stat().st_size
    for place in range(0, size, size // 20):
        assert killed_at(place, lambda: torch.save({"parts": state(1)}, path)) or place
        with pytest.raises(ValueError, match="path"):
            load_checkpoint(path)


@forks
def test_killed_at_tells_how_work_ended(tmp_path):
    path = tmp_path / "x"
    assert killed_at(3, lambda: path.write_bytes(b"12345"))
    assert path.read_bytes() == b"123"
    assert not killed_at(5, lambda: path.write_bytes(b"12345"))
    with pytest.raises(RuntimeError, match="work: ended with 1"):
        killed_at(5, lambda: 1 / 0)


@forks
def test_killed_at_ends_work_that_hangs(monkeypatch):
    """A lock that a thread held at the fork is never freed in the copy."""
    alarm = signal.alarm
    monkeypatch.setattr(signal, "alarm", lambda seconds: alarm(min(seconds, 1)))
    with pytest.raises(RuntimeError, match=f"work: ended with -{signal.SIGALRM.value}"):
        killed_at(5, lambda: time.sleep(30))


@forks
def test_killed_at_warns_of_no_threads():
    """Python 3.12 and later warn of any fork where there are threads."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not killed_at(5, lambda: None)
    done.set()
    thread.join()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_replacing_leaves_nothing_of_a_block_that_raises(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as new:
        assert new.suffix == ".tmp" and new.parent == tmp_path
        new.write_text("half")
        raise error
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]
    with replacing(path) as new:
        new.write_text("new")
    assert path.read_text() == "new" and os.listdir(tmp_path) == ["a.txt"]


def test_others_may_read_what_was_replaced_as_any_other_file(tmp_path):
    """tempfile makes files that only their owner may read."""
    save_weights(tmp_path / "a", {"w": torch.ones(2)})
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


# Files that want to run code


class Call:
    """Pickled as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class Items:
    """Pickled as a list to which what a call returns is appended."""

    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return list, (), None, iter([self.call])


def payloads(flag):
    """Objects that write the file `flag` when they are unpickled."""
    line = f"open({str(flag)!r}, 'w')"
    yield Call(exec, line)
    yield Call(eval, line)
    yield Call(open, str(flag), "w")
    yield Call(os.system, f"{sys.executable} -c pass > {flag}")
    yield Call(os.mkdir, str(flag))
    yield {"torchbook": 1, "parts": {"model": Call(exec, line)}}
    yield {"torchbook": Call(exec, line), "parts": {}}
    yield [torch.ones(2), Items(Call(exec, line))]


def hostile_files(tmp_path, flag):
    """The payloads in every container that torch.load has known."""
    number = 0
    for payload in payloads(flag):
        for kind in ("zip", "legacy", "pickle", "swapped", "tar"):
            path = tmp_path / f"{number}.pt"
            number += 1
            if kind in ("zip", "legacy"):
                torch.save(payload, path, _use_new_zipfile_serialization=kind == "zip")
            elif kind == "pickle":
                path.write_bytes(pickle.dumps(payload))
            elif kind == "swapped":  # an honest file, with another pickle put in
                save_checkpoint(path, model=state())
                with zipfile.ZipFile(path) as old:
                    files = {i.filename: old.read(i) for i in old.infolist()}
                with zipfile.ZipFile(path, "w") as new:
                    for name, data in files.items():
                        evil = name.endswith("data.pkl")
                        new.writestr(name, pickle.dumps(payload, 2) if evil else data)
            else:
                with tarfile.open(path, "w") as tar:
                    for name in ("sys_info", "pickle", "tensors", "storages"):
                        data = pickle.dumps(payload)
                        info = tarfile.TarInfo(name)
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
            yield path


def test_a_hostile_file_runs_no_code(tmp_path):
    flag = tmp_path / "ran"
    files = list(hostile_files(tmp_path, flag))
    assert len(files) == 40 and not flag.exists()
    for path in files:
        for load in (load_checkpoint, load_weights, read_header, OnnxModel):
            with pytest.raises(ValueError, match="path"):
                load(path)
            assert not flag.exists(), (path, load)


def test_the_payloads_do_run_where_code_may(tmp_path):
    """Otherwise the test above could not fail."""
    flag = tmp_path / "ran"
    for payload in payloads(flag):
        pickle.loads(pickle.dumps(payload))
        assert flag.exists(), payload
        flag.rmdir() if flag.is_dir() else flag.unlink()


def test_an_exported_program_may_run_code(tmp_path, capsys):
    """The chapter says that .pt2 files are to be trusted no more than pickles."""
    path, other = tmp_path / "a.pt2", tmp_path / "b.pt2"
    torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.ones(4, 3),)), path)
    evil = io.BytesIO()
    torch.save((Call(print, "this ran"),), evil)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for info in old.infolist():
            inputs = "sample_inputs" in info.filename
            new.writestr(info.filename, evil.getvalue() if inputs else old.read(info))
    torch.export.load(path)
    assert "this ran" not in capsys.readouterr().out
    logging.disable(logging.WARNING)  # of torch's own, which it words wrongly
    try:
        torch.export.load(other)  # and nothing is refused
    finally:
        logging.disable(logging.NOTSET)
    assert "this ran" in capsys.readouterr().out


# safetensors

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64,
          torch.int8, torch.uint8, torch.bool]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (1, 2, 2)], ids=str)
def test_weights_round_trip(tmp_path, dtype, shape):
    path = tmp_path / "a.safetensors"
    value = torch.randint(0, 2, shape).to(dtype)
    save_weights(path, {"x": value, "y": value.clone()})
    found = load_weights(path)
    assert same(found, {"x": value, "y": value}) and found["x"].dtype == dtype


def test_weights_are_what_the_library_reads(tmp_path):
    from safetensors.torch import load_file

    path = tmp_path / "a.safetensors"
    source = {**state(), "turned": torch.arange(6.0).reshape(2, 3).mT}
    source["0.weight"].requires_grad_()
    save_weights(path, source, what="a test")
    assert same(load_file(path), {k: v.detach() for k, v in source.items()})
    header = read_header(path)
    assert header.pop("__metadata__") == {"what": "a test"}
    length = int.from_bytes(path.read_bytes()[:8], "little")
    body = path.read_bytes()[8 + length :]
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        assert stop <= len(body) and tuple(entry["shape"]) == source[name].shape
        if entry["dtype"] == "F32":
            values = np.frombuffer(body[start:stop], "<f4").reshape(entry["shape"])
            assert np.array_equal(values, source[name].detach().numpy())


def test_what_weights_cannot_hold(tmp_path):
    path = tmp_path / "a.safetensors"
    save_weights(path, state())
    shared = torch.ones(3)
    with pytest.raises(ValueError, match="shared memory"):
        save_weights(path, {"a": shared, "b": shared})
    with pytest.raises(TypeError, match="state: step"):
        save_weights(path, {"step": 3})
    with pytest.raises(TypeError, match="notes: step"):
        save_weights(path, {"a": shared}, step=3)
    assert same(load_weights(path), state()) and len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"12", b"\xff" * 8, b"\xff" * 30, (5).to_bytes(8, "little") + b"[1,2]",
     (4).to_bytes(8, "little") + b"\xff\xfe{}", (2).to_bytes(8, "little") + b"{1",
     (200000).to_bytes(8, "little") + b"[" * 200000],
)  # fmt: skip
def test_no_safetensors(tmp_path, data):
    path = tmp_path / "a.safetensors"
    path.write_bytes(data)
    for load in (read_header, load_weights):
        with pytest.raises(ValueError, match="path"):
            load(path)
    for load in (read_header, load_weights, OnnxModel):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "nothing")


@pytest.mark.parametrize("call", [
    lambda path: save_weights(path, state()), load_weights, OnnxModel,
    lambda path: save_onnx(path, net(), torch.ones(2, 5)),
])  # fmt: skip
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, call):
    for name in ("safetensors", "safetensors.torch", "onnx", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="is not installed: pip install"):
        call(tmp_path / "x")


# Whole models


def mixed():
    model = net().train()
    model[1].eval()
    return model


def test_evaluating_gives_each_mode_back():
    model = mixed()
    before = [part.training for part in model.modules()]
    with pytest.raises(KeyError), evaluating(model):
        assert not any(part.training for part in model.modules())
        raise KeyError
    assert [part.training for part in model.modules()] == before


def test_export_takes_any_batch():
    model = mixed()
    program = export_open(model, torch.ones(2, 5)).module()
    assert model.training and not model[1].training
    model.eval()
    for rows in (1, 2, 50):
        x = torch.randn(rows, 5)
        torch.testing.assert_close(program(x), model(x))
    for example in (torch.ones(1, 5), torch.tensor(1.0)):
        with pytest.raises(ValueError, match="example"):
            export_open(model, example)


class Chooses(nn.Module):
    """A graph within a graph: each has operations from a line of this file."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cond(x.sum() > 0, lambda x: x * 2, lambda x: -x, (x,))


@pytest.mark.parametrize("model", [Chooses(), nn.Sequential(nn.Linear(5, 2), nn.ReLU())])
def test_export_tells_no_path_of_this_machine(model, tmp_path):
    def traces(program: torch.export.ExportedProgram) -> list:
        graphs = (part for part in program.graph_module.modules() if hasattr(part, "graph"))
        return [n for part in graphs for n in part.graph.nodes if "stack_trace" in n.meta]

    example = torch.ones(2, 5)
    sizes = ({0: torch.export.Dim("batch")},)
    assert traces(torch.export.export(model, (example,), dynamic_shapes=sizes))
    program = export_open(model, example)
    assert traces(program) == []
    torch.export.save(program, tmp_path / "net.pt2")
    with zipfile.ZipFile(tmp_path / "net.pt2") as archive:
        assert not [name for name in archive.namelist() if b".py" in archive.read(name)]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A small net for the digits, its input, and its ONNX file."""
    torch.manual_seed(0)
    model, x = digit_cnn(4), torch.rand(200, 1, 8, 8)
    for _ in range(20):
        model(x)  # running means, in training mode
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    save_onnx(path, model, x[:2])
    return model.eval(), x, path


def test_onnx_tells_no_path_of_this_machine(shipped):
    assert b".py" not in shipped[2].read_bytes()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_onnx_gives_the_same_outputs(shipped):
    model, x, path = shipped
    run = OnnxModel(path)
    assert run.name == "input" and os.listdir(path.parent) == ["net.onnx"]
    for rows in (1, 3, 200):
        torch.testing.assert_close(
            run(x[:rows]), model(x[:rows]).detach(), rtol=1e-4, atol=1e-5
        )


def test_int8_onnx_is_smaller_and_close(shipped, tmp_path):
    model, x, path = shipped
    target = tmp_path / "int8.onnx"
    quantize_onnx(path, target, x[:100].split(25))
    assert os.listdir(tmp_path) == ["int8.onnx"]
    difference = (OnnxModel(target)(x) - OnnxModel(path)(x)).abs().max()
    spread = model(x).std()
    assert 0 < difference < spread
    with pytest.raises(ValueError, match="batches"):
        quantize_onnx(path, target, [])


# Integers


@settings(deadline=None, max_examples=60)
@given(
    bits=st.integers(2, 8), by_row=st.booleans(), seed=st.integers(0, 99),
    shape=st.sampled_from([(1, 1), (4, 3), (2, 3, 3, 3)]),
)  # fmt: skip
def test_rounding_is_off_by_half_a_step_at_most(bits, by_row, seed, shape):
    w = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3
    w[0] = 0 if seed % 5 == 0 else w[0]
    s = scales(w, bits, by_row)
    q = to_integers(w, s, bits)
    assert s.shape == ((shape[0] if by_row else 1), *(1 for _ in shape[1:])) and (s > 0).all()
    assert q.dtype == torch.int8 and q.abs().max() <= 2 ** (bits - 1) - 1
    assert ((q * s - w).abs() <= s / 2 * 1.001).all()
    wanted = torch.fake_quantize_per_channel_affine(
        w, s.flatten().expand(shape[0]).clone(), torch.zeros(shape[0], dtype=torch.int32), 0,
        -(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1,
    )  # fmt: skip
    off = (q * s - wanted).abs() / s
    assert (off < 0.01).float().mean() > 0.9 and (off < 1.01).all()  # ties may round apart


@pytest.mark.parametrize("bits", [1, 9, 0])
def test_bits(bits):
    with pytest.raises(ValueError, match="bits"):
        scales(torch.ones(2, 2), bits)


def test_rounded_copy_leaves_the_model_alone():
    model = net()
    rounded = rounded_copy(model, 4)
    assert same(model.state_dict(), state())
    for name, value in rounded.state_dict().items():
        weight = value.ndim > 1
        assert torch.equal(value, state()[name]) != weight, name
        if weight:
            assert all(len(row.unique()) <= 15 for row in value)
    assert all(p.requires_grad for p in rounded.parameters())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 6), (6,), (2, 3, 6)], ids=str)
@pytest.mark.parametrize("low", [0.0, -2.0])
def test_the_integer_layer_is_the_rounded_one(bias, shape, low):
    torch.manual_seed(0)
    layer = nn.Linear(6, 4, bias=bias)
    seen = torch.rand(50, 6) * 3 + low
    x = torch.rand(shape) * 3 + low
    came = Int8Linear(layer, seen)(x)
    step = (max(seen.max().item(), 0) - min(seen.min().item(), 0)) / 255
    zero = round(-min(seen.min().item(), 0) / step)
    near = (((x / step).round() + zero).clamp(0, 255) - zero) * step
    wanted = nn.functional.linear(near, rounded_copy(layer).weight, layer.bias)
    torch.testing.assert_close(came, wanted, rtol=1e-4, atol=1e-4)
    assert came.shape == (*shape[:-1], 4)
    assert (came - layer(x)).abs().max() < 0.1


def test_the_integer_layer_saves_integers_and_trains_nothing():
    layer = Int8Linear(nn.Linear(6, 4), torch.rand(5, 6))
    kept = layer.state_dict()
    assert kept["weight"].dtype == torch.int8 and not list(layer.parameters())
    other = Int8Linear(nn.Linear(6, 4), torch.rand(5, 6))
    other.load_state_dict(copy.deepcopy(kept))
    x = torch.rand(3, 6)
    assert torch.equal(other(x), layer(x))
    beyond = layer(torch.full((1, 6), 1e6))
    assert torch.equal(beyond, layer(torch.full((1, 6), 1e9)))  # cut off
    zeros = Int8Linear(nn.Linear(6, 4), torch.zeros(5, 6))
    assert zeros(torch.zeros(1, 6)).isfinite().all()
    with pytest.raises(ValueError, match="seen"):
        Int8Linear(nn.Linear(6, 4), torch.zeros(0, 6))


def test_header_is_json_that_anyone_reads(tmp_path):
    path = tmp_path / "a.safetensors"
    save_weights(path, {"x": torch.zeros(2, 2)})
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    assert json.loads(data[8 : 8 + length]) == saving.read_header(path)
