"""Which pictures are kept, and in which order."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.xai_core.training.histories import histories, history_of
from xai_core.training.measures import instance_measures
from xai_core.training.sorting import Kept, Order, arranged

HISTORY = history_of(
    [[0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1], [2, 1, 0, 0], [-1, -1, -1, -1], [0, 2, 2, 2]], [0, 1, 0, 0, 1, 2]
)


def numbers(**asked):
    return arranged(HISTORY, instance_measures(HISTORY), **asked).tolist()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("original", [0, 1, 2, 3, 4, 5]),
        ("misclassification rate", [2, 3, 1, 5, 0, 4]),
        ("changes", [1, 3, 5, 0, 2, 4]),
        ("visited classes", [3, 1, 5, 0, 2, 4]),
        ("forgetting", [1, 0, 2, 3, 5, 4]),
        ("first correct", [2, 3, 5, 0, 1, 4]),
        ("true class", [0, 2, 3, 1, 4, 5]),
    ],
)
def test_the_greatest_comes_first_and_what_is_not_defined_last(order, expected):
    assert numbers(order=order) == expected


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ("all", [0, 1, 2, 3, 4, 5]),
        ("wrong at the end", [1, 2]),
        ("ever wrong", [1, 2, 3, 5]),
        ("changed", [1, 3, 5]),
        ("forgotten", [1]),
        ("never right", [2]),
    ],
)
def test_only_what_is_asked_for_is_kept(kept, expected):
    assert numbers(kept=kept) == expected


def test_pictures_are_found_by_true_class_and_by_id_in_any_case_of_letters():
    assert numbers(labels=(1, 2)) == [1, 4, 5]
    assert numbers(search=" PICTURE 3 ") == [3]
    assert numbers(search="cat") == []


@given(histories(), st.sampled_from(get_args(Order)), st.sampled_from(get_args(Kept)))
def test_every_order_shows_each_kept_picture_once(history, order, kept):
    measures = instance_measures(history)
    found = arranged(history, measures, order, kept)
    assert sorted(found) == sorted(arranged(history, measures, kept=kept))
    assert len(set(found.tolist())) == len(found)
    if order == "changes":
        values = measures.changes[found]
        assert (np.diff(values[~np.isnan(values)]) <= 0).all()
