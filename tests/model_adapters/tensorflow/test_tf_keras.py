"""What Keras 2 wrote and Keras 3 refuses is opened with tf_keras, with all that is offered for Keras 3."""

from __future__ import annotations

import numpy as np
import pytest

from tests.model_adapters.conftest import answers_in

INSIDE = "functional 2.4.0"


@pytest.fixture(scope="module")
def answers(keras_2_files):
    return answers_in(keras_2_files, "answers")


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def inside(answers, name):
    return answers.arrays[f"{INSIDE}.{name}"]


@pytest.mark.parametrize("name", ["functional 2.4.0", "functional 2.15.0", "converted_keras"])
def test_a_nested_base_answers_as_tf_keras_does(answers, name):
    model = "teachable" if name == "converted_keras" else name.split()[0]
    assert answers.said[name]["gives"] == "logit"
    probabilities = softmax(answers.arrays[f"{name}.outputs"])
    np.testing.assert_allclose(probabilities, answers.arrays[f"{model}.original"], atol=1e-6)


def test_the_labels_beside_a_model_of_teachable_machine_are_read(answers):
    assert answers.said["converted_keras"]["labels"] == ["cat", "dog", "something else"]


def test_functions_of_tensorflow_in_the_graph_are_the_preprocessing_and_no_layers(answers):
    said, arrays = answers.said["functions 2.4.0"], answers.arrays
    assert said["hint"]["scale"] == 255
    assert [name.split("/")[-1] for name in said["layers"]] == ["first", "second", "add_2", "last"]
    np.testing.assert_allclose(arrays["functions 2.4.0.outputs"], arrays["functions.original"], atol=1e-6)


def test_a_lambda_that_scales_pixels_answers_as_it_did_without_running(answers):
    said, arrays = answers.said["scaling_lambda 2.4.0"], answers.arrays
    assert said["hint"]["scale"] == 255
    np.testing.assert_allclose(arrays["scaling_lambda 2.4.0.outputs"], arrays["scaling_lambda.original"], atol=1e-6)


def test_two_outputs_are_a_question(answers):
    assert answers.said["two_heads 2.4.0"]["outputs"] == ["kind", "colour"]
    np.testing.assert_allclose(
        softmax(answers.arrays["chosen"]), answers.arrays["two_heads.original"][:, 4:], atol=1e-6
    )


def test_a_layer_of_the_users_own_is_named(answers):
    said = answers.said["own_layer 2.4.0"]
    assert said["error"] == "UnsupportedModel"
    assert said["message"].startswith("The class 'Cbam' is not part of Keras.")


def test_all_that_looks_into_keras_3_looks_into_keras_2(answers):
    said = answers.said[INSIDE]
    assert said["lacks"] == ["ATTENTION", "PROPAGATION", "DETECT"]
    assert [name.split("/")[-1] for name in said["layers"]] == ["first", "second", "add", "last"]


def test_the_gradient_of_a_probability_follows_from_those_of_the_logits(answers):
    rows = inside(answers, "outputs")
    assert np.abs(inside(answers, "gradient")).max() > 0
    share = softmax(rows)[0, 0]
    moved = np.abs(inside(answers, "probability")[0]).max()
    assert 0 < moved <= share * np.abs(inside(answers, "gradient")[0]).max() * 2


def test_deeplift_adds_up_to_the_difference_from_black(answers):
    inputs = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    shares = (inside(answers, "rescale") * inputs).sum((1, 2, 3))
    targets = np.arange(3)
    moved = (inside(answers, "outputs") - inside(answers, "black"))[np.arange(3), targets]
    np.testing.assert_allclose(shares, moved, atol=1e-5)


def test_a_layer_put_back_gives_the_same_scores(answers):
    assert inside(answers, "values").shape == (3, 14, 14, 4)
    assert inside(answers, "slopes").any()
    np.testing.assert_allclose(inside(answers, "resumed"), inside(answers, "outputs"), atol=1e-5)


def test_a_random_last_layer_answers_differently_and_leaves_the_model_as_it_was(answers):
    assert np.abs(inside(answers, "random") - inside(answers, "outputs")).max() > 1e-3
    np.testing.assert_array_equal(inside(answers, "again"), inside(answers, "outputs"))


@pytest.mark.long
def test_xplique_computes_the_same_saliency(more_keras_2_files):
    with np.load(more_keras_2_files / "more.npz") as arrays:
        np.testing.assert_allclose(arrays["xplique"][0], np.abs(arrays["gradient"][0]).sum(-1), atol=1e-6)
