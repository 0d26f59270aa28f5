"""Detectors that bring their own code are asked, and what they give is understood."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch_detectors import directly, family, opened, picture, weights_of

from model_adapters.pytorch.detection.sealed_detector import SealedDetector, parts_of
from xai_core.errors import ModelError, TryAsClassifier, UnsupportedModel
from xai_core.types import Capability

LOW = "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn"
TWO = {"classes": 2}


class Bright(nn.Module):
    """Finds one box of class 1 over the left half, as sure as the picture is bright, and one of the background."""

    def found(self, picture: torch.Tensor) -> dict[str, torch.Tensor]:
        height, width = picture.shape[-2], picture.shape[-1]
        whole = torch.tensor([0.0, 0.0, float(width), float(height)])
        half = whole * torch.tensor([1.0, 1.0, 0.5, 1.0])
        return {
            "boxes": torch.stack([half, whole]),
            "labels": torch.tensor([1, 0]),
            "scores": torch.stack([picture.mean(), picture.mean()]),
        }


class Listed(Bright):
    def forward(self, pictures: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        found: list[dict[str, torch.Tensor]] = []
        for one in pictures:
            found.append(self.found(one))
        return found


class Batched(Bright):
    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found = self.found(pictures[0])
        return found["scores"], found["boxes"], found["labels"]


class Square(Bright):
    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        assert pictures.shape[-2:] == (320, 320)
        return self.found(pictures[0])


class Classifier(nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean(dim=(2, 3))


class Raw(nn.Module):
    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1, 84, 2100) + pictures.mean()


def scripted(module, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.script(module.eval()).save(folder / "upload")
    return folder / "upload"


def gray(value, height=60, width=80):
    return np.full((height, width, 3), value, np.float32)


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """A Faster R-CNN and the file of its TorchScript, whose least score is higher."""
    made = family(LOW, classes=4)
    usual, made.module.roi_heads.score_thresh = made.module.roi_heads.score_thresh, 0.25
    path = scripted(made.module, tmp_path_factory.mktemp("script"))
    made.module.roi_heads.score_thresh = usual
    return made, path


@pytest.mark.parametrize("kind", [Listed, Batched, Square])
def test_boxes_come_in_pixels_of_the_image_however_the_module_is_asked(kind, tmp_path):
    detector = opened(scripted(kind(), tmp_path), reading=json.dumps(TWO))
    first, second = detector.detect(np.stack([gray(0.75), gray(0.25)]), 0.1)
    np.testing.assert_allclose(first.corners, [[0, 0, 40, 60]], atol=1e-4)
    assert (first.labels.tolist(), second.labels.tolist()) == ([0], [0])
    np.testing.assert_allclose([first.scores[0], second.scores[0]], [0.75, 0.25], atol=1e-5)
    np.testing.assert_array_equal(first.class_scores, [[first.scores[0], 0]])
    assert len(detector.detect(gray(0.25)[None], 0.5)[0]) == 0
    side = 320 if kind is Square else None
    assert (detector.card.input.height, detector.card.classes) == (side, 2)


def test_labels_may_start_at_zero(tmp_path):
    detector = opened(scripted(Listed(), tmp_path), reading=json.dumps(TWO | {"background": False}))
    (found,) = detector.detect(gray(0.5)[None], 0.1)
    assert sorted(found.labels.tolist()) == [0, 1]


def test_only_boxes_are_offered_and_the_rest_has_a_reason(tmp_path):
    card = opened(scripted(Listed(), tmp_path), reading=json.dumps(TWO)).card
    assert card.capabilities == Capability.DETECT
    assert set(card.missing) == {"ACTIVATIONS", "GRADIENT", "ABLATION"}
    assert all("Use its state dict" in reason for reason in card.missing.values())


def test_a_scripted_detector_of_torchvision_answers_as_it_did_before(script):
    made, path = script
    detector = opened(path)
    image = picture(192, 320)  # which is halved; other sizes are rounded in another way by the script
    (found,) = detector.detect(image[None], 0.05)
    expected = directly(made.module, image)
    assert detector.card.classes == 3
    np.testing.assert_allclose(found.corners, expected["boxes"], atol=1e-3)
    np.testing.assert_allclose(found.scores, expected["scores"], atol=1e-5)
    np.testing.assert_array_equal(found.labels, expected["labels"] - 1)
    assert (found.scores < 0.25).any()
    assert detector._module.roi_heads.score_thresh == 0.25


def test_what_raises_inside_is_told_and_leaves_nothing_changed(script):
    detector = opened(script[1])
    module = detector._module
    before, usual = weights_of(module), module.roi_heads.score_thresh
    with pytest.raises(ModelError, match="does not take a picture of 900x1 pixels"):
        detector.detect(np.zeros((1, 1, 900, 3), np.float32), 0.4)
    assert (weights_of(module), module.roi_heads.score_thresh) == (before, usual)


def test_a_detector_that_does_not_say_its_classes_asks_for_them(tmp_path):
    with pytest.raises(UnsupportedModel, match="does not say how many classes it has"):
        opened(scripted(Listed(), tmp_path))


def test_a_class_beyond_the_last_is_told(tmp_path):
    detector = opened(scripted(Listed(), tmp_path), reading='{"classes": 1, "background": false}')
    with pytest.raises(ModelError, match="found class 1 of 1, counted from 0"):
        detector.detect(gray(0.5)[None], 0.1)


def test_a_classifier_is_told(tmp_path):
    with pytest.raises(TryAsClassifier, match="labels the whole picture"):
        opened(scripted(Classifier(), tmp_path))


def test_raw_outputs_are_told_with_their_shape_and_a_way_out(tmp_path):
    with pytest.raises(UnsupportedModel, match=r"this model gave 1x84x2100\. Export it as ONNX"):
        opened(scripted(Raw(), tmp_path))


def test_float_labels_are_told_from_scores_by_being_whole():
    boxes, scores = torch.rand(1, 3, 4), torch.tensor([[0.9, 0.5, 0.2]])
    found = parts_of((boxes, scores, torch.tensor([[2.0, 1.0, 2.0]])))
    assert (found["labels"].tolist(), found["scores"].tolist()) == ([2, 1, 2], scores[0].tolist())
    assert found["boxes"].shape == (3, 4)


def test_a_trusted_module_of_torchvision_is_taken_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("VITRINE_TRUST_PICKLE", "1")
    made = family(LOW)
    torch.save(made.module, tmp_path / "upload")
    detector = opened(tmp_path / "upload")
    assert Capability.ABLATION in detector.card.capabilities
    (found,) = detector.detect(picture()[None], 0.05)
    np.testing.assert_allclose(found.scores, directly(made.module, picture())["scores"], atol=1e-5)


def test_another_trusted_module_is_asked_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("VITRINE_TRUST_PICKLE", "1")
    torch.save(Listed(), tmp_path / "upload")
    detector = opened(tmp_path / "upload", reading=json.dumps(TWO))
    assert isinstance(detector, SealedDetector)
    assert detector.detect(gray(0.5)[None], 0.1)[0].labels.tolist() == [0]
