"""Grad-CAM of a box: sums that keep the units of the score, level by level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detector_fakes import SIDE, channel_detector, detection_model, spots, targets_of

from xai_core.detection.methods.box_gradcam import GradCamOfABox
from xai_core.detection.model import DetectionModel
from xai_core.detection.slopes import smoothed
from xai_core.errors import DataError, ModelError, ParamError
from xai_core.pictures.resampling import resized

IMAGE = spots()
WEIGHTS = ["place by place", "mean gradient"]


@pytest.fixture
def detector():
    return channel_detector()


def estimates(detector, targets=None, image=IMAGE, **settings):
    targets = targets_of(IMAGE, detector) if targets is None else targets
    return list(GradCamOfABox(**settings).explain(DetectionModel(detector), image, targets))


def last(detector, targets=None, **settings):
    return estimates(detector, targets, **settings)[-1].maps


def parts_of(detector, target, aspect="score"):
    """Each level's features, and the gradient there."""
    gradients = detector.box_gradients(IMAGE, target, aspect, ("fine", "coarse"))[1]
    return list(zip(detector.features, gradients, strict=True))


def spread(heatmap):
    """A level's map on the picture, such that it adds up to the same."""
    return resized(np.asarray(heatmap, np.float32)[None], (SIDE, SIDE))[0] * (heatmap.size / SIDE**2)


def test_place_by_place_it_is_features_times_gradient_of_all_levels(detector):
    target = targets_of(IMAGE, detector)[0]
    expected = sum(spread((values * gradients).sum(axis=-1)) for values, gradients in parts_of(detector, target))
    np.testing.assert_allclose(last(detector, [target], positive_only=False)[0], expected, atol=1e-7)


def test_by_the_mean_gradient_a_channel_has_one_weight_everywhere(detector):
    target = targets_of(IMAGE, detector)[0]
    expected = sum(
        spread((values * gradients.mean(axis=(0, 1))).sum(axis=-1)) for values, gradients in parts_of(detector, target)
    )
    found = last(detector, [target], weights="mean gradient", positive_only=False)[0]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_a_smoothed_gradient_is_the_mean_of_a_place_and_its_neighbours(detector):
    target = targets_of(IMAGE, detector)[0]
    expected = sum(spread((values * smoothed(slopes)).sum(axis=-1)) for values, slopes in parts_of(detector, target))
    shown = last(detector, [target], weights="smoothed gradient", positive_only=False)[0]
    np.testing.assert_allclose(shown, expected, atol=1e-7)
    alone = np.zeros((4, 4, 1), np.float32)
    alone[1, 1] = 9
    np.testing.assert_array_equal(smoothed(alone)[..., 0], np.pad(np.ones((3, 3)), ((0, 1), (0, 1))))


def test_place_by_place_a_linear_detector_gets_its_score_back(detector):
    targets = targets_of(IMAGE, detector)
    found = last(detector, positive_only=False)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), [one.score for one in targets], rtol=1e-4)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_levels_share_the_score_between_them(detector, weights):
    settings = {"weights": weights, "positive_only": False}
    parts = [last(detector, levels=(name,), **settings) for name in ("fine", "coarse")]
    np.testing.assert_allclose(last(detector, **settings), sum(parts), atol=1e-7)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_level_without_a_gradient_contributes_nothing(detector, weights):
    detector.weights[1][:] = 0
    settings = {"weights": weights, "positive_only": False}
    np.testing.assert_array_equal(last(detector, **settings), last(detector, levels=("fine",), **settings))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_what_speaks_against_the_box_is_cut_off_on_request(detector, weights):
    detector.weights[0][:, :5] *= -1
    detector.weights[1][:] += 0.3
    signed, cut = (last(detector, weights=weights, positive_only=positive) for positive in (False, True))
    assert signed.min() < 0
    np.testing.assert_array_equal(cut, np.maximum(signed, 0))


def test_an_edge_shows_how_strongly_it_is_moved_whichever_way(detector):
    detector.pull = [np.array([2, -2, 0, 0, 0, 0], np.float32), np.zeros(4, np.float32)]
    signed, strength = (last(detector, aspect="left", positive_only=positive) for positive in (False, True))
    assert signed.min() < 0 < signed.max()
    np.testing.assert_array_equal(strength, np.abs(signed))


def test_each_of_two_boxes_has_its_map_at_its_own_place():
    first, second = last(detection_model()._detector, targets_of(IMAGE))
    assert first[4:12, 4:12].sum() > 0.75 * first.sum()
    assert second[16:28, 16:30].sum() > 0.75 * second.sum()
    assert first[16:, 16:].max() == second[:12, :12].max() == 0


def test_a_preview_follows_every_box(detector):
    found = estimates(detector)
    assert [one.fraction for one in found] == [0.5, 1.0]
    assert not found[0].maps[1].any()
    np.testing.assert_array_equal(found[0].maps[0], found[1].maps[0])


def test_no_box_is_answered_by_a_sentence(detector):
    with pytest.raises(DataError, match="No box is chosen"):
        estimates(detector, [])


def test_a_box_outside_the_picture_is_answered_by_a_sentence(detector):
    away = replace(targets_of(IMAGE, detector)[0], corners=(900.0, 900.0, 950.0, 950.0))
    with pytest.raises(ModelError, match="is not detected in the unchanged picture"):
        estimates(detector, [away])


def test_how_well_a_box_keeps_its_place_has_no_slope():
    with pytest.raises(ParamError, match=r"Aspect must be one of score, .*; got 'IoU'"):
        GradCamOfABox(aspect="IoU")
