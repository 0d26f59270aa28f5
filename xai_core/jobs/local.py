"""Run models on this machine, each in its own sandboxed process; processes stay warm for the next question."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from xai_core.jobs.base import Job, Status
from xai_core.jobs.launcher import Launcher
from xai_core.jobs.limits import Limits
from xai_core.jobs.model_process import ModelProcess
from xai_core.jobs.question import Answer, Question
from xai_core.jobs.sandbox import SandboxState, sandbox_in_force
from xai_core.jobs.tasks import Task
from xai_core.types import Card, ModelSource

__all__ = ["LocalRunner", "SandboxState", "sandbox_in_force"]

ProcessKey = tuple[object, ...]
LOOK_SECONDS = 0.2
END_SECONDS = 5.0


class LocalRunner:
    """A runner whose methods return at once; any number of threads may call it.

    adapters: name of the module that opens models in a worker; it offers `inspect`, `import_framework` and `load`.
    limits: of each process, by default from the environment. most_processes: how many models are held at once; a new
    one waits until one of them is idle. budget_mb: the memory beyond which idle processes are ended, the least
    recently used first; by default half of the machine's. extra_path: more folders where a worker finds modules.
    runs_code: whether code that came with a model may run in its worker.
    """

    def __init__(
        self,
        adapters: str,
        limits: Limits | None = None,
        most_processes: int = 6,
        budget_mb: float | None = None,
        extra_path: Sequence[str] = (),
        runs_code: bool = False,
    ) -> None:
        unsandboxed = os.environ.get("VITRINE_ALLOW_NO_SANDBOX") == "1"
        limits = limits or Limits.from_environment()
        self._launcher = Launcher(adapters, limits, tuple(extra_path), unsandboxed, runs_code)
        self._most_processes = most_processes
        self._budget_mb = budget_mb or _machine_mb() / 2
        self._processes: dict[ProcessKey, ModelProcess] = {}
        self._started: set[ModelProcess] = set()
        self._lock = threading.RLock()
        self._closed = False
        atexit.register(self.close)

    def open(self, source: ModelSource) -> Job[Card]:
        """Load a model unless it is loaded; the answer is its card."""
        job: Job[Card] = Job(lambda: self._cancel(source, job))
        while not self._process(source).open(job):
            pass
        return job

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Answer]:
        """Ask a model one of the questions in `xai_core.jobs.questions`; the job's state shows previews."""
        job: Job[Answer] = Job(lambda: self._cancel(source, job))
        self._submit(source, Task(job, question, asker))
        return job

    def loaded(self, source: ModelSource) -> bool:
        """Return whether the model is open, so that the next question need not wait for it to load."""
        with self._lock:
            process = self._processes.get(_key(source))
            return process is not None and process.card is not None and not process.ended

    def release(self, owner: str) -> None:
        """End the processes of an owner; their jobs are cancelled."""
        with self._lock:
            gone = [key for key in self._processes if key[0] == owner]
            for key in gone:
                self._processes.pop(key).close()

    def close(self) -> None:
        """End all processes and wait until they are gone. Later calls raise RuntimeError."""
        with self._lock:
            self._closed = True
            processes, self._processes = list(self._processes.values()), {}
        for process in processes:
            process.close()
        for process in processes:
            process.join(END_SECONDS)
        atexit.unregister(self.close)

    def _submit(self, source: ModelSource, task: Task) -> None:
        while not self._process(source).submit(task):
            pass

    def _submit_again(self, source: ModelSource, task: Task) -> None:
        try:
            self._submit(source, task)
        except RuntimeError:  # the runner was closed meanwhile
            task.update(status=Status.CANCELLED)

    def _process(self, source: ModelSource) -> ModelProcess:
        with self._lock:
            if self._closed:
                raise RuntimeError("The runner is closed.")
            process = self._processes.get(_key(source))
            if process is None or process.ended or process.closed:
                process = ModelProcess(source, self._launcher, self._wait_for_room, self._submit_again)
                self._processes[_key(source)] = process
            return process

    def _cancel(self, source: ModelSource, job: Job[Any]) -> None:
        job.update(status=Status.CANCELLED)  # first, so that no process accepts it any more
        with self._lock:
            process = self._processes.get(_key(source))
        if process:
            process.cancel(job)

    def _wait_for_room(self, newcomer: ModelProcess) -> None:
        """Return once `newcomer` may start; idle processes make room for it."""
        while not newcomer.closed and not self._make_room(newcomer):
            time.sleep(LOOK_SECONDS)

    def _make_room(self, newcomer: ModelProcess) -> bool:
        with self._lock:
            self._started = {process for process in self._started if not process.ended}
            for process in sorted(self._idle(), key=lambda process: process.used):
                if self._fits():
                    break
                self._let_go(process)
            if len(self._started) < self._most_processes:
                self._started.add(newcomer)
            return newcomer in self._started

    def _idle(self) -> list[ModelProcess]:
        return [process for process in self._started if process.idle]

    def _let_go(self, process: ModelProcess) -> None:
        if not process.close_if_idle():
            return
        self._started.discard(process)
        if self._processes.get(_key(process.source)) is process:
            del self._processes[_key(process.source)]

    def _fits(self) -> bool:
        memory = sum(process.resident_mb for process in self._started)
        return len(self._started) < self._most_processes and memory < self._budget_mb


def _key(source: ModelSource) -> ProcessKey:
    code = source.code and source.code.identity
    return source.owner, source.digest, source.architecture, source.task, source.reading, code


def _machine_mb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
