"""Boxes cross the wire whole, and are refused if they make no sense."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.jobs.frames import BadFrame
from xai_core.jobs.questions.detect import detections_from_arrays


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
    assert len(detections_from_arrays(arrays(), 3)) == 2


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
        detections_from_arrays(arrays(**changes), 3)


@pytest.mark.parametrize("broken", [arrays()[:4], arrays(corners=np.float32(1)), arrays(corners=np.zeros(2))])
def test_too_few_and_shapeless_arrays_are_refused(broken):
    with pytest.raises(BadFrame):
        detections_from_arrays(broken, 3)
