"""A Jupyter kernel of our own: private, quiet, and the same on every machine."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

# One thread each: chapters run side by side, and sums come out the same on any machine.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "CUDA_VISIBLE_DEVICES": "",  # what needs a GPU is a recording
}
# Figures as SVG without a date; the style itself stands in matplotlibrc.
SETUP = """
import matplotlib_inline.backend_inline as _backend
_backend.set_matplotlib_formats(
    "svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
del _backend
"""
CELL_TIMEOUT = 120  # seconds; a cell of the book runs in under ten

Run = Callable[[str], list[dict[str, Any]]]  # code in, outputs as nbformat has them


class NoKernel(Exception):
    """No Python kernel could be started."""


class KernelDied(Exception):
    """The interpreter ended while a cell was running."""


@contextlib.contextmanager
def kernel(modules: Mapping[str, str], root: Path) -> Iterator[Run]:
    """Start a kernel in `root`, give a function that runs code in it, end it in any case.

    `modules` are the files of `torchbook` that the code may import, name → text.
    NoKernel where none can be started.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        package = Path(folder, "torchbook")
        package.mkdir()
        for name, text in {"__init__.py": "", **modules}.items():
            (package / name).write_text(text, encoding="utf-8")
        try:
            client = _client(folder, root)
            environment = os.environ | ENVIRONMENT
            environment |= {"PYTHONPATH": folder, "IPYTHONDIR": f"{folder}/ipython"}
            with client.setup_kernel(env=environment, cleanup_kc=True), _registered(client.km):
                _run_code(client, SETUP, counted=False)
                client.timeout = CELL_TIMEOUT  # for cells, not for a slow start
                yield functools.partial(_run_code, client)
        except (ModuleNotFoundError, RuntimeError, NoSuchKernel, OSError) as error:
            raise NoKernel(str(error)) from None


def _client(folder: str, root: Path) -> NotebookClient:
    """A client whose kernel runs in the book's root and talks through the run's folder."""
    import ipykernel  # noqa: F401 - without it there is no Python kernel to start

    # Sockets in a folder of our own: no port is opened, nobody else can talk to the kernel.
    private = {"transport": "ipc", "ip": f"{folder}/kernel"} if os.name == "posix" else {}
    return NotebookClient(
        nbformat.v4.new_notebook(),
        km=AsyncKernelManager(kernel_name="python3", **private),
        allow_errors=True,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": str(root)}},
    )


def _run_code(client: NotebookClient, code: str, counted: bool = True) -> list[dict[str, Any]]:
    """Run code as the next cell; TimeoutError or KernelDied where it gives no outputs."""
    cell = nbformat.v4.new_code_cell(code)
    client.nb.cells.append(cell)
    try:
        client.execute_cell(cell, len(client.nb.cells) - 1, store_history=counted)
    except CellTimeoutError as error:
        raise TimeoutError from error
    except DeadKernelError as error:
        raise KernelDied(str(error)) from None
    return json.loads(json.dumps(cell.outputs))


_live: set[int] = set()


@contextlib.contextmanager
def _registered(manager: Any) -> Iterator[None]:
    """Note the kernel for `stop_kernels`, and kill it at the end: it may be beyond asking."""
    pid = manager.provisioner.pid
    _live.add(pid)
    try:
        yield
    finally:
        _live.discard(pid)
        _kill(pid)


def stop_kernels() -> None:
    """End all kernels that run now: called when the work is interrupted."""
    for pid in tuple(_live):
        _kill(pid)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
