"""A runner without processes: each question answers itself, in the thread that asks."""

from __future__ import annotations

from typing import Any

from xai_core.detector import Detector
from xai_core.errors import VitrineError
from xai_core.jobs.base import Job, Status
from xai_core.jobs.opened import Opened
from xai_core.jobs.question import Answer, Doing, Question
from xai_core.jobs.steps import Heartbeat
from xai_core.model import NoMemory
from xai_core.network import Network
from xai_core.types import Card, ModelSource


class DirectRunner:
    """Answers about one model.

    refusal: the error that opening the model ends with, if any. questions: those that were asked so far. holding:
    whether questions that sharpen only begin, and end when their job is cancelled.
    """

    def __init__(self, model: Network | Detector) -> None:
        self.model = model
        self.refusal: VitrineError | None = None
        self.questions: list[Question[Any]] = []
        self.holding = False

    def open(self, source: ModelSource) -> Job[Card]:
        return failed(self.refusal) if self.refusal else done(self.model.card)

    def ask(self, source: ModelSource, question: Question[Answer], asker: str = "") -> Job[Answer]:
        self.questions.append(question)
        if self.holding and question.sharpens:
            return running()
        opened = Opened(self.model_of(source), NoMemory(), Heartbeat(lambda: None, step_seconds=20))
        try:
            *_, last = (answer for answer in question.answers(opened) if not isinstance(answer, Doing))
        except VitrineError as error:
            return failed(error)
        return done(last, seconds=1.0)

    def model_of(self, source: ModelSource) -> Network | Detector:
        """Return the model that a source is opened as."""
        return self.model

    def release(self, owner: str) -> None:
        pass

    def close(self) -> None:
        pass


def done(answer: Answer, seconds: float = 0.0) -> Job[Answer]:
    """Return a job that has ended with an answer."""
    job: Job[Answer] = Job(cancel=lambda: None)
    job.update(status=Status.DONE, latest=answer, seconds=seconds)
    return job


def failed(error: VitrineError) -> Job[Any]:
    """Return a job that has ended with an error."""
    job: Job[Any] = Job(cancel=lambda: None)
    job.update(status=Status.FAILED, error=error)
    return job


def running() -> Job[Any]:
    """Return a job that runs until it is cancelled."""
    job: Job[Any] = Job(cancel=lambda: job.update(status=Status.CANCELLED))
    job.update(status=Status.RUNNING)
    return job
