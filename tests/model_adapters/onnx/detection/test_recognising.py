"""Outputs of common exports are recognised without being asked, and asked about where two readings are possible.

Every network finds one box in another place, class and size for each way to read it, so that a wrong reading fails.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from onnx_detectors import BRIGHT, CELLS, SIDE, assert_boxes, graph, opened, separate, yolo

from xai_core.errors import TryAsClassifier, UnsupportedModel
from xai_core.types import Capability

HEN_COW = {0: "hen", 1: "cow"}
PLACE = [28 / SIDE * 200, 14 / SIDE * 100, 36 / SIDE * 200, 18 / SIDE * 100]  # of centre (32, 16), 8 x 4, in BRIGHT
ULTRALYTICS = {"author": "Ultralytics", "stride": "32"}


@pytest.fixture
def open_graph(tmp_path):
    def save_and_open(outputs, reading="", **settings):
        (tmp_path / "m.onnx").write_bytes(graph(outputs, **settings).SerializeToString())
        return opened(tmp_path / "m.onnx", tmp_path, reading)

    return save_and_open


def transposed(rows):
    return np.ascontiguousarray(rows.transpose(0, 2, 1))


def only(detector, score, label, corners=PLACE):
    """Check that the detector finds one box, of this score, label and place."""
    (boxes,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(boxes, corners)
    np.testing.assert_allclose(boxes.scores, [score], atol=1e-5)
    assert [detector.card.labels[index] for index in boxes.labels] == [label]


def test_class_names_tell_an_objectness_where_the_number_of_rows_does_not(open_graph):
    only(open_graph({"o": yolo(7, CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8])}, names=HEN_COW), 0.4, "cow")
    only(open_graph({"o": yolo(6, 31, [32, 16, 8, 4, 0.1, 0.8])}, names=HEN_COW), 0.8, "cow")


def test_class_names_tell_rows_from_columns_where_there_are_fewer_boxes_than_columns(open_graph):
    names = {number: f"class {number}" for number in range(90)}
    rows = yolo(94, CELLS, [32, 16, 8, 4, *[0] * 89, 0.9])
    assert CELLS < 94
    only(open_graph({"o": transposed(rows)}, names=names), 0.9, "class 89")


@pytest.mark.parametrize("lay", [np.ascontiguousarray, transposed], ids=["rows", "columns"])
def test_rows_with_and_without_an_objectness_are_asked_about(open_graph, lay):
    rows = lay(yolo(85, 4 * CELLS, [32, 16, 8, 4, 0.5, *[0] * 12, 0.8, *[0] * 67]))
    card = open_graph({"rows": rows}, shape=(1, 3, 2 * SIDE, 2 * SIDE)).card
    assert Capability.DETECT not in card.capabilities
    assert "the objectness and 80 classes, or 81 classes" in card.missing["DETECT"]


def test_the_answer_settles_which_of_two_readings_it_is(open_graph):
    rows = {"rows": yolo(85, CELLS + 60, [32, 16, 8, 4, 0.5, *[0] * 12, 0.8, *[0] * 67])}
    asking = open_graph(rows)
    assert json.loads(asking.card.reading)["objectness"]
    assert Capability.DETECT not in open_graph(rows, '{"form": "yolo rows", "overlap": 0.5}').card.capabilities
    (boxes,) = open_graph(rows, '{"form": "yolo rows", "objectness": true}').detect(BRIGHT, 0.2)
    assert (boxes.labels.tolist(), boxes.class_scores.shape) == ([12], (1, 80))
    np.testing.assert_allclose(boxes.scores, [0.4])


def test_names_that_fit_no_reading_are_asked_about(open_graph):
    card = open_graph({"o": yolo(9, 3 * CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8, 0, 0])}, names=HEN_COW).card
    assert "The file names 2 classes, but each row of o holds 5 numbers after the box" in card.missing["DETECT"]


def test_masks_beside_the_boxes_are_ignored(open_graph):
    rows = yolo(6 + 32, CELLS, [32, 16, 8, 4, 0.1, 0.7, *[5] * 32])
    masks = np.ones((1, 32, 16, 16), np.float32)
    outputs = {"output0": transposed(rows), "output1": masks}
    detector = open_graph(outputs, names=HEN_COW, task="segment", **ULTRALYTICS)
    only(detector, 0.7, "cow")
    assert any("masks are ignored" in note for note in detector.card.notes)


def test_masks_of_version_5_beside_the_boxes_are_ignored(open_graph):
    rows = yolo(7 + 32, 3 * CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8, *[5] * 32])
    only(open_graph({"output0": rows, "output1": np.ones((1, 32, 16, 16), np.float32)}, names=HEN_COW), 0.4, "cow")


def test_keypoints_after_the_scores_are_ignored(open_graph):
    rows = transposed(yolo(5 + 51, CELLS, [32, 16, 8, 4, 0.7, *[40] * 51]))
    facts = {"task": "pose", "kpt_shape": "[17, 3]", **ULTRALYTICS}
    only(open_graph({"output0": rows}, names={0: "hen"}, **facts), 0.7, "hen")


def test_a_classifier_of_ultralytics_is_opened_as_one(open_graph):
    with pytest.raises(TryAsClassifier):
        open_graph({"output0": np.array([[0.2, 0.8]], np.float32)}, names=HEN_COW, task="classify", **ULTRALYTICS)


def final(*rows, columns=6):
    values = np.zeros((1, 300, columns), np.float32)
    for place, row in enumerate(rows):
        values[0, place] = row
    return values


@pytest.mark.parametrize("row", [[28, 14, 36, 18, 0.75, 1], [28, 14, 36, 18, 1, 0.75]])
def test_final_rows_are_known_by_their_values(open_graph, row):
    only(open_graph({"output0": final(row)}, names=HEN_COW), 0.75, "cow")


def test_final_rows_keep_boxes_that_overlap(open_graph):
    rows = final([28, 14, 36, 18, 0.75, 1], [28, 14, 36, 18.5, 0.6, 1])
    (boxes,) = open_graph({"output0": rows}, names=HEN_COW).detect(BRIGHT, 0.2)
    np.testing.assert_allclose(boxes.scores, [0.75, 0.6])


def test_final_rows_of_ultralytics_are_known_where_the_trial_shows_nothing(open_graph):
    detector = open_graph({"output0": final()}, names=HEN_COW, task="detect", **ULTRALYTICS)
    reading = json.loads(detector.card.reading)
    assert (reading["form"], reading["row_order"], reading["box_unit"]) == ("final rows", "score, label", "pixels")


def test_final_rows_that_show_nothing_are_asked_about(open_graph):
    card = open_graph({"output0": final()}, names=HEN_COW).card
    assert "does not show their order" in card.missing["DETECT"]


def test_final_rows_with_masks_are_read_without_them(open_graph):
    rows = final([28, 14, 36, 18, 0.75, 1, *[9] * 32], columns=38)
    outputs = {"output0": rows, "output1": np.ones((1, 32, 16, 16), np.float32)}
    only(open_graph(outputs, names=HEN_COW, task="segment", **ULTRALYTICS), 0.75, "cow")


def test_final_rows_of_version_7_start_with_the_picture_and_name_the_label_first(open_graph):
    only(open_graph({"output": np.array([[0, 28, 14, 36, 18, 1, 0.75]], np.float32)}, names=HEN_COW), 0.75, "cow")


def queries(columns, *logits):
    """Return 30 boxes in shares, and logits of which all are about -4 but for these of the first box."""
    boxes = np.tile(np.float32([0.2, 0.8, 0.05, 0.05]), (1, 30, 1))
    boxes[0, 0] = [0.5, 0.25, 0.125, 0.0625]
    values = np.random.default_rng(0).normal(-4, 0.1, (1, 30, columns)).astype(np.float32)
    values[0, 0, : len(logits)] = logits
    return {"logits": values, "pred_boxes": boxes}


def test_logits_of_rt_detr_take_a_sigmoid(open_graph):
    only(open_graph(queries(2, -1, 2), names=HEN_COW), 1 / (1 + np.exp(-2)), "cow")


def test_logits_of_detr_take_a_softmax_whose_last_class_is_no_object(open_graph):
    outputs = queries(3, 0, 2, 1)
    outputs["logits"][0, 1:, 2] = 3
    only(open_graph(outputs, names=HEN_COW), np.exp(2) / (1 + np.exp(2) + np.exp(1)), "cow")


def test_detr_is_known_by_the_classes_of_coco_and_by_the_queries_that_find_nothing(open_graph):
    outputs = queries(92)
    outputs["logits"][0, :, 91], outputs["logits"][0, 0, 17] = 3, 9
    detector = open_graph(outputs)
    (boxes,) = detector.detect(BRIGHT, 0.5)
    assert [detector.card.labels[index] for index in boxes.labels] == ["cat"]
    assert json.loads(detector.card.reading)["mean"] == "0.485, 0.456, 0.406"


def test_logits_that_fit_both_are_asked_about(open_graph):
    outputs = queries(5, -1, 2)
    card = open_graph(outputs).card
    assert "logits holds 5 logits per box: either as in DETR" in card.missing["DETECT"]
    answered = open_graph(outputs, '{"activation": "sigmoid", "no_object": false}')
    assert answered.detect(BRIGHT, 0.5)[0].labels.tolist() == [1]


def test_scores_whose_background_may_be_first_or_last_are_asked_about(open_graph):
    detector = open_graph(separate([[0.1, 0.8, 0.1], [0.2, 0.6, 0.2]]))
    assert "the first, as in SSD, or the last, as in DETR" in detector.card.missing["DETECT"]


def test_a_background_that_most_boxes_have_last_is_last(open_graph):
    (boxes,) = open_graph(separate([[0.1, 0.8, 0.1], [0, 0, 1]])).detect(BRIGHT, 0.5)
    assert (boxes.labels.tolist(), boxes.class_scores.shape) == ([1], (1, 2))


def test_final_boxes_in_batches_are_read_where_a_label_is_0(open_graph):
    outputs = {
        "det_boxes": np.array([[[28, 14, 36, 18], [0, 0, 4, 4]]], np.float32),
        "det_classes": np.array([[1, 0]], np.int32),
        "det_scores": np.array([[0.75, 0.1]], np.float32),
    }
    only(open_graph(outputs, names=HEN_COW), 0.75, "cow")


def test_boxes_with_negative_sizes_are_not_drawn(open_graph):
    rows = {"rows": yolo(6, 31, [32, 16, -8, 4, 0.9, 0.5])}
    card = open_graph(rows, '{"form": "yolo rows", "objectness": false}').card
    assert "boxes have negative widths or heights" in card.missing["DETECT"]


@pytest.mark.parametrize("domain", ["TRT", ""])
def test_an_operator_that_removes_overlaps_is_named_with_the_way_out(tmp_path, domain):
    model = graph({"o": yolo(6, CELLS)})
    model.graph.node[-1].op_type, model.graph.node[-1].domain = "EfficientNMS_TRT", domain
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UnsupportedModel, match=r"uses (TRT:)?EfficientNMS_TRT, which no runtime .* with nms=False"):
        opened(tmp_path / "m.onnx", tmp_path)
