"""Runs chapters in the background, one at a time, and keeps what they gave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from workbook.build import Execution
from workbook.problem import BookError, Problem, problem
from workbook.run.execute import Outputs
from workbook.run.kernel import stop_kernels


class _Unwanted(Exception):
    """The chapter has been changed while it ran."""


class Runs:
    """Runs what is wanted and was not run before; what changes meanwhile is stopped.

    `on_progress(words)` is told what runs, and is given nothing when nothing does any more;
    `on_done()` is called after each chapter, whether it gave outputs or a problem.
    """

    def __init__(self, on_progress: Callable[[str], None], on_done: Callable[[], None]) -> None:
        self.on_progress, self.on_done = on_progress, on_done
        self.executed: list[str] = []  # slugs, in order
        self._outputs: dict[str, Outputs] = {}  # by key, as all below
        self._failed: dict[str, list[Problem]] = {}
        self._waiting: dict[str, Execution] = {}
        self._running: Execution | None = None
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
        self._thread.start()

    def wanted(self, executions: Sequence[Execution]) -> dict[str, Outputs]:
        """The outputs by slug of the chapters that were run; all others are run from now on."""
        ready = {}
        with self._changed:
            self._waiting = {}
            for each in executions:
                outputs = self._known(each)
                if outputs is not None:
                    ready[each.chapter.slug] = outputs
                elif each.key not in self._failed:
                    self._waiting[each.key] = each
            wanted = {each.key for each in executions}
            self._failed = {key: said for key, said in self._failed.items() if key in wanted}
            if self._running and self._running.key not in self._waiting:
                stop_kernels()
            self._changed.notify()
        return ready

    @property
    def problems(self) -> list[Problem]:
        """Why chapters as they stand gave no outputs."""
        with self._changed:
            return [each for said in self._failed.values() for each in said]

    def stop(self) -> None:
        """End what runs, and wait until its kernel and its folder are gone."""
        with self._changed:
            self._stopped, self._waiting = True, {}
            self._changed.notify()
        while self._thread.is_alive():
            stop_kernels()  # again, for one that was about to start
            self._thread.join(timeout=0.1)

    def _known(self, each: Execution) -> Outputs | None:
        if each.key not in self._outputs:
            kept = each.kept()
            if kept is None:
                return None
            self._outputs[each.key] = kept
        return self._outputs[each.key]

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopped)
                if self._stopped:
                    return
                self._running = next(iter(self._waiting.values()))
            self._run(self._running)
            with self._changed:
                self._running = None
                idle = not self._waiting
            if idle:
                self.on_progress("")
            self.on_done()

    def _run(self, each: Execution) -> None:
        slug = each.chapter.slug

        def on_cell(done: int, total: int) -> None:
            if not self._wants(each):
                raise _Unwanted
            self.on_progress(f"running {slug}: {done} of {total} cells")

        self.on_progress(f"running {slug}")
        try:
            outputs = each.run(on_cell)
            with self._changed:
                self._outputs[each.key] = outputs
                self.executed.append(slug)
        except _Unwanted:
            pass
        except BookError as error:
            self._fail(each, error.problems)
        except Exception as error:  # whatever it is, the next chapter is run
            what, remedy = f"could not be run ({error!r})", "save it again"
            self._fail(each, [problem(each.chapter.path, 0, what, remedy)])
        with self._changed:
            self._waiting.pop(each.key, None)

    def _wants(self, each: Execution) -> bool:
        with self._changed:
            return each.key in self._waiting

    def _fail(self, each: Execution, problems: list[Problem]) -> None:
        """Note why; what was stopped because nobody wants it any more did not fail."""
        with self._changed:
            if each.key in self._waiting:
                self._failed[each.key] = problems
