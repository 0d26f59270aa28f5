from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from vitrine.boxes import Boxes
from xai_core.detection.shown import Shown
from xai_core.detection.targets import overlaps
from xai_core.detector import Detections
from xai_core.pictures.files import Picture

NAMES = "zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "digits.txt").write_text(NAMES)
    return tmp_path / "digits.txt"


@pytest.fixture
def riddle(tmp_path: Path) -> Path:
    """An ONNX graph whose output could be boxes, though nobody can tell how."""
    weights = numpy_helper.from_array(np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["maps"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Reshape", ["maps", "shape"], ["riddle"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])]
    outputs = [helper.make_tensor_value_info("riddle", TensorProto.FLOAT, [1, 16, 3])]
    constants = [weights, numpy_helper.from_array(np.array([1, 16, 3]), "shape")]
    graph = helper.make_graph(nodes, "riddle", inputs, outputs, constants)
    path = tmp_path / "riddle.onnx"
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    )
    return path


def found(outcome) -> dict:
    assert outcome.status == 0, outcome.err
    (entry,) = json.loads(outcome.out)
    return entry


def test_json_lists_the_boxes_best_first_where_the_digits_are(vitrine, detector, scene, labels):
    entry = found(vitrine("detect", detector.path, scene.path, "--json", "--labels", labels))
    assert (entry["image"], entry["size"], entry["threshold"]) == (scene.path.name, [256, 256], 0.5)
    scores = [box["score"] for box in entry["boxes"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] >= 0.5
    assert [box["number"] for box in entry["boxes"]] == list(range(1, len(scores) + 1))
    (three,) = (box for box in entry["boxes"] if box["label"] == "three")
    (true,) = (box for box in scene.boxes if box.label == "3")
    assert three["index"] == 3
    assert overlaps(np.array([three["box"]]), np.array([true.corners])) > 0.5
    assert entry["below_threshold"] == entry["notes"] == []


def test_boxes_of_a_large_picture_are_in_its_own_pixels(vitrine, detector, scene, tmp_path):
    with Image.open(scene.path) as small:
        small.resize((1536, 1536)).save(tmp_path / "large.png")
    first, large = (
        found(vitrine("detect", detector.path, path, "--json"))["boxes"][0]
        for path in (scene.path, tmp_path / "large.png")
    )
    assert large["index"] == first["index"]
    assert overlaps(np.array([large["box"]]), 6 * np.array([first["box"]])) > 0.9


def test_each_picture_has_its_boxes_on_lines_with_numbers(vitrine, detector, scene, labels):
    other = detector.scenes[2]
    shown = vitrine("detect", detector.path, other.path, scene.path, "--labels", labels)
    first, second = (shown.out.index(each.path.name) for each in (other, scene))
    lines = shown.out[first:second].splitlines()
    assert lines[1].startswith("   1   99.")
    assert "three (3): left" in lines[1]
    assert shown.err == ""


def test_where_no_box_reaches_the_threshold_the_best_below_are_listed(vitrine, detector):
    entry = found(vitrine("detect", detector.path, detector.scenes[5].path, "--json", "--threshold", 1))
    assert entry["boxes"] == []
    assert [box["number"] for box in entry["below_threshold"]] == [1, 2, 3, 4, 5]
    assert entry["notes"][0].startswith("No box has a score of at least 1. The best is class 2 with 0.99")


def test_where_there_is_no_box_at_all_a_sentence_says_so():
    picture = Picture(np.zeros((20, 20, 3), np.uint8), "black.png", "")
    boxes = Boxes(picture, ("a",), Detections.none(1), Shown(), 0.1)
    assert boxes.nothing_in_words() == "No box has a score of at least 0.5, or even 0.05. Try a different picture."


def test_a_label_file_may_begin_with_the_background_but_not_be_too_short(vitrine, detector, scene, tmp_path):
    (tmp_path / "eleven.txt").write_text("__background__\n" + NAMES)
    (tmp_path / "two.txt").write_text("zero\none")
    assert "three (3)" in vitrine("detect", detector.path, scene.path, "--labels", tmp_path / "eleven.txt").out
    sentence = vitrine("detect", detector.path, scene.path, "--labels", tmp_path / "two.txt").sentence
    assert "contains 2 labels, but the model has 10 classes" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--threshold", "2"), "Threshold must be between 0.05 and 1; got 2.0."),
        (("--threshold", "high"), "Threshold must be a number; got 'high'."),
        (("--preprocessing", "-1..1"), "Unrecognized arguments: --preprocessing=-1..1"),
    ],
)
def test_wrong_words_end_in_one_sentence(vitrine, detector, scene, words, sentence):
    assert sentence in vitrine("detect", detector.path, scene.path, *words).sentence


def test_what_a_graph_is_taken_for_is_told_with_its_boxes(vitrine, assets):
    model = assets / "models/detection/FastestDet.onnx"
    entry = found(vitrine("detect", model, assets / "images/other/cat_dog_both.png", "--json"))
    assert {box["label"] for box in entry["boxes"][:2]} == {"cat", "dog"}
    assert any("assumed to be those of COCO" in note for note in entry["notes"])


@pytest.mark.long
def test_outputs_that_nobody_can_read_are_shown_and_asked_for(vitrine, riddle, scene):
    sentence = vitrine("detect", riddle, scene.path).sentence
    assert "Its outputs: riddle (1 x 16 x 3) from " in sentence
    assert "a reading: JSON with a form, one of 'boxes, labels, scores', " in sentence
    checked = vitrine("check", riddle, "--task", "detect")
    assert "Output:        riddle (1 x 16 x 3) from " in checked.out
    assert "Classes" not in checked.out


@pytest.mark.long
def test_a_classifier_is_pointed_to_where_it_belongs(vitrine, classifier, scene):
    sentence = vitrine("detect", classifier, scene.path).sentence
    assert "(a classifier). For a classifier, use vitrine predict, or vitrine explain with" in sentence
    assert "page" not in sentence
