"""Several explanations in one worker: one step each, in turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from xai_core.errors import ModelError
from xai_core.jobs.frames import Arrays, Header
from xai_core.jobs.messages import estimate_to_frame
from xai_core.types import Estimate

PREVIEW_SECONDS = 0.12
Say = Callable[[Header, Arrays], None]


@dataclass
class Running:
    """An explanation on its way."""

    id: int
    steps: Iterator[Estimate]
    latest: Estimate | None = None
    shown: float = field(default=float("-inf"))


class Turns:
    """Takes steps, says what came of them; `failed` says what went wrong."""

    def __init__(self, say: Say, failed: Callable[[int, Exception], None]) -> None:
        self._say, self._failed = say, failed
        self._running: deque[Running] = deque()
        self._cancelled: set[int] = set()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._running)

    def add(self, id: int, steps: Iterator[Estimate]) -> None:
        """Let an explanation take part."""
        self._running.append(Running(id, steps))

    def cancel(self, id: int) -> None:
        """End an explanation at its next turn; may be called from another thread."""
        with self._lock:
            self._cancelled.add(id)

    def is_cancelled(self, id: int) -> bool:
        """Return whether a job was cancelled."""
        with self._lock:
            return id in self._cancelled

    def drop(self, id: int) -> bool:
        """Return whether a job was cancelled, and forget that it was."""
        with self._lock:
            found = id in self._cancelled
            self._cancelled.discard(id)
            return found

    def take(self) -> None:
        """Take one step of the explanation whose turn it is."""
        job = self._running.popleft()
        try:
            if self._step(job):
                self._running.append(job)
        except Exception as error:  # whatever a model or a method raises ends this job alone
            self._failed(job.id, error)

    def _step(self, job: Running) -> bool:
        if self.drop(job.id):
            return self._end(job, "cancelled")
        estimate = next(job.steps, None)
        if self.drop(job.id):
            return self._end(job, "cancelled")
        if estimate is None:
            return self._end(job, "done")
        job.latest = _checked(estimate)
        self._show(job)
        return True

    def _show(self, job: Running) -> None:
        if time.monotonic() - job.shown >= PREVIEW_SECONDS:
            values, arrays = estimate_to_frame(_latest(job))
            self._say({"say": "preview", "job": job.id, "value": values}, arrays)
            job.shown = time.monotonic()

    def _end(self, job: Running, how: str) -> bool:
        getattr(job.steps, "close", lambda: None)()
        values, arrays = estimate_to_frame(_latest(job)) if how == "done" else ({}, [])
        self._say({"say": how, "job": job.id, "value": values}, arrays)
        return False


def _latest(job: Running) -> Estimate:
    if job.latest is None:
        raise ModelError("The method ended without a map.")
    return job.latest


def _checked(estimate: Estimate) -> Estimate:
    error = estimate.standard_error
    if not np.isfinite(estimate.maps).all() or not (error is None or np.isfinite(error).all()):
        raise ModelError("The map holds values that are not numbers; it is not drawn. Try other settings.")
    return estimate
