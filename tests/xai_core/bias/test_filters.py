from __future__ import annotations

import pytest

from xai_core.bias.filters import Filters
from xai_core.bias.groups import UNKNOWN
from xai_core.errors import DataError


@pytest.fixture
def found(predictions):
    rows = [[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]]
    return predictions([0, 0, 1, 1], probabilities=rows, colour=["red", "blue", "red", ""])


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [0, 1, 2, 3]),
        ({"actual": ["c0"]}, [0, 1]),
        ({"predicted": ["c1"]}, [1, 3]),
        ({"actual": ["c0"], "predicted": ["c1"]}, [1]),
        ({"attributes": {"colour": ["red"]}}, [0, 2]),
        ({"attributes": {"colour": ["red", UNKNOWN]}}, [0, 2, 3]),
        ({"attributes": {"colour": []}}, [0, 1, 2, 3]),
        ({"only_wrong": True}, [1, 2]),
        ({"least_confidence": 0.65}, [0, 1, 3]),
        ({"least_confidence": 0.65, "most_confidence": 0.85}, [1, 3]),
        ({"only_wrong": True, "attributes": {"colour": ["blue"]}}, [1]),
    ],
)
def test_pictures_must_pass_every_filter(found, wanted, numbers):
    assert Filters(**wanted).mask(found).nonzero()[0].tolist() == numbers
    assert Filters(**wanted).of(found).truth.tolist() == found.truth[numbers].tolist()


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"actual": ["dog"]}, "no class named 'dog'"),
        ({"attributes": {"age": ["old"]}}, "no attribute named 'age'. Its attributes: colour"),
    ],
)
def test_filters_for_an_unknown_class_or_attribute_are_refused(found, wanted, sentence):
    with pytest.raises(DataError, match=sentence):
        Filters(**wanted).mask(found)


def test_confidence_needs_probabilities(predictions):
    found = predictions([0, 1], [0, 1])
    assert Filters().mask(found).all()
    with pytest.raises(DataError, match="no probabilities"):
        Filters(least_confidence=0.5).mask(found)
