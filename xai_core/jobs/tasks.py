"""A question on its way: what is sent to the worker, and what comes back."""

from __future__ import annotations

import time
from typing import Any

from xai_core.jobs.base import Job, Status
from xai_core.jobs.frames import Arrays, BadFrame, Header
from xai_core.jobs.question import ACTIVITIES, Question
from xai_core.types import Card

FINAL = ("done", "cancelled", "failed")  # the worker's last word on a job


class Task:
    """A job with its question. began: when the worker started on it. cancel_by: when it must have ended."""

    def __init__(self, job: Job[Any], question: Question[Any], asker: str = "") -> None:
        self.job, self._question = job, question
        values, self.arrays = question.to_frame()
        self.header: Header = {**values, "ask": question.name, "asker": asker}
        self.began: float | None = None
        self.cancel_by = float("inf")

    def largest_answer(self, card: Card) -> int:
        """Return the most bytes that an answer may take."""
        return self._question.largest_answer(card)

    def update(self, **changes: Any) -> None:
        """Change the job's state, and set how long it has been running."""
        seconds = 0.0 if self.began is None else time.monotonic() - self.began
        self.job.update(seconds=seconds, **changes)

    def hear(self, header: Header, arrays: Arrays, card: Card) -> None:
        """Process a message from the worker about the job; BadFrame if it makes no sense."""
        match header.get("say"):
            case "started":
                self.began = time.monotonic()
                self.update(status=Status.RUNNING, doing="")
            case "doing":
                self.update(doing=_in_words(header.get("value")))
            case "preview":
                self.update(latest=self._answer(header, arrays, card))
            case "done":
                self.update(status=Status.DONE, latest=self._answer(header, arrays, card))
            case "cancelled":
                self.update(status=Status.CANCELLED)
            case other:
                raise BadFrame(f"The worker said {other!r} about a job.")

    def _answer(self, header: Header, arrays: Arrays, card: Card) -> Any:
        return self._question.answer_from_frame(header.get("value"), arrays, card)


def _in_words(activity: Any) -> str:
    if not isinstance(activity, str) or activity not in ACTIVITIES:
        raise BadFrame("The worker claims an activity that nobody knows.")
    return ACTIVITIES[activity]
