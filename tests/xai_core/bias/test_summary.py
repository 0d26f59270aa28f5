from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from xai_core.bias import bootstrap
from xai_core.bias.classes import class_figures
from xai_core.bias.rates import wilson
from xai_core.bias.summary import SUMMARY_METRICS, Figure, sampling_floor, summary

SEEDS = st.integers(0, 2**32 - 1)


def known(values):
    return [one for one in values if one is not None]


def by_hand(found):
    """The figures of a set of pictures from those of its classes; None where there is nothing to average."""
    figures = class_figures(found)
    precision, recall, f1, auroc = ([getattr(f, n) for f in figures] for n in ("precision", "recall", "f1", "auroc"))
    means = {
        f"macro_{name}": known(values) for name, values in (("precision", precision), ("recall", recall), ("f1", f1))
    }
    spreads = {
        "degree_of_bias": known(recall),
        "precision_std": [one or 0 for one in precision],
        "precision_std_defined_only": known(precision),
    }
    found = {"accuracy": accuracy_score(found.truth, found.predicted), "macro_auroc": None}
    found |= {name: np.mean(values) for name, values in means.items()}
    found |= {name: np.std(values) for name, values in spreads.items()}
    return found | ({"macro_auroc": np.mean(known(auroc))} if known(auroc) else {})


def test_the_case_of_three_classes(case, predictions):
    given_, expected = case("class_bias")
    found = summary(predictions(given_["y_true"], probabilities=given_["proba"]), 100)
    values = {name: figure.value for name, figure in found.items()}
    assert values["accuracy"] == expected["accuracy"]
    assert values["degree_of_bias"] == pytest.approx(expected["dob_pop_std_of_recall"], abs=1e-9)
    assert values["precision_std"] == pytest.approx(expected["precision_std_pop"], abs=1e-9)
    for name in ("precision", "recall", "f1", "auroc"):
        assert values[f"macro_{name}"] == pytest.approx(expected["macro"][name], abs=1e-9)


def test_the_degree_of_bias_is_over_classes_that_occur(case, predictions):
    given_, expected = case("class_bias_absent_true_class")
    found = summary(predictions(given_["y_true"], given_["y_pred"], classes=3), 100)
    assert found["degree_of_bias"].value == expected["dob_over_present_classes"]


def test_the_case_of_the_bootstrap(case, predictions):
    given_, expected = case("bootstrap_accuracy")
    figure = summary(predictions(given_["y_true"], given_["y_pred"]), given_["B"])["accuracy"]
    assert [figure.low, figure.high] == pytest.approx(expected["ci_percentile"])
    assert wilson(84, 100) == pytest.approx(expected["wilson95"], abs=1e-9)
    assert figure.value == expected["point"]


@given(SEEDS, st.integers(1, 40), st.integers(2, 4))
@settings(max_examples=8, deadline=None)
def test_intervals_are_those_of_pictures_drawn_one_by_one(drawn, seed, size, classes):
    found, random = drawn(seed, size, classes), np.random.default_rng(seed)
    figures = summary(found, 60, 0.8, seed)
    draws = [by_hand(found.chosen(random.integers(0, size, size))) for _ in range(60)]
    for name in by_hand(found):
        values = known(draw[name] for draw in draws)
        assert figures[name].undefined == 60 - len(values)
        if values:
            low, high = np.quantile(values, [0.1, 0.9])
            assert (figures[name].low, figures[name].high) == pytest.approx((low, high), abs=1e-6)


def test_a_bootstrap_sample_without_pictures_of_both_sides_counts_as_undefined(predictions):
    found = predictions([0, 1], probabilities=[[0.9, 0.1], [0.2, 0.8]])
    figure = summary(found, 400)["macro_auroc"]
    assert figure.value == 1
    assert 150 < figure.undefined < 250  # half of the draws hold one picture twice


def test_in_large_tables_the_tangent_gives_nearly_the_interval_of_the_exact_area(drawn, monkeypatch):
    found = drawn(3, 2000, 4)
    exact = summary(found, 400)["macro_auroc"]
    monkeypatch.setattr(bootstrap, "EXACT_WORK", 0)
    line = summary(found, 400)["macro_auroc"]
    assert line != exact
    assert (line.low, line.high) == pytest.approx((exact.low, exact.high), abs=0.02 * (exact.high - exact.low))


def test_draws_do_not_depend_on_how_many_fit_into_memory(monkeypatch):
    whole = np.concatenate(list(bootstrap.draws(30, 10, 1)), axis=1)
    monkeypatch.setattr(bootstrap, "AT_ONCE", 100)
    parts = list(bootstrap.draws(30, 10, 1))
    assert [part.shape for part in parts] == [(30, 3)] * 3 + [(30, 1)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    assert (whole.sum(axis=0) == 30).all()


def test_strata_keep_their_sizes_in_every_bootstrap_sample(drawn):
    found = drawn(5, 200, 3)
    strata = found.attributes["colour"]
    (weights,) = bootstrap.draws(len(found), 50, 0, strata)
    for one in np.unique(strata):
        assert (weights[strata == one].sum(axis=0) == (strata == one).sum()).all()
    (free,) = bootstrap.draws(len(found), 50, 0)
    first = strata == strata[0]
    assert free[first].sum(axis=0).std() > 0


def test_a_single_stratum_is_the_same_as_none(drawn):
    found = drawn(5, 60, 3)
    assert summary(found, 100, strata=np.full(60, "all")) == summary(found, 100)


def test_a_number_that_depends_only_on_the_strata_has_no_interval(predictions):
    wrong = np.arange(100) < 30
    found = predictions(np.zeros(100), wrong.astype(int))
    figure = summary(found, 200, strata=np.where(wrong, "wrong", "right"))["accuracy"]
    assert (figure.low, figure.value, figure.high) == pytest.approx((0.7, 0.7, 0.7))
    assert summary(found, 200)["accuracy"].low < 0.7


def test_without_probabilities_there_is_no_area(predictions):
    figures = summary(predictions([0, 1, 1], [0, 1, 0]), 100)
    assert figures["macro_auroc"] == Figure(None, None, None, 100)
    assert figures["accuracy"].value == pytest.approx(2 / 3)


def test_without_pictures_nothing_is_defined(predictions):
    empty = predictions([0, 1], probabilities=[[1, 0], [0, 1]]).chosen(np.zeros(2, bool))
    figures = summary(empty, 100)
    assert list(figures) == [metric.id for metric in SUMMARY_METRICS]
    assert all(one.value is one.low is one.high is None for name, one in figures.items() if name != "precision_std")


def test_the_floor_is_the_degree_of_bias_of_classes_of_equal_recall(predictions):
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(10), 100)
    spreads = []
    for _ in range(300):
        predicted = np.where(random.random(1000) < 0.8, truth, (truth + 1) % 10)
        spreads.append(np.std([(predicted[truth == one] == one).mean() for one in range(10)]))
    predicted = np.where(np.arange(1000) % 5 > 0, truth, (truth + 1) % 10)
    floor = sampling_floor(predictions(truth, predicted))
    assert floor == pytest.approx(np.sqrt(0.8 * 0.2 / 100 * 0.9))
    assert floor == pytest.approx(np.sqrt(np.mean(np.square(spreads))), rel=0.05)


def test_a_share_of_all_or_none_has_an_interval_within_bounds():
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1
    assert wilson(0, 0) == (None, None)
    narrow, wide = wilson(5, 10, 0.5), wilson(5, 10, 0.99)
    assert wide[0] < narrow[0] < 0.5 < narrow[1] < wide[1]


def test_the_area_of_ten_thousand_pictures_and_a_hundred_classes_is_defined_in_every_sample(predictions):
    random = np.random.default_rng(0)
    truth = random.integers(0, 100, 10_000)
    raw = random.random((10_000, 100), np.float32) + (truth[:, None] == np.arange(100))
    found = predictions(truth, probabilities=raw / raw.sum(axis=1, keepdims=True))
    figures = summary(found, 1000)
    assert figures["macro_auroc"].undefined == 0
