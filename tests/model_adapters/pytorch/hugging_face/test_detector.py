"""Folders of transformers' detectors give the boxes that transformers gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from model_adapters import inspect, load
from model_adapters.pytorch.hugging_face.looks import processor_of
from tests.hub_models import CLASSIFIERS, DETECTORS, LABELS, finder, network, packed
from xai_core.errors import TryAsClassifier
from xai_core.types import Capability

FAST = ("YolosForObjectDetection", "ConditionalDetrForObjectDetection")
LOOK = {"size": {"height": 64, "width": 96}}
FLOOR = 0.2


def opened(source, tmp_path):
    wanted = replace(source, task="detect")
    return load(wanted, inspect(wanted), str(tmp_path))


def expected(module, settings, picture):
    """Return what transformers' own processor reads from the network's answer to a picture."""
    processor = processor_of(settings, module.config.model_type)
    inputs = processor(images=Image.fromarray(picture), return_tensors="pt")
    with torch.no_grad():
        output = module(inputs["pixel_values"])
    sizes = [picture.shape[:2]]
    return processor.post_process_object_detection(output, threshold=FLOOR, target_sizes=sizes)[0]


@pytest.mark.parametrize(
    "name", [*FAST, *(pytest.param(n, marks=pytest.mark.long) for n in DETECTORS if n not in FAST)]
)
def test_its_boxes_are_those_of_transformers(name, tmp_path):
    picture = np.full((64, 96, 3), 200, np.uint8)
    picture[20:40, 30:70] = (40, 90, 10)
    ours = opened(packed(finder(name), tmp_path, preprocessor_config__json=LOOK), tmp_path)
    (boxes,) = ours.detect(picture[None].astype(np.float32) / 255, FLOOR)
    theirs = expected(finder(name), LOOK, picture)
    assert len(boxes) > 0
    order = theirs["scores"].argsort(descending=True, stable=True)
    np.testing.assert_allclose(boxes.scores, theirs["scores"][order], atol=1e-4)
    np.testing.assert_allclose(boxes.corners, theirs["boxes"][order], atol=1e-2)
    assert boxes.labels.tolist() == theirs["labels"][order].tolist()


def test_its_card_names_its_classes_and_what_it_lacks(tmp_path):
    card = opened(packed(finder("YolosForObjectDetection"), tmp_path), tmp_path).card
    assert (card.architecture, card.labels) == ("transformers/YolosForObjectDetection", tuple(LABELS.values()))
    assert card.capabilities == Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT | Capability.ATTENTION
    assert "boxes only" in card.missing["ABLATION"]
    assert card.notes[-1].endswith("what transformers does by default for YolosForObjectDetection is assumed.")


def test_pictures_of_any_size_keep_their_proportions(tmp_path):
    settings = {"size": {"shortest_edge": 64, "longest_edge": 100}}
    ours = opened(packed(finder("YolosForObjectDetection"), tmp_path, preprocessor_config__json=settings), tmp_path)
    assert ours.entry.sized(640, 640) == (64, 64)
    assert ours.entry.sized(200, 800) == (25, 100)


def test_a_classifier_is_sent_to_where_it_opens(tmp_path):
    with pytest.raises(TryAsClassifier, match="ViTForImageClassification, which labels the whole picture"):
        opened(packed(network(next(iter(CLASSIFIERS))), tmp_path), tmp_path)
