"""A detector opens behind any prefix, beside whatever a training script stored with it."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
import torch
from torch_detectors import family, opened, picture, saved

from xai_core.errors import UnsupportedModel

LOW = "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn"


@pytest.fixture(scope="module")
def low():
    return family(LOW)


@pytest.fixture(scope="module")
def bare_boxes(low, tmp_path_factory):
    return boxes(opened(saved(low.module.state_dict(), tmp_path_factory.mktemp("bare")), LOW, low.reading))


def boxes(detector):
    (detections,) = detector.detect(picture()[None], 0.05)
    return detections.corners


def with_prefix(low, prefix, scale=1.0):
    weights = low.module.state_dict().items()
    return {prefix + name: tensor * scale if tensor.is_floating_point() else tensor for name, tensor in weights}


@pytest.mark.parametrize("prefix", ["module.", "detector.", "net.cnn.student."])
def test_a_detector_opens_behind_any_prefix(low, bare_boxes, tmp_path, prefix):
    detector = opened(saved({"state_dict": with_prefix(low, prefix), "epoch": 3}, tmp_path), None, low.reading)
    np.testing.assert_array_equal(boxes(detector), bare_boxes)
    assert len(bare_boxes) > 10


def test_a_training_checkpoint_opens(low, bare_boxes, tmp_path):
    args = argparse.Namespace(dataset="coco", model="fasterrcnn")
    content = {"model": low.module.state_dict(), "optimizer": {"state": {}}, "epoch": 25, "args": args}
    torch.save(content, tmp_path / "m.pth")
    np.testing.assert_array_equal(boxes(opened(tmp_path / "m.pth", None, low.reading)), bare_boxes)


def test_averaged_weights_are_offered_and_open_when_chosen(low, bare_boxes, tmp_path):
    content = {"model_ema": with_prefix(low, "module.", 1.1), "model": low.module.state_dict()}
    torch.save(content, tmp_path / "m.pth")
    detector = opened(tmp_path / "m.pth", None, low.reading)
    np.testing.assert_array_equal(boxes(detector), bare_boxes)
    (choice,) = detector.card.choices
    assert choice.endswith(" in model_ema.module")
    assert any("holds 2 detectors. model is used, not model_ema.module" in note for note in detector.card.notes)
    averaged = boxes(opened(tmp_path / "m.pth", choice, low.reading))
    assert averaged.shape != bare_boxes.shape or np.abs(averaged - bare_boxes).max() > 1


def test_a_detector_chosen_by_hand_opens_behind_a_prefix(low, bare_boxes, tmp_path):
    path = saved(with_prefix(low, "my_model."), tmp_path)
    np.testing.assert_array_equal(boxes(opened(path, LOW, low.reading)), bare_boxes)


def test_a_chosen_detector_that_is_unknown_is_named(low, tmp_path):
    path = saved(with_prefix(low, "my_model."), tmp_path)
    with pytest.raises(UnsupportedModel, match=r"detector 'yolo9' is not known\. Known detectors are"):
        opened(path, "yolo9 in my_model")
