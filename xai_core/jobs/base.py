"""What every runner offers: open a model and ask it; read a job's state, cancel it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from xai_core.errors import JobError, VitrineError
from xai_core.jobs.question import Answer, Question
from xai_core.types import Card, ModelSource

Result = TypeVar("Result")
LOG = logging.getLogger(__name__)


class Status(StrEnum):
    """Where a job stands; all but WAITING and RUNNING are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class JobState(Generic[Result]):
    """A snapshot; a new one replaces it, so any thread may read it without a lock.

    latest: the newest result, a preview while the job runs. doing: what is going on, in words, where that is not the
    job itself ("loading the model"). seconds: running time so far, waiting and loading left out.
    """

    status: Status = Status.WAITING
    latest: Result | None = None
    error: VitrineError | None = None
    doing: str = ""
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        return self.status in (Status.DONE, Status.CANCELLED, Status.FAILED)


class Job(Generic[Result]):
    """Something submitted to a runner."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.state: JobState[Result] = JobState()
        self._cancel = cancel
        self._ended = threading.Event()
        self._when_ended: list[Callable[[JobState[Result]], None]] = []
        self._telling = threading.Lock()
        self.submitted = time.monotonic()

    def cancel(self) -> None:
        """End a job: its state becomes CANCELLED at once, and the worker stops within one batch. An ended one stays."""
        if not self.state.ended:
            self._cancel()

    def update(self, **changes: Any) -> None:
        """Replace the state; for runners, from any thread. An ended job keeps its state."""
        with self._telling:
            if not self.state.ended:
                self.state = replace(self.state, **changes)
        if self.state.ended:
            self._ended.set()
            self._tell()

    def when_ended(self, call: Callable[[JobState[Result]], None]) -> None:
        """Have `call` hear the last state, on the thread that ends the job, or at once where it has ended."""
        with self._telling:
            self._when_ended.append(call)
        if self.state.ended:
            self._tell()

    def _tell(self) -> None:
        with self._telling:
            waiting, self._when_ended = self._when_ended, []
        for call in waiting:
            try:
                call(self.state)
            except Exception:  # whoever waits must not stop whoever works
                LOG.exception("The end of a job could not be told.")

    def wait(self, seconds: float | None = None) -> JobState[Result]:
        """Return the state at the job's end, or after `seconds`."""
        self._ended.wait(seconds)
        return self.state

    def result(self, seconds: float | None = None) -> Result:
        """Return the final result, or raise the job's error, JobError if cancelled; TimeoutError after `seconds`."""
        state = self.wait(seconds)
        if not state.ended:
            raise TimeoutError(f"The job is {state.status}.")
        if state.error:
            raise state.error
        if state.status is not Status.DONE or state.latest is None:
            raise JobError("The computation was cancelled.")
        return state.latest


class Runner(Protocol):
    """Where models run: this machine, or one day a cluster. A model's process starts on the first call for it."""

    def open(self, source: ModelSource) -> Job[Card]:
        """Load a model unless it is loaded; the answer is its card."""

    def ask(self, source: ModelSource, question: Question[Answer]) -> Job[Answer]:
        """Ask a model one of the questions in `xai_core.jobs.questions`; the model is loaded first where need be."""

    def release(self, owner: str) -> None:
        """End the processes of an owner; their jobs are cancelled."""

    def close(self) -> None:
        """End all processes."""
