"""ONNX networks that label every pixel: maps in any layout, means over regions, gradients through the twin."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import nn

from model_adapters import inspect, load
from tests.segmenters import ByColour, inputs, red_box
from xai_core.errors import UnsupportedModel
from xai_core.segmentation.segmenter import Segmenter
from xai_core.types import ModelSource

EXPECTED = ByColour()(torch.from_numpy(inputs()).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).detach().numpy()


class Turned(nn.Module):
    """A network that takes and gives channels last, as TensorFlow's do."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.maps = ByColour(end)

    def forward(self, pictures):
        return self.maps(pictures.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class LabelsOnly(ByColour):
    def forward(self, pictures):
        return super().forward(pictures).argmax(1)


class WithAuxiliary(ByColour):
    def forward(self, pictures):
        maps = super().forward(pictures)
        return -maps, maps


def opened(module, tmp_path, shape=(1, 3, 48, 48), names=("maps",), reading=""):
    with warnings.catch_warnings(action="ignore"):  # the exporter that needs no further package is deprecated
        free = {name: {0: "batch"} for name in ("pictures", *names)}
        settings = {"dynamo": False, "opset_version": 17, "input_names": ["pictures"], "output_names": [*names]}
        torch.onnx.export(module.eval(), (torch.rand(shape),), tmp_path / "upload", dynamic_axes=free, **settings)
    source = ModelSource(str(tmp_path / "upload"), "upload", "digest", reading=reading)
    return load(source, inspect(source), str(tmp_path))


@pytest.mark.parametrize("end", [nn.Identity(), nn.Softmax(1)], ids=["logits", "softmax"])
@pytest.mark.parametrize(("kind", "shape"), [(ByColour, (1, 3, 48, 48)), (Turned, (1, 48, 48, 3))])
def test_maps_are_logits_in_any_layout(kind, shape, end, tmp_path):
    network = opened(kind(end), tmp_path, shape)
    assert isinstance(network, Segmenter)
    assert (network.card.task, network.card.gives, network.card.head) == ("segment", "logit", "softmax")
    np.testing.assert_allclose(network.segment(inputs()), EXPECTED, atol=1e-4)


def test_the_score_of_a_region_is_that_of_the_twin_and_its_gradient_is_the_slope(tmp_path):
    network, at = opened(ByColour(), tmp_path).within(red_box()), inputs() + 0.1
    np.testing.assert_allclose(network.forward(at), network.native.forward(at), rtol=1e-4)
    step = np.random.default_rng(0).standard_normal(at.shape).astype(np.float32) * 1e-2
    there, back = (network.forward(at + sign * step)[0, 0].astype(np.float64) for sign in (1, -1))
    slope = (network.backward(at, np.array([0]), "logit") * step).sum(dtype=np.float64)
    assert 2 * slope == pytest.approx(there - back, rel=1e-3)


def test_what_a_region_or_a_random_last_layer_changes_is_kept_apart(tmp_path):
    network = opened(ByColour(), tmp_path)
    networks = network, network.within(red_box()), network.within(~red_box())
    assert len({key for each in networks for key in (each.key, each.randomised(0).key)}) == 6


def test_of_several_maps_the_usual_name_or_the_chosen_one_counts(tmp_path):
    network = opened(WithAuxiliary(), tmp_path, names=("aux", "out"))
    np.testing.assert_allclose(network.segment(inputs()), EXPECTED, atol=1e-4)
    chosen = opened(WithAuxiliary(), tmp_path, names=("aux", "out"), reading='{"output": "aux"}')
    np.testing.assert_allclose(chosen.segment(inputs()), -EXPECTED, atol=1e-4)


class OfRed(nn.Module):
    """The first map alone, as the score of the foreground."""

    def __init__(self, end):
        super().__init__()
        self.maps, self.end = ByColour(), end

    def forward(self, pictures):
        return self.end(self.maps(pictures)[:, :1])


@pytest.mark.parametrize("end", [nn.Sigmoid(), nn.Identity()], ids=["sigmoid", "logits"])
def test_a_single_map_has_two_sides(end, tmp_path):
    network = opened(OfRed(end), tmp_path)
    assert (network.card.classes, network.card.head, network.card.gives) == (2, "sigmoid", "logit")
    assert network.card.labels == ("background", "foreground")
    sides = np.concatenate([-EXPECTED[..., :1], EXPECTED[..., :1]], axis=-1)
    np.testing.assert_allclose(network.segment(inputs()), sides, atol=1e-4)
    (scores,) = network.within(red_box()).forward(inputs())
    assert scores[1] > 0 > scores[0] == -scores[1]


def test_maps_with_a_sigmoid_each_are_independent_classes(tmp_path):
    card = opened(ByColour(nn.Sigmoid()), tmp_path).card
    assert (card.classes, card.head, card.gives) == (3, "sigmoid", "logit")
    assert any("classes are independent" in note for note in card.notes)


def test_a_softmax_before_the_maps_are_enlarged_stays_and_is_said(tmp_path):
    larger = nn.Sequential(nn.Softmax(1), nn.Upsample(scale_factor=2))
    network = opened(ByColour(larger), tmp_path)
    assert (network.card.head, network.card.gives) == ("softmax", "probability")
    maps = network.segment(inputs())
    assert maps.shape == (1, 48, 48, 3)
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(maps[:, ::2, ::2].argmax(-1), EXPECTED.argmax(-1))


def test_class_numbers_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(UnsupportedModel, match="Export it without its last step, the argmax"):
        opened(LabelsOnly(), tmp_path)
