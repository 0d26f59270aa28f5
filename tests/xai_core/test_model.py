"""A model adds to a network what is the same for all: preprocessing, checks, and batches that fit into memory."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, model_of, random_image, random_weights
from fakes_inside import BlockNetwork

from xai_core.errors import MissingCapability, ModelError, OutOfMemory
from xai_core.model import Model
from xai_core.preprocessing import Preprocessing
from xai_core.types import Capability

WEIGHTS = random_weights()
IMAGES = np.stack([random_image(seed=seed) for seed in range(10)])
TARGETS = np.array([0, 1, 2] * 3 + [0])


class SmallNetwork(LinearNetwork):
    """Has memory for three pictures at a time."""

    def forward(self, inputs):
        if len(inputs) > 3:
            raise OutOfMemory("Too many.")
        return super().forward(inputs)

    def backward(self, inputs, targets, score, *more):
        if len(inputs) > 3:
            raise MemoryError
        return super().backward(inputs, targets, score, *more)


def test_a_batch_beyond_memory_is_halved_until_it_fits_and_a_note_says_so():
    small, roomy = model_of(SmallNetwork(WEIGHTS)), model_of(LinearNetwork(WEIGHTS))
    np.testing.assert_array_equal(small.outputs(IMAGES), roomy.outputs(IMAGES))
    assert "pictures were processed 2 at a time" in small.notes[0]
    assert roomy.notes == ()


def test_gradients_are_halved_too():
    small, roomy = model_of(SmallNetwork(WEIGHTS)), model_of(LinearNetwork(WEIGHTS))
    ours = small.gradients(IMAGES, TARGETS, "probability")
    np.testing.assert_allclose(ours, roomy.gradients(IMAGES, TARGETS, "probability"), rtol=1e-6)


def test_one_picture_that_does_not_fit_is_an_error():
    network = LinearNetwork(WEIGHTS)
    network.forward = lambda inputs: (_ for _ in ()).throw(OutOfMemory("Too large."))
    with pytest.raises(OutOfMemory):
        model_of(network).outputs(IMAGES)


def test_every_pass_ticks():
    passes = []
    model = Model(SmallNetwork(WEIGHTS), Preprocessing(16, 16), tick=lambda: passes.append(1))
    model.outputs(IMAGES)
    assert len(passes) >= 5


def test_a_large_batch_is_split_so_that_a_slow_model_keeps_ticking():
    network, passes = LinearNetwork(random_weights(3, 448, 448)), []
    model = Model(network, Preprocessing(448, 448), tick=lambda: passes.append(1))
    model.outputs(np.zeros((20, 448, 448, 3), np.float32))
    assert network.asked == [8, 8, 4]
    assert len(passes) == 3
    assert model.notes == ()
    model.gradients(np.zeros((5, 448, 448, 3), np.float32), np.zeros(5, np.int64), "logit")
    assert network.asked_back == [4, 1]


def test_a_model_that_ends_in_probabilities_has_no_logits():
    network = LinearNetwork(WEIGHTS, gives="probability")
    with pytest.raises(MissingCapability, match="Explain the probability instead"):
        model_of(network).gradients(IMAGES, TARGETS, "logit")


def test_layer_gradients_of_several_targets_come_with_one_output_of_the_layer():
    head = np.random.default_rng(0).normal(size=(3, 4, 4, 6))
    network = BlockNetwork(np.ones((3, 6)), head)
    values, gradients = model_of(network).layer_gradients(IMAGES[0], np.array([2, 0]), "logit", "blocks")
    assert values.shape == (4, 4, 6)
    np.testing.assert_allclose(gradients, head[[2, 0]], rtol=1e-6)


def test_a_network_that_offers_no_attention_says_so():
    with pytest.raises(TypeError, match="LinearNetwork offers no attention"):
        model_of(LinearNetwork(WEIGHTS)).attentions(IMAGES[0], 0, "logit")


def test_a_layer_with_nan_is_refused():
    network = BlockNetwork(np.full((3, 6), np.inf), np.ones((3, 4, 4, 6)))
    with pytest.raises(ModelError, match="layer contains values that are not numbers"):
        model_of(network).activations(IMAGES, "blocks")


def test_stored_sums_belong_to_one_network_and_preprocessing():
    memory = Remembering()
    plain, variant = LinearNetwork(WEIGHTS), LinearNetwork(WEIGHTS)
    variant.key = "random last layer 0"
    model_of(plain, memory).keep("sums", count=3)
    assert model_of(plain, memory).recall("sums")["count"] == 3
    assert not model_of(variant, memory).recall("sums")
    assert not model_of(plain, memory, scale=255.0).recall("sums")


def test_all_capabilities_have_words():
    from xai_core.method import NEED_IN_WORDS

    assert set(NEED_IN_WORDS) == set(Capability)


def test_a_layer_is_pooled_over_its_positions_with_a_class_for_each_picture():
    random = np.random.default_rng(0)
    network = BlockNetwork(random.normal(size=(3, 5)), random.normal(size=(4, 2, 3, 5)))
    model = model_of(network)
    images, targets = random.random((3, 8, 12, 3), np.float32), np.array([0, 3, 1])
    values, gradients = model.pooled(images, targets, "logit", "blocks")
    for n, target in enumerate(targets):
        whole, slope = model.layer_gradients(images[n], np.array([target]), "logit", "blocks")
        np.testing.assert_allclose(values[n], whole.mean(axis=(0, 1)), atol=1e-6)
        np.testing.assert_allclose(gradients[n], slope[0].mean(axis=(0, 1)), atol=1e-6)
