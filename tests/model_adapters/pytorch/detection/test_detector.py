"""Detectors of PyTorch on real blood cells, their pyramid and the gradients of a box."""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from torch_detectors import directly, family, opened, picture, saved, weights_of

from samples.digits.evaluate import DetectedDigits, average_precision
from samples.digits.scenes import Scene
from xai_core.detector import BoxTarget
from xai_core.errors import ModelError

WHITE = 1  # of red cells, white cells and platelets
CELLS = ("RBC", "WBC", "Platelets")
STEP = 1e-3  # in the feature map; small, as the box head has kinks
EDGES = ("left", "top", "right", "bottom", "width", "height")


@pytest.fixture(scope="module")
def cells(assets):
    """The detector of blood cells as torchvision builds it."""
    folder = assets / "models" / "detection"
    spec = importlib.util.spec_from_file_location("build_bccd", folder / "build_fasterrcnn_bccd.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    weights = torch.load(folder / "fasterrcnn_mobilenet_v2_fpn_bccd.pth", map_location="cpu", weights_only=True)
    module = script.build()
    module.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return module


@pytest.fixture(scope="module")
def detector(assets):
    return opened(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth")


@pytest.fixture(scope="module")
def blood(assets):
    return read(assets / "datasets/bccd/JPEGImages/BloodImage_00007.jpg")


@pytest.fixture(scope="module")
def dense():
    return family("torchvision/fcos_resnet50_fpn")


def read(path):
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


def scene_of(path):
    """Return the true boxes of a picture of blood cells."""
    objects = ElementTree.parse(path).findall("object")
    corners = [[int(one.find(f"bndbox/{side}").text) for side in ("xmin", "ymin", "xmax", "ymax")] for one in objects]
    return Scene(
        np.zeros((0, 0, 3), np.uint8), np.array(corners), np.array([CELLS.index(o.find("name").text) for o in objects])
    )


def target_in(detector, image, number=0):
    return BoxTarget.of(detector.detect(image[None], 0.05)[0], number)


@pytest.mark.long
def test_white_cells_are_found_as_well_as_the_weights_are_known_to(detector, assets):
    folder = assets / "datasets/bccd"
    files = sorted((folder / "JPEGImages").glob("*.jpg"))
    found = []
    for start in range(0, len(files), 12):
        for one in detector.detect(np.stack([read(file) for file in files[start : start + 12]]), 0.05):
            found.append(DetectedDigits(*(torch.from_numpy(part) for part in (one.corners, one.labels, one.scores))))
    scenes = [scene_of(folder / f"Annotations/{file.stem}.xml") for file in files]
    assert average_precision(scenes, found, WHITE) == pytest.approx(0.985, abs=0.01)


def test_boxes_and_scores_of_cells_are_torchvisions_own(detector, cells, blood):
    (found,) = detector.detect(blood[None], 0.05)
    expected = directly(cells, blood)
    assert len(found) == len(expected["scores"]) > 10
    np.testing.assert_allclose(found.corners, expected["boxes"], atol=1e-3)
    np.testing.assert_allclose(found.scores, expected["scores"], atol=1e-5)
    np.testing.assert_array_equal(found.labels, expected["labels"] - 1)


def test_the_background_takes_its_share_of_the_class_scores(detector, blood):
    (found,) = detector.detect(blood[None], 0.05)
    assert detector.card.classes == found.class_scores.shape[1] == 3
    assert (found.class_scores.sum(axis=1) <= 1 + 1e-6).all()
    np.testing.assert_array_equal(found.class_scores[np.arange(len(found)), found.labels], found.scores)
    np.testing.assert_array_equal(found.objectness, 1)


def test_many_images_at_once_get_the_answers_that_each_gets_alone(detector, blood):
    images = np.stack([blood, blood[::-1], np.zeros_like(blood)])
    for image, together in zip(images, detector.detect(images, 0.05), strict=True):
        (alone,) = detector.detect(image[None], 0.05)
        np.testing.assert_allclose(together.corners, alone.corners, atol=1e-2)
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-4)


def test_nothing_found_is_an_answer(detector, blood):
    (found,) = detector.detect(np.zeros_like(blood)[None], 0.99)
    assert (len(found), found.corners.shape, found.class_scores.shape) == (0, (0, 4), (0, 3))
    assert detector.detect(np.zeros((0, 32, 32, 3), np.float32), 0.05) == []


def test_one_image_is_computed_once_for_all_that_is_asked_of_it(detector, blood, monkeypatch):
    passes = []
    backbone = detector.backbone
    monkeypatch.setattr(detector, "backbone", lambda pictures: passes.append(1) or backbone(pictures))
    image = blood[:, ::-1].copy()
    detector.pyramid(image, ["0"])
    target = target_in(detector, image)
    detector.box_gradients(image, target, "score", ["0", "1"])
    assert len(passes) == 1
    detector.pyramid(blood, ["0"])
    assert len(passes) == 2


def test_the_pyramid_is_the_backbones_output_without_the_padding(tmp_path):
    made = family("torchvision/fasterrcnn_resnet50_fpn")
    detector = opened(saved(made.module.state_dict(), tmp_path), reading=made.reading)
    image = picture(110, 200)  # 88 x 160 when it is scaled, and padded to 96 x 160
    fine, top = detector.pyramid(image, ["0", "pool"])
    with torch.no_grad():
        inputs, _ = made.module.transform([torch.from_numpy(image).permute(2, 0, 1)])
        whole = made.module.backbone(inputs.tensors)
    assert whole["0"].shape[2:] == (24, 40)
    assert (fine.shape, top.shape, fine.dtype) == ((22, 40, 256), (2, 3, 256), np.float32)
    np.testing.assert_allclose(fine, whole["0"][0, :, :22].permute(1, 2, 0), atol=1e-3)


def test_the_gradient_of_a_score_is_that_of_the_boxs_logit(detector, cells, blood):
    for number in (0, 3):
        target = target_in(detector, blood, number)
        value, slopes = detector.box_gradients(blood, target, "score", ["0", "1", "pool"])
        expected, slope = logit_in_torchvision(cells, blood, target, "roi_heads.box_predictor", target.label + 1)
        assert value == pytest.approx(expected, rel=1e-4)
        for name, one in zip(("0", "1", "pool"), slopes, strict=True):
            close(one, slope[name])
        assert np.abs(slopes[0]).max() > 1e-4
        assert not slopes[2].any()  # no region is pooled from it


def test_the_gradient_of_a_one_stage_detector_is_that_of_the_anchors_logit(dense, tmp_path):
    detector, image = opened(saved(dense.module.state_dict(), tmp_path), reading=dense.reading), picture()
    names = [layer.name for layer in detector.card.layers]
    target = target_in(detector, image, 2)
    value, slopes = detector.box_gradients(image, target, "class", names)
    expected, slope = logit_in_torchvision(dense.module, image, target, "head", target.label + 1)
    assert value == pytest.approx(expected, rel=1e-4)
    assert sum(one.any() for one in slopes) == 1
    for name, one in zip(names, slopes, strict=True):
        close(one, slope[name])


def logit_in_torchvision(module, image, target, part, column):
    """Return the logit whose class scores are the target's, and its gradient, from torchvision's own pass."""
    kept, leaves = {}, {}

    def leave(_, __, features):
        leaves.update({name: one.detach().requires_grad_() for name, one in features.items()})
        return leaves

    def keep(_, __, output):
        kept["output"] = output

    hooks = [module.backbone.register_forward_hook(leave), module.get_submodule(part).register_forward_hook(keep)]
    module([torch.from_numpy(image).permute(2, 0, 1)])
    for hook in hooks:
        hook.remove()
    output = kept["output"]
    if isinstance(output, tuple):
        logits, scores = output[0], output[0].softmax(-1)
    else:
        logits = output["cls_logits"][0]
        scores = torch.sqrt(logits.sigmoid() * output["bbox_ctrness"][0].sigmoid())
    off = (scores[:, 1:] - torch.tensor(target.class_scores)).abs().sum(1)
    assert float(off.min().detach()) < 1e-5
    chosen = logits[off.argmin(), column]
    slopes = torch.autograd.grad(chosen, list(leaves.values()), allow_unused=True)
    return float(chosen.detach()), dict(zip(leaves, slopes, strict=True))


def close(ours, theirs):
    """Hold a gradient (h, w, K) against torchvision's, (1, K, H, W), None or nought outside of the image."""
    if theirs is None:
        assert not ours.any()
        return
    height, width, _ = ours.shape
    expected = theirs[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, expected[:height, :width], atol=1e-5 * max(1e-6, np.abs(expected).max()) + 1e-7)


@pytest.mark.parametrize("aspect", [*EDGES, "IoU"])
def test_gradients_of_edges_are_what_differences_say(aspect, detector, cells, blood):
    target = target_in(detector, blood)
    wanted = moved(target, 9) if aspect == "IoU" else target
    value, (slope,) = detector.box_gradients(blood, wanted, aspect, ["0"])
    down, up = (
        measure(cells, detector, blood, wanted, aspect, sign * STEP * slope / np.linalg.norm(slope)) for sign in (-1, 1)
    )
    assert value == pytest.approx((down + up) / 2, rel=1e-3)
    assert (up - down) / (2 * STEP) == pytest.approx(np.linalg.norm(slope), rel=1e-3)


def moved(target, pixels):
    left, top, right, bottom = target.corners
    corners = (left + pixels, top + pixels / 2, right + pixels, bottom - pixels / 3)
    return BoxTarget(corners, target.label, target.score, target.class_scores)


def measure(module, detector, image, target, aspect, change):
    """Return an aspect of torchvision's box nearest to the target, in double precision, with a changed finest level."""
    image_pass = detector.pass_over(image)
    features = {name: one.double() for name, one in image_pass.features.items()}
    features["0"] = features["0"] + torch.from_numpy(change).permute(2, 0, 1)[None]
    row = detector.row_of(image_pass, target)
    proposals = detector.outputs(image_pass).places.double()
    heads = module.double().roi_heads
    with torch.no_grad():
        pooled = heads.box_roi_pool(features, [proposals], image_pass.inputs.image_sizes)
        _, deltas = heads.box_predictor(heads.box_head(pooled))
        corners = heads.box_coder.decode(deltas, [proposals])[row, target.label + 1].numpy()
    module.float()
    height, width = (new / old for new, old in zip(image.shape[:2], image_pass.size, strict=True))
    left, top, right, bottom = corners * [width, height, width, height]
    if aspect == "IoU":
        low, high = np.maximum([left, top], target.corners[:2]), np.minimum([right, bottom], target.corners[2:])
        common = np.prod(high - low)
        wanted = np.subtract(target.corners[2:], target.corners[:2]).prod()
        return common / ((right - left) * (bottom - top) + wanted - common)
    return dict(zip(EDGES, (left, top, right, bottom, right - left, bottom - top), strict=True))[aspect]


def test_a_box_that_fits_perfectly_has_nowhere_to_go(detector, blood):
    value, (slope,) = detector.box_gradients(blood, target_in(detector, blood), "IoU", ["0"])
    assert value == pytest.approx(1, abs=1e-5)
    assert np.abs(slope).max() < 1e-6


def test_a_target_that_was_not_found_is_the_nearest_box_of_its_class(detector, blood):
    white = target_in(detector, blood)
    near = moved(white, 20)
    assert detector.row_of(detector.pass_over(blood), near) == detector.row_of(detector.pass_over(blood), white)
    far = BoxTarget((0.0, 0.0, 3.0, 3.0), 2, 0.0, (0.0, 0.0, 0.0))
    value, slopes = detector.box_gradients(blood, far, "score", ["0", "1"])
    assert np.isfinite(value)
    assert all(np.isfinite(one).all() for one in slopes)


def test_weights_stay_as_they_are_whatever_happens(detector, blood, monkeypatch):
    before, target = weights_of(detector.module), target_in(detector, blood)
    detector.pyramid(blood, ["0"])
    detector.box_gradients(blood, target, "width", ["0", "1"])
    detector.without_channels(blood, np.array([[0, 5]]), 0.0, [target], 0.05)
    with pytest.raises(ModelError):
        detector.detect(np.zeros((1, 1, 900, 3), np.float32), 0.05)
    monkeypatch.setattr(detector.heads, "decoded", lambda *_: 1 / 0)
    with pytest.raises(ModelError):
        detector.box_gradients(blood, target, "left", ["0"])
    monkeypatch.undo()
    assert weights_of(detector.module) == before
    assert all(parameter.grad is None for parameter in detector.module.parameters())
    assert len(detector.detect(blood[None], 0.05)[0]) > 10


def test_an_odd_picture_first_does_not_spoil_the_next(cells, blood, assets):
    fresh = opened(assets / "models/detection/fasterrcnn_mobilenet_v2_fpn_bccd.pth")
    fresh.detect(blood[None, :20], 0.05)
    (found,) = fresh.detect(blood[None], 0.05)
    np.testing.assert_allclose(found.scores, directly(cells, blood)["scores"], atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 900, 3), (1, 64, 64, 4)])
def test_a_picture_that_it_does_not_take_is_told(detector, shape):
    with pytest.raises(ModelError, match=f"does not take a picture of {shape[2]}x{shape[1]} pixels"):
        detector.detect(np.zeros(shape, np.float32), 0.05)


def test_a_level_or_class_that_is_not_there_is_told(detector, blood):
    with pytest.raises(ModelError, match="no level '7'; its levels are 0, 1, pool"):
        detector.pyramid(blood, ["7"])
    wrong = BoxTarget((0.0, 0.0, 9.0, 9.0), 3, 0.5, (0.0, 0.0, 0.5))
    with pytest.raises(ModelError, match="has 3 classes; there is no class 3"):
        detector.box_gradients(blood, wrong, "score", ["0"])
