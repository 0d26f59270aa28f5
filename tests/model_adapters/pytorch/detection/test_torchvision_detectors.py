"""Detectors of torchvision are told from their weights, and answer exactly as torchvision's own functions do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch_detectors import OWN_FUNCTION, Family, directly, family, opened, picture, saved

from model_adapters.pytorch.architectures import build, import_torchvision_models
from model_adapters.pytorch.detection import known_detectors
from model_adapters.pytorch.detection.detector import TorchDetector
from model_adapters.pytorch.detection.torchvision_detectors import recognised
from samples.digits.network import build as build_digits
from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.types import Capability

MOBILE = "torchvision/fasterrcnn_mobilenet_v3_large_fpn"
LOW = "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn"
SSD = "torchvision/ssd300_vgg16"
TWINS = {LOW: MOBILE}  # the very same tensors
TESTED = [name for name in OWN_FUNCTION if name not in (MOBILE, "torchvision/maskrcnn_resnet50_fpn_v2")]
LARGE = (SSD, "torchvision/maskrcnn_resnet50_fpn", "torchvision/fasterrcnn_resnet50_fpn_v2",
         "torchvision/retinanet_resnet50_fpn_v2")  # fmt: skip
LEVELS = {
    "torchvision/fasterrcnn_resnet50_fpn": {"0": (24, 32), "1": (12, 16), "2": (6, 8), "3": (3, 4), "pool": (2, 2)},
    LOW: {"0": (3, 4), "1": (3, 4), "pool": (2, 2)},
    "torchvision/fcos_resnet50_fpn": {"0": (12, 16), "1": (6, 8), "2": (3, 4), "p6": (2, 2), "p7": (1, 1)},
    SSD: {"0": (38, 38), "1": (19, 19), "2": (10, 10), "3": (5, 5), "4": (3, 3), "5": (1, 1)},
}


@dataclass(frozen=True)
class Opened:
    """A detector of torchvision with random weights, and the adapter that was opened from them."""

    family: Family
    detector: TorchDetector


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.long if name in LARGE else ()) for name in TESTED]
)
def one(request, tmp_path_factory):
    """Each kind of detector in turn, so that one is in memory at a time."""
    made = family(request.param)
    path = saved(made.module.state_dict(), tmp_path_factory.mktemp("one"))
    return Opened(made, opened(path, made.name, made.reading))


@pytest.fixture(scope="module")
def low():
    return family(LOW)


def shapes_only(name, classes=4):
    """Return a state dict of a detector whose values are open."""
    make = getattr(import_torchvision_models().detection, name.removeprefix("torchvision/"))
    with torch.device("meta"):
        return make(weights=None, weights_backbone=None, num_classes=classes).state_dict()


@pytest.mark.parametrize("name", OWN_FUNCTION)
def test_every_detector_is_told_from_names_and_shapes(name):
    found = recognised(shapes_only(name))
    assert found.known.name == TWINS.get(name, name)
    assert set(found.others) == ({LOW} if name in (MOBILE, LOW) else set())


def test_boxes_and_scores_are_torchvisions_own(one):
    usual, image = known_detectors.named(one.family.name).settings, picture()
    (found,) = one.detector.detect(image[None], usual.least_score)
    expected = directly(one.family.module, image)
    real = expected["labels"] > 0  # a RetinaNet of random weights finds background too
    assert len(found) == real.sum() > 10
    np.testing.assert_allclose(found.corners, expected["boxes"][real], atol=1e-4)
    np.testing.assert_allclose(found.scores, expected["scores"][real], atol=1e-4)
    np.testing.assert_array_equal(found.labels, expected["labels"][real] - 1)
    assert found.class_scores.shape == (len(found), 3)
    np.testing.assert_allclose(found.class_scores[np.arange(len(found)), found.labels], found.scores, atol=1e-6)


def test_a_higher_floor_only_takes_boxes_away(one):
    low, high = (one.detector.detect(picture()[None], floor)[0] for floor in (0.05, 0.3))
    assert len(low) >= len(high) == (low.scores > 0.3).sum()
    np.testing.assert_array_equal(low.corners[: len(high)], high.corners)


def test_the_card_tells_levels_and_what_can_be_done(one):
    card, name = one.detector.card, one.family.name
    assert (card.framework, card.architecture, card.classes, card.labels) == ("pytorch", name, 3, ())
    assert (card.input.height, card.input.width, card.hint) == (None, None, None)
    seeing = Capability.DETECT | Capability.ACTIVATIONS | Capability.GRADIENT
    ablates = "rcnn" in name
    assert card.capabilities == (seeing | Capability.ABLATION if ablates else seeing)
    assert list(card.missing) == ([] if ablates else ["ABLATION"])
    sizes = {layer.name: (layer.height, layer.width) for layer in card.layers}
    assert sizes == LEVELS.get(name, sizes)


def test_safetensors_prefixes_and_half_precision_open_too(low, tmp_path):
    wrapped = {f"module.{name}": t.half() for name, t in low.module.state_dict().items() if t.is_floating_point()}
    save_file(wrapped, tmp_path / "upload.safetensors")
    (found,) = opened(tmp_path / "upload.safetensors", LOW, low.reading).detect(picture()[None], 0.05)
    (exact,) = opened(saved({"model": low.module.state_dict()}, tmp_path), LOW, low.reading).detect(
        picture()[None], 0.05
    )
    assert np.abs(found.scores[:5] - exact.scores[:5]).max() < 0.05


def test_names_of_torchvisions_first_versions_are_read(tmp_path):
    old = {}
    for name, tensor in shapes_only("torchvision/fasterrcnn_resnet50_fpn").items():
        bare = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.").replace(".0.weight", ".weight", "_blocks." in name)
        old[bare.replace(".0.bias", ".bias", "_blocks." in name)] = tensor
    assert "backbone.fpn.inner_blocks.0.weight" in old
    assert "rpn.head.conv.weight" in old
    found = recognised(old)
    assert set(found.tensors) == set(shapes_only("torchvision/fasterrcnn_resnet50_fpn"))


def test_two_networks_with_the_same_weights_are_told_and_can_be_chosen(low, tmp_path):
    path = saved(low.module.state_dict(), tmp_path)
    guessed, chosen = opened(path), opened(path, LOW)
    assert guessed.card.architecture == MOBILE
    assert guessed.card.notes == (f"The same weights would also fit {LOW}. Choose it if the boxes look wrong.",)
    assert (chosen.card.architecture, chosen.card.notes) == (LOW, ())
    assert chosen.module.transform.min_size == (320,)


def test_torchvisions_own_file_is_known_by_its_digest(low, tmp_path):
    path = saved(low.module.state_dict(), tmp_path)
    assert opened(path, digest=known_detectors.named(LOW).coco + "0" * 56).card.architecture == LOW


def test_coco_names_come_with_91_classes(tmp_path):
    made = family(LOW, classes=91)
    card = opened(saved(made.module.state_dict(), tmp_path)).card
    assert (card.classes, len(card.labels), card.labels[0], card.labels[-1]) == (90, 90, "person", "toothbrush")
    assert card.labels[11] == "N/A"
    categories = import_torchvision_models().get_model_weights("ssd300_vgg16").DEFAULT.meta["categories"]
    assert list(card.labels) == categories[1:]


def test_other_sizes_of_heads_and_pyramid_are_read_from_the_shapes(tmp_path):
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.ops import FeaturePyramidNetwork
    from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

    digits = build_digits()
    backbone = digits.backbone
    backbone.fpn, backbone.out_channels = FeaturePyramidNetwork([64, 160], 64, LastLevelMaxPool()), 64
    anchors = AnchorGenerator(((16, 32),) * 3, ((0.5, 1.0),) * 3)
    module = FasterRCNN(backbone, 6, rpn_anchor_generator=anchors, min_size=96, max_size=160).eval()
    reading = {"anchor_sizes": "16, 32", "anchor_ratios": "0.5, 1", "smallest_side": 96, "largest_side": 160}
    everything = reading | {"proposals": 1000, "proposals_before": 1000}
    detector = opened(saved(module.state_dict(), tmp_path), reading=json.dumps(everything))
    (found,) = detector.detect(picture()[None], 0.05)
    expected = directly(module, picture())
    assert (detector.card.classes, detector.card.layers[0].channels) == (5, 64)
    np.testing.assert_allclose(found.corners, expected["boxes"], atol=1e-4)
    np.testing.assert_allclose(found.scores, expected["scores"], atol=1e-6)


def test_an_ssdlite_that_was_trained_on_imagenet_first_opens_too(tmp_path, monkeypatch):
    models = import_torchvision_models()
    untrained = partial(lambda make, weights, **options: make(weights=None, **options), models.mobilenet_v3_large)
    monkeypatch.setattr(models.detection.ssdlite, "mobilenet_v3_large", untrained)
    backbone = models.MobileNet_V3_Large_Weights.DEFAULT  # with it, the network is not cut short
    made = family("torchvision/ssdlite320_mobilenet_v3_large", weights_backbone=backbone)
    detector = opened(saved(made.module.state_dict(), tmp_path))
    (found,) = detector.detect(picture()[None], 0.05)
    assert [layer.channels for layer in detector.card.layers[:2]] == [672, 960]
    np.testing.assert_allclose(found.scores, directly(made.module, picture())["scores"], atol=1e-4)


def test_a_retinanet_whose_classes_start_at_zero_can_be_read_so(tmp_path):
    made = family("torchvision/retinanet_resnet50_fpn_v2")
    path = saved(made.module.state_dict(), tmp_path)
    detector = opened(path, reading=json.dumps(made.settings | {"background": False}))
    (found,) = detector.detect(picture()[None], 0.05)
    expected = directly(made.module, picture())
    assert detector.card.classes == found.class_scores.shape[1] == 4
    np.testing.assert_array_equal(found.labels, expected["labels"])


def test_keypoints_are_left_aside(tmp_path):
    with torch.device("meta"):
        module = import_torchvision_models().detection.keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    plain = {name: torch.ones(t.shape, dtype=t.dtype) for name, t in module.state_dict().items()}
    card = opened(saved(plain, tmp_path)).card
    assert (card.architecture, card.classes) == ("torchvision/fasterrcnn_resnet50_fpn", 1)
    assert card.notes == ("Its keypoints are ignored; boxes are detected and explained.",)


def test_a_classifier_is_told(tmp_path):
    path = saved(build("torchvision/resnet18", 5).state_dict(), tmp_path)
    with pytest.raises(TryAsClassifier, match=r"\(a classifier\)"):
        opened(path)


def test_weights_of_nothing_known_get_a_way_out(tmp_path):
    with pytest.raises(UnsupportedModel, match=r"Export the whole model: torch.jit.script"):
        opened(saved({"transformer.decoder.weight": torch.ones(3, 3)}, tmp_path))


def test_weights_that_nearly_fit_are_told_what_does_not(low, tmp_path):
    weights = dict(low.module.state_dict())
    del weights["rpn.head.bbox_pred.bias"]
    weights["backbone.body.0.0.weight"] = torch.ones(16, 3, 5, 5)
    sentence = r"nearly those of .*rpn.head.bbox_pred.bias is missing; .*\(16, 3, 5, 5\) instead of \(16, 3, 3, 3\)"
    with pytest.raises(UnsupportedModel, match=sentence):
        opened(saved(weights, tmp_path))


def test_weights_without_a_head_are_told(low, tmp_path):
    weights = {name: t for name, t in low.module.state_dict().items() if "box_head" not in name}
    with pytest.raises(UnsupportedModel, match="parts are missing or have other shapes"):
        opened(saved(weights, tmp_path))


def test_a_wrong_choice_is_told_with_the_right_one(low, tmp_path):
    path = saved(low.module.state_dict(), tmp_path)
    with pytest.raises(UnsupportedModel, match=f"do not fit torchvision/ssd300_vgg16. They look like {MOBILE}"):
        opened(path, "torchvision/ssd300_vgg16")
    with pytest.raises(UnsupportedModel, match="'torchvision/resnet18' is not known"):
        opened(path, "torchvision/resnet18")


def test_anchors_that_do_not_fit_the_file_are_told(low, tmp_path):
    path = saved(low.module.state_dict(), tmp_path)
    with pytest.raises(UnsupportedModel, match=r"15 anchors at each place of 3 levels; .* give 6 on 3. Set those"):
        opened(path, LOW, '{"anchor_sizes": "32, 64"}')
