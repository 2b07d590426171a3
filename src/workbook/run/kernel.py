"""A Jupyter kernel of our own: private, quiet, and the same on every machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbook import zygote
from workbook.zygote import ENVIRONMENT

if TYPE_CHECKING:  # only where something is executed is anything of Jupyter imported
    from jupyter_client.blocking.client import BlockingKernelClient

# Figures as SVG without a date; the style itself stands in matplotlibrc.
SETUP = """
import matplotlib_inline.backend_inline as _backend
_backend.set_matplotlib_formats(
    "svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
del _backend
"""
_SOCKET_NAME = 100  # bytes: a few more than that, and no system takes it with its number
_TICK = 0.5  # seconds between two looks at a kernel that says nothing

Run = Callable[[str], list[dict[str, Any]]]  # code in, outputs as nbformat has them


@dataclass(frozen=True)
class Limits:
    """What a cell may take."""

    computing: float = 120  # seconds of processor time; a cell of the book takes under ten
    waiting: float = 1200  # seconds by the clock, however busy the machine
    starting: float = 300  # seconds by the clock until a kernel answers
    output: int = 4 << 20  # bytes of all that it prints and draws


class NoKernel(Exception):
    """No Python kernel could be started."""


class KernelDied(Exception):
    """The interpreter ended while a cell was running."""


class OverLimit(Exception):
    """A cell took more than it may; says of what."""


@contextlib.contextmanager
def kernel(
    modules: Mapping[str, str], root: Path, limits: Limits | None = None
) -> Iterator[Run]:
    """Start a kernel in `root`, give a function that runs code in it, end it in any case.

    `modules` are the files of `torchbook` that the code may import, name → text.
    NoKernel where none can be started. The function raises OverLimit where a cell takes more
    than it may, and KernelDied where it ends the interpreter.
    """
    limits = limits or Limits()
    with _scratch() as folder, contextlib.ExitStack() as stack:
        _write_package(folder / "torchbook", modules)
        said = stack.enter_context((folder / "said").open("w+b"))
        try:
            client = stack.enter_context(_client(folder))
            program = stack.enter_context(_interpreter(folder, root, said.fileno()))
            session = _Session(client, program, limits)
            session.begin()
            session.run(SETUP, counted=False)
        except (ImportError, OSError, KernelDied, OverLimit) as error:
            raise NoKernel(_last_line(said) or str(error)) from None
        yield session.run


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="workbook-"))
    try:
        yield folder
    finally:
        zygote.remove(folder)


def _write_package(package: Path, modules: Mapping[str, str]) -> None:
    package.mkdir()
    for name, text in {"__init__.py": "", **modules}.items():
        (package / name).write_text(text, encoding="utf-8")


def _last_line(said: Any) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


@contextlib.contextmanager
def _client(folder: Path) -> Iterator[BlockingKernelClient]:
    """A client that talks through the run's folder, as the connection file there says."""
    import ipykernel  # noqa: F401 - without these there is no kernel to start or to hear
    import nbformat  # noqa: F401
    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.connect import write_connection_file

    # Sockets in a folder of our own: no port is opened, nobody else can talk to the kernel.
    # Where there are none, or its name is too long for them, a key keeps others out.
    sockets = f"{folder}/kernel"
    private = os.name == "posix" and len(os.fsencode(sockets)) <= _SOCKET_NAME
    where = {"transport": "ipc", "ip": sockets} if private else {}
    file, _ = write_connection_file(
        str(folder / "connection.json"), key=os.urandom(16).hex().encode(), **where
    )
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    client.start_channels(stdin=False, hb=False, control=False)
    try:
        yield client
    finally:
        client.stop_channels()
        client.context.destroy(linger=0)


@contextlib.contextmanager
def _interpreter(folder: Path, root: Path, said: int) -> Iterator[zygote.Program]:
    environment = os.environ | ENVIRONMENT
    environment |= {"PYTHONPATH": str(folder), "IPYTHONDIR": f"{folder}/ipython"}
    arguments = ["-m", "ipykernel_launcher", "-f", f"{folder}/connection.json"]
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        streams = (nothing, nothing, said)
        with zygote.start(arguments, environment, root, streams, folder) as program:
            _live.add(program)
            try:
                yield program
            finally:
                _live.discard(program)
    finally:
        os.close(nothing)


_live: set[zygote.Program] = set()


def stop_kernels() -> None:
    """End all kernels that run now: called when the work is interrupted."""
    for program in tuple(_live):
        program.kill()


# --- talking to it ---------------------------------------------------------------------


@dataclass
class _Session:
    """A kernel that is being talked to."""

    client: BlockingKernelClient
    program: zygote.Program
    limits: Limits

    def begin(self) -> None:
        """Wait until it answers, and until all that it publishes is heard here."""
        until = time.monotonic() + self.limits.starting
        while True:
            request = self.client.kernel_info()
            patience = min(until, time.monotonic() + 2 * _TICK)
            while time.monotonic() < patience:
                message = self._next(self.client.get_iopub_msg)
                if message and message["parent_header"].get("msg_id") == request:
                    return
            if time.monotonic() >= until:
                raise OverLimit(f"it gave no answer within {self.limits.starting:g} s")

    def run(self, code: str, counted: bool = True) -> list[dict[str, Any]]:
        """Run code as the next cell; OverLimit or KernelDied where it gives no outputs."""
        request = self.client.execute(code, store_history=counted, allow_stdin=False)
        heard = _Heard(request)
        meter = _Meter(self.program.pid, self.limits)
        while not heard.whole:
            if message := self._next(self.client.get_iopub_msg):
                heard.take(message)
            if heard.size > self.limits.output:
                raise OverLimit(f"gave more than {self.limits.output >> 20} MB of output")
            meter.look()
        while True:
            message = self._next(self.client.get_shell_msg)
            if message and message["parent_header"].get("msg_id") == request:
                break
            meter.look()
        if any(each["source"] == "ask_exit" for each in message["content"].get("payload", ())):
            raise KernelDied("it calls quit() or exit()")
        return heard.outputs

    def _next(self, get: Callable[..., dict[str, Any]]) -> dict[str, Any] | None:
        """The next message, or None where none came in a while; KernelDied at its end."""
        from queue import Empty

        try:
            return get(timeout=_TICK)
        except Empty:
            status = self.program.poll()
            if status is not None:
                raise KernelDied(_ending(status)) from None
            return None


def _ending(status: int) -> str:
    return f"killed by signal {-status}" if status < 0 else f"exit status {status}"


@dataclass
class _Heard:
    """What has come of one cell."""

    request: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0  # bytes, of all that has come
    whole: bool = False
    _clear: bool = False  # what comes next takes the place of all before
    _shown: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by display id

    def take(self, message: Mapping[str, Any]) -> None:
        """Add what a message says, if it is of this cell."""
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != self.request:
            return
        if kind == "status":
            self.whole = content["execution_state"] == "idle"
        elif kind == "clear_output":
            self._clear = True
            if not content.get("wait"):
                self._begin_again()
        elif kind in (
            "stream",
            "error",
            "display_data",
            "execute_result",
            "update_display_data",
        ):
            self.size += _size(content)
            self._add(kind, content)

    def _add(self, kind: str, content: Mapping[str, Any]) -> None:
        from nbformat.v4 import output_from_msg

        name = content.get("transient", {}).get("display_id", "")
        if kind == "update_display_data":
            for output in self._shown.get(name, ()):
                output |= {"data": content["data"], "metadata": content["metadata"]}
            return
        if self._clear:
            self._begin_again()
        made = output_from_msg({"header": {"msg_type": kind}, "content": content})
        output = _plain(made)
        self.outputs.append(output)
        if name:
            self._shown.setdefault(name, []).append(output)

    def _begin_again(self) -> None:
        self.outputs.clear()
        self._clear = False


def _plain(value: Any) -> Any:
    """The same without nbformat's own kind of mapping."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _size(content: Any) -> int:
    """The characters of all texts in it."""
    if isinstance(content, Mapping):
        return sum(map(_size, content.values()))
    if isinstance(content, list):
        return sum(map(_size, content))
    return len(content) if isinstance(content, str) else 0


class _Meter:
    """What a cell takes of the processor and of the clock, looked at now and then."""

    def __init__(self, pid: int, limits: Limits) -> None:
        self._pid, self._limits = pid, limits
        self._computed, self._began = self._computing(), time.monotonic()
        self._looked = self._began

    def look(self) -> None:
        """OverLimit where it has taken more than it may."""
        now = time.monotonic()
        if now - self._looked < _TICK:
            return
        self._looked = now
        if self._computing() - self._computed > self._limits.computing:
            raise OverLimit(f"computed longer than {self._limits.computing:g} s")
        if now - self._began > self._limits.waiting:
            raise OverLimit(f"was not done after {self._limits.waiting:g} s")

    def _computing(self) -> float:
        """Seconds of the processor that the kernel and its ended children have taken."""
        import psutil

        with contextlib.suppress(psutil.Error):
            return sum(psutil.Process(self._pid).cpu_times()[:4])
        return 0.0
