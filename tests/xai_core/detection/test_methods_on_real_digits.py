"""Methods on the trained digit detector: does the map of one of two digits point to that digit?."""

from __future__ import annotations

import numpy as np
import pytest

import model_adapters
from samples.digits import mnist
from samples.digits.scenes import make_scene
from vitrine.samples import sample_detectors
from xai_core.detection.methods.ablationcam import AblationCamOfABox
from xai_core.detection.methods.box_gradcam import GradCamOfABox
from xai_core.detection.model import DetectionModel
from xai_core.detection.pictures import image_of
from xai_core.detection.targets import inside, overlaps
from xai_core.detector import BoxTarget

SEED = 42  # of scenes that the detector did not learn from
SCENES = 4


@pytest.fixture(scope="module")
def pairs(assets, tmp_path_factory):
    """Return the detector, and scenes with both of their detected digits."""
    source = sample_detectors()[0].source()
    detector = model_adapters.load(source, model_adapters.inspect(source), str(tmp_path_factory.mktemp("scratch")))
    model = DetectionModel(detector)
    glyphs = mnist.load(assets / "datasets" / "mnist" / "mnist_train10k_test10k.npz").test
    scenes = [scene for index in range(40) if len((scene := make_scene(glyphs, SEED, index)).boxes) == 2]
    return model, [(image_of(scene.pixels), both(model, scene)) for scene in scenes[:SCENES]]


def both(model, scene):
    (boxes,) = model.detect(image_of(scene.pixels)[None], 0.5)
    shares = overlaps(np.asarray(scene.boxes, np.float32), boxes.corners)
    assert shares.max(axis=1).min() > 0.5
    return [BoxTarget.of(boxes, int(number)) for number in shares.argmax(axis=1)]


def distinguished(pairs, method):
    """Return of each map whether its peak lies in its own box, and the share of the two boxes' weight in its own."""
    model, scenes = pairs
    peaks, shares = [], []
    for image, targets in scenes:
        *_, last = method.explain(model, image, targets)
        places = [inside(target, image.shape[:2], last.maps.shape[1:]) for target in targets]
        for heatmap, own, other in zip(last.maps, places, reversed(places), strict=True):
            within = np.zeros(heatmap.shape, bool)
            within[own] = True
            peaks.append(bool(within.ravel()[heatmap.argmax()]))
            shares.append(heatmap[own].sum() / (heatmap[own].sum() + heatmap[other].sum()))
    return np.mean(peaks), np.array(shares)


@pytest.fixture(scope="module")
def by_ablation(pairs):
    return distinguished(pairs, AblationCamOfABox(channels=5.0, where="in the box and around it"))


@pytest.mark.long
def test_ablation_cam_of_one_of_two_digits_lies_in_it(by_ablation):
    peaks, shares = by_ablation
    assert peaks >= 0.8
    assert (shares > 0.5).mean() >= 0.8


@pytest.mark.long
def test_ablating_everywhere_at_once_separates_digits_less(pairs, by_ablation):
    _, at_once = distinguished(pairs, AblationCamOfABox(channels=5.0, where="everywhere at once"))
    assert by_ablation[1].mean() > at_once.mean()


def test_grad_cam_of_one_of_two_digits_lies_in_it_alone(pairs):
    peaks, shares = distinguished(pairs, GradCamOfABox())
    assert peaks >= 0.8
    assert shares.mean() > 0.9
