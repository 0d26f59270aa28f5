"""Measures are those of the published case, and of plain loops on anything."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from tests.xai_core.training.histories import histories, history_of
from xai_core.training.flows import flow_matrix
from xai_core.training.history import NO_DATA, History
from xai_core.training.measures import epoch_measures, final_confusion, instance_measures


@pytest.fixture
def case(worked_case):
    return worked_case("confusion_evolution")


@pytest.fixture
def history(case):
    given = case["input"]
    return history_of(given["predictions_instance_x_epoch"], given["actual"], given["n_classes"])


def test_the_measures_of_each_picture_are_those_of_the_case(case, history):
    found, expected = instance_measures(history), case["expected"]
    np.testing.assert_array_equal(found.changes, expected["changes"])
    np.testing.assert_allclose(found.frequency, expected["frequency"])
    np.testing.assert_array_equal(found.visited, expected["variability_count"])
    np.testing.assert_allclose(found.variability, expected["variability_ratio"], atol=1e-9)
    np.testing.assert_allclose(found.misclassification_rate, expected["misclassification_rate"])
    np.testing.assert_array_equal(found.first_correct, np.array(expected["first_correct_epoch"], float))
    np.testing.assert_array_equal(found.forgetting, expected["forgetting_events"])


def test_the_measures_of_each_epoch_are_those_of_the_case(case, history):
    found, expected = epoch_measures(history), case["expected"]
    np.testing.assert_allclose(found.accuracy, expected["accuracy_per_epoch"])
    np.testing.assert_allclose(found.churn, expected["churn_per_step"])


def test_flows_and_the_final_confusion_are_those_of_the_case(case, history):
    expected = case["expected"]
    for step, matrix in expected["flow_matrices_rows_from"].items():
        np.testing.assert_array_equal(flow_matrix(history, *map(int, step.split("->"))), matrix)
    np.testing.assert_array_equal(final_confusion(history), expected["final_confusion_rows_true"])


def test_confidence_follows_the_epochs_and_pictures_that_are_looked_at():
    sure = np.arange(6, dtype=np.float32).reshape(2, 3) / 8
    history = history_of([[0, 1, 1], [1, 1, 1]], [0, 1], confidence=sure)
    np.testing.assert_array_equal(history.during(1, 2).confidence, sure[:, 1:])
    np.testing.assert_array_equal(history.chosen(np.array([1])).confidence, sure[1:])
    np.testing.assert_allclose(instance_measures(history).confidence, [1 / 8, 4 / 8])
    np.testing.assert_allclose(epoch_measures(history).confidence, [1.5 / 8, 2.5 / 8, 3.5 / 8])
    unknown = history_of([[0, 1]], [0])
    assert np.isnan(instance_measures(unknown).confidence).all()


def by_loops(history: History, row: int) -> dict[str, float]:
    """The definitions, word for word; NaN where nothing is there to count."""
    said, truth = history.predictions[row].tolist(), int(history.actual[row])
    steps = [(a, b) for a, b in pairwise(said) if NO_DATA not in (a, b)]
    known = [label for label in said if label != NO_DATA]
    judged = known if truth != NO_DATA else []
    changes = sum(a != b for a, b in steps)
    right = [epoch for epoch, label in enumerate(said) if label == truth != NO_DATA]
    forgotten = sum(a == truth != b for a, b in steps)
    nan = float("nan")
    return {
        "changes": changes if steps else nan,
        "frequency": changes / len(steps) if steps else nan,
        "visited": len(set(known)) if known else nan,
        "variability": len(set(known)) / len(history.labels) if known else nan,
        "misclassification_rate": sum(label != truth for label in judged) / len(judged) if judged else nan,
        "first_correct": right[0] if right else nan,
        "forgetting": forgotten if steps and truth != NO_DATA else nan,
    }


@given(histories())
def test_the_measures_of_any_history_are_those_of_plain_loops(history):
    found = instance_measures(history)
    for row in range(len(history)):
        for name, expected in by_loops(history, row).items():
            np.testing.assert_allclose(getattr(found, name)[row], expected, err_msg=name)


@given(histories())
def test_accuracy_and_churn_of_any_history_are_those_of_plain_loops(history):
    found = epoch_measures(history)
    pairs = [list(zip(column, history.actual, strict=True)) for column in history.predictions.T]
    for epoch, both in enumerate(pairs):
        judged = [a == b for a, b in both if NO_DATA not in (a, b)]
        np.testing.assert_allclose(found.accuracy[epoch], np.mean(judged) if judged else np.nan)
    for step in range(len(history.epochs) - 1):
        here, there = history.predictions[:, step], history.predictions[:, step + 1]
        moved = [a != b for a, b in zip(here, there, strict=True) if NO_DATA not in (a, b)]
        np.testing.assert_allclose(found.churn[step], np.mean(moved) if moved else np.nan)


@given(histories())
def test_matrices_of_any_history_count_each_picture_that_is_known_at_both_ends_once(history):
    for step in range(len(history.epochs) - 1):
        here, there = history.predictions[:, step], history.predictions[:, step + 1]
        matrix = flow_matrix(history, step, step + 1)
        assert matrix.sum() == ((here != NO_DATA) & (there != NO_DATA)).sum()
        assert all(matrix[a, b] > 0 for a, b in zip(here, there, strict=True) if NO_DATA not in (a, b))
    known = (history.actual != NO_DATA) & (history.predictions[:, -1] != NO_DATA)
    assert final_confusion(history).sum() == known.sum()


def test_of_one_epoch_nothing_is_said_of_changes():
    found = instance_measures(history_of([[0], [1]], [0, 0]))
    for name in ("changes", "frequency", "forgetting"):
        assert np.isnan(getattr(found, name)).all()
    np.testing.assert_array_equal(found.misclassification_rate, [0, 1])
