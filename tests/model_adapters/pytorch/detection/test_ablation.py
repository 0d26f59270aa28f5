"""A Faster R-CNN without single channels: the short way beside whole passes."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import model_adapters
from model_adapters.pytorch.detection import ablation, proposals
from model_adapters.pytorch.detection.detector import TorchDetector
from model_adapters.pytorch.detection.torchvision_heads import torchvision_heads
from xai_core.detection.methods.ablationcam import AblationCamOfABox
from xai_core.detection.model import DetectionModel
from xai_core.detection.targets import inside, worths
from xai_core.detector import BoxTarget, Detections, Places
from xai_core.errors import ModelError
from xai_core.types import Flags, Floats, Indices, ModelSource

FLOOR, LEAST_IOU = 0.01, 0.5
CHANNELS = np.array([[level, number] for level in range(3) for number in range(3, 256, 23)])
VALUES = pytest.mark.parametrize("value", [0.0, pytest.param(-1000.0, marks=pytest.mark.long)])


class WithWholePasses(TorchDetector):
    """A detector whose heads run as a whole for each channel."""

    def without_channels(
        self,
        image: Floats,
        channels: Indices,
        value: float,
        targets: Sequence[BoxTarget],
        floor: float,
        places: Places | None = None,
    ) -> list[Detections]:
        with torch.no_grad():
            image_pass = self.pass_over(image)
            return [self._without(image_pass, one, floor) for one in self._off(image_pass, channels, value, places)]


@pytest.fixture(scope="module")
def detector(assets: Path) -> TorchDetector:
    file = assets / "models" / "detection" / "fasterrcnn_mobilenet_v2_fpn_bccd.pth"
    source = ModelSource(str(file), file.name, hashlib.sha256(file.read_bytes()).hexdigest(), task="detect")
    found = model_adapters.load(source, model_adapters.inspect(source), "")
    assert isinstance(found, TorchDetector)
    return found


@pytest.fixture(scope="module")
def whole(detector: TorchDetector) -> WithWholePasses:
    return WithWholePasses(detector.heads, detector.card)


@pytest.fixture(scope="module")
def image(assets: Path) -> Floats:
    file = assets / "datasets" / "bccd" / "JPEGImages" / "BloodImage_00007.jpg"
    return np.asarray(Image.open(file).convert("RGB"), np.float32) / 255


@pytest.fixture(scope="module")
def targets(detector: TorchDetector, image: Floats) -> list[BoxTarget]:
    (found,) = detector.detect(image[None], 0.5)
    return [BoxTarget.of(found, number) for number in (0, len(found) // 2, len(found) - 1)]


def scores_without(
    detector: TorchDetector,
    image: Floats,
    targets: Sequence[BoxTarget],
    value: float,
    channels: Indices = CHANNELS,
    places: Places | None = None,
) -> Floats:
    found = detector.without_channels(image, channels, value, targets, FLOOR, places)
    return worths(found, targets, "score", LEAST_IOU, np.ones(len(targets), np.float32))


@VALUES
def test_boxes_are_worth_as_much_without_a_channel_as_after_a_whole_pass(
    detector: TorchDetector, whole: WithWholePasses, image: Floats, targets: list[BoxTarget], value: float
) -> None:
    short, plain = (scores_without(one, image, targets, value) for one in (detector, whole))
    assert np.ptp(plain) > 0.005
    assert (np.abs(short - plain) < 1e-3).mean() >= 0.99


@pytest.mark.parametrize("outside", [False, True])
def test_a_channel_may_be_off_in_a_part_of_the_picture_alone(
    detector: TorchDetector, whole: WithWholePasses, image: Floats, targets: list[BoxTarget], outside: bool
) -> None:
    maps = detector.pyramid(image, [layer.name for layer in detector.card.layers])
    places = {level: inside_the_first(feature_map, targets, image) != outside for level, feature_map in enumerate(maps)}
    some = CHANNELS[::3]
    short, plain = (scores_without(one, image, targets[:1], -10.0, some, places) for one in (detector, whole))
    np.testing.assert_allclose(short, plain, atol=1e-4)
    assert np.abs(short - scores_without(detector, image, targets[:1], -10.0, some)).max() > 0.001


def inside_the_first(feature_map: Floats, targets: Sequence[BoxTarget], image: Floats) -> Flags:
    flags = np.zeros(feature_map.shape[:2], np.bool_)
    flags[inside(targets[0], image.shape[:2], (feature_map.shape[0], feature_map.shape[1]))] = True
    return flags


@pytest.mark.parametrize("value", ["zero", pytest.param("very low", marks=pytest.mark.long)])
def test_the_map_of_ablation_cam_is_that_of_whole_passes(
    detector: TorchDetector, whole: WithWholePasses, image: Floats, targets: list[BoxTarget], value: str
) -> None:
    method = AblationCamOfABox.from_json({"ablation_value": value, "channels": 1.0, "positive_only": False})
    short, plain = (list(method.explain(DetectionModel(one), image, targets))[-1].maps for one in (detector, whole))
    for ours, theirs in zip(short, plain, strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


@VALUES
def test_proposals_after_a_second_convolution_are_new_around_the_boxes(
    detector: TorchDetector, image: Floats, targets: list[BoxTarget], value: float
) -> None:
    deep = WithWholePasses(torchvision_heads(with_second_convolution(detector.module)), detector.card)
    short = TorchDetector(deep.heads, detector.card)
    ours, theirs = (scores_without(one, image, targets[:1], value) for one in (short, deep))
    assert np.ptp(theirs) > 0.005
    assert (np.abs(ours - theirs) < 1e-3).mean() >= 0.99


def test_weights_and_features_are_the_same_bits_after_channels_were_off(
    detector: TorchDetector, image: Floats, targets: list[BoxTarget], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = copy.deepcopy(detector.module.state_dict())
    maps = detector.pyramid(image, ["0", "1", "pool"])
    detector.without_channels(image, CHANNELS[:4], -1000.0, targets, FLOOR)
    monkeypatch.setattr(proposals, "_linear", lambda layer, hidden: hidden @ hidden)
    with pytest.raises(ModelError):
        detector.without_channels(image, CHANNELS[:4], -1000.0, targets, FLOOR)
    after = detector.module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert all(np.array_equal(*pair) for pair in zip(maps, detector.pyramid(image, ["0", "1", "pool"]), strict=True))


def test_other_boxes_of_an_image_are_looked_at_anew(
    detector: TorchDetector, whole: WithWholePasses, image: Floats, targets: list[BoxTarget]
) -> None:
    for one in targets:
        short, plain = (scores_without(each, image, [one], 0.0, CHANNELS[::5]) for each in (detector, whole))
        assert short == pytest.approx(plain, abs=1e-3)


def test_a_box_that_is_nowhere_near_has_nothing_found_near_it(detector: TorchDetector, image: Floats) -> None:
    nowhere = BoxTarget((0.0, 0.0, 0.01, 0.01), 0, 1.0, (1.0, 0.0, 0.0))
    (found,) = detector.without_channels(image, CHANNELS[:1], 0.0, [nowhere], FLOOR)
    assert len(found) == 0


def test_networks_of_proposals_that_are_built_otherwise_take_whole_passes(detector: TorchDetector) -> None:
    assert ablation.applies_to(detector.module)
    other = with_second_convolution(detector.module)
    other.rpn.head.conv[1].append(torch.nn.Dropout())
    assert not ablation.applies_to(other)


def with_second_convolution(module: torch.nn.Module) -> torch.nn.Module:
    """Return a copy whose proposals go through one more convolution, which blurs a little."""
    made = copy.deepcopy(module)
    second = copy.deepcopy(made.rpn.head.conv[0])
    kernel = torch.tensor([[0.0, 0.05, 0.0], [0.05, 0.8, 0.05], [0.0, 0.05, 0.0]])
    second[0].weight.copy_(torch.einsum("oi,hw->oihw", torch.eye(256), kernel))
    second[0].bias.zero_()
    made.rpn.head.conv.append(second)
    return made
