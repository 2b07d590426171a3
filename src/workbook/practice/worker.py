"""A fresh interpreter that imports what it is told to, and waits for one function to run.

It is started by `fresh`, which sends it three kinds of things, pickled: names of modules, the
function with its limits, and then a word each time it wants to know where the function stands.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path
from typing import BinaryIO, NoReturn

from workbook.practice.child import run_job, send, set_limits, set_streams
from workbook.practice.imports import import_all

MESSAGE, TRACE = "message", "trace"  # the files in which it tells things
_FRAMES = 100  # of a stack that are told


def main(folder: Path) -> NoReturn:
    """Wait for a function and run it; end when nobody can send one any more."""
    requests = os.fdopen(os.dup(0), "rb")
    output = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    set_streams(nothing)  # what is printed by imports is nothing that the function prints
    os.close(nothing)
    message, trace = (_opened(folder / name) for name in (MESSAGE, TRACE))
    try:
        import_all(pickle.load(requests))
        job, limits = pickle.load(requests)
    except EOFError:
        os._exit(0)
    set_streams(output)
    os.close(output)
    set_limits(limits)
    asked = threading.Thread(target=_answer, args=(requests, trace), daemon=True)
    asked.start()
    send(message, {"began": os.getpid()})
    run_job(job, trace, message)


def _answer(requests: BinaryIO, trace: int) -> None:
    """Tell where the main thread stands whenever that is asked for."""
    main_thread = threading.main_thread().ident or 0
    while True:
        try:
            pickle.load(requests)
        except EOFError:
            os._exit(1)  # nobody watches any more
        except OSError:  # closed by what is run
            return
        frame, lines = sys._current_frames().get(main_thread), []
        while frame and len(lines) < _FRAMES:
            code = frame.f_code
            lines.append(
                f'  File "{code.co_filename}", line {frame.f_lineno} in {code.co_name}'
            )
            frame = frame.f_back
        os.write(trace, "\n".join([*lines, "", ""]).encode("utf-8", "backslashreplace"))


def _opened(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    return os.open(path, flags)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
