"""The detector that methods see: answers that are checked, batches that fit, rows that are remembered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import SpotDetector, detection_model, spots, targets_of
from fakes import Remembering

from xai_core.detection.model import DetectionModel
from xai_core.errors import ModelError, OutOfMemory

IMAGE = spots()
TARGETS = targets_of(IMAGE)
CHANNELS = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0, 0]])
CALLS = {
    "detect": lambda model: model.detect(IMAGE[None], 0.01),
    "pyramid": lambda model: model.pyramid(IMAGE, ["fine"]),
    "gradients": lambda model: model.box_gradients(IMAGE, TARGETS[0], "score", ["fine"]),
    "ablation": lambda model: model.without_channels(IMAGE, CHANNELS, 0.0, TARGETS, 0.01),
}


class Broken(SpotDetector):
    """Returns values that are not numbers."""

    def detect(self, images, floor):
        return [replace(boxes, scores=boxes.scores * np.nan) for boxes in super().detect(images, floor)]

    def pyramid(self, image, levels):
        return [heatmap * np.float32(np.nan) for heatmap in super().pyramid(image, levels)]

    def box_gradients(self, image, target, aspect, levels):
        return 0.5, self.pyramid(image, levels)

    def without_channels(self, image, channels, value, targets, floor, places=None):
        return self.detect(IMAGE[None], floor)


class Narrow(SpotDetector):
    """Has memory for two pictures, or two channels, at a time."""

    def detect(self, images, floor):
        self._check(len(images))
        return super().detect(images, floor)

    def without_channels(self, image, channels, value, targets, floor, places=None):
        self._check(len(channels))
        return super().without_channels(image, channels, value, targets, floor, places)

    def _check(self, count):
        if count > 2:
            raise OutOfMemory("Too many.")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nan_is_refused(call):
    with pytest.raises(ModelError, match="values that are not numbers; nothing can be drawn"):
        call(DetectionModel(Broken()))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_pass_ticks_once(call):
    ticks = []
    call(DetectionModel(SpotDetector(), tick=lambda: ticks.append(1)))
    assert len(ticks) == 1


def test_pictures_beyond_memory_are_detected_in_smaller_batches():
    many, narrow = np.stack([spots(light) for light in (0.9, 0.8, 0.7, 0.6, 0.5)]), Narrow()
    model = DetectionModel(narrow)
    assert [boxes.scores.max() for boxes in model.detect(many, 0.01)] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.6])
    assert narrow.asked == [2, 2, 1]
    assert "too large for the memory" in model.notes[0]


def test_channels_beyond_memory_are_ablated_in_smaller_batches():
    detections = CALLS["ablation"](DetectionModel(Narrow()))
    assert [len(boxes) for boxes in detections] == [0, 2, 2, 2, 0]


def test_without_a_choice_all_levels_are_used():
    assert detection_model().levels(()) == ("fine", "coarse")
    assert detection_model().levels(("coarse",)) == ("coarse",)


def test_rows_are_stored_under_the_detector_and_the_key():
    memory, variant = Remembering(), SpotDetector()
    variant.key = "bfloat16"
    DetectionModel(SpotDetector(), memory).ledger("a", 3).append(np.ones((2, 3), np.float32))
    assert len(DetectionModel(SpotDetector(), memory).ledger("a", 3)) == 2
    assert len(DetectionModel(SpotDetector(), memory).ledger("b", 3)) == 0
    assert len(DetectionModel(variant, memory).ledger("a", 3)) == 0
