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
    """The status of a job; all but WAITING and RUNNING are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class JobState(Generic[Result]):
    """A snapshot of a job. Changes replace it as a whole, so any thread may read it without a lock.

    latest: the newest result, a preview while the job runs. doing: what else is going on, in words ("loading the
    model"). seconds: running time so far, without waiting and loading.
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
    """Work that was submitted and will end with a result, an error or a cancel."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        self.state: JobState[Result] = JobState()
        self._cancel = cancel
        self._ended = threading.Event()
        self._waiting: list[Callable[[JobState[Result]], None]] = []
        self._lock = threading.Lock()
        self.submitted = time.monotonic()

    def cancel(self) -> None:
        """Cancel the job, unless it has ended. Its state is CANCELLED at once; the worker stops within one batch."""
        if not self.state.ended:
            self._cancel()

    def update(self, **changes: Any) -> None:
        """Change the state; for runners, from any thread. A job that has ended keeps its state."""
        with self._lock:
            if not self.state.ended:
                self.state = replace(self.state, **changes)
        if self.state.ended:
            self._ended.set()
            self._call_waiting()

    def when_ended(self, call: Callable[[JobState[Result]], None]) -> None:
        """Call `call` with the final state, on the thread that ends the job, or at once if it has ended."""
        with self._lock:
            self._waiting.append(call)
        if self.state.ended:
            self._call_waiting()

    def _call_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for call in waiting:
            try:
                call(self.state)
            except Exception:  # a listener must not stop the thread that works
                LOG.exception("A listener to the end of a job failed.")

    def wait(self, seconds: float | None = None) -> JobState[Result]:
        """Wait for the job to end, at most for `seconds`, and return its state."""
        self._ended.wait(seconds)
        return self.state

    def result(self, seconds: float | None = None) -> Result:
        """Return the final result.

        Raises the job's own error, JobError if it was cancelled, and TimeoutError after `seconds`.
        """
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

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Answer]:
        """Ask a model one of the questions in `xai_core.jobs.questions`; the model is loaded first where need be.

        asker: who asks. Where several share a model, each gets the same time, however many questions they ask.
        """

    def release(self, owner: str) -> None:
        """End the processes of an owner; their jobs are cancelled."""

    def close(self) -> None:
        """End all processes."""
