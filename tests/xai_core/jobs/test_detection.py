"""A detector in a worker: its boxes, explanations of them, and its engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.xai_core.jobs.asking import Asked, fake_runner
from xai_core.detector import BoxTarget
from xai_core.errors import MissingCapability, OutOfMemory, WorkerDied
from xai_core.jobs.base import Status
from xai_core.jobs.limits import Limits
from xai_core.jobs.questions.detect import MOST_BOXES, Detect
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.jobs.questions.find_detector_engines import FindDetectorEngines

SECONDS = 120
IMAGE = np.full((10, 20, 3), 0.75, np.float32)
TARGET = BoxTarget((0.0, 0.0, 10.0, 10.0), 1, 0.75, (0.0, 0.75))


@pytest.fixture
def detector(source):
    def made(words="good"):
        return replace(source(words), task="detect")

    return made


def test_boxes_come_back_in_pixels_of_the_image(runner, detector):
    found = runner.ask(detector(), Detect(IMAGE, 0.05)).result(SECONDS)
    assert found.corners.tolist() == [[0, 0, 10, 10]]
    assert found.labels.tolist() == [1]
    assert found.scores.tolist() == [0.75]
    assert found.class_scores.tolist() == [[0, 0.75]]


def test_no_box_is_an_answer(runner, detector):
    assert len(runner.ask(detector(), Detect(IMAGE, 0.9)).result(SECONDS)) == 0


def test_of_very_many_boxes_the_best_thousand_come(runner, detector):
    assert len(runner.ask(detector("many"), Detect(IMAGE, 0.05)).result(SECONDS)) == MOST_BOXES


def test_a_score_above_one_ends_the_worker(runner, detector):
    with pytest.raises(WorkerDied):
        runner.ask(detector("liar"), Detect(IMAGE, 0.05)).result(SECONDS)


def test_the_same_file_can_be_a_classifier_and_a_detector(runner, source, detector):
    assert runner.open(source()).result(SECONDS).classes == 3
    assert runner.open(detector()).result(SECONDS).classes == 2


def test_boxes_are_explained_step_by_step(runner, detector):
    job = runner.ask(detector(), ExplainBoxes(Asked("halves", {"steps": 4}), IMAGE, [TARGET]))
    estimate = job.result(SECONDS)
    assert estimate.fraction == 1
    assert estimate.maps.shape == (1, 10, 20)
    assert (estimate.maps == 0.75).all()


def test_the_engines_of_a_detector_are_those_for_the_size_of_the_image(runner, detector):
    (engine,) = runner.ask(detector(), FindDetectorEngines(IMAGE)).result(SECONDS)
    assert (engine.name, engine.milliseconds, engine.used) == ("Fake", 200, True)


def test_the_search_for_an_engine_can_be_cancelled_before_its_turn(runner, detector):
    first = runner.ask(detector("searching"), FindDetectorEngines(IMAGE))
    second = runner.ask(detector("searching"), FindDetectorEngines(IMAGE[:5]))
    second.cancel()
    assert second.wait(SECONDS).status is Status.CANCELLED
    assert first.result(SECONDS)


def test_an_explanation_of_boxes_can_be_cancelled(runner, detector):
    asked = Asked("halves", {"steps": 10_000, "pause": 0.05})
    job = runner.ask(detector(), ExplainBoxes(asked, IMAGE, [TARGET]))
    while job.state.latest is None:
        job.wait(0.05)
    job.cancel()
    assert job.wait(SECONDS).status is Status.CANCELLED


def test_pictures_that_fill_the_memory_are_made_in_smaller_batches_and_a_note_says_so(runner, detector):
    asked = Asked("bulky_boxes", {"room": 3, "batch_size": 20})
    found = runner.ask(detector(), ExplainBoxes(asked, IMAGE, [TARGET])).result(SECONDS)
    assert (found.maps == 2).all()
    assert found.notes == ("The batch was too large for the memory, so pictures were processed 2 at a time.",)


def test_a_single_picture_that_fills_the_memory_ends_in_a_sentence(runner, detector):
    job = runner.ask(detector(), ExplainBoxes(Asked("bulky_boxes", {"room": 0}), IMAGE, [TARGET]))
    with pytest.raises(OutOfMemory, match="needs more than"):
        job.result(SECONDS)


@pytest.mark.long
@pytest.mark.parametrize(("steps", "status"), [(1, Status.DONE), (2, Status.FAILED)])
def test_a_first_step_may_take_longer_than_others(detector, steps, status):
    runner = fake_runner(limits=Limits(step_seconds=1.0))
    try:
        asked = Asked("halves", {"steps": steps, "pause": 2.0})
        assert runner.ask(detector(), ExplainBoxes(asked, IMAGE, [TARGET])).wait(SECONDS).status is status
    finally:
        runner.close()


def test_a_capability_that_the_detector_lacks_is_an_error(runner, detector):
    job = runner.ask(detector(), ExplainBoxes(Asked("insider"), IMAGE, [TARGET]))
    with pytest.raises(MissingCapability, match="Insider needs replaceable layer activations"):
        job.result(SECONDS)
