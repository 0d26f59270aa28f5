"""TensorFlow Lite files and frozen graphs answer as LiteRT and tf_keras do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.model_adapters.conftest import Answers

HERE = Path(__file__).resolve().parent
FLOAT, WHOLE = ["float.tflite", "frozen.pb"], ["int8.tflite", "uint8.tflite"]


@pytest.fixture(scope="module")
def answers(keras_2_files):
    command = [sys.executable, "-B", str(HERE / "lite_process.py"), str(keras_2_files)]
    subprocess.run(command, check=True, capture_output=True)
    with np.load(keras_2_files / "lite.npz") as arrays:
        return Answers(json.loads((keras_2_files / "lite.json").read_text("utf-8")), dict(arrays))


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", FLOAT)
def test_a_float_graph_loses_its_softmax_and_answers_as_litert_does(answers, name):
    assert (answers.said[name]["gives"], answers.said[name]["head"]) == ("logit", "softmax")
    expected = answers.arrays["float.tflite by LiteRT"]
    np.testing.assert_allclose(softmax(answers.arrays[name]), expected, atol=1e-4)


@pytest.mark.parametrize("name", WHOLE)
def test_a_graph_of_whole_numbers_answers_as_litert_does_within_one_step(answers, name):
    assert (answers.said[name]["gives"], answers.said[name]["head"]) == ("probability", "softmax")
    step = answers.said[name]["step"]
    assert step == 1 / 256
    np.testing.assert_allclose(answers.arrays[name], answers.arrays[f"{name} by LiteRT"], atol=1.001 * step)


@pytest.mark.parametrize("name", WHOLE)
def test_the_range_of_whole_numbers_says_how_pictures_are_prepared(answers, name):
    assert answers.said[name]["hint"] == [1.0, 0.5, 0.5]
    assert answers.said[name]["hint_reason"].startswith("Its quantised input covers values from -1")


@pytest.mark.parametrize("name", ["packed.zip", "appended.tflite"])
def test_labels_beside_the_file_or_inside_it_are_read(answers, name):
    assert answers.said[name]["labels"] == ["cat", "dog", "bird"]


def test_predictions_are_all_that_such_a_graph_offers(answers):
    said = answers.said["float.tflite"]
    assert (said["capabilities"], said["batch"]) == (["PREDICT"], None)
    assert said["missing"]["GRADIENT"].startswith("a graph in this format only runs forwards")


def test_two_outputs_are_a_question(answers):
    assert len(answers.said["two.tflite"]["outputs"]) == 2
    assert answers.arrays["two.tflite"].shape == (3, 6)


def test_a_graph_that_takes_no_pictures_is_refused(answers):
    said = answers.said["numbers.tflite"]
    assert said["error"] == "UnsupportedModel"
    assert said["message"].endswith("expected batch x height x width x channels.")


def test_a_file_that_is_cut_short_is_damaged(answers):
    assert answers.said["cut.tflite"]["message"].startswith("The TensorFlow Lite file is damaged or cut short.")
