"""Folders of transformers' segmentation networks give the scores that transformers' own processor reads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_adapters import inspect, load
from model_adapters.pytorch.hugging_face.looks import processor_of
from tests.contract.quick import quick, why_not
from tests.hub_models import LABELS, SEGMENTERS, network, packed, segmenter
from xai_core import methods as _methods  # noqa: F401  (registers the methods)
from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.method import METHODS
from xai_core.model import Model
from xai_core.preprocessing import presets
from xai_core.types import Capability

FAST = ("SegformerForSemanticSegmentation", "Mask2FormerForUniversalSegmentation")
SIDE = 64
LOOK = {"size": {"height": SIDE, "width": SIDE}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
PADDED = LOOK | {"size": {"shortest_edge": SIDE, "longest_edge": SIDE}}  # as the processor of EoMT names it
ABOVE_ZERO = {method.id for method in METHODS.values() if method.group == "CAM"} | {"guided_grad_cam"}  # may be empty
SLOW = [pytest.param(name, marks=pytest.mark.long) for name in SEGMENTERS if name not in FAST]


def opened(source, tmp_path, task="segment"):
    wanted = replace(source, task=task)
    return load(wanted, inspect(wanted), str(tmp_path))


def look_of(module):
    return PADDED if module.config.model_type == "eomt" else LOOK


def expected(module, planes):
    """Return the scores (N, C, SIDE, SIDE) that transformers' own processor reads."""
    with torch.no_grad():
        output = module(planes)
    read = processor_of(look_of(module), module.config.model_type).post_process_semantic_segmentation
    pictures = read(output, target_sizes=[(SIDE, SIDE)] * len(planes), return_segmentation_scores=True)
    return torch.stack([picture["segmentation_scores"] for picture in pictures])


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_its_scores_are_those_of_transformers(name, tmp_path):
    module = segmenter(name)
    ours = opened(packed(module, tmp_path, preprocessor_config__json=look_of(module)), tmp_path)
    planes = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    maps = torch.from_numpy(ours.segment(planes.permute(0, 2, 3, 1).numpy())).permute(0, 3, 1, 2)
    found = torch.nn.functional.interpolate(maps, (SIDE, SIDE), mode="bilinear", align_corners=False)
    theirs = expected(module, planes)
    assert theirs.std() > 0.01
    np.testing.assert_allclose(found, theirs, atol=1e-4)
    assert (ours.card.labels, ours.card.task) == (tuple(LABELS.values()), "segment")
    assert Capability.GRADIENT in ours.card.capabilities


def explained(name, tmp_path, wanted=lambda method: True):
    """Explain a corner of a picture by every method that a network's card offers; return maps by method."""
    ours = opened(packed(segmenter(name), tmp_path), tmp_path)
    side = ours.card.input.height or SIDE
    corner = np.zeros((side, side), np.bool_)
    corner[: side // 2, : side // 3] = True
    model = Model(ours.within(corner), next(iter(presets(side, side).values())))
    image = np.random.default_rng(0).random((side, side, 3), np.float32)
    methods = [method for method in METHODS.values() if wanted(method) and not why_not(method, ours.card)]
    last = {}
    for method in methods:
        *_, last[method.id] = quick(method, ours.card, (side, side)).explain(model, image, np.array([1]))
        assert last[method.id].maps.shape == (1, side, side), method.id
    return {name: estimate.maps[0] for name, estimate in last.items()}


@pytest.mark.long
@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_method_that_suits_a_network_explains_a_region(name, tmp_path):
    maps = explained(name, tmp_path)
    assert len(maps) >= 24
    assert all(np.isfinite(found).all() for found in maps.values())
    flat = {method for method, found in maps.items() if np.ptp(found) == 0}
    assert flat <= ABOVE_ZERO


def test_gradients_and_layers_explain_a_region(tmp_path):
    maps = explained(FAST[0], tmp_path, lambda method: method.id in ("saliency", "grad_cam", "layercam", "lime"))
    assert len(maps) == 4
    assert all(np.ptp(found) > 0 for found in maps.values())


def test_a_score_added_up_over_queries_is_said_to_exceed_1(tmp_path):
    card = opened(packed(segmenter(FAST[1]), tmp_path), tmp_path).card
    assert any("added up over all queries" in note for note in card.notes)


def test_it_opens_where_a_classifier_was_expected_and_a_classifier_names_its_task(tmp_path):
    assert opened(packed(segmenter(FAST[0]), tmp_path), tmp_path, "classify").card.task == "segment"
    with pytest.raises(TryAsClassifier, match="labels the whole picture"):
        opened(packed(network("ViTForImageClassification"), tmp_path), tmp_path)


def test_a_network_that_needs_a_task_in_words_is_refused(tmp_path):
    told = {"architectures": ["OneFormerForUniversalSegmentation"], "model_type": "oneformer"}
    source = packed(segmenter(FAST[0]), tmp_path, config__json=told)
    with pytest.raises(UnsupportedModel, match=r"OneFormer needs a task in words.*Choose SegFormer"):
        opened(source, tmp_path)
