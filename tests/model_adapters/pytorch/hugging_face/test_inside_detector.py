"""Detectors of transformers from the inside: gradients, layers and attention of one box, as autograd has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_adapters import inspect, load
from tests.hub_models import DETECTORS, finder, packed
from xai_core.detection import methods as _methods  # noqa: F401  (registers the methods)
from xai_core.detection.method import DETECTION_METHODS
from xai_core.detection.model import DetectionModel
from xai_core.detector import BoxTarget
from xai_core.errors import MissingCapability, ModelError
from xai_core.types import Capability

INSIDE = Capability.ACTIVATIONS | Capability.GRADIENT
ATTENDING = (
    "DetrForObjectDetection",
    "ConditionalDetrForObjectDetection",
    "TableTransformerForObjectDetection",
    "YolosForObjectDetection",
)
FAST = ("DetrForObjectDetection", "YolosForObjectDetection")
LOOK = {"size": {"height": 64, "width": 96}}
LEVELS = {
    "YolosForObjectDetection": ["vit.encoder.layer.1.layernorm_before"],
    "DetrForObjectDetection": ["model.input_projection"],
    "ConditionalDetrForObjectDetection": ["model.input_projection"],
    "DeformableDetrForObjectDetection": ["model.input_proj.0", "model.input_proj.1"],
    "RTDetrForObjectDetection": [
        "model.decoder_input_proj.0",
        "model.decoder_input_proj.1",
        "model.decoder_input_proj.2",
    ],
}
IMAGE = np.random.default_rng(0).random((64, 96, 3), np.float32)
SLOW = [pytest.param(name, marks=pytest.mark.long) for name in DETECTORS if name not in FAST]


def opened(name, tmp_path):
    source = replace(packed(finder(name), tmp_path, preprocessor_config__json=LOOK), task="detect")
    return load(source, inspect(source), str(tmp_path))


def a_box(ours):
    (boxes,) = ours.detect(IMAGE[None], 0.05)
    return BoxTarget.of(boxes, len(boxes) // 2)


def query_of(ours, target):
    """Return the query whose box and score are those of the target."""
    with torch.no_grad():
        said = ours.answers(ours.planes(IMAGE))
    off = (said.corners - torch.tensor(target.corners)).abs().sum(1)
    return int((off + (said.scores[:, target.label] - target.score).abs()).argmin())


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_the_gradient_of_a_box_is_that_of_its_logit(name, tmp_path):
    ours = opened(name, tmp_path)
    names = [layer.name for layer in ours.card.layers]
    assert names == LEVELS.get(name, names) != []
    assert INSIDE in ours.card.capabilities
    target, kept = a_box(ours), {}
    value, gradients = ours.box_gradients(IMAGE, target, "score", names)
    for level in names:
        ours.module.get_submodule(level).register_forward_hook(lambda m, i, o, at=level: kept.update({at: o}))
    row, planes = query_of(ours, target), ours.planes(IMAGE).requires_grad_()
    logit = ours.answers(planes).logits[row, target.label]
    slopes = torch.autograd.grad(logit, [kept[level] for level in names])
    assert value == pytest.approx(float(logit.detach()), abs=1e-4)
    for found, slope, layer in zip(gradients, slopes, ours.card.layers, strict=True):
        on_grid = ours.levels[layer.name].on_grid(slope, found.shape[:2])[0].permute(1, 2, 0)
        np.testing.assert_allclose(found, on_grid, atol=1e-4 * float(on_grid.abs().max()))
        assert np.abs(found).max() > 0


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n not in FAST)) for n in ATTENDING])
def test_attention_is_what_transformers_returns_for_the_query(name, tmp_path):
    ours = opened(name, tmp_path)
    target = a_box(ours)
    weights, gradients = ours.box_attention(IMAGE, target)
    row = query_of(ours, target)
    ours.module.set_attn_implementation("eager")
    output = ours.module(ours.entry.inputs(ours.planes(IMAGE).requires_grad_()), output_attentions=True)
    first = 1 if name.startswith("Yolos") else 0
    every = output.attentions if first else output.cross_attentions
    slopes = torch.autograd.grad(output.logits[0, row, target.label], every)
    count = weights.shape[2] * weights.shape[3]
    at = (0, slice(None), first * (1 + count) + row, slice(first, first + count))
    for mine, theirs in ((weights, every), (gradients, slopes)):
        expected = np.stack([layer[at].detach().numpy() for layer in theirs]).reshape(mine.shape)
        np.testing.assert_allclose(mine, expected, atol=1e-4 * np.abs(expected).max())
    assert weights.std() > 0


@pytest.mark.parametrize(
    "name", [FAST[0], *[pytest.param(n, marks=pytest.mark.long) for n in DETECTORS if n != FAST[0]]]
)
def test_every_method_that_suits_a_detector_explains_a_box(name, tmp_path):
    ours = opened(name, tmp_path)
    target = a_box(ours)
    suited = [
        m for m in DETECTION_METHODS.values() if m.needs in ours.card.capabilities and m.needs != Capability.DETECT
    ]
    assert {m.id for m in suited} >= {"box_gradcam", "box_layercam", "eigencam"}
    assert ("box_attention" in {m.id for m in suited}) == (name in ATTENDING)
    for method in suited:
        *_, estimate = method().explain(DetectionModel(ours), IMAGE, [target])
        assert np.isfinite(estimate.maps).all(), method.id
        assert np.ptp(estimate.maps) > 0, method.id


def test_edges_have_gradients_too_and_attention_follows_the_class(tmp_path):
    ours = opened(FAST[0], tmp_path)
    target = a_box(ours)
    left, gradients = ours.box_gradients(IMAGE, target, "left", ["model.input_projection"])
    assert left == pytest.approx(target.corners[0], abs=1e-2)
    assert np.abs(gradients[0]).max() > 0


def test_sampled_attention_is_not_offered_with_the_reason(tmp_path):
    card = opened("RTDetrForObjectDetection", tmp_path).card
    with pytest.raises(MissingCapability, match="samples only a few points"):
        DETECTION_METHODS["box_attention"].check_model(card)


def test_a_box_that_is_not_there_and_a_level_that_is_not_there_are_refused(tmp_path):
    ours = opened(FAST[0], tmp_path)
    nowhere = replace(a_box(ours), corners=(-50.0, -50.0, -40.0, -40.0))
    with pytest.raises(ModelError, match="does not find this box again"):
        ours.box_gradients(IMAGE, nowhere, "score", ["model.input_projection"])
    with pytest.raises(ModelError, match=r"no level 'conv9'; its levels are model\.input_projection"):
        ours.pyramid(IMAGE, ["conv9"])
