"""LayerCAM of a box: positive gradients place by place, and the largest value of all levels."""

from __future__ import annotations

import numpy as np
import pytest
from detector_fakes import SIDE, channel_detector, spots, targets_of

from xai_core.detection.methods.box_layercam import LayerCamOfABox
from xai_core.detection.model import DetectionModel
from xai_core.pictures.resampling import resized

IMAGE = spots()
NAMES = ("fine", "coarse")


@pytest.fixture
def detector():
    return channel_detector()


def last(detector, targets, **settings):
    return list(LayerCamOfABox(**settings).explain(DetectionModel(detector), IMAGE, targets))[-1].maps


def levels_of(detector, target, sharpness=0.0):
    """Each level's map by the formula of the paper, with a peak of 1, on the picture."""
    gradients = detector.box_gradients(IMAGE, target, "score", NAMES)[1]
    pairs = zip(detector.features, gradients, strict=True)
    maps = [np.maximum((np.maximum(slopes, 0) * values).sum(axis=-1), 0) for values, slopes in pairs]
    shares = [level / level.max() for level in maps]
    raised = [np.tanh(sharpness * share) if sharpness else share for share in shares]
    return [resized(level[None].astype(np.float32), (SIDE, SIDE))[0] for level in raised]


@pytest.mark.parametrize(("together", "combined"), [("maximum", np.max), ("mean", np.mean)])
@pytest.mark.parametrize("sharpness", [0.0, 2.0])
def test_levels_are_combined_after_each_has_a_peak_of_1(detector, together, combined, sharpness):
    target = targets_of(IMAGE, detector)[0]
    expected = combined(levels_of(detector, target, sharpness), axis=0)
    shown = last(detector, [target], together=together, sharpness=sharpness)[0]
    np.testing.assert_allclose(shown, expected, atol=1e-6)


def test_what_speaks_against_the_box_is_left_out(detector):
    detector.weights[0][:, :5] *= -1
    detector.weights[1][:] += 0.3
    target = targets_of(IMAGE, detector)[0]
    (signed,) = detector.box_gradients(IMAGE, target, "score", ("fine",))[1]
    shown = last(detector, [target], levels=("fine",), sharpness=0.0)[0]
    assert signed.min() < 0 <= shown.min()
    np.testing.assert_allclose(shown, levels_of(detector, target)[0], atol=1e-6)


def test_each_of_two_boxes_has_its_map_at_its_own_place(detector):
    first, second = last(detector, targets_of(IMAGE, detector))
    assert first[4:12, 4:12].mean() > 3 * first.mean()
    assert second[16:28, 16:30].mean() > 3 * second.mean()
