"""The same network in three frameworks says the same, and for the same reasons."""

from __future__ import annotations

import numpy as np
import pytest

from model_adapters import inspect, load
from xai_core.types import Capability


def softmax(logits):
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def opened(source, folder):
    return load(source, inspect(source), str(folder))


@pytest.fixture(scope="module")
def torch_network(sample, tmp_path_factory):
    return opened(sample("PyTorch"), tmp_path_factory.mktemp("torch"))


@pytest.fixture(scope="module")
def onnx_network(sample, tmp_path_factory):
    return opened(sample("ONNX"), tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="module")
def logits(torch_network, onnx_network, photos, tensorflow_answers):
    keras = tensorflow_answers.arrays["sample.outputs"]
    return {"torch": torch_network.forward(photos), "onnx": onnx_network.forward(photos), "keras": keras}


@pytest.fixture(scope="module")
def gradients(torch_network, onnx_network, photos, photo_targets, tensorflow_answers):
    def of(score):
        found = {"keras": tensorflow_answers.arrays[f"sample.{score}"]}
        for name, network in (("torch", torch_network), ("onnx", onnx_network)):
            found[name] = network.backward(photos, photo_targets, score)
        return found

    return {score: of(score) for score in ("logit", "probability")}


def lengths(a):
    return np.linalg.norm(a.reshape(len(a), -1), axis=1)


def cosines(a, b):
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (a, b))
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


@pytest.mark.parametrize("other", ["onnx", "keras"])
def test_probabilities_agree_within_a_ten_thousandth(logits, other):
    np.testing.assert_allclose(softmax(logits[other]), softmax(logits["torch"]), atol=1e-4)


@pytest.mark.parametrize("other", ["onnx", "keras"])
def test_the_five_likeliest_classes_are_the_same(logits, other):
    np.testing.assert_array_equal(np.argsort(-logits[other])[:, :5], np.argsort(-logits["torch"])[:, :5])


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("other", ["onnx", "keras"])
def test_input_gradients_point_the_same_way(gradients, other, score):
    assert cosines(gradients[score][other], gradients[score]["torch"]).min() > 0.999


@pytest.mark.parametrize("score", ["logit", "probability"])
@pytest.mark.parametrize("other", ["onnx", "keras"])
def test_input_gradients_are_equally_long(gradients, other, score):
    ours, theirs = (lengths(gradients[score][name]) for name in (other, "torch"))
    np.testing.assert_allclose(ours, theirs, rtol=1e-2)


def test_the_keras_twin_loses_its_softmax(tensorflow_answers):
    said = tensorflow_answers.said["sample"]
    assert (said["classes"], said["gives"], said["gradient"]) == (1000, "logit", True)


def test_the_onnx_twin_offers_gradients(onnx_network):
    assert Capability.GRADIENT in onnx_network.card.capabilities
