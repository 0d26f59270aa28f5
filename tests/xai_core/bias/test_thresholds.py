from __future__ import annotations

import pytest

from xai_core.bias.thresholds import with_threshold
from xai_core.errors import DataError

ROWS = [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2]]


@pytest.mark.parametrize(
    ("threshold", "predicted"),
    [(0.0, [0, 0, 0]), (0.4, [0, 2, 0]), (0.41, [0, 2, 1]), (1.0, [1, 2, 1])],
)
def test_a_picture_is_predicted_as_the_class_from_the_threshold_on_else_as_the_best_other(
    predictions, threshold, predicted
):
    found = with_threshold(predictions([0, 1, 2], probabilities=ROWS), 0, threshold)
    assert found.predicted.tolist() == predicted
    assert found.truth.tolist() == [0, 1, 2]


def test_a_half_is_the_usual_decision_between_two_classes(predictions):
    found = predictions([0, 1], probabilities=[[0.8, 0.2], [0.4, 0.6]])
    assert with_threshold(found, 1, 0.5).predicted.tolist() == found.predicted.tolist()


def test_without_probabilities_there_is_no_threshold(predictions):
    with pytest.raises(DataError, match="needs probabilities"):
        with_threshold(predictions([0, 1], [0, 1]), 1, 0.5)
