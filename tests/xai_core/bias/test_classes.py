from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from xai_core.bias.classes import class_figures, placements, precision_recall_f1, separation_ratios
from xai_core.bias.confusion import confusion

SEEDS = st.integers(0, 2**32 - 1)


def column(figures, name):
    return [getattr(one, name) for one in figures]


def test_the_case_of_three_classes(case, predictions):
    given_, expected = case("class_bias")
    figures = class_figures(predictions(given_["y_true"], probabilities=given_["proba"]))
    for name in ("recall", "precision", "f1", "representation_ratio"):
        assert column(figures, name) == pytest.approx(expected[name], abs=1e-9)
    assert column(figures, "auroc") == pytest.approx(expected["auroc_ovr"], abs=1e-9)
    exact = separation_ratios(np.array(given_["y_true"]), np.array(given_["proba"]), 3)
    assert exact == pytest.approx(expected["di_classwise_seed"], abs=1e-9)
    assert column(figures, "separation_ratio") == pytest.approx(expected["di_classwise_seed"], rel=1e-6)  # float32


def test_what_is_not_defined_is_none(case, predictions):
    given_, expected = case("class_bias_absent_true_class")
    figures = class_figures(predictions(given_["y_true"], given_["y_pred"], classes=given_["n_classes"]))
    assert column(figures, "recall") == expected["recall"]
    assert column(figures, "samples") == expected["support"]
    assert column(figures, "auroc") == column(figures, "separation_ratio") == [None, None, None]
    assert figures[2].representation_ratio is None
    assert figures[2].f1 == 0


def test_a_class_that_is_never_predicted_has_no_precision(predictions):
    figures = class_figures(predictions([0, 0, 1], [0, 0, 0]))
    assert (figures[1].precision, figures[1].recall, figures[1].f1) == (None, 0, 0)


def test_one_class_alone_has_no_ranking(predictions):
    figures = class_figures(predictions([0, 0], probabilities=[[0.9, 0.1], [0.6, 0.4]]))
    assert (figures[0].auroc, figures[0].separation_ratio, figures[1].auroc) == (None, None, None)


@given(SEEDS, st.integers(1, 60), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_figures_are_those_of_scikit_learn(drawn, seed, size, classes):
    found = drawn(seed, size, classes)
    figures = class_figures(found)
    options = {"labels": range(classes), "zero_division": np.nan}
    theirs = precision_recall_fscore_support(found.truth, found.predicted, **options)
    for name, values in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
        ours = [np.nan if one is None else one for one in column(figures, name)]
        np.testing.assert_allclose(ours, values, equal_nan=True)
    for one, figure in enumerate(figures):
        own = found.truth == one
        if own.all() or not own.any():
            assert figure.auroc is None
        else:
            assert figure.auroc == pytest.approx(roc_auc_score(own, found.probabilities[:, one]), abs=1e-12)


@given(SEEDS, st.integers(2, 60))
@settings(max_examples=15, deadline=None)
def test_the_mean_place_of_either_side_is_the_auroc(drawn, seed, size):
    found = drawn(seed, size, 3)
    places = placements(found.truth, found.probabilities)
    for one, figure in enumerate(class_figures(found)):
        own = found.truth == one
        if figure.auroc is None:
            assert np.isnan(places[:, one]).all()
        else:
            assert places[own, one].mean() == pytest.approx(figure.auroc, abs=1e-6)
            assert places[~own, one].mean() == pytest.approx(figure.auroc, abs=1e-6)


def test_many_matrices_are_measured_at_once():
    matrices = np.stack([confusion(*np.random.default_rng(n).integers(0, 3, (2, 20)), 3) for n in range(4)])
    for part, whole in zip(
        zip(*map(precision_recall_f1, matrices), strict=True), precision_recall_f1(matrices), strict=True
    ):
        np.testing.assert_array_equal(np.stack(part), whole)
