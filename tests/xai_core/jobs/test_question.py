"""Every question reaches the worker as it was asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

import xai_core.detection.methods
import xai_core.jobs.questions
import xai_core.methods  # noqa: F401  (registers them)
from xai_core.detection.method import DETECTION_METHODS
from xai_core.detector import BoxTarget
from xai_core.errors import ParamError
from xai_core.jobs.question import QUESTIONS, question, question_named
from xai_core.jobs.questions.detect import Detect
from xai_core.jobs.questions.explain import Explain
from xai_core.jobs.questions.explain_boxes import ExplainBoxes
from xai_core.jobs.questions.find_detector_engines import FindDetectorEngines
from xai_core.jobs.questions.find_engines import FindEngines
from xai_core.jobs.questions.pool_layer import PoolLayer
from xai_core.jobs.questions.predict import Predict
from xai_core.jobs.questions.segment import Segment
from xai_core.method import METHODS
from xai_core.preprocessing import Preprocessing
from xai_core.types import Conditions

WAY = Preprocessing(4, 5, mean=(0.5, 0.5, 0.5))
IMAGES = np.random.default_rng(0).random((2, 4, 5, 3), np.float32)
TARGETS = np.array([3, 1])
REGION = IMAGES[0, ..., 0] > 0.5
BOX = BoxTarget((0.0, 1.0, 3.0, 4.0), 1, 0.75, (0.25, 0.75))
EXAMPLES = [
    Predict(WAY, IMAGES, "logit", REGION),
    PoolLayer(WAY, IMAGES, TARGETS, "features"),
    FindEngines(WAY, IMAGES),
    FindDetectorEngines(IMAGES[0]),
    Explain(WAY, METHODS["rise"](samples=200), IMAGES[0], TARGETS, Conditions("bfloat16", 3, "captum"), REGION),
    Detect(IMAGES[0], 0.05),
    Segment(WAY, IMAGES[0]),
    ExplainBoxes(DETECTION_METHODS["drise"](samples=200), IMAGES[0], [BOX, BOX], Conditions("bfloat16")),
]


def test_there_is_an_example_of_each_question():
    assert {example.name for example in EXAMPLES} == set(QUESTIONS)


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_a_question_is_the_same_at_the_other_end(example):
    values, arrays = example.to_frame()
    again = question_named(example.name).from_frame(json.loads(json.dumps(values)), arrays)
    values_again, arrays_again = again.to_frame()
    assert values_again == values
    for array, array_again in zip(arrays, arrays_again, strict=True):
        np.testing.assert_array_equal(array_again, array)


def test_an_unknown_question_lists_the_known_ones():
    with pytest.raises(ParamError, match="no question called 'guess'; there are detect, explain"):
        question_named("guess")


def test_two_questions_cannot_share_a_name():
    with pytest.raises(ValueError, match="Two questions are called 'predict'"):
        question("predict")(Predict)
