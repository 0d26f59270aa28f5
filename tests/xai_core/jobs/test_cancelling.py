"""A cancelled job ends at once, whatever its worker is doing; the next question is answered as usual."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from tests.xai_core.jobs.asking import Asked, fake_runner
from xai_core.detector import BoxTarget
from xai_core.jobs.base import Status
from xai_core.jobs.limits import Limits
from xai_core.jobs.model_process import STOPPING
from xai_core.jobs.question import ACTIVITIES
from xai_core.jobs.questions.detect import Detect
from xai_core.jobs.questions.explain_boxes import ExplainBoxes

SECONDS = 120
IMAGE = np.full((10, 20, 3), 0.75, np.float32)
TARGET = BoxTarget((0.0, 0.0, 10.0, 10.0), 1, 0.75, (0.0, 0.75))


def until(true, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def ask(source):
    """Ask a runner for a map of a detector whose first search for engines takes three seconds.

    Where it is `lost` each search takes for ever, where it is `straying` each but the first.
    """

    def submit(runner, words="searching", **given):
        return runner.ask(replace(source(words), task="detect"), ExplainBoxes(Asked("halves", given), IMAGE, [TARGET]))

    return submit


def cancelled_in_its_search(job):
    """Cancel a job; its state says so at once, without a word of the worker."""
    until(lambda: job.state.doing == ACTIVITIES["engines"])
    job.cancel()
    assert job.state.status is Status.CANCELLED


def test_a_classifier_is_cancelled_at_once_during_the_search_for_the_fastest_engine(runner, source, explain):
    cancelled_in_its_search(explain(runner, source("slow")))
    again = explain(runner, source("slow"))
    assert again.state.doing == STOPPING  # the worker is still at the search
    again.cancel()


def test_a_job_after_a_cancel_waits_for_the_search_and_says_so(runner, ask):
    cancelled_in_its_search(ask(runner, steps=10_000, pause=0.05))
    again = ask(runner)
    assert again.state.doing == STOPPING
    assert again.result(SECONDS).fraction == 1
    assert ask(runner).state.doing != STOPPING  # the cancelled one, which would take minutes, is not gone on with


def test_a_cancelled_search_that_goes_on_is_killed_and_the_next_job_gets_a_new_worker(source, ask):
    runner = fake_runner(limits=Limits(step_seconds=1.5))
    try:
        cancelled_in_its_search(ask(runner, "lost"))
        found = runner.ask(replace(source("lost"), task="detect"), Detect(IMAGE, 0.05)).result(SECONDS)
        assert found.labels.tolist() == [1]
    finally:
        runner.close()


@pytest.mark.long
def test_a_job_that_waited_for_a_new_worker_can_be_cancelled(ask):
    runner = fake_runner(limits=Limits(step_seconds=1.5))
    try:
        cancelled_in_its_search(ask(runner, "lost"))
        again = ask(runner, "lost")
        until(lambda: again.state.doing == ACTIVITIES["engines"])  # in the second worker
        cancelled_in_its_search(again)
    finally:
        runner.close()


def test_a_job_that_ran_beside_it_starts_again_in_a_new_worker(ask):
    runner = fake_runner(limits=Limits(step_seconds=1.5))
    try:
        beside = ask(runner, "straying", steps=50, pause=0.02)
        until(lambda: beside.state.latest is not None)
        cancelled_in_its_search(ask(runner, "straying"))
        assert beside.result(SECONDS).fraction == 1
    finally:
        runner.close()
