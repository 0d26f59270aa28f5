"""Saliency on a linear network, whose gradient is its weights."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, model_of, random_image, random_weights

from xai_core.errors import MissingCapability
from xai_core.methods.saliency import Saliency
from xai_core.types import Capability

WEIGHTS = random_weights()
TARGETS = np.array([2, 0])


def only(method, **preprocessing):
    (estimate,) = method.explain(model_of(LinearNetwork(WEIGHTS), **preprocessing), random_image(), TARGETS)
    return estimate


def test_a_linear_model_shows_its_greatest_weight_a_pixel():
    np.testing.assert_array_equal(only(Saliency()).maps, np.abs(WEIGHTS[TARGETS]).max(axis=-1))


def test_the_signed_sum_adds_the_colours():
    np.testing.assert_allclose(only(Saliency(reduction="sum")).maps, WEIGHTS[TARGETS].sum(axis=-1), rtol=1e-6)


def test_the_gradient_is_that_of_the_picture_and_not_of_the_normalised_input():
    maps = only(Saliency(), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)).maps
    np.testing.assert_allclose(maps, 4 * np.abs(WEIGHTS[TARGETS]).max(axis=-1), rtol=1e-6)


def test_blue_first_models_give_the_map_of_red_first_ones():
    swapped = model_of(LinearNetwork(WEIGHTS[..., ::-1]), channels="BGR")
    (estimate,) = Saliency(reduction="sum").explain(swapped, random_image(), TARGETS)
    np.testing.assert_allclose(estimate.maps, only(Saliency(reduction="sum")).maps, rtol=1e-6)


def test_a_probability_may_be_explained():
    maps = only(Saliency(reduction="sum", score="probability")).maps
    logits = np.einsum("hwc,khwc->k", random_image(), WEIGHTS)
    shares = np.exp(logits) / np.exp(logits).sum()
    expected = shares[2] * (WEIGHTS[2] - np.einsum("k,khwc->hwc", shares, WEIGHTS)).sum(axis=-1)
    np.testing.assert_allclose(maps[0], expected, rtol=1e-4, atol=1e-8)


def test_a_model_without_gradients_is_refused_with_the_reason():
    card = LinearNetwork(WEIGHTS, Capability.PREDICT).card
    with pytest.raises(MissingCapability, match="Saliency needs gradients"):
        Saliency.check_model(card)
