"""Streams between some epochs, and between the classes that matter."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.xai_core.training.histories import histories, history_of
from xai_core.training.flows import OTHER, flow, flow_matrix, spread
from xai_core.training.history import NO_DATA


@given(st.integers(1, 300), st.integers(2, 12))
def test_epochs_are_spread_from_the_first_to_the_last(count, most):
    found = spread(count, most)
    assert (found[0], found[-1], len(found)) == (0, count - 1, min(count, most))
    gaps = np.diff(found)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


@given(histories())
def test_with_room_for_all_the_streams_are_the_flow_matrices(history):
    found = flow(history)
    assert found.labels == history.labels
    for step, matrix in enumerate(found.matrices):
        np.testing.assert_array_equal(matrix, flow_matrix(history, step, step + 1))


@given(histories())
def test_classes_without_room_flow_together_and_no_picture_is_lost(history):
    found = flow(history, epochs=3, classes=2)
    assert len(found.labels) == min(len(history.labels), 3)
    assert (OTHER in found.labels) == (len(history.labels) > 2)
    for step, matrix in enumerate(found.matrices):
        ends = history.predictions[:, [found.epochs[step], found.epochs[step + 1]]]
        assert matrix.sum() == (ends != NO_DATA).all(axis=1).sum()


def test_the_classes_that_changed_most_are_shown_separately():
    history = history_of([[0, 0], [0, 0], [1, 3], [3, 1], [2, 2]], [0, 0, 1, 3, 2])
    found = flow(history, classes=2)
    assert found.labels == ("class 1", "class 3", OTHER)
    np.testing.assert_array_equal(found.matrices[0], [[0, 1, 0], [1, 0, 0], [0, 0, 3]])
