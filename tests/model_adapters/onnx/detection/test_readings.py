from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from model_adapters.onnx.detection.readings import Reading
from tests.model_adapters.conftest import HERE
from xai_core.errors import ParamError

FACES = Reading(form="boxes and class scores", scale="0..255", mean="127", std="128", background=True)


def test_a_reading_survives_its_text():
    assert Reading.from_text(FACES.to_text()) == FACES


def test_what_a_text_leaves_out_has_its_default():
    assert Reading.from_text('{"form": "grid", "overlap": 1}') == Reading(form="grid", overlap=1)


def test_what_a_text_leaves_out_is_as_usual_for_the_same_form():
    found = Reading.from_text('{"overlap": 1}', FACES)
    assert (found.form, found.mean, found.overlap) == (FACES.form, "127", 1)


def test_what_is_usual_for_one_form_says_nothing_of_another():
    assert Reading.from_text('{"form": "grid"}', FACES) == Reading(form="grid")


def test_equal_readings_have_equal_texts():
    other = Reading.from_text(json.dumps(dict(reversed(list(FACES.values().items())))))
    assert other.to_text() == FACES.to_text()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yolo", "must be JSON"),
        ("[1, 2]", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ('{"colour": "BGR"}', "no parameter 'colour'"),
        ('{"form": "cubes"}', "Form must be one of"),
        ('{"overlap": 2}', "between 0 and 1"),
        ('{"overlap": NaN}', "a number"),
        ('{"background": "yes"}', "true or false"),
        ('{"mean": 127}', "must be text"),
        ('{"mean": "1, 2"}', "one number, or three"),
        ('{"mean": "grey"}', "one number, or three"),
        ('{"std": "1, 0, 1"}', "above 0"),
        ('{"std": "inf"}', "one number, or three"),
    ],
)
def test_a_text_that_is_no_reading_is_told_why(text, words):
    with pytest.raises(ParamError, match=words):
        Reading.from_text(text)


def test_every_field_can_be_shown_as_a_control():
    for param in Reading.params:
        assert param.choices or param.range or param.kind in (bool, str), param.name
        assert param.help.endswith(".")


def test_a_single_mean_holds_for_all_colours():
    images = np.full((1, 2, 2, 3), 0.5, np.float32)
    found = FACES.preprocessing(2, 2).normalise(images)
    np.testing.assert_allclose(found, np.full_like(images, (127.5 - 127) / 128), atol=1e-6)


def test_means_follow_the_colours_that_they_are_given_for():
    image = np.array([0.1, 0.2, 0.3], np.float32).reshape(1, 1, 1, 3)
    look = Reading(colours="BGR", mean="0.1, 0.1, 0.1", std="1, 0.5, 0.25").preprocessing(1, 1)
    np.testing.assert_allclose(look.normalise(image)[0, 0, 0], [0.8, 0.2, 0], atol=1e-6)


def test_a_gray_model_gets_one_channel():
    assert Reading().preprocessing(4, 4, channels=1).normalise(np.ones((1, 4, 4, 3), np.float32)).shape == (1, 4, 4, 1)


def test_readings_need_no_framework():
    heavy = {"torch", "onnx", "onnxruntime"}
    code = f"import sys, model_adapters.onnx.detection.readings; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE.parents[1], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
