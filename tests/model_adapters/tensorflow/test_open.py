from __future__ import annotations

import numpy as np
import pytest

from tests.small_models.digits import LEAST_ACCURACY


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["softmax", "softmax_layer", "softmax_activation", "softmax_nested"])
def test_a_final_softmax_is_cut_and_gives_the_original_back(tensorflow_answers, name):
    said, arrays = tensorflow_answers.said[name], tensorflow_answers.arrays
    assert (said["gives"], said["head"]) == ("logit", "softmax")
    assert not np.allclose(arrays[f"{name}.outputs"].sum(axis=1), 1)
    np.testing.assert_allclose(softmax(arrays[f"{name}.outputs"]), arrays[f"{name}.original"], atol=1e-5)


@pytest.mark.parametrize("name", ["sigmoid", "one_score"])
def test_a_final_sigmoid_is_cut_and_gives_the_original_back(tensorflow_answers, name):
    said, arrays = tensorflow_answers.said[name], tensorflow_answers.arrays
    assert (said["gives"], said["head"]) == ("logit", "sigmoid")
    np.testing.assert_allclose(1 / (1 + np.exp(-arrays[f"{name}.outputs"])), arrays[f"{name}.original"], atol=1e-5)


@pytest.mark.parametrize("name", ["softmax_inside", "exported"])
def test_a_softmax_that_can_not_be_cut_leaves_probabilities(tensorflow_answers, name):
    assert tensorflow_answers.said[name]["gives"] == "probability"
    np.testing.assert_allclose(tensorflow_answers.arrays[f"{name}.outputs"].sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["relu", "depthwise"])
def test_a_model_without_softmax_answers_as_keras_does(tensorflow_answers, name):
    arrays = tensorflow_answers.arrays
    assert tensorflow_answers.said[name]["gives"] == "logit"
    np.testing.assert_allclose(arrays[f"{name}.outputs"], arrays[f"{name}.original"], atol=1e-5)


def test_the_probability_gradient_follows_from_the_logits_by_the_chain_rule(tensorflow_answers):
    arrays = tensorflow_answers.arrays
    p = 1 / (1 + np.exp(-arrays["one_score.outputs"]))
    expected = arrays["one_score.logit"] * (p * (1 - p))[:, :, None, None]
    np.testing.assert_allclose(arrays["one_score.probability"], expected, atol=1e-7)


def test_a_gradient_is_that_of_the_graph(tensorflow_answers):
    inputs = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    expected = 2 * inputs / 16**2  # the scores are means of squares
    np.testing.assert_allclose(tensorflow_answers.arrays["first_version.logit"], expected, atol=1e-6)


def test_free_sizes_and_gray_pictures_are_recognised(tensorflow_answers):
    assert tensorflow_answers.said["relu"]["size"] == [None, None]
    assert tensorflow_answers.said["sigmoid"]["channels"] == 1
    assert tensorflow_answers.arrays["sigmoid.logit"].shape == (3, 28, 28, 1)


def test_a_model_for_one_picture_answers_three(tensorflow_answers):
    assert tensorflow_answers.said["one_picture"]["batch"] == 1
    assert tensorflow_answers.arrays["one_picture.outputs"].shape == (3, 4)
    assert tensorflow_answers.arrays["one_picture.logit"].shape == (3, 16, 16, 3)


@pytest.mark.parametrize(
    ("name", "scale", "mean", "word"),
    [
        ("softmax", 255.0, 0.0, "Rescaling"),
        ("softmax_activation", 1.0, 0.0, "Normalization"),
        ("softmax_layer", 1.0, 0.5, "keras.applications"),
        ("whole_numbers", 255.0, 0.0, "whole numbers"),
    ],
)
def test_the_file_speaks_for_its_preprocessing(tensorflow_answers, name, scale, mean, word):
    said = tensorflow_answers.said[name]
    assert (said["hint"]["scale"], said["hint"]["mean"][0]) == (scale, mean)
    assert word in said["hint_reason"]


def test_a_model_that_takes_whole_numbers_gives_predictions_only(tensorflow_answers):
    said = tensorflow_answers.said["whole_numbers"]
    assert not said["gradient"]
    assert "no gradient" in said["missing"]["GRADIENT"]


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("two_inputs", "UnsupportedModel", "takes 2 inputs"),
        ("segmentation", "TryAsSegmenter", "labels every pixel (its output is ?x16x16x5)"),
        ("detector", "TryAsDetector", "as detectors do"),
        ("encoded", "UnsupportedModel", "takes pictures as encoded bytes or text, such as JPEG or base64"),
        ("own_layer", "UnsupportedModel", "'OwnLayer' is not part of Keras"),
        ("reads_files", "RefusedModel", "an operation on files (ReadFile)"),
        ("calls_python", "UnsupportedModel", "calls back into Python"),
    ],
)
def test_what_is_no_classifier_gets_its_sentence(tensorflow_answers, name, error, words):
    said = tensorflow_answers.said[name]
    assert said["error"] == error
    assert words in said["message"]
    assert "/" not in said["message"].replace("?x", "")


USUAL = "its name is usual for class scores"


def test_two_heads_are_a_question(tensorflow_answers):
    said, arrays = tensorflow_answers.said, tensorflow_answers.arrays
    assert said["two_heads"]["outputs"] == [["kind", [2, 4], 4, ""], ["colour_scores", [2, 2], 2, USUAL]]
    assert arrays["two_heads.outputs"].shape == (3, 6)


def test_a_chosen_head_answers_as_keras_does_and_has_a_gradient(tensorflow_answers):
    said, arrays = tensorflow_answers.said["second_head"], tensorflow_answers.arrays
    assert said["notes"] == ["The model has 2 outputs; 'colour_scores' is explained."]
    np.testing.assert_allclose(arrays["second_head.outputs"], arrays["second_head.original"], atol=1e-5)
    assert arrays["second_head.logit"].any()


def test_a_saved_model_with_features_and_scores_is_a_question(tensorflow_answers):
    said, arrays = tensorflow_answers.said["features_first"], tensorflow_answers.arrays
    assert sorted(said["outputs"]) == [["features", [2, 3], 3, ""], ["logits", [2, 6], 6, USUAL]]
    means = np.random.default_rng(0).random((3, 16, 16, 3), np.float32).mean((1, 2))
    np.testing.assert_allclose(arrays["features_chosen.outputs"], np.concatenate([means, -means], 1), atol=1e-6)


def test_pixels_are_used_where_the_usual_signature_decodes_pictures(tensorflow_answers):
    (note,) = tensorflow_answers.said["encoded_beside"]["notes"]
    assert note.startswith("The signature 'serving_default' takes pictures as encoded bytes or text")
    assert note.endswith("The signature 'pixels' is used instead.")
    inputs = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    np.testing.assert_allclose(tensorflow_answers.arrays["encoded_beside.outputs"], inputs.mean((1, 2)), atol=1e-6)


def test_a_small_cnn_names_digits_of_0_to_255(tensorflow_answers, digits):
    named = tensorflow_answers.arrays["cnn.outputs"].argmax(axis=1)
    assert (named == digits[1]).mean() > LEAST_ACCURACY


def test_a_cifar_model_of_keras_2_names_what_is_in_pictures_of_0_to_255(tensorflow_answers, cifar):
    named = tensorflow_answers.arrays["cifar.outputs"].argmax(axis=1)
    assert (named == cifar[1]).mean() > 0.75


def test_a_model_keeps_the_relu_that_it_ends_in(tensorflow_answers):
    assert tensorflow_answers.said["cnn"]["gives"] == "logit"
    assert tensorflow_answers.arrays["cnn.outputs"].min() == 0


def test_a_saved_model_keeps_its_inside_to_itself(tensorflow_answers):
    said = tensorflow_answers.said["exported"]
    assert said["layers"] == []
    for capability in ("BACKWARD_RULES", "RESCALE", "ACTIVATIONS", "ABLATION", "RANDOMISATION"):
        assert "Use the model's .keras file" in said["missing"][capability]


def test_the_sample_shows_its_layers_up_to_the_last_grid(tensorflow_answers):
    assert tensorflow_answers.said["sample"]["layers"][-1][1:] == [7, 7, 1280]


def test_lack_of_memory_is_told_as_such(tensorflow_answers):
    sentence = "The model ran out of memory on 4 pictures; choose a smaller batch."
    assert tensorflow_answers.said["without memory"] == [sentence] * 2
