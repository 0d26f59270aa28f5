"""Engines cross the wire whole, and are refused if they make no sense."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.xai_core.jobs.asking import SIZE
from xai_core.jobs.frames import BadFrame
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.types import Capability, Card, Engine, InputSpec

ENGINE = Engine("OpenVINO", "bfloat16", 0.01, 1.0, 2.2, True, "")
CARD = Card("onnx", "onnx", 3, InputSpec(4, 5), Capability.PREDICT)
QUESTION = FindEngines(SIZE)


@pytest.fixture
def values():
    return json.loads(json.dumps(QUESTION.answer_to_frame((ENGINE,))[0]))


def test_engines_cross_whole(values):
    assert QUESTION.answer_from_frame(values, [], CARD) == (ENGINE,)


def test_what_was_not_measured_crosses_as_that():
    missing = Engine("OpenVINO", "bfloat16", None, None, None, False, "It stopped with an error.")
    assert QUESTION.answer_from_frame(QUESTION.answer_to_frame((missing,))[0], [], CARD) == (missing,)


@pytest.mark.parametrize(
    "change", [{"precision": "int4"}, {"milliseconds": "2"}, {"max_difference": float("nan")}, {"name": 3}]
)
def test_an_engine_that_makes_no_sense_is_refused(values, change):
    values["engines"][0] |= change
    with pytest.raises(BadFrame):
        QUESTION.answer_from_frame(values, [], CARD)


@pytest.mark.parametrize("images", [None, np.full((2, 4, 5, 3), 0.5, np.float32)])
def test_own_pictures_are_optional(images):
    again = FindEngines.from_frame(*FindEngines(SIZE, images).to_frame())
    assert again.preprocessing == SIZE
    np.testing.assert_array_equal(again.images, images)
