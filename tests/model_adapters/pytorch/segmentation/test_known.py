"""torchvision's segmentation networks are recognised by their weights alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model_adapters import inspect, load
from model_adapters.pytorch.architectures import import_torchvision_models
from model_adapters.pytorch.segmentation import known
from xai_core.types import ModelSource


def long(name):
    return pytest.param(name, marks=pytest.mark.long, id=f"long-{name}")


def network(name, classes):
    torch.manual_seed(0)
    make = getattr(import_torchvision_models().segmentation, name)
    return make(weights=None, weights_backbone=None, num_classes=classes).eval()


def opened(weights, tmp_path):
    torch.save(weights, tmp_path / "weights.pth")
    source = ModelSource(str(tmp_path / "weights.pth"), "weights.pth", "digest")
    return load(source, inspect(source), str(tmp_path))


@pytest.mark.long
def test_a_training_checkpoint_of_lraspp_gives_the_maps_of_torchvision(tmp_path):
    module = network("lraspp_mobilenet_v3_large", 21)
    weights = {f"module.{name}": tensor for name, tensor in module.state_dict().items()}
    segmenter = opened({"model": weights, "epoch": 3}, tmp_path)
    inputs = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(inputs).permute(0, 3, 1, 2))["out"].permute(0, 2, 3, 1)
    np.testing.assert_allclose(segmenter.segment(inputs), expected, atol=1e-4)
    assert segmenter.card.architecture == "torchvision/lraspp_mobilenet_v3_large"
    assert (segmenter.card.labels[0], segmenter.card.labels[15]) == ("background", "person")
    assert (segmenter.card.hint.height, segmenter.card.hint.mean[0]) == (520, 0.485)


@pytest.mark.parametrize("name", ["deeplabv3_mobilenet_v3_large", *map(long, known.NETWORKS)])
def test_each_network_is_recognised_with_and_without_its_auxiliary_classifier(name):
    with torch.device("meta"):
        weights = network(name, 5).state_dict() | {"aux_classifier.4.weight": torch.zeros(5, 8, 1, 1)}
    found, module = known.recognised({f"model.{key}": tensor for key, tensor in weights.items()}, None)
    assert found == name
    assert sum(parameter.numel() for parameter in module.parameters()) > 3e6
