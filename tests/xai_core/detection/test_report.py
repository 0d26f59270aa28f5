"""The explanation of boxes as files."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

import xai_core.detection.methods
import xai_core.filters  # noqa: F401
from tests.detector_fakes import SpotDetector
from xai_core.detection.method import detection_method_named
from xai_core.detection.report import BoxExplanation
from xai_core.detector import BoxTarget
from xai_core.filter import filter_named
from xai_core.pictures.files import Picture
from xai_core.report import as_zip
from xai_core.types import Estimate, ModelSource

H, W = 1500, 2000  # seen by the detector at 1008 x 1344
LEFT = BoxTarget((100.0, 200.0, 300.0, 400.0), 0, 0.9, (0.9, 0.1))
RIGHT = BoxTarget((700.0, 500.0, 1300.0, 1000.0), 1, 0.6, (0.0, 0.6))


@pytest.fixture
def maps():
    return np.random.default_rng(0).normal(size=(2, 360, 480)).astype(np.float32)


@pytest.fixture
def explanation(maps):
    return explained(maps)


def explained(maps, **changed):
    given = {
        "source": ModelSource("/secret/folder/0001", "spots.pt", "ab" * 32, task="detect"),
        "card": SpotDetector().card,
        "labels": ("left spot", "right spot"),
        "picture": Picture(np.full((H, W, 3), 128, np.uint8), "grey.png", "cd" * 32, ("It was grey.",)),
        "method": detection_method_named("eigencam")(),
        "targets": (LEFT, RIGHT),
        "numbers": (3, 1),
        "estimate": Estimate(1.0, maps, standard_error=np.abs(maps)),
        "seconds": 1.0,
    }
    return BoxExplanation(**given | changed)


def manifest_of(explanation):
    return json.loads(explanation.files()["manifest.json"])


def pixels(explanation, name):
    return np.asarray(Image.open(io.BytesIO(explanation.files()[name])))


def test_each_box_has_its_map_picture_and_error_by_its_number(explanation, maps):
    files = explanation.files()
    assert set(files) == {
        *("attribution.npy", "overlay.png", "standard_error.npy"),
        *("attribution-1.npy", "overlay-1.png", "standard_error-1.npy"),
        *("boxes.json", "manifest.json"),
    }
    assert np.array_equal(np.load(io.BytesIO(files["attribution-1.npy"])), maps[1])
    assert as_zip(explanation)


def test_boxes_are_in_pixels_of_the_original_picture(explanation):
    first, second = json.loads(explanation.files()["boxes.json"])
    assert first["box"] == pytest.approx([100 * W / 1344, 200 * H / 1008, 300 * W / 1344, 400 * H / 1008], abs=0.01)
    assert {name: second[name] for name in ("number", "label", "index", "score")} == {
        "number": 1,
        "label": "right spot",
        "index": 1,
        "score": 0.6,
    }


@pytest.mark.long
def test_the_manifest_lists_the_explained_boxes(explanation):
    manifest = manifest_of(explanation)
    assert manifest["targets"] == json.loads(explanation.files()["boxes.json"])
    assert (manifest["method"], manifest["inside"]) == ("eigencam", False)
    assert manifest["parameters"] == explanation.method.values()
    assert b"secret" not in explanation.files()["manifest.json"]


def test_the_outline_of_the_box_is_drawn_on_its_picture_alone(maps):
    flat = explained(np.zeros_like(maps))
    first, second = (pixels(flat, name) for name in ("overlay.png", "overlay-1.png"))
    assert first.shape == (1008, 1344, 3)
    assert (first[200, 100:300] == 255).all()
    assert (first[200:400, 100] == 255).all()
    changed = (first != second).any(axis=2)
    assert not changed[210:390, 110:290].any()
    assert not changed[:, 1320:].any()


def test_the_outline_of_a_box_that_leaves_the_picture_runs_along_its_border(maps):
    beyond = BoxTarget((-50.0, -20.0, 1e6, 90.0), 0, 0.9, (0.9, 0.1))
    drawn = pixels(explained(maps, targets=(beyond, LEFT)), "overlay.png")
    assert (drawn[0] == 255).all()


def test_maps_inside_boxes_are_scaled_to_zero_to_one_after_the_filters(maps):
    clip = filter_named("percentile_clip")(percentile=90.0)
    shown = explained(maps, inside=True, filters=(clip,)).maps
    rows, columns = slice(71, 143), slice(35, 108)  # the box of 200..400 by 100..300, at 360 / 1008 of its size
    part = clip.apply(maps)[0][rows, columns]
    assert np.allclose(shown[0][rows, columns], (part - part.min()) / np.ptp(part))
    assert shown[0].sum() == pytest.approx(shown[0][rows, columns].sum())
    assert manifest_of(explained(maps, inside=True))["inside"] is True


def test_numbers_default_to_the_order_of_the_targets(maps):
    assert [entry["number"] for entry in explained(maps, numbers=()).entries] == [1, 2]


def test_warnings_name_the_box_they_are_about(maps):
    noisy = Estimate(1.0, maps, standard_error=np.full_like(maps, maps.std()))
    warnings = manifest_of(explained(maps, estimate=noisy))["warnings"]
    assert any("gives the same map for every box" in warning for warning in warnings)
    assert any("the map of box 3 (left spot) shows may be noise" in warning for warning in warnings)
    flat = explained(maps, estimate=Estimate(1.0, np.ones_like(maps))).warnings
    assert any("The map of box 1 (right spot) is the same everywhere" in warning for warning in flat)
    assert any("Try a different level." in warning for warning in flat)
