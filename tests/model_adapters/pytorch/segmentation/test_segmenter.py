"""A PyTorch segmentation network classifies regions: means of its maps, with true gradients and layers inside."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters import inspect, load
from tests.segmenters import ByColour, inputs, red_box
from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.pictures.resampling import resized
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import Capability, ModelSource


def opened(module, tmp_path, reading="", task="classify", side=64):
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        traced = torch.jit.trace(module.eval(), torch.rand(1, 3, side, side), check_trace=False, strict=False)
        traced.save(tmp_path / "upload")
    source = ModelSource(str(tmp_path / "upload"), "upload", "digest", task=task, reading=reading)
    return load(source, inspect(source), str(tmp_path))


@pytest.fixture(scope="module")
def by_colour(tmp_path_factory):
    return opened(ByColour(), tmp_path_factory.mktemp("segmenter"))


class Outputs(nn.Module):
    def __init__(self, give):
        super().__init__()
        self.maps, self.give = ByColour(), give

    def forward(self, pictures):
        return self.give(self.maps(pictures))


def test_it_is_recognised_although_a_classifier_was_expected(by_colour):
    assert isinstance(by_colour, Segmenter)
    card = by_colour.card
    assert (card.task, card.classes, card.gives, card.head) == ("segment", 3, "logit", "softmax")
    assert (card.input.height, card.input.batch) == (None, None)


def test_the_maps_are_those_of_the_module(by_colour):
    expected = ByColour()(torch.from_numpy(inputs()).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_allclose(by_colour.segment(inputs()), expected.detach(), atol=1e-5)


def test_the_score_of_a_region_is_the_mean_of_the_enlarged_map(by_colour):
    maps = np.moveaxis(by_colour.segment(inputs())[0], 2, 0)
    expected = resized(maps, red_box().shape)[:, red_box()].mean(axis=1)
    np.testing.assert_allclose(by_colour.within(red_box()).forward(inputs())[0], expected, rtol=1e-5)


def test_the_gradient_of_a_region_is_its_slope(by_colour):
    network, rng, at = by_colour.within(red_box()), np.random.default_rng(0), 0.1 + inputs()  # no ReLU is at its kink
    step = rng.standard_normal(at.shape).astype(np.float32) * 1e-2
    there, back = (network.forward(at + sign * step)[0, 0].astype(np.float64) for sign in (1, -1))
    slope = (network.backward(at, np.array([0]), "logit") * step).sum(dtype=np.float64)
    assert 2 * slope == pytest.approx(there - back, rel=1e-3)


def test_the_gradient_lies_around_the_region_only(by_colour):
    gradient = np.abs(by_colour.within(red_box()).backward(inputs(), np.array([0]), "logit"))[0].sum(axis=2)
    assert gradient[red_box()].sum() > 0.8 * gradient.sum()
    assert gradient[:8].max() == 0


def test_layers_and_a_random_last_layer_work_in_a_region(by_colour):
    network = by_colour.within(red_box())
    layer = by_colour.card.usual_layer.name
    values, slopes = network.layer_gradients(inputs(), np.array([0]), "logit", layer)
    assert values.shape == slopes.shape == (1, 24, 24, 3)
    assert Capability.RANDOMISATION in by_colour.card.capabilities
    assert not np.allclose(network.randomised(0).forward(inputs()), network.forward(inputs()), atol=0.1)


def test_regions_have_keys_of_their_own(by_colour):
    keys = {by_colour.key, by_colour.within(red_box()).key, by_colour.within(~red_box()).key}
    assert len(keys) == 3


@pytest.mark.parametrize(("end", "head"), [(nn.Softmax(1), "softmax"), (nn.Sigmoid(), "sigmoid")])
def test_a_final_softmax_or_sigmoid_is_cut(end, head, tmp_path, by_colour):
    network = opened(ByColour(end), tmp_path)
    assert (network.card.gives, network.card.head) == ("logit", head)
    np.testing.assert_allclose(network.segment(inputs()), by_colour.segment(inputs()), atol=1e-5)


def test_a_single_map_has_two_sides(tmp_path, by_colour):
    network = opened(Outputs(lambda maps: maps[:, :1]), tmp_path)
    assert network.card.labels == ("background", "foreground")
    red = by_colour.segment(inputs())[..., :1]
    np.testing.assert_allclose(network.segment(inputs()), np.concatenate([-red, red], 3), atol=1e-5)
    scores = network.within(red_box()).forward(inputs())[0]
    assert scores[0] == pytest.approx(-scores[1])


def test_the_maps_among_several_outputs_are_found_by_their_usual_name_or_by_choice(tmp_path, by_colour):
    outputs = Outputs(lambda maps: {"aux": -maps, "out": maps})
    np.testing.assert_allclose(opened(outputs, tmp_path).segment(inputs()), by_colour.segment(inputs()), atol=1e-5)
    chosen = opened(outputs, tmp_path, '{"output": "aux"}')
    np.testing.assert_allclose(chosen.segment(inputs()), -by_colour.segment(inputs()), atol=1e-5)


@pytest.mark.parametrize(
    ("give", "task", "error", "sentence"),
    [
        (lambda maps: maps.argmax(1), "classify", UnsupportedModel, "without its last step, the argmax"),
        (lambda maps: maps.argmax(1, keepdim=True).float(), "classify", UnsupportedModel, "without its last step"),
        (lambda maps: maps.mean((2, 3)), "segment", TryAsClassifier, r"\(a classifier\)"),
        (lambda maps: {"a": maps, "b": -maps}, "segment", UnsupportedModel, "returns 2 maps: a, b. Name"),
    ],
)
def test_what_gives_no_scores_of_pixels_is_refused_with_the_way_out(give, task, error, sentence, tmp_path):
    with pytest.raises(error, match=sentence):
        opened(Outputs(give), tmp_path, task=task)
