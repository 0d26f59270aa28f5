from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from xai_core.bias.confusion import Confusion, among, confusion, most_mispredicted, normalised, top_confusions

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(0, 50), st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_counts_and_shares_are_those_of_scikit_learn(seed, size, classes):
    truth, predicted = np.random.default_rng(seed).integers(0, classes, (2, size))
    counts = confusion(truth, predicted, classes)
    if not size:
        assert counts.tolist() == np.zeros((classes, classes), int).tolist()
        return
    theirs = {
        by: confusion_matrix(truth, predicted, labels=range(classes), normalize=by) for by in (None, "true", "pred")
    }
    np.testing.assert_array_equal(counts, theirs[None])
    for by, name, axis in (("rows", "true", 1), ("columns", "pred", 0)):
        empty = np.broadcast_to(counts.sum(axis=axis, keepdims=True) == 0, counts.shape)
        shares = normalised(counts, by)
        assert np.isnan(shares[empty]).all()
        np.testing.assert_allclose(shares[~empty], theirs[name][~empty])


def test_counts_stay_counts():
    counts = np.array([[3, 1], [0, 2]])
    assert normalised(counts, "counts").tolist() == counts.tolist()


def test_the_case_of_three_classes(case):
    given_, expected = case("class_bias")
    truth, probabilities = np.array(given_["y_true"]), np.array(given_["proba"])
    counts = confusion(truth, probabilities.argmax(axis=1), 3)
    assert counts.tolist() == expected["confusion_rows_true"]
    found = [(one.actual, one.predicted, one.count) for one in top_confusions(counts, 10)]
    assert sorted(found) == sorted(tuple(row[:3]) for row in expected["top_confusions"])
    rates = {(one.actual, one.predicted): one.rate for one in top_confusions(counts, 10)}
    assert rates == pytest.approx({(i, j): rate for i, j, _, rate in expected["top_confusions"]})


def test_the_worst_classes_come_first_and_of_equal_ones_those_with_more_errors():
    counts = np.array([[5, 5, 0, 0], [1, 1, 0, 0], [0, 0, 4, 0], [0, 0, 0, 0]])
    assert most_mispredicted(counts, 10) == [0, 1, 2]
    assert most_mispredicted(counts, 2) == [0, 1]


def test_some_classes_and_all_others_keep_the_sums_of_their_rows():
    counts = np.arange(16).reshape(4, 4)
    part = among(counts, [2, 0])
    assert part.tolist() == [[10, 8, 9 + 11], [2, 0, 1 + 3]]
    assert part.sum(axis=1).tolist() == counts[[2, 0]].sum(axis=1).tolist()


def test_pairs_are_ordered_by_count_and_then_by_rate():
    counts = np.array([[0, 2, 1], [2, 8, 0], [0, 5, 0]])
    assert top_confusions(counts, 3) == [Confusion(2, 1, 5, 1.0), Confusion(0, 1, 2, 2 / 3), Confusion(1, 0, 2, 0.2)]
