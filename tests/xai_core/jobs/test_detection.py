"""A detector in a worker: boxes, explanations of them, and answers that make no sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.xai_core.jobs.asking import Asked, fake_runner
from xai_core.detector import BoxTarget
from xai_core.errors import MissingCapability, OutOfMemory, WorkerDied
from xai_core.jobs.base import Status
from xai_core.jobs.detection import MOST_BOXES, detections_from_frame
from xai_core.jobs.frames import BadFrame
from xai_core.jobs.limits import Limits

SECONDS = 60
IMAGE = np.full((10, 20, 3), 0.75, np.float32)
TARGET = BoxTarget((0.0, 0.0, 10.0, 10.0), 1, 0.75, (0.0, 0.75))


@pytest.fixture
def detector(source):
    def made(words="good"):
        return replace(source(words), task="detect")

    return made


def test_boxes_come_back_in_pixels_of_the_image(runner, detector):
    found = runner.detect(detector(), IMAGE, 0.05).result(SECONDS)
    assert found.corners.tolist() == [[0, 0, 10, 10]]
    assert found.labels.tolist() == [1]
    assert found.scores.tolist() == [0.75]
    assert found.class_scores.tolist() == [[0, 0.75]]


def test_no_box_is_an_answer(runner, detector):
    assert len(runner.detect(detector(), IMAGE, 0.9).result(SECONDS)) == 0


def test_of_very_many_boxes_the_best_thousand_come(runner, detector):
    assert len(runner.detect(detector("many"), IMAGE, 0.05).result(SECONDS)) == MOST_BOXES


def test_a_score_above_one_ends_the_worker(runner, detector):
    with pytest.raises(WorkerDied):
        runner.detect(detector("liar"), IMAGE, 0.05).result(SECONDS)


def test_the_same_file_can_be_a_classifier_and_a_detector(runner, source, detector):
    assert runner.open(source()).result(SECONDS).classes == 3
    assert runner.open(detector()).result(SECONDS).classes == 2


def test_boxes_are_explained_step_by_step(runner, detector):
    job = runner.explain_boxes(detector(), Asked("halves", {"steps": 4}), IMAGE, [TARGET])
    estimate = job.result(SECONDS)
    assert estimate.fraction == 1
    assert estimate.maps.shape == (1, 10, 20)
    assert (estimate.maps == 0.75).all()


def test_what_a_detector_runs_on_is_told_for_images_like_one(runner, detector):
    (engine,) = runner.detector_engines(detector(), IMAGE).result(SECONDS)
    assert (engine.name, engine.milliseconds, engine.in_force) == ("Fake", 200, True)


def test_the_search_for_an_engine_can_be_cancelled_before_its_turn(runner, detector):
    first = runner.detector_engines(detector("searching"), IMAGE)
    second = runner.detector_engines(detector("searching"), IMAGE[:5])
    second.cancel()
    assert second.wait(SECONDS).status is Status.CANCELLED
    assert first.result(SECONDS)


def test_an_explanation_of_boxes_can_be_cancelled(runner, detector):
    asked = Asked("halves", {"steps": 10_000, "pause": 0.05})
    job = runner.explain_boxes(detector(), asked, IMAGE, [TARGET])
    while job.state.latest is None:
        job.wait(0.05)
    job.cancel()
    assert job.wait(SECONDS).status is Status.CANCELLED


def test_pictures_that_fill_the_memory_are_made_in_smaller_batches_and_a_note_says_so(runner, detector):
    asked = Asked("bulky_boxes", {"room": 3, "batch_size": 20})
    found = runner.explain_boxes(detector(), asked, IMAGE, [TARGET]).result(SECONDS)
    assert (found.maps == 2).all()
    assert found.notes == ("The batch was too large for the memory, so pictures were taken 2 at a time.",)


def test_a_single_picture_that_fills_the_memory_ends_in_a_sentence(runner, detector):
    job = runner.explain_boxes(detector(), Asked("bulky_boxes", {"room": 0}), IMAGE, [TARGET])
    with pytest.raises(OutOfMemory, match="needs more than"):
        job.result(SECONDS)


@pytest.mark.parametrize(("steps", "status"), [(1, Status.DONE), (2, Status.FAILED)])
def test_a_first_step_may_take_longer_than_others(detector, steps, status):
    runner = fake_runner(limits=Limits(step_seconds=1.0))
    try:
        asked = Asked("halves", {"steps": steps, "pause": 2.0})
        assert runner.explain_boxes(detector(), asked, IMAGE, [TARGET]).wait(SECONDS).status is status
    finally:
        runner.close()


def test_what_the_detector_lacks_is_told(runner, detector):
    job = runner.explain_boxes(detector(), Asked("insider"), IMAGE, [TARGET])
    with pytest.raises(MissingCapability, match="Insider needs a network whose inner values can be replaced"):
        job.result(SECONDS)


def arrays(**changes):
    whole = {
        "corners": np.zeros((2, 4), np.float32),
        "labels": np.zeros(2, np.int64),
        "scores": np.ones(2, np.float32),
        "class_scores": np.ones((2, 3), np.float32),
        "objectness": np.ones(2, np.float32),
    }
    return list((whole | changes).values())


def test_sound_detections_are_read():
    assert len(detections_from_frame(arrays(), 3)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": np.array([0, 3])},
        {"labels": np.array([0, -1])},
        {"labels": np.zeros(3, np.int64)},
        {"labels": np.zeros(2, np.float32)},
        {"scores": np.array([0.5, np.nan], np.float32)},
        {"scores": np.array([0.5, -1], np.float32)},
        {"corners": np.full((2, 4), np.inf, np.float32)},
        {"class_scores": np.ones((2, 4), np.float32)},
        {"objectness": np.full(2, 2, np.float32)},
    ],
)
def test_detections_that_make_no_sense_are_refused(changes):
    with pytest.raises(BadFrame):
        detections_from_frame(arrays(**changes), 3)


def test_too_few_arrays_are_refused():
    with pytest.raises(BadFrame):
        detections_from_frame(arrays()[:4], 3)
