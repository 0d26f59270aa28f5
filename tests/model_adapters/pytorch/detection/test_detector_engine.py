"""Batches of a detector of PyTorch on other engines: as good as its own answers, or not used."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch_detectors import family, opened, saved

from model_adapters.engines import openvino
from model_adapters.pytorch.detection import detector as torch_detector
from model_adapters.pytorch.detection import detector_engine
from model_adapters.pytorch.detection.detector_engine import CompiledConvolutions, Convolved

KINDS = ("fcos_resnet50_fpn", "ssdlite320_mobilenet_v3_large")
SECONDS = {
    ("PyTorch", "float32"): 4,
    ("PyTorch", "bfloat16"): 3,
    ("OpenVINO", "float32"): 2,
    ("OpenVINO", "bfloat16"): 1,
}
FLOOR = 0.05
PRECISIONS = ("float32", "bfloat16")


@pytest.fixture(autouse=True)
def paces(monkeypatch):
    """What engines are taken to be worth, as a busy machine would time them by chance."""
    pace = lambda trial, picture: SECONDS[trial.candidate.name, trial.candidate.precision]  # noqa: E731
    monkeypatch.setattr(detector_engine, "_seconds", pace)


@pytest.fixture
def detector(assets):
    return opened(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth")


@pytest.fixture
def tried(whole):
    """A detector whose engines were tried, and these."""
    return whole, whole.engines(480, 640)


@pytest.fixture(scope="module")
def whole(assets):
    return opened(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth")


@pytest.fixture(scope="module")
def blood(assets):
    return (
        np.asarray(Image.open(assets / "datasets/bccd/JPEGImages/BloodImage_00007.jpg").convert("RGB"), np.float32)
        / 255
    )


@pytest.fixture(scope="module")
def images(blood):
    return np.stack([blood, blood[:, ::-1], blood[::-1]])


def by_openvino(engines):
    return {one.precision: one for one in engines if one.name == openvino.NAME}


def natives(detector, images):
    return [detector.detect(image[None], FLOOR)[0] for image in images]


def test_an_engine_finds_the_boxes_that_pytorch_finds(tried, images):
    detector, engines = tried
    exact = by_openvino(engines)["float32"]
    assert exact.max_difference < 1e-4
    assert exact.top1_agreement == 1
    for alone, together in zip(natives(detector, images), detector.detect(images, FLOOR), strict=True):
        np.testing.assert_allclose(together.corners, alone.corners, atol=1e-2)
        np.testing.assert_allclose(together.class_scores, alone.class_scores, atol=1e-4)


def test_the_quickest_engine_of_each_precision_is_used_and_the_others_say_why_not(tried):
    _, engines = tried
    assert {(one.name, one.precision) for one in engines if one.used} == {
        (openvino.NAME, precision) for precision in PRECISIONS if openvino.knows(precision)
    }
    assert all(bool(one.reason) != one.used for one in engines)


@pytest.mark.skipif(not openvino.knows("bfloat16"), reason="This processor does not compute in bfloat16.")
def test_the_fast_precision_changes_boxes_and_leaves_feature_maps_exact(tried, images):
    detector, _ = tried
    rough = detector.at("bfloat16")
    assert rough.key != detector.key
    assert rough.at("float32").key == detector.key
    exact, fast = detector.detect(images, FLOOR), rough.detect(images, FLOOR)
    assert not np.array_equal(exact[0].scores[:5], fast[0].scores[:5])
    np.testing.assert_allclose(fast[0].scores[:5], exact[0].scores[:5], atol=0.1)
    (alone,) = rough.detect(images[:1], FLOOR)
    assert not np.array_equal(alone.scores[:5], exact[0].scores[:5])
    np.testing.assert_allclose(alone.scores[:5], fast[0].scores[:5], atol=1e-3)
    np.testing.assert_array_equal(rough.pyramid(images[0], ["0"])[0], detector.pyramid(images[0], ["0"])[0])


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_detector_is_converted(kind, tmp_path):
    made = family(f"torchvision/{kind}")
    detector = opened(saved(made.module.state_dict(), tmp_path), f"torchvision/{kind}", made.reading)
    exact = by_openvino(detector.engines(100, 160))["float32"]
    assert exact.max_difference < 1e-4, exact


def test_engines_are_tried_on_the_image_that_was_seen_last(detector, images, monkeypatch):
    trials = []
    monkeypatch.setattr(detector.convolutions, "tried", lambda pictures, find: trials.append(pictures[0]))
    detector.engines(*images.shape[1:3])
    detector.detect(images[:1], FLOOR)
    detector.engines(*images.shape[1:3])
    detector.engines(320, 320)
    own = detector.inputs(images[:1]).tensors
    assert [torch.equal(one, own) for one in trials] == [False, True, False]


def test_engines_are_tried_once_many_images_of_a_size_were_asked_about(detector, images, monkeypatch):
    trials = []
    monkeypatch.setattr(detector.convolutions, "tried", lambda pictures, find: trials.append(len(pictures)))
    monkeypatch.setattr(torch_detector, "MANY", 5)
    detector.detect(images, FLOOR)
    assert trials == []
    detector.detect(images[:, :400], FLOOR)
    assert trials == []
    detector.detect(images, FLOOR)
    assert trials == [torch_detector.TRIALS]


def test_a_detector_that_is_not_converted_goes_on_in_pytorch(detector, images, monkeypatch, capsys):
    def refuse(*given, **named):
        raise RuntimeError("what is this")

    monkeypatch.setattr(openvino.openvino, "convert_model", refuse)
    engines = detector.engines(*images.shape[1:3])
    assert by_openvino(engines)["float32"].reason == detector_engine.UNREADABLE
    assert [one.name for one in engines if one.used and one.precision == "float32"] == ["PyTorch"]
    for alone, together in zip(natives(detector, images), detector.detect(images, FLOOR), strict=True):
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-4)
    assert "what is this" in capsys.readouterr().err


@pytest.mark.long
def test_an_engine_whose_maps_differ_is_not_used(detector, images, monkeypatch):
    plain = CompiledConvolutions.__call__

    def doubled(self, planes):
        found = plain(self, planes)
        return Convolved({name: 2 * feature_map for name, feature_map in found.features.items()}, found.everywhere)

    monkeypatch.setattr(CompiledConvolutions, "__call__", doubled)
    exact = by_openvino(detector.engines(*images.shape[1:3]))["float32"]
    assert not exact.used
    assert "differ" in exact.reason


@pytest.mark.long
def test_an_engine_that_runs_out_of_memory_is_let_go(detector, images, monkeypatch):
    detector.engines(*images.shape[1:3])

    def full(self, planes):
        raise MemoryError

    monkeypatch.setattr(CompiledConvolutions, "__call__", full)
    for alone, together in zip(natives(detector, images), detector.detect(images, FLOOR), strict=True):
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-4)
    engines = by_openvino(detector.engines(*images.shape[1:3]))
    assert not any(one.used for one in engines.values())


def test_maps_of_a_single_level_have_a_name():
    feature_map = torch.zeros(1, 8, 4, 4)
    assert torch_detector.named(feature_map) == {"0": feature_map}
