"""A cancelled job ends at once, whatever its worker is at; what is asked next is answered all the same."""

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
from xai_core.jobs.tasks import DOING

SECONDS = 60
AT_ONCE = 0.5
IMAGE = np.full((10, 20, 3), 0.75, np.float32)
TARGET = BoxTarget((0.0, 0.0, 10.0, 10.0), 1, 0.75, (0.0, 0.75))


def until(true, seconds=SECONDS):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def ask(source):
    """Ask a runner for a map of a detector whose search for engines takes three seconds, or for ever where `lost`."""

    def submit(runner, words="searching", **given):
        return runner.explain_boxes(replace(source(words), task="detect"), Asked("halves", given), IMAGE, [TARGET])

    return submit


def cancelled_in_its_search(job):
    until(lambda: job.state.doing == DOING["engines"])
    begun = time.monotonic()
    job.cancel()
    assert job.wait(SECONDS).status is Status.CANCELLED
    return time.monotonic() - begun


def test_a_cancel_is_answered_at_once_during_the_search_for_the_fastest_engine(runner, ask):
    assert cancelled_in_its_search(ask(runner)) < AT_ONCE


def test_a_classifier_answers_as_quickly(runner, source, explain):
    assert cancelled_in_its_search(explain(runner, source("slow"))) < AT_ONCE


def test_what_is_asked_after_a_cancel_waits_for_the_search_and_says_so(runner, ask):
    cancelled_in_its_search(ask(runner, steps=10_000, pause=0.05))
    begun, again = time.monotonic(), ask(runner)
    assert again.state.doing == STOPPING
    assert again.result(SECONDS).fraction == 1
    assert time.monotonic() - begun < 30  # the cancelled one, which would take minutes, is not gone on with


def test_a_search_that_was_cancelled_is_ended_where_it_goes_on_and_what_waited_has_another_worker(source, ask):
    runner = fake_runner(limits=Limits(step_seconds=1.5))
    try:
        cancelled_in_its_search(ask(runner, "lost"))
        found = runner.detect(replace(source("lost"), task="detect"), IMAGE, 0.05).result(SECONDS)
        assert found.labels.tolist() == [1]
    finally:
        runner.close()


def test_what_waited_for_another_worker_can_be_cancelled(ask):
    runner = fake_runner(limits=Limits(step_seconds=1.0))
    try:
        cancelled_in_its_search(ask(runner, "lost"))
        again = ask(runner, "lost")
        until(lambda: again.state.doing == DOING["engines"])  # in the second worker
        assert cancelled_in_its_search(again) < AT_ONCE
    finally:
        runner.close()
