"""A model in this process answers one question after another, until it is closed."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from threading import Event

import pytest

from vitrine.in_process import InProcessRunner
from vitrine.progress import follow
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.jobs.base import Status
from xai_core.types import ModelSource

SOURCE = ModelSource("", "net", "0")
SECONDS = 20  # at most, for what takes milliseconds


class SlowModel:
    """Begins to open, and goes on only when it may."""

    def __init__(self):
        self.begun, self.may_go_on = Event(), Event()
        self.runner = InProcessRunner(self.open_as, nullcontext)

    def open_as(self, task, reading):
        self.begun.set()
        assert self.may_go_on.wait(SECONDS)
        self.scratch_was_there = Path(self.runner._scratch.name).exists()
        raise UnsupportedModel("no model")


@pytest.fixture
def slow():
    model = SlowModel()
    yield model
    model.may_go_on.set()
    model.runner.close()
    model.runner._thread.shutdown(wait=True)


def test_closing_ends_the_job_that_runs_and_those_that_wait(slow):
    jobs = [slow.runner.open(SOURCE) for _ in range(3)]
    assert slow.begun.wait(SECONDS)
    slow.runner.close()
    assert {job.wait(SECONDS).status for job in jobs} == {Status.CANCELLED}
    with pytest.raises(ModelError, match="This model is closed"):
        follow(jobs[-1])


def test_the_scratch_folder_is_removed_only_behind_the_step_that_runs(slow):
    slow.runner.open(SOURCE)
    assert slow.begun.wait(SECONDS)
    slow.runner.close()
    slow.may_go_on.set()
    slow.runner._thread.shutdown(wait=True)
    assert slow.scratch_was_there
    assert not Path(slow.runner._scratch.name).exists()


def test_a_closed_runner_refuses_what_comes_later_and_may_be_closed_again(slow):
    slow.runner.close()
    slow.runner.close()
    with pytest.raises(ModelError, match="This model is closed"):
        slow.runner.open(SOURCE)


def test_a_cancelled_job_that_has_not_begun_never_runs(slow):
    first, second = slow.runner.open(SOURCE), slow.runner.open(SOURCE)
    assert slow.begun.wait(SECONDS)
    second.cancel()
    slow.begun.clear()
    slow.may_go_on.set()
    first.wait(SECONDS)
    slow.runner.close()
    slow.runner._thread.shutdown(wait=True)
    assert not slow.begun.is_set()
