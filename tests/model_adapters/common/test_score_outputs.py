"""Which outputs differ, which is the likeliest, and how one is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from model_adapters.common.output_choice import OutputChoice
from model_adapters.common.score_outputs import described, distinct
from xai_core.errors import ParamError, UnsupportedModel
from xai_core.scores import squashed

LOGITS = [np.random.default_rng(0).standard_normal((2, 5)).astype(np.float32)]
ENDS = {
    "softmax": [squashed(LOGITS[0], "softmax")],
    "log_softmax": [np.log(squashed(LOGITS[0], "softmax"))],
    "sigmoid": [squashed(LOGITS[0], "sigmoid")],
    "again": [LOGITS[0].copy()],
}


@pytest.mark.parametrize("end", ENDS)
def test_the_ends_of_logits_and_repeats_do_not_count(end):
    assert distinct({"logits": LOGITS, end: ENDS[end]}) == ("logits",)
    assert distinct({end: ENDS[end], "logits": LOGITS}) == (end if end == "again" else "logits",)


def test_outputs_that_answer_differently_all_count():
    assert distinct({"a": LOGITS, "b": [2 * LOGITS[0]], "c": [LOGITS[0][:, :3]]}) == ("a", "b", "c")


def likeliest(answers, labels=()):
    shapes = {name: rows[0].shape for name, rows in answers.items()}
    outputs = described(answers, tuple(answers), shapes, labels)
    return next((output.name for output in outputs if output.reason), "")


def test_class_names_outweigh_probabilities_and_these_a_name():
    three = {"logits": LOGITS, "a": [np.full((2, 4), 0.25, np.float32)], "b": [np.ones((2, 3), np.float32)]}
    assert likeliest(three, labels=[3]) == "b"
    assert likeliest(three) == "a"
    assert likeliest({"logits": LOGITS, "b": three["b"]}) == "logits"
    assert likeliest({"aux_logits": LOGITS, "b": three["b"]}) == ""


def test_as_many_values_as_imagenet_has_classes_are_a_hint():
    assert likeliest({"0": [np.ones((2, 1280), np.float32)], "1": [np.ones((2, 1000), np.float32)]}) == "1"


def test_too_many_outputs_are_refused():
    many = {str(n): LOGITS for n in range(33)}
    with pytest.raises(UnsupportedModel, match="33 outputs that may hold class scores; expected at most 32"):
        likeliest(many)


def test_a_choice_is_the_same_text_for_the_same_output():
    text = OutputChoice(output="logits").to_text()
    assert OutputChoice.from_text(text) == OutputChoice(output="logits")
    assert OutputChoice().to_text() == ""
    for wrong in ("[1]", "{", '{"out": 1}', '{"output": 1}'):
        with pytest.raises(ParamError):
            OutputChoice.from_text(wrong)
