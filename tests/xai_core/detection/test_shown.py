"""Which boxes a person sees, their numbers and their places."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.detection.shown import CANDIDATES, LEAST_SCORE, Shown, box_entry
from xai_core.detector import BoxTarget, Detections
from xai_core.errors import ParamError


def detections(*scores: float) -> Detections:
    corners = np.arange(4 * len(scores)).reshape(-1, 4)
    return Detections.of(corners, np.zeros(len(scores)), np.array(scores), classes=1)


def test_a_box_at_the_threshold_is_shown() -> None:
    assert Shown(threshold=0.7).of(detections(0.9, 0.7, 0.69)).scores.tolist() == pytest.approx([0.9, 0.7])


def test_the_best_below_the_threshold_are_the_candidates() -> None:
    scores = np.linspace(0.4, 0.1, 9)
    best = Shown().candidates(detections(0.9, *scores)).scores
    assert best == pytest.approx(scores[:CANDIDATES])
    assert len(Shown().candidates(detections(0.9))) == 0


def test_no_threshold_is_below_the_score_requested_from_a_detector() -> None:
    with pytest.raises(ParamError, match=f"between {LEAST_SCORE:g} and 1"):
        Shown(threshold=LEAST_SCORE / 2)


def test_an_entry_is_in_pixels_of_the_original_picture() -> None:
    target = BoxTarget((10.0, 20.0, 30.0, 40.0), 1, 0.5, (0.0, 0.5))
    assert box_entry(7, target, ("cat", "dog"), seen=(100, 200), whole=(300, 400)) == {
        "number": 7,
        "label": "dog",
        "index": 1,
        "score": 0.5,
        "box": [20.0, 60.0, 60.0, 120.0],
    }
