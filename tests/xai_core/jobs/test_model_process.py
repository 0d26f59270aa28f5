"""What a model's process accepts; its worker is never started."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from tests.xai_core.jobs.asking import SIZE
from xai_core.jobs.base import Job, Status
from xai_core.jobs.model_process import ModelProcess
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.tasks import Task


@pytest.fixture
def waiting(source):
    """A process that waits for room until the test is over."""
    room = threading.Event()
    made = ModelProcess(source(), launcher=None, wait_for_room=lambda process: room.wait(), elsewhere=None)
    yield made
    made.close()
    room.set()
    made.join(120)
    assert made.ended


def job():
    return Job(cancel=lambda: None)


def task():
    return Task(job(), Predict(SIZE, np.zeros((1, 4, 5, 3), np.float32)))


def test_a_closed_process_takes_nothing_on_even_before_it_has_ended(waiting):
    waiting.close()
    late, late_task = job(), task()
    assert not waiting.open(late)
    assert not waiting.submit(late_task)
    assert late.state.status is late_task.job.state.status is Status.WAITING


def test_a_process_with_a_task_is_not_closed_as_idle(waiting):
    assert waiting.submit(task())
    assert not waiting.close_if_idle()
    assert waiting.submit(task())


def test_an_idle_process_is_closed(waiting, monkeypatch):
    monkeypatch.setattr(waiting, "card", object())
    assert waiting.close_if_idle()
    assert not waiting.submit(task())


def test_a_job_that_was_cancelled_between_two_processes_is_not_accepted(waiting, monkeypatch):
    late = task()
    late.job.update(status=Status.CANCELLED)
    assert waiting.submit(late)
    monkeypatch.setattr(waiting, "card", object())
    assert waiting.idle
