"""Methods on a trained detector of blood cells: whether their maps lie where the white cell is."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

import model_adapters
from xai_core.detection.methods.ablationcam import AblationCamOfABox
from xai_core.detection.methods.box_gradcam import GradCamOfABox
from xai_core.detection.methods.eigencam import EigenCamOfADetector
from xai_core.detection.model import DetectionModel
from xai_core.detection.pictures import image_of
from xai_core.detection.targets import inside
from xai_core.detector import BoxTarget
from xai_core.types import ModelSource

WHITE = 1
PICTURES = 6


@pytest.fixture(scope="module")
def cells(assets, tmp_path_factory):
    """The detector, and pictures with the best white cell in each."""
    path = assets / "models" / "detection" / "fasterrcnn_mobilenet_v2_fpn_bccd.pth"
    source = ModelSource(str(path), path.name, hashlib.sha256(path.read_bytes()).hexdigest(), task="detect")
    detector = model_adapters.load(source, model_adapters.inspect(source), str(tmp_path_factory.mktemp("scratch")))
    files = sorted((assets / "datasets" / "bccd" / "JPEGImages").glob("*.jpg"))
    pictures_with_cells = [
        (image, cell) for image in map(image_in, files[:PICTURES]) if (cell := white_cell(detector, image))
    ]
    assert len(pictures_with_cells) == PICTURES
    return detector, pictures_with_cells


def image_in(file):
    return image_of(np.asarray(Image.open(file).convert("RGB")))


def white_cell(detector, image):
    (boxes,) = detector.detect(image[None], 0.5)
    numbers = np.flatnonzero(boxes.labels == WHITE)
    return BoxTarget.of(boxes, int(numbers[0])) if len(numbers) else None


def judged(cells, method, judge, pictures=PICTURES):
    """Return what is said of the map of each white cell, given the map and which of its places lie in the box."""
    detector, pictures_with_cells = cells
    said = []
    for image, cell in pictures_with_cells[:pictures]:
        *_, estimate = method.explain(DetectionModel(detector), image, [cell])
        (heatmap,) = estimate.maps
        within = np.zeros(heatmap.shape, bool)
        within[inside(cell, image.shape[:2], heatmap.shape)] = True
        said.append(judge(heatmap, within))
    return said


def peak_inside(heatmap, within):
    return bool(within.ravel()[heatmap.argmax()])


def test_grad_cam_lies_in_the_cell_with_its_peak_and_most_of_its_weight(cells):
    figures = judged(
        cells,
        GradCamOfABox(),
        lambda heatmap, within: (peak_inside(heatmap, within), heatmap[within].sum() / heatmap.sum()),
    )
    peaks, shares = np.mean(figures, axis=0)
    assert peaks > 0.8
    assert shares > 0.5


@pytest.mark.long
def test_the_peak_of_ablation_cam_lies_in_the_cell_with_few_channels_already(cells):
    assert np.mean(judged(cells, AblationCamOfABox(channels=5.0), peak_inside, pictures=4)) > 0.7


def test_eigen_cam_has_the_cell_on_its_positive_side(cells):
    signed = EigenCamOfADetector(positive_only=False)
    assert (
        np.mean(judged(cells, signed, lambda heatmap, within: heatmap[within].mean() > heatmap[~within].mean())) > 0.8
    )
