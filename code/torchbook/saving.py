# Generated from chapters/zh/17-saving.qmd: edit there.
# Checksum 93980ca9429b: a change made here is refused, not lost.
# %% saving-names
"""Weights, checkpoints and whole models in files."""

import copy
import importlib
import json
import os
import secrets
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

State = Mapping[str, Tensor]
WRAPPERS = ("module.", "_orig_mod.")  # parallel training, compile


@dataclass(frozen=True)
class Fit:
    """Which names of a state and a model don't go together."""

    missing: tuple[str, ...]  # the model's, not in the state
    unexpected: tuple[str, ...]  # the state's, not in the model
    reshaped: tuple[str, ...]  # in both, with different shapes

    def __bool__(self) -> bool:
        return not (self.missing or self.unexpected or self.reshaped)


# %% saving-compare
def unwrapped(state: State) -> dict[str, Tensor]:
    """Return the state without the prefixes that wrappers put there.

    A prefix of WRAPPERS goes only if every name begins with it.
    """
    state = dict(state)
    while state:
        found = [w for w in WRAPPERS if all(
            name.startswith(w) for name in state)]
        if not found:
            break
        state = {k.removeprefix(found[0]): v for k, v in state.items()}
    return state


def compare(model: nn.Module, state: State) -> Fit:
    """Say how the names and shapes of a state fit a model's."""
    own = model.state_dict()
    return Fit(
        tuple(name for name in own if name not in state),
        tuple(name for name in state if name not in own),
        tuple(name for name, value in state.items()
              if name in own and own[name].shape != value.shape),
    )


# %% saving-load-state
def load_state(
    model: nn.Module, state: State, partial: bool = False
) -> Fit:
    """Copy a state into a model: all that fits, or nothing.

    Prefixes of wrappers go first. partial=True leaves out what is
    missing, unexpected or of another shape, and returns it; but some
    must fit. Otherwise ValueError, and the model stays as it was.
    """
    state = unwrapped(state)
    fit = compare(model, state)
    left = set(fit.unexpected + fit.reshaped)
    usable = {k: v for k, v in state.items() if k not in left}
    if not (fit or (partial and usable)):
        raise ValueError(
            f"state: missing {list(fit.missing)}, unexpected "
            f"{list(fit.unexpected)}, reshaped {list(fit.reshaped)}"
        )
    model.load_state_dict(usable, strict=False)
    return fit


# %% saving-replacing
@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a name to write to beside path; at the end, rename to path.

    If the block raises, path stays as it was and nothing is left.
    """
    path = Path(path)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield new
        with open(new, "rb+") as file:
            os.fsync(file.fileno())  # on the disk, before the rename
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def needs(module: str) -> ModuleType:
    """Import what not every reader has, or say how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        what = f"{package} is not installed: pip install {package}"
        raise ImportError(what, name=package) from error


# %% saving-weights
def save_weights(path: str | Path, state: State, **notes: str) -> None:
    """Write a state to a safetensors file: all or nothing.

    notes: strings that go into its header. Raises TypeError for a
    value that is no tensor or a note that is no string, ValueError
    for names that share memory, which the format can't hold.
    """
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"state: {name} is no tensor")
    for name, note in notes.items():
        if not isinstance(note, str):
            raise TypeError(f"notes: {name} is no string")
    packed = {k: v.detach().contiguous() for k, v in state.items()}
    writer = needs("safetensors.torch")
    try:
        data = writer.save(packed, metadata=notes or None)
    except RuntimeError as error:
        raise ValueError(f"state: shared memory: {error}") from error
    with replacing(path) as new:
        new.write_bytes(data)


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, on the CPU.

    Raises FileNotFoundError, or ValueError for any other file.
    """
    package, reader = needs("safetensors"), needs("safetensors.torch")
    data = Path(path).read_bytes()
    try:
        return reader.load(data)
    except package.SafetensorError as error:
        raise ValueError(f"path: {path} is no safetensors") from error


# %% saving-header
def read_header(path: str | Path) -> dict[str, Any]:
    """Return the header of a safetensors file; reads no tensor.

    For each name: dtype, shape, and data_offsets, counted from the
    end of the header. Raises ValueError if there is no such header.
    Source: the format's description, huggingface.co/docs/safetensors.
    """
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > os.path.getsize(path) - 8:
            raise ValueError(f"path: {path} is no safetensors")
        text = file.read(length)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"path: {path} is no safetensors") from error
    if not isinstance(header, dict):
        raise ValueError(f"path: {path} is no safetensors")
    return header


# %% saving-killed
def killed_at(byte: int, work: Callable[[], object]) -> bool:
    """Run work in a copy of this process; no file may pass `byte`.

    The system kills the copy at the first write that would go beyond,
    with the file cut there. Returns whether it came to that. Linux
    and macOS only. Raises RuntimeError if work ends in another way,
    or not within a minute.
    """
    import resource  # Windows has neither this nor fork
    import signal

    with warnings.catch_warnings():  # threads aren't copied: see alarm
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)  # a thread may have held a lock
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (byte, byte))
            work()
            os._exit(0)
        finally:
            os._exit(1)  # never back into the caller's program
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGXFSZ):
        raise RuntimeError(f"work: ended with {status}")
    return status != 0


# %% saving-export
@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode; give back each mode after."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def export_open(
    model: nn.Module, example: Tensor
) -> torch.export.ExportedProgram:
    """Export a model for predicting, the size of its batch left open.

    example: (B, ...), B at least 2; with fewer, ValueError: a size of
    1 would be built in. The model's modes stay as they were. The graph
    doesn't say which lines of which files it came from.
    """
    if example.ndim == 0 or len(example) < 2:
        raise ValueError("example: needs 2 rows or more")
    example = example.detach().clone()  # of a view, all would be kept
    sizes = ({0: torch.export.Dim("batch")},)
    with evaluating(model):
        program = torch.export.export(
            model, (example,), dynamic_shapes=sizes
        )
    for part in program.graph_module.modules():
        if isinstance(part, torch.fx.GraphModule):
            for node in part.graph.nodes:  # paths of this machine
                node.meta.pop("stack_trace", None)
    return program


# %% saving-onnx
def save_onnx(
    path: str | Path, model: nn.Module, example: Tensor
) -> None:
    """Write a model as one ONNX file: all or nothing.

    Its input is called "input" and its batch is open. Needs onnx and
    onnxscript; example as for export_open.
    """
    onnx = needs("onnx")
    needs("onnxscript")
    program = torch.onnx.export(
        export_open(model, example), input_names=["input"],
        output_names=["output"], verbose=False,
    )
    with replacing(path) as new:
        program.save(new, external_data=False)
        onnx.checker.check_model(new)


# %% saving-onnx-model
class OnnxModel:
    """A model in a file: call it with an input, get the output.

    Runs in ONNX Runtime on the CPU, in one thread: no PyTorch model,
    no class. Raises ValueError for a file that is no ONNX model.
    """

    def __init__(self, path: str | Path) -> None:
        runtime = needs("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        data = Path(path).read_bytes()
        try:
            self.session = runtime.InferenceSession(
                data, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of several kinds, all its own
            raise ValueError(f"path: {path} is no ONNX") from error
        self.name = self.session.get_inputs()[0].name

    def __call__(self, x: Tensor) -> Tensor:
        """Return the first output for x, on the CPU."""
        found = self.session.run(None, {self.name: x.detach().numpy()})
        return torch.from_numpy(found[0])


# %% saving-quantize
def top(bits: int) -> int:
    """Return the largest integer of `bits` bits with a sign: 127."""
    if not 2 <= bits <= 8:
        raise ValueError(f"bits: {bits}, not 2 to 8")
    return 2 ** (bits - 1) - 1


def scales(
    weight: Tensor, bits: int = 8, by_row: bool = True
) -> Tensor:
    """Return the step between neighboring integers, 0 in the middle.

    weight: (out, ...); one step for each output, shape (out, 1, ...),
    or with by_row=False one for all, (1, 1, ...). Zeros have step 1.
    """
    dims = tuple(range(1 if by_row else 0, weight.ndim))
    most = weight.detach().abs().amax(dims, keepdim=True)
    return torch.where(most > 0, most / top(bits), 1.0)


def to_integers(x: Tensor, scale: Tensor, bits: int = 8) -> Tensor:
    """Return x / scale, rounded and cut off to `bits` bits: int8."""
    most = top(bits)
    return (x / scale).round().clamp(-most, most).to(torch.int8)


# %% saving-rounded
def rounded_copy(
    model: nn.Module, bits: int = 8, by_row: bool = True
) -> nn.Module:
    """Return a copy whose weights are as if stored with `bits` bits.

    That is every parameter of two dimensions or more; biases and the
    like stay. The model itself stays as it is.
    """
    model = copy.deepcopy(model)
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1:
                scale = scales(p, bits, by_row)
                p.copy_(to_integers(p, scale, bits) * scale)
    return model


# %% saving-int8-linear
class Int8Linear(nn.Module):
    """A linear layer that multiplies integers: (..., in) -> (..., out).

    Made from a float32 layer and examples of its input, whose range
    sets the input's step and zero; what lies beyond is cut off.
    Weights are int8 with a step per output, inputs one byte, sums
    int32. Source: Jacob et al. (2018), section 2.
    """

    def __init__(self, layer: nn.Linear, seen: Tensor) -> None:
        super().__init__()
        if seen.numel() == 0:
            raise ValueError("seen: empty")
        low, high = seen.min().clamp(max=0), seen.max().clamp(min=0)
        step = torch.where(high > low, (high - low) / 255, 1.0)
        weight = layer.weight.detach()
        scale = scales(weight)  # (out, 1)
        self.register_buffer("step", step)
        self.register_buffer("zero", (-low / step).round().int())
        self.register_buffer("scale", scale[:, 0])
        self.register_buffer("weight", to_integers(weight, scale))
        bias = layer.bias if layer.bias is not None else torch.zeros(())
        self.register_buffer("bias", bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        whole = (x / self.step).round() + self.zero
        q = whole.clamp(0, 255).to(torch.int32) - self.zero  # (..., in)
        sums = q @ self.weight.int().mT  # (..., out), exact
        return sums * (self.step * self.scale) + self.bias


# %% saving-quantize-onnx
def quantize_onnx(
    path: str | Path, target: str | Path, batches: Iterable[Tensor]
) -> None:
    """Write an ONNX model's int8 version: weights and activations.

    batches: inputs like those to come, from which the range of each
    activation is read; none raise ValueError. Needs onnxruntime and
    onnx. All or nothing.
    """
    tools = needs("onnxruntime.quantization")
    name = OnnxModel(path).name
    feeds = [{name: x.detach().numpy()} for x in batches]
    if not feeds:
        raise ValueError("batches: none to calibrate with")

    class Feeds(tools.CalibrationDataReader):
        def __init__(self) -> None:
            self.rest = iter(feeds)

        def get_next(self) -> dict[str, Any] | None:
            return next(self.rest, None)

    with replacing(target) as new:
        tools.quantize_static(
            path, new, Feeds(), per_channel=True,
            weight_type=tools.QuantType.QInt8,
            activation_type=tools.QuantType.QUInt8,
        )
