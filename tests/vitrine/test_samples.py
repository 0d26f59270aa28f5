from __future__ import annotations

import hashlib

from vitrine.samples import sample_detectors, sample_histories, sample_models


def test_the_digit_detector_comes_with_names_and_scenes():
    (detector,) = sample_detectors()
    assert detector.labels == tuple("0123456789")
    assert [len(scene.boxes) for scene in detector.scenes].count(2) >= 2
    for scene in detector.scenes:
        height, width, _ = scene.picture().pixels.shape
        for box in scene.boxes:
            left, top, right, bottom = box.corners
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            assert box.label in detector.labels


def test_a_sample_detector_is_opened_as_a_detector_that_all_owners_share():
    source = sample_detectors()[0].source()
    with open(source.path, "rb") as file:
        assert source.digest == hashlib.file_digest(file, "sha256").hexdigest()
    assert (source.task, source.owner) == ("detect", "")


def test_detectors_are_not_among_the_classifiers():
    assert not {s.title for s in sample_models()} & {s.title for s in sample_detectors()}


def test_the_sample_history_has_its_title_and_no_faults():
    (sample,) = sample_histories()
    history = sample.history()
    assert (history.name, history.notes, history.labels) == (sample.title, (), tuple("0123456789"))
