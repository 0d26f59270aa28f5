"""What a task makes of its worker's messages."""

from __future__ import annotations

import numpy as np
import pytest

from tests.xai_core.jobs.asking import SIZE
from xai_core.jobs.base import Job
from xai_core.jobs.frames import BadFrame
from xai_core.jobs.question import ACTIVITIES
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.tasks import Task


@pytest.fixture
def task():
    return Task(Job(cancel=lambda: None), Predict(SIZE, np.zeros((1, 4, 5, 3), np.float32)))


def test_the_activity_of_the_worker_is_shown_in_words(task):
    task.hear({"say": "started"}, [], None)
    task.hear({"say": "doing", "value": "engines"}, [], None)
    assert task.job.state.doing == ACTIVITIES["engines"] == "trying which engine is fastest"
    task.hear({"say": "doing", "value": ""}, [], None)
    assert task.job.state.doing == ""


@pytest.mark.parametrize("value", ["dancing", None, ["engines"]])
def test_an_unknown_activity_is_not_believed(task, value):
    with pytest.raises(BadFrame):
        task.hear({"say": "doing", "value": value}, [], None)
