"""The gradient methods with a rule of their own, and LRP, on networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import LinearNetwork, Remembering, SquareNetwork, model_of, random_image, random_weights
from fakes_inside import BlockNetwork

from xai_core.methods.deconvnet import Deconvnet
from xai_core.methods.deeplift import DeepLift
from xai_core.methods.grad_cam import GradCam
from xai_core.methods.gradient_shap import GradientShap
from xai_core.methods.guided_backprop import GuidedBackprop
from xai_core.methods.guided_grad_cam import GuidedGradCam
from xai_core.methods.input_x_gradient import InputXGradient
from xai_core.methods.lrp import Lrp

WEIGHTS = random_weights()
IMAGE = random_image()
TARGETS = np.array([2, 0])
RANDOM = np.random.default_rng(5)
MIXING, HEAD = RANDOM.normal(size=(3, 6)), RANDOM.normal(size=(3, 4, 4, 6))


def last(method, network=None, image=IMAGE):
    *_, estimate = method.explain(model_of(network or BlockNetwork(MIXING, HEAD)), image, TARGETS)
    return estimate


def test_gradient_x_input_of_a_linear_model_adds_up_to_the_logit():
    network = LinearNetwork(WEIGHTS)
    maps = last(InputXGradient(), network).maps
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), network.forward(IMAGE[None])[0, TARGETS], rtol=1e-4)


@pytest.mark.parametrize("kind", [Deconvnet, GuidedBackprop])
def test_a_backward_rule_shows_other_things_than_the_gradient(kind):
    rule = {"Deconvnet": "deconvnet", "GuidedBackprop": "guided"}[kind.__name__]
    network = BlockNetwork(MIXING, HEAD)
    expected = network.backward(np.repeat(IMAGE[None], 2, axis=0), TARGETS, "logit", rule)
    np.testing.assert_allclose(last(kind(reduction="sum")).maps, expected.sum(axis=-1), rtol=1e-5, atol=1e-7)


def test_guided_grad_cam_is_the_product_of_both():
    fine, coarse = last(GuidedBackprop()).maps, last(GradCam()).maps
    np.testing.assert_allclose(last(GuidedGradCam()).maps, fine * coarse, rtol=1e-5)


@pytest.mark.parametrize("baseline", ["black", "grey", "blurred"])
def test_deeplift_adds_up_to_the_difference_in_score(baseline):
    estimate = last(DeepLift(baseline=baseline))
    assert max(estimate.diagnostics["completeness_error"]) < 1e-3


def test_gradient_shap_of_a_linear_model_adds_up_whatever_is_drawn():
    estimate = last(GradientShap(stop_at_noise=0.0, samples=16), LinearNetwork(WEIGHTS))
    assert max(estimate.diagnostics["completeness_error"]) < 1e-3


@pytest.mark.parametrize("baselines", ["colours", "noise", "blurred"])
def test_gradient_shap_of_squares_nearly_adds_up(baselines):
    half = 0.8 + 0.2 * IMAGE
    half[:8] *= 0.9 if baselines != "blurred" else 0.1
    estimate = last(
        GradientShap(stop_at_noise=0.0, samples=400, baselines=baselines), SquareNetwork(np.abs(WEIGHTS)), half
    )
    assert max(estimate.diagnostics["completeness_error"]) < 0.25


def test_gradient_shap_goes_on_from_where_it_was():
    network, memory = SquareNetwork(WEIGHTS), Remembering()
    model = model_of(network, memory)
    list(GradientShap(stop_at_noise=0.0, samples=8).explain(model, IMAGE, TARGETS))
    asked = sum(network.asked_back)
    *_, continued = GradientShap(stop_at_noise=0.0, samples=12).explain(model, IMAGE, TARGETS)
    assert sum(network.asked_back) == asked + 4 * len(TARGETS)
    np.testing.assert_array_equal(
        continued.maps, last(GradientShap(stop_at_noise=0.0, samples=12), SquareNetwork(WEIGHTS)).maps
    )


def test_no_batch_size_changes_what_gradient_shap_draws():
    few, many = (last(GradientShap(stop_at_noise=0.0, samples=16, batch_size=size)).maps for size in (2, 32))
    np.testing.assert_allclose(few, many, rtol=1e-5, atol=1e-7)


def test_lrp_tells_what_share_of_the_score_arrived():
    estimate = last(Lrp())
    logits = BlockNetwork(MIXING, HEAD).forward(IMAGE[None])[0, TARGETS]
    np.testing.assert_allclose(
        estimate.diagnostics["share_of_the_score"], estimate.maps.sum(axis=(1, 2)) / logits, rtol=1e-4
    )
