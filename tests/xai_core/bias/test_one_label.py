"""Which pictures have one label of a model that predicts several."""

from __future__ import annotations

import numpy as np
import pytest

from xai_core.bias.one_label import has_label
from xai_core.errors import DataError


def test_a_picture_has_its_own_label_or_one_of_several():
    actual = np.array(["cat", "Dog", "cat|dog", "owl; dog", "hot dog", ""])
    assert has_label(actual, "dog").tolist() == [False, True, True, True, False, False]


def test_a_text_that_is_a_label_of_the_model_is_not_split():
    actual = np.array(["Crane, bird", "crane, lorry", "crane, bird|crane"])
    assert has_label(actual, "crane", known=("crane", "crane, bird")).tolist() == [False, True, True]


def test_a_label_can_be_a_number():
    assert has_label(np.array(["0", "1", "0|1"]), "class 1", "1").tolist() == [False, True, True]


def test_a_label_that_no_picture_has_is_refused_with_those_that_they_have():
    with pytest.raises(DataError, match=r"labelled 'owl'; their labels are cat, dog"):
        has_label(np.array(["dog", "cat"]), "owl")
