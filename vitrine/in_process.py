"""A runner for one model in this process: it answers the questions that a worker would."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from xai_core.detector import Detector
from xai_core.errors import ModelError, OutOfMemory, VitrineError, is_of_memory
from xai_core.jobs.base import Job, Status
from xai_core.jobs.folders import private_folder
from xai_core.jobs.memory import SpooledMemory
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import ACTIVITIES, Answer, Doing, Question
from xai_core.jobs.steps import Heartbeat
from xai_core.network import Network
from xai_core.types import Card, ModelSource, Task

STEP_SECONDS = 20.0
LEDGERS_BYTES = 1 << 30
FAILED = "The model's own code failed ({0}: {1}). Check that it runs in eval mode on a float picture of its input size."
NO_MEMORY = "This process ran out of memory. Choose a smaller batch size, or free what you no longer need."
CLOSED = "This model is closed. Wrap it again with vitrine.wrap."

Open = Callable[[Task, str], Network | Detector]
Settings = Callable[[], AbstractContextManager[None]]


class InProcessRunner:
    """Opens a model once per task and answers its questions one after another, on its own thread.

    open_as: returns the model for a task and a reading. settings: returns the context to compute in.
    """

    def __init__(self, open_as: Open, settings: Settings) -> None:
        self._open_as, self._settings = open_as, settings
        self._models: dict[tuple[Task, str], Opened] = {}
        self._scratch = TemporaryDirectory(dir=private_folder("model"))
        self._memory = SpooledMemory(self._scratch.name, LEDGERS_BYTES)
        self._thread = ThreadPoolExecutor(1, "vitrine-model")
        self._open_jobs: set[Job[Any]] = set()
        self._closed, self._lock = False, Lock()

    def open(self, source: ModelSource) -> Job[Card]:
        """Open the model unless it is open already; the answer is its card."""
        return self._submit(lambda job: job.update(status=Status.DONE, latest=self._opened(source).card))

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Answer]:
        """Ask the model a question; a cancelled job stops after its step. Questions are answered in order."""
        return self._submit(lambda job: self._answer(job, source, question))

    def release(self, owner: str) -> None:
        """Close the model: it has one owner only."""
        self.close()

    def close(self) -> None:
        """Cancel all jobs at once; release the model as soon as its thread is idle."""
        with self._lock:
            closed_before, self._closed = self._closed, True
        if closed_before:
            return
        for job in list(self._open_jobs):
            job.update(status=Status.CANCELLED, error=ModelError(CLOSED))
        try:
            self._thread.submit(self._clean)  # behind the step that is being computed
        except RuntimeError:  # Python is about to exit, and has waited for the thread
            self._clean()
        self._thread.shutdown(wait=False)

    def _clean(self) -> None:
        self._models.clear()
        self._scratch.cleanup()

    def _submit(self, work: Callable[[Job[Any]], None]) -> Job[Any]:
        job: Job[Any] = Job(lambda: job.update(status=Status.CANCELLED))
        with self._lock:
            if self._closed:
                raise ModelError(CLOSED)
            self._open_jobs.add(job)
            self._thread.submit(self._run, job, work)
        job.when_ended(lambda _: self._open_jobs.discard(job))
        return job

    def _run(self, job: Job[Any], work: Callable[[Job[Any]], None]) -> None:
        if job.state.ended:
            return
        job.update(status=Status.RUNNING)
        try:
            with self._settings():
                work(job)
        except Exception as error:  # a framework or the model's own code can raise anything
            job.update(status=Status.FAILED, error=_sentence(error))

    def _answer(self, job: Job[Answer], source: ModelSource, question: Question[Answer]) -> None:
        began = time.monotonic()
        for step in question.answers(self._opened(source)):
            if job.state.ended:
                return
            if isinstance(step, Doing):
                job.update(doing=ACTIVITIES[step.activity])
            else:
                job.update(latest=step, seconds=time.monotonic() - began)
        job.update(status=Status.DONE, doing="", seconds=time.monotonic() - began)

    def _opened(self, source: ModelSource) -> Opened:
        key = source.task, source.reading
        if key not in self._models:
            model = self._open_as(source.task, source.reading)
            self._models[key] = Opened(model, self._memory, Heartbeat(_unheard, STEP_SECONDS))
        return self._models[key]


def _sentence(error: Exception) -> VitrineError:
    """Return an error as a sentence; the error itself is its cause."""
    if isinstance(error, VitrineError):
        return error
    words = FAILED.format(type(error).__name__, str(error).partition("\n")[0][:200])
    sentence: VitrineError = OutOfMemory(NO_MEMORY) if is_of_memory(error) else ModelError(words)
    sentence.__cause__ = error
    return sentence


def _unheard() -> None:
    """Ignore the sign of life of a long call; within one process nobody waits for it."""
