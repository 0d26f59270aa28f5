"""CAMs of a network whose layer and head are known, so that each map is worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import Remembering, model_of, random_image
from fakes_inside import BlockNetwork

from xai_core import methods  # noqa: F401  (registers them)
from xai_core.errors import ParamError
from xai_core.families.cam import first_component
from xai_core.method import METHODS
from xai_core.methods.ablation_cam import AblationCam
from xai_core.methods.eigen_cam import EigenCam
from xai_core.methods.grad_cam import GradCam
from xai_core.methods.grad_cam_plus_plus import GradCamPlusPlus
from xai_core.methods.hirescam import HiResCam
from xai_core.methods.layercam import LayerCam
from xai_core.methods.score_cam import ScoreCam
from xai_core.methods.xgrad_cam import XGradCam
from xai_core.pictures.resampling import resized

RANDOM = np.random.default_rng(3)
MIXING = RANDOM.normal(size=(3, 6))
HEAD = RANDOM.normal(size=(3, 4, 4, 6))
IMAGE = random_image(16, 16)
TARGETS = np.array([2, 0])
CAMS = sorted(method_id for method_id, method in METHODS.items() if method.group == "CAM")


def network():
    return BlockNetwork(MIXING, HEAD)


def values():
    return network().activations(IMAGE[None], "blocks")[0]


def last(method, targets=TARGETS, memory=None, of=None):
    *_, estimate = method.explain(model_of(of or network(), memory), IMAGE, targets)
    return estimate


def stretched(coarse):
    return resized(np.asarray(coarse, np.float32), (16, 16))


def test_grad_cam_weighs_channels_by_their_mean_gradient():
    weights = HEAD[TARGETS].mean(axis=(1, 2))
    expected = np.maximum(np.einsum("hwk,tk->thw", values(), weights), 0)
    np.testing.assert_allclose(last(GradCam()).maps, stretched(expected), atol=1e-5)


def test_grad_cam_plus_plus_uses_the_sum_of_the_paper():
    gradients, found = HEAD[TARGETS], values()
    shares = gradients**2 / (2 * gradients**2 + found.sum(axis=(0, 1)) * gradients**3)
    weights = (np.maximum(gradients, 0) * shares).sum(axis=(1, 2))
    expected = np.maximum(np.einsum("hwk,tk->thw", found, weights), 0)
    np.testing.assert_allclose(last(GradCamPlusPlus()).maps, stretched(expected), rtol=1e-3, atol=1e-5)


def test_hirescam_of_a_linear_head_adds_up_to_the_logit():
    maps = last(HiResCam()).maps
    logits = network().forward(IMAGE[None])[0, TARGETS]
    np.testing.assert_allclose(maps.mean(axis=(1, 2)) * 16, logits, rtol=1e-3)


def test_layercam_leaves_out_what_speaks_against_the_class():
    expected = (np.maximum(HEAD[TARGETS], 0) * values()).sum(axis=-1)
    np.testing.assert_allclose(last(LayerCam()).maps, stretched(expected), rtol=1e-4, atol=1e-5)


def test_the_weights_of_xgrad_cam_give_each_channel_its_part_of_the_score():
    found, gradients = values(), HEAD[TARGETS]
    parts = (gradients * found).sum(axis=(1, 2))
    maps = last(XGradCam(positive_only=False)).maps
    np.testing.assert_allclose(maps.mean(axis=(1, 2)) * 16, parts.sum(axis=1), rtol=1e-3)


def test_eigen_cam_is_the_same_for_every_class():
    maps = last(EigenCam()).maps
    np.testing.assert_array_equal(maps[0], maps[1])


def test_the_first_component_never_turns_an_object_into_its_background():
    random = np.random.default_rng(0)
    for _ in range(100):
        blob = np.zeros((7, 7, 16))
        top, left = random.integers(0, 4, 2)
        blob[top : top + 3, left : left + 3] = random.random(16) * random.uniform(1, 5)
        noisy = (blob + 0.1 * random.random(blob.shape)).astype(np.float32)
        found = first_component(noisy, towards=(noisy**2).sum(axis=-1))
        assert found[top : top + 3, left : left + 3].mean() > 0 > np.median(found)


@pytest.mark.parametrize("shape", [(4, 4, 40), (7, 7, 5)])
def test_the_first_component_is_that_of_a_full_decomposition(shape):
    found = np.random.default_rng(1).random(shape).astype(np.float32)
    centred = found.reshape(-1, shape[2]) - found.reshape(-1, shape[2]).mean(axis=0)
    expected = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    ours = first_component(found, towards=expected.reshape(shape[:2])).ravel()
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_ablation_cam_of_a_linear_head_is_the_share_of_the_score_that_is_lost():
    of = network()
    logits = of.forward(IMAGE[None])[0, TARGETS]
    lost = np.einsum("hwk,thwk->tk", values(), HEAD[TARGETS]) / np.abs(logits)[:, None]
    expected = np.maximum(np.einsum("hwk,tk->thw", values(), lost), 0)
    np.testing.assert_allclose(last(AblationCam()).maps, stretched(expected), rtol=1e-3, atol=1e-4)


def test_ablation_cam_asks_about_a_share_of_the_channels():
    of = network()
    last(AblationCam(channels=50, batch_size=2), of=of)
    assert of.resumed == [1, 2, 1]  # first the layer as it is


@pytest.mark.parametrize("method", [AblationCam(), ScoreCam()])
def test_a_second_class_costs_no_further_pass(method):
    of, memory = network(), Remembering()
    last(method, np.array([2]), memory, of)
    before = (sum(of.asked), sum(of.resumed))
    last(method, np.array([1]), memory, of)
    extra = sum(of.asked) + sum(of.resumed) - sum(before)
    assert extra <= 1  # the picture itself


def test_score_cam_weighs_channels_by_what_is_seen_through_them():
    of, found = network(), values()
    order = np.argsort(-found.sum(axis=(0, 1)), kind="stable")
    masks = stretched(found.transpose(2, 0, 1)[order])
    low, high = masks.min(axis=(1, 2), keepdims=True), masks.max(axis=(1, 2), keepdims=True)
    masks = (masks - low) / np.where(high > low, high - low, 1)
    scores = of.forward((masks[..., None] * IMAGE).astype(np.float32))[:, TARGETS]
    weights = np.exp(scores) / np.exp(scores).sum(axis=0)
    expected = np.maximum(np.einsum("hwk,kt->thw", found[..., order], weights), 0)
    np.testing.assert_allclose(last(ScoreCam()).maps, stretched(expected), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method_id", CAMS)
def test_two_layers_are_averaged_after_each_was_brought_to_a_peak_of_one(method_id):
    one = last(METHODS[method_id]()).maps
    both = last(METHODS[method_id](layers=("coarse", "blocks"))).maps
    peaks = np.abs(one).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(both, one / np.where(peaks > 0, peaks, 1), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("method_id", CAMS)
def test_an_all_black_picture_gives_a_map_without_a_division_by_zero(method_id):
    *_, estimate = METHODS[method_id]().explain(model_of(network()), 0 * IMAGE, TARGETS)
    assert np.isfinite(estimate.maps).all()


def test_a_layer_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(ParamError, match="coarse, blocks; got 'layer4'"):
        GradCam(layers=("layer4",)).check_choices(network().card)
