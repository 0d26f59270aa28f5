"""Several questions in one worker: those that sharpen take one step each, in turn; the others are answered at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from xai_core.errors import ModelError
from xai_core.jobs.frames import Arrays, Frame, Header
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import Doing, Question

PREVIEW_SECONDS = 0.12  # at least, between two previews of a question
REMEMBERED = 1000  # the latest jobs; an older one that does not wait has ended, since job numbers rise
PREVIEWS_A_SECOND = 40  # at most, of all questions together: fewer than the app takes for a flood
Say = Callable[[Header, Arrays], None]


@dataclass
class Turn:
    """A question on its way to an answer. asker: who asked it. shown: when the last preview was sent."""

    job: int
    asker: str
    question: Question[Any]
    steps: Iterator[Any]
    latest: Any = None
    shown: float = float("-inf")

    def answer(self) -> Frame:
        """Return the latest answer; ModelError if there is none."""
        if self.latest is None:
            raise ModelError("The model gave no answer.")
        return self.question.answer_to_frame(self.latest)


class Turns:
    """Takes steps and sends their results; `failed` sends an error.

    Askers take turns, and so do the questions of an asker: many questions of one do not slow the others down.
    """

    def __init__(self, say: Say, failed: Callable[[int, Exception], None]) -> None:
        self._say, self._failed = say, failed
        self._waiting: dict[str, deque[Turn]] = {}  # whose turn it is comes first
        self._cancelled: set[int] = set()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def begin(self, job: int, question: Question[Any], opened: Opened, asker: str = "") -> None:
        """Start on a question; one that does not sharpen is answered before this returns."""
        if self._drop(job):
            return self._say({"say": "cancelled", "job": job}, [])
        turn = Turn(job, asker, question, question.answers(opened))
        self._say({"say": "started", "job": job}, [])
        if question.sharpens:
            return self._wait(turn)
        while self._step(turn):
            pass
        return None

    def cancel(self, job: int) -> None:
        """End a job at its next turn; may be called from a different thread."""
        with self._lock:
            self._cancelled.add(job)

    def take(self) -> None:
        """Take one step of the question whose turn it is."""
        turn = self._next()
        try:
            if self._step(turn):
                self._wait(turn)
        except Exception as error:  # whatever a model or a method raises ends this job alone
            self._failed(turn.job, error)

    def _next(self) -> Turn:
        asker, theirs = next(iter(self._waiting.items()))
        turn = theirs.popleft()
        del self._waiting[asker]
        if theirs:
            self._waiting[asker] = theirs  # behind the others
        return turn

    def _wait(self, turn: Turn) -> None:
        self._waiting.setdefault(turn.asker, deque()).append(turn)

    def _step(self, turn: Turn) -> bool:
        """Take a step unless the job is cancelled; return whether it goes on."""
        if self._drop(turn.job):
            return self._end(turn, "cancelled")
        step = next(turn.steps, None)
        if self._drop(turn.job):
            return self._end(turn, "cancelled")
        if step is None:
            return self._end(turn, "done")
        if isinstance(step, Doing):
            self._say({"say": "doing", "job": turn.job, "value": step.activity}, [])
        else:
            turn.latest = step
            self._preview(turn)
        return True

    def _preview(self, turn: Turn) -> None:
        if turn.question.sharpens and time.monotonic() - turn.shown >= self._preview_pause():
            values, arrays = turn.answer()
            self._say({"say": "preview", "job": turn.job, "value": values}, arrays)
            turn.shown = time.monotonic()

    def _preview_pause(self) -> float:
        questions = 1 + sum(map(len, self._waiting.values()))
        return max(PREVIEW_SECONDS, questions / PREVIEWS_A_SECOND)

    def _end(self, turn: Turn, how: Literal["done", "cancelled"]) -> Literal[False]:
        getattr(turn.steps, "close", lambda: None)()
        values, arrays = turn.answer() if how == "done" else ({}, [])
        self._say({"say": how, "job": turn.job, "value": values}, arrays)
        return False

    def _drop(self, job: int) -> bool:
        """Return whether a job was cancelled; forget that it was, and what came after the end of its job."""
        waiting = {turn.job for theirs in self._waiting.values() for turn in theirs}
        with self._lock:
            cancelled = job in self._cancelled
            open_jobs = {other for other in self._cancelled if other in waiting or other > job - REMEMBERED}
            self._cancelled = open_jobs - {job}
            return cancelled
