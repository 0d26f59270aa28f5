"""What happens to boxes after many changes: computed once, stored, measured."""

from __future__ import annotations

import numpy as np
import pytest
from detector_fakes import detection_model, spots, targets_of
from fakes import Remembering

from xai_core.detection.nearest_boxes import Falls, NearestBoxes, digest
from xai_core.detection.targets import nearest
from xai_core.detector import Detections
from xai_core.errors import ModelError

IMAGE = spots()
TARGETS = targets_of(IMAGE)
LIGHTS = np.linspace(0.9, 0.0, 10)


class Dimming:
    """Detect the first spot ever darker, and record every call."""

    def __init__(self):
        self.calls = []

    def __call__(self, first, last):
        self.calls.append((first, last))
        return detection_model().detect(np.stack([spots(light) for light in LIGHTS[first:last]]), 0.01)


def boxes(memory=None, targets=TARGETS, **settings):
    find = Dimming()
    return NearestBoxes(detection_model(memory), IMAGE, targets, find, **settings), find


def test_rows_hold_the_nearest_box_of_each_target_after_each_change():
    rows = boxes()[0].detected(0, 10)
    assert rows.shape == (10, 2, 5)
    np.testing.assert_allclose(rows[:, 0, 4], LIGHTS, atol=1e-6)
    np.testing.assert_allclose(rows[:, 1, 4], 0.6, atol=1e-6)
    np.testing.assert_array_equal(rows[9, 0], 0)


def test_stored_changes_are_not_computed_again():
    memory = Remembering()
    boxes(memory, share=1)[0].detected(0, 6)
    again, find = boxes(memory, share=1)
    np.testing.assert_array_equal(again.detected(4, 10), boxes()[0].detected(4, 10))
    assert find.calls == [(6, 10)]


def test_other_targets_and_other_settings_share_nothing():
    memory = Remembering()
    for targets, settings in ((TARGETS, {"share": 1}), (TARGETS[:1], {"share": 1}), (TARGETS, {"share": 2})):
        boxes(memory, targets, **settings)[0].detected(0, 2)
    assert [len(ledger) for ledger in memory.ledgers.values()] == [2, 2, 2]
    assert digest(TARGETS) != digest(TARGETS[::-1])


def falls(aspect, least_iou=0.5):
    return Falls(boxes()[0].detected(0, 1)[0], TARGETS, aspect, least_iou)


def test_a_score_falls_until_the_box_is_lost():
    fallen = falls("score").of(boxes()[0].detected(0, 10))
    np.testing.assert_allclose(fallen[:9, 0], 0.9 - LIGHTS[:9], atol=1e-6)
    assert fallen[9, 0] == pytest.approx(1.9)
    np.testing.assert_allclose(fallen[:, 1], 0, atol=1e-6)


def test_falls_are_shares_of_the_whole_and_movements_of_the_side_of_the_box():
    np.testing.assert_allclose(falls("score").largest, [1.9, 1.6], rtol=1e-6)
    np.testing.assert_allclose(falls("left").largest, 1)


def test_lost_boxes_are_noted_if_edges_are_measured():
    rows = boxes()[0].detected(0, 10)
    for aspect, notes in (("left", ("The box was lost after 1 of 20 changes; its edges count as un",)), ("score", ())):
        counted = falls(aspect)
        counted.of(rows)
        assert [note[: len(notes[0])] for note in counted.notes] == list(notes)


def test_a_target_missing_from_the_unchanged_picture_is_refused():
    with pytest.raises(ModelError, match="not detected in the unchanged picture"):
        Falls(nearest(Detections.none(2), TARGETS), TARGETS, "score", 0.5)
