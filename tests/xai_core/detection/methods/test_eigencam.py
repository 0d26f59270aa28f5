"""Eigen-CAM of a detector: one pass, one map for all boxes."""

from __future__ import annotations

import numpy as np
import pytest
from detector_fakes import channel_detector, detection_model, spots, targets_of

from xai_core.detection.levels import first_component_on
from xai_core.detection.methods.eigencam import EigenCamOfADetector
from xai_core.detection.model import DetectionModel
from xai_core.errors import DataError, ParamError
from xai_core.pictures.resampling import resized

IMAGE = spots()
TARGETS = targets_of(IMAGE)


def last(detector, targets=TARGETS, image=IMAGE, **settings):
    (estimate,) = EigenCamOfADetector(**settings).explain(DetectionModel(detector), image, targets)
    assert estimate.fraction == 1
    return estimate.maps


@pytest.mark.parametrize(("grid", "size"), [("coarsest", (4, 4)), ("finest", (8, 8))])
@pytest.mark.parametrize("magnitudes", [True, False])
def test_it_is_the_first_component_of_all_levels_on_the_chosen_grid(grid, size, magnitudes):
    detector = channel_detector()
    detector.features = [heatmap - np.float32(0.5) for heatmap in detector.features]
    shown = [np.abs(heatmap) if magnitudes else heatmap for heatmap in detector.features]
    expected = resized(first_component_on(shown, size)[None], (32, 32))
    found = last(detector, grid=grid, magnitudes=magnitudes, positive_only=False)
    np.testing.assert_allclose(found, np.repeat(expected, 2, axis=0), atol=1e-6)


def test_levels_that_are_not_chosen_do_not_count():
    detector, other = channel_detector(), channel_detector()
    other.features[1] = other.features[1] * 7
    settings = {"levels": ("fine",), "positive_only": False}
    np.testing.assert_array_equal(last(detector, **settings), last(other, **settings))
    assert not np.array_equal(last(detector), last(other))


def test_every_box_gets_the_same_map():
    first, second = last(channel_detector())
    np.testing.assert_array_equal(first, second)
    assert EigenCamOfADetector.class_sensitivity == "none"


def test_the_lit_spots_are_positive_and_the_dark_ground_is_not():
    (heatmap,) = last(detection_model()._detector, TARGETS[:1], grid="finest", positive_only=False)
    assert heatmap[8, 8] > 0
    assert heatmap[22, 24] > 0
    assert heatmap[30, 4] < 0


def test_what_lies_below_the_mean_is_cut_off_on_request():
    signed, cut = (last(channel_detector(), positive_only=positive) for positive in (False, True))
    assert signed.min() < 0
    assert cut.min() == 0


def test_nothing_is_detected_only_features_are_asked_for():
    model, passes = DetectionModel(channel_detector(), tick=lambda: passes.append(1)), []
    list(EigenCamOfADetector().explain(model, IMAGE, TARGETS))
    assert len(passes) == 1


def test_a_box_outside_the_picture_gets_the_map_of_any_other():
    away = [one.__class__((900.0, 900.0, 950.0, 950.0), one.label, one.score, one.class_scores) for one in TARGETS]
    np.testing.assert_array_equal(last(channel_detector(), away), last(channel_detector()))


def test_no_box_is_answered_by_a_sentence():
    with pytest.raises(DataError, match="No box is chosen"):
        last(channel_detector(), [])


def test_a_level_that_the_detector_does_not_have_is_refused():
    with pytest.raises(ParamError, match="Levels must be one of fine, coarse; got 'p7'"):
        EigenCamOfADetector(levels=("p7",)).check_choices(channel_detector().card)
