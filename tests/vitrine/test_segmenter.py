"""A segmentation network in the library: classes of pixels, regions in every form, and why they have their class."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import vitrine
from tests.segmenters import COLOURS, RED_BOX, SIDE, ByColour, picture, red_box

WAY = {"height": SIDE, "width": SIDE, "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.fixture(scope="module")
def model():
    with vitrine.wrap(ByColour(), preprocessing=WAY, labels=COLOURS) as opened:
        yield opened


@pytest.fixture(scope="module")
def segments(model):
    return model.segment(picture())


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "by_colour.pt"
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        torch.jit.trace(ByColour().eval(), torch.rand(1, 3, SIDE, SIDE), check_trace=False).save(path)
    return path


def inside(explanation):
    """Return the share of the map's weight that lies in the red box or within two pixels of it."""
    left, top, right, bottom = RED_BOX
    weight = np.abs(explanation.map)
    return weight[top - 2 : bottom + 2, left - 2 : right + 2].sum() / weight.sum()


def test_the_classes_are_those_of_the_colours(model, segments):
    assert isinstance(model, vitrine.Segmenter)
    assert [row["label"] for row in segments.rows] == ["green", "red"]
    assert ((segments.classes == 0) == red_box()).mean() > 0.97
    assert segments.rows[1]["share"] == pytest.approx(red_box().mean(), abs=0.03)


@pytest.mark.parametrize("method", ["saliency", "hirescam", "integrated_gradients", "occlusion"])
def test_the_map_of_the_red_region_lies_in_it(model, segments, method):
    settings = {"occlusion": {"patch": 8, "stride": 4}}.get(method, {})
    assert inside(model.explain(method, segments, target="red", **settings)) > 0.8


@pytest.mark.parametrize(
    ("region", "words", "pixels"),
    [
        ((20, 20), "the connected region at (20, 20)", 18 * 24),
        ((12, 16, 30, 40), "the box 12, 16, 30, 40", 18 * 24),
        ([(12, 16), (30, 16), (30, 40)], "a polygon with 3 corners", 18 * 24 / 2),
        (red_box(), "pixels of your choice", 18 * 24),
        ("picture", "the whole picture", SIDE * SIDE),
    ],
)
def test_a_region_is_given_in_any_form(model, segments, region, words, pixels):
    record = model.explain("saliency", segments, target="red", region=region).record["region"]
    assert record["words"] == words
    assert record["pixels"] == pytest.approx(pixels, abs=2 * (18 + 24))  # edges may move by a pixel


def test_the_default_is_the_predicted_region_of_the_main_class(model):
    explanation = model.explain("saliency", picture())
    assert explanation.targets == ("green (1)",)
    assert explanation.record["region"]["words"] == "where green is predicted"


def test_the_integral_adds_up_to_the_difference_of_the_mean_scores(model, segments):
    explanation = model.explain("integrated_gradients", segments, target="red", steps=50)
    assert explanation.figures["completeness_error"][0] < 0.01


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"target": "blue"}, "No pixel of this picture is predicted as blue.*Choose one of green, red"),
        ({"region": (99, 5)}, r"pixel \(99, 5\) lies outside"),
        ({"region": (60, 60, 80, 80)}, "holds no pixel of the picture"),
        ({"region": "nowhere"}, "A region is 'predicted', 'picture'.*got 'nowhere'"),
        ({"region": (1, 2, 3)}, "A region is"),
        ({"box": 1}, "finds no boxes"),
    ],
)
def test_a_question_without_an_answer_is_refused_with_the_way_out(model, segments, wishes, sentence):
    with pytest.raises(vitrine.ParamError, match=sentence):
        model.explain("saliency", segments, **wishes)


def test_the_agreement_with_the_true_classes_is_nearly_whole(segments):
    truth = np.where(red_box(), 0, 1).astype(np.uint8)
    comparison = segments.compare(truth)
    assert comparison.accuracy > 0.97
    assert comparison.mean_iou > 0.9
    assert segments.compare(1 - truth).accuracy < 0.03


def test_the_files_hold_the_region(model, segments, tmp_path):
    explanation = model.explain("saliency", segments, target="red")
    names = [path.name for path in explanation.save(tmp_path)]
    assert sorted(names) == ["attribution.npy", "manifest.json", "overlay.png", "region.png"]
    mask = np.asarray(Image.open(tmp_path / "region.png").convert("L")) > 0
    assert (mask == (segments.classes == 0)).all()
    assert json.loads((tmp_path / "manifest.json").read_text())["region"]["pixels"] == mask.sum()


def test_a_file_is_opened_as_what_it_is_and_remembers_the_region(model_file):
    with vitrine.load(model_file, preprocessing=WAY, labels=COLOURS) as loaded:
        explanations = [loaded.explain("saliency", picture(), target="red", region=at) for at in ((20, 20), (3, 3))]
        assert loaded.task == "segment"
        assert inside(explanations[0]) > 0.8
        assert inside(explanations[1]) < 0.2
        with pytest.raises(vitrine.ModelError, match="labels every pixel and has no score for the whole picture"):
            loaded.predict(picture())
