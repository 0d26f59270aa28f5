"""Rollout of attention that was written down by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import model_of, random_image
from fakes_inside import TokenNetwork

from xai_core.methods.attention_rollout import AttentionRollout
from xai_core.methods.gradient_rollout import GradientRollout

RANDOM = np.random.default_rng(0)
RAW = RANDOM.random((3, 2, 5, 5))
WEIGHTS = RAW / RAW.sum(axis=-1, keepdims=True)
GRADIENTS = RANDOM.normal(size=WEIGHTS.shape)
GRADIENTS[-1, :, 1:] = 0  # of the last layer only the class token is read
POOLED = np.concatenate([GRADIENTS[:-1], np.ones((1, 2, 5, 5))])
POOLED[-1, :, 0] = 0  # here only the patches are, all alike
IMAGE = random_image(8, 8)


def last(method, weights=WEIGHTS, targets=(0, 1), gradients=GRADIENTS):
    *_, estimate = method.explain(model_of(TokenNetwork(weights, gradients)), IMAGE, np.array(targets))
    return estimate.maps


@pytest.mark.parametrize(("heads", "fuse"), [("mean", np.mean), ("max", np.max), ("min", np.min)])
def test_rollout_multiplies_the_layers_with_half_of_each_for_the_token_itself(heads, fuse):
    rolled = np.eye(5)
    for layer in fuse(WEIGHTS, axis=1):
        mixed = layer + np.eye(5)
        rolled = mixed / mixed.sum(axis=1, keepdims=True) @ rolled
    corner = last(AttentionRollout(heads=heads))[0][0, 0]
    np.testing.assert_allclose(corner, rolled[0, 1], rtol=1e-5)


def test_a_transformer_that_looks_at_one_patch_lights_up_there():
    looking = np.zeros((1, 1, 5, 5))
    looking[..., 3] = 1  # the patch below left
    found = last(AttentionRollout(), looking, gradients=GRADIENTS[-1:, :1])[0]
    assert found[7, 0] == found.max() > found[0, 7] == 0


def test_rollout_is_the_same_for_every_class():
    first, second = last(AttentionRollout())
    np.testing.assert_array_equal(first, second)


def test_the_gradient_weighted_form_gathers_what_raises_the_class():
    relations = np.eye(5)
    for layer in np.maximum(WEIGHTS * GRADIENTS, 0).mean(axis=1):
        relations = relations + layer @ relations
    np.testing.assert_allclose(last(GradientRollout())[0][0, 0], relations[0, 1], rtol=1e-5)


def test_the_gradient_weighted_form_depends_on_the_class():
    first, second = last(GradientRollout())
    assert np.abs(first - second).max() > 0.01


def test_a_transformer_that_pools_its_patches_is_read_off_all_of_them():
    rolled = np.eye(5)
    for layer in WEIGHTS.mean(axis=1):
        mixed = layer + np.eye(5)
        rolled = mixed / mixed.sum(axis=1, keepdims=True) @ rolled
    corner = last(AttentionRollout(), gradients=POOLED)[0][0, 0]
    np.testing.assert_allclose(corner, rolled[1:, 1].mean(), rtol=1e-5)
