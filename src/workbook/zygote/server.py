"""The zygote: imports what programs import, then forks one for each lease it is handed.

Run as a script of its own, with the number of a socket on which leases come. It ends when that
socket is closed, which the end of the builder does, however it comes about. Each program has
a minder, which is forked first: it ends the program when the lease is let go of, then all
that the program has left behind, and tells how it ended.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import runpy
import shutil
import signal
import socket
import sys
import threading

# What the kernel and the chapters import. torch._dynamo is what every optimizer imports as it
# is made. Nothing here may start a thread or a process, which a fork would lack.
PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "numpy",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "matplotlib_inline.backend_inline",
    "torch",
    "torch.nn.functional",
    "torch.utils.data",
    "torch._dynamo",
)
MEMORY = 8 << 30  # bytes of private memory that a program may take
_SUBREAPER, _DEATH_SIGNAL = 36, 1  # of prctl


def main() -> None:
    """Serve leases; in a fork, run the program and leave as an interpreter does."""
    del sys.path[0]  # the folder of this file
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    for name in PRELOADED:
        with contextlib.suppress(Exception):  # whoever imports it will be told
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what all forks share is not looked at again, so it stays shared
    if request := _serve(control):
        _run(request)


def _serve(control: socket.socket) -> dict | None:
    """Fork at each lease until there are no more; returns in each program with its request."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the minders
    while True:
        said, files, *_ = socket.recv_fds(control, 1, 4)
        if not said:
            return None
        if os.fork() == 0:
            control.close()
            return _mind(socket.socket(fileno=files[0]), files[1:])
        for file in files:
            os.close(file)


def _mind(lease: socket.socket, streams: list[int]) -> dict:
    """Fork the program, in which this returns, and see to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    prctl = getattr(ctypes.CDLL(None), "prctl", lambda *_: None)
    prctl(_SUBREAPER, 1)  # what the program leaves behind becomes a child of this process
    with lease.makefile("rb") as asked:
        line = asked.readline()
    if not line:
        os._exit(0)
    request = json.loads(line)
    minder = os.getpid()
    program = os.fork()
    if program == 0:
        prctl(_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != minder:
            os._exit(1)
        lease.close()
        _settle(request, streams)
        return request
    for stream in streams:
        os.close(stream)
    _tell(lease, program)
    threading.Thread(target=_kill_without_lease, args=(lease, program), daemon=True).start()
    _, status = os.waitpid(program, 0)
    _end_descendants()
    if request["scratch"]:
        shutil.rmtree(request["scratch"], ignore_errors=True)
    _tell(lease, os.waitstatus_to_exitcode(status))
    os._exit(0)


def _tell(lease: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody may be there any more
        lease.sendall(b"%d\n" % number)


def _kill_without_lease(lease: socket.socket, program: int) -> None:
    with contextlib.suppress(OSError):
        lease.recv(1)
    with contextlib.suppress(ProcessLookupError):
        os.kill(program, signal.SIGKILL)


def _end_descendants() -> None:
    """Kill what the program has left behind, in whatever session, until nothing is there."""
    import psutil

    while True:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                process.kill()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _settle(request: dict, streams: list[int]) -> None:
    """Make this process what a new interpreter would be: streams, folder, variables, paths."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        if stream > 2:
            os.close(stream)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most == resource.RLIM_INFINITY or most > MEMORY:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, most))
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    # The states of these were drawn in the zygote, once for all programs.
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    if torch := sys.modules.get("torch"):
        torch.default_generator.seed()


def _run(request: dict) -> None:
    """Run `-m MODULE …` or `-c CODE`."""
    how, what, *rest = request["arguments"]
    sys.argv = ["-c" if how == "-c" else what, *rest]
    if how == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
