"""TensorFlow Lite files and frozen graphs answer as LiteRT and tf_keras do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.model_adapters.conftest import Answers, answers_in

HERE = Path(__file__).resolve().parent
FLOAT, WHOLE = ["float.tflite", "frozen.pb"], ["int8.tflite", pytest.param("uint8.tflite", marks=pytest.mark.long)]
MORE = ("uint8.tflite", "two.tflite", "numbers.tflite")  # written for the long run only


class OnDemand(dict[str, Any]):
    """Answers by the names of files; a folder of files is opened when it is first asked for."""

    def __init__(self, opened: Callable[[str], Mapping[str, Any]]) -> None:
        self._opened = opened

    def __missing__(self, name: str) -> Any:
        self.update(self._opened(name))
        return dict(self)[name]


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest) -> Answers:
    @cache
    def opened(fixture: str) -> Answers:
        folder = request.getfixturevalue(fixture)
        command = [sys.executable, "-B", str(HERE / "lite_process.py"), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        return answers_in(folder, "lite")

    def fixture(name: str) -> str:
        return "more_keras_2_files" if name.startswith(MORE) else "keras_2_files"

    return Answers(
        OnDemand(lambda name: opened(fixture(name)).said), OnDemand(lambda name: opened(fixture(name)).arrays)
    )


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


@pytest.mark.parametrize("name", ["two.pb", pytest.param("two.tflite", marks=pytest.mark.long)])
def test_two_outputs_are_a_question(answers, name):
    assert len(answers.said[name]["outputs"]) == 2
    assert answers.arrays[name].shape == (3, 6)


@pytest.mark.parametrize("name", ["numbers.pb", pytest.param("numbers.tflite", marks=pytest.mark.long)])
def test_a_graph_that_takes_no_pictures_is_refused(answers, name):
    said = answers.said[name]
    assert said["error"] == "UnsupportedModel"
    assert said["message"].endswith("expected batch x height x width x channels.")


def test_a_file_that_is_cut_short_is_damaged(answers):
    assert answers.said["cut.tflite"]["message"].startswith("The TensorFlow Lite file is damaged or cut short.")
