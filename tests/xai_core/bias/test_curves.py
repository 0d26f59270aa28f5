from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score

from xai_core.bias.classes import class_figures
from xai_core.bias.curves import Roc, calibration, macro_roc, micro_roc, roc

SEEDS = st.integers(0, 2**32 - 1)


def curves_of(found):
    return [curve for one in range(found.classes) if (curve := roc(found, one))]


@given(SEEDS, st.integers(2, 60), st.integers(2, 4))
@settings(max_examples=25, deadline=None)
def test_areas_are_those_of_the_ranking(drawn, seed, size, classes):
    found = drawn(seed, size, classes)
    areas = [figure.auroc for figure in class_figures(found)]
    curves = [roc(found, one) for one in range(classes)]
    for curve, area in zip(curves, areas, strict=True):
        assert (curve is None) == (area is None)
        assert curve is None or curve.area == pytest.approx(area)
    whole = macro_roc(curves_of(found))
    if whole is not None:
        assert whole.area == pytest.approx(np.mean([area for area in areas if area is not None]))
        assert (np.diff(whole.false_positive_rate) >= 0).all()
        assert (np.diff(whole.true_positive_rate) >= -1e-12).all()
    one_hot = np.eye(classes)[found.truth]
    assert micro_roc(found).area == pytest.approx(roc_auc_score(one_hot.ravel(), found.probabilities.ravel()))


def test_the_mean_of_curves_that_rise_at_different_places_keeps_both_ends_of_each_rise():
    def curve(across, up):
        return Roc("made", np.array(across, float), np.array(up, float), np.zeros(len(up)), None)

    whole = macro_roc([curve([0, 0, 1], [0, 1, 1]), curve([0, 0.5, 0.5, 1], [0, 0, 1, 1])])
    points = list(zip(whole.false_positive_rate, whole.true_positive_rate, strict=True))
    assert points == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1), (1, 1)]
    assert whole.area == 0.75


def test_thresholds_run_down_from_infinity(predictions):
    curve = roc(predictions([0, 1, 1, 0], probabilities=[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]]), 1)
    assert curve.thresholds[0] == np.inf
    assert (np.diff(curve.thresholds) < 0).all()
    points = np.stack([curve.false_positive_rate, curve.true_positive_rate], axis=1).tolist()
    assert points[0] == [0, 0]
    assert points[-1] == [1, 1]


def test_without_probabilities_or_pictures_of_a_class_there_is_no_curve(predictions):
    assert roc(predictions([0, 1], [0, 1]), 0) is None
    assert roc(predictions([0, 0], probabilities=[[0.9, 0.1], [0.4, 0.6]]), 1) is None
    assert micro_roc(predictions([0, 1], [0, 1])) is macro_roc([]) is calibration(predictions([0, 1], [0, 1])) is None


@given(SEEDS, st.integers(1, 80))
@settings(max_examples=25, deadline=None)
def test_bins_are_those_of_scikit_learn(predictions, seed, size):
    random = np.random.default_rng(seed)
    raw = random.dirichlet([1, 1, 1], size)
    found = predictions(random.integers(0, 3, size), probabilities=raw)
    ours = calibration(found, 10)
    accuracy, confidence = calibration_curve(found.truth == found.predicted, found.confidence.astype(float), n_bins=10)
    filled = [one for one in ours.bins if one.samples]
    assert [one.accuracy for one in filled] == pytest.approx(accuracy)
    assert [one.confidence for one in filled] == pytest.approx(confidence)
    shares = [one.samples / size for one in filled]
    assert ours.error == pytest.approx(np.dot(shares, np.abs(accuracy - confidence)))
    assert all(one.accuracy is one.confidence is None for one in ours.bins if not one.samples)
