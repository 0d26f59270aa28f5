"""Exports of YOLOX and YOLOv6 are read as their authors decode them, and not mistaken for other versions."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from onnx_detectors import BRIGHT, CELLS, SIDE, assert_boxes, graph, opened, yolo

from model_adapters.onnx.detection.cells import cells
from model_adapters.onnx.detection.outputs import rows
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.torch_rows import tensor_rows
from xai_core.errors import UnsupportedModel
from xai_core.types import Capability

RNG = np.random.default_rng(0)
SMALL = yolo(7, CELLS, [0.5, 0.25, np.log(2), np.log(0.5), 0.5, 0.1, 0.8])  # in the cell at column 7, row 0
PLACE = [(60 - 8) / SIDE * 200, 0, 200, 4 / SIDE * 100]  # centre (60, 2), 16 x 4, clipped to BRIGHT
OFFSETS = Reading(objectness=True, box_layout="cell offsets")


@pytest.fixture
def open_graph(tmp_path):
    def save_and_open(values, reading="", **settings):
        (tmp_path / "m.onnx").write_bytes(graph({"output": values}, **settings).SerializeToString())
        return opened(tmp_path / "m.onnx", tmp_path, reading)

    return save_and_open


@pytest.mark.parametrize("names", [None, {0: "hen", 1: "cow"}])
def test_offsets_within_cells_are_decoded(open_graph, names):
    detector = open_graph(SMALL, names=names)
    (boxes,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(boxes, PLACE)
    assert (boxes.labels.tolist(), boxes.class_scores.shape) == ([1], (1, 2))
    np.testing.assert_allclose(boxes.scores, [0.4], atol=1e-6)


def test_pixels_are_those_that_yolox_takes_and_the_card_says_so(open_graph):
    card = open_graph(SMALL).card
    reading = json.loads(card.reading)
    assert (reading["colours"], reading["scale"]) == ("BGR", "0..255")
    assert any("0..255 in the order blue, green, red" in note for note in card.notes)


def test_offsets_are_decoded_as_the_authors_decode_them():
    """Their decoding: (offsets + grid) * strides and exp(sizes) * strides, the finest grid first."""
    values = RNG.normal(0, 1, (1, CELLS, 7)).astype(np.float32)
    values[..., 4:] = 1 / (1 + np.exp(-values[..., 4:]))
    (decoded,) = rows({"o": values}, OFFSETS, (SIDE, SIDE), 1)
    last = values[0, -1]  # the cell at column 1, row 1 of stride 32
    centre, half = (last[:2] + 1) * 32, np.exp(last[2:4]) * 16
    np.testing.assert_allclose(decoded.corners[-1], np.concatenate([centre - half, centre + half]) / SIDE, atol=1e-5)
    twin = tensor_rows({"o": torch.from_numpy(values)}, ("o",), OFFSETS, (SIDE, SIDE))
    np.testing.assert_allclose(twin.corners, decoded.corners, atol=1e-5)


def test_cells_are_numbered_along_rows_of_wide_pictures():
    grid = cells(4 * 8 + 2 * 4 + 1 * 2, (32, 64))
    assert grid[9].tolist() == [1, 1, 8]
    assert grid[-1].tolist() == [1, 0, 32]
    assert cells(41, (32, 64)) is None


def test_offsets_need_a_box_for_each_cell():
    with pytest.raises(UnsupportedModel, match="31 boxes for 64 x 64 pixels"):
        rows({"o": yolo(7, 31)}, OFFSETS, (SIDE, SIDE), 1)


def test_an_objectness_of_one_is_that_of_version_6(open_graph):
    values = yolo(7, CELLS, [32, 16, 8, 4, 1, 0.1, 0.8])
    values[..., 4] = 1
    detector = open_graph(values)
    (boxes,) = detector.detect(BRIGHT, 0.2)
    assert (boxes.labels.tolist(), boxes.class_scores.shape) == ([1], (1, 2))
    assert json.loads(detector.card.reading)["scale"] == "0..1"


def test_decoded_rows_for_each_cell_are_asked_about_with_the_pixels_of_each_version(open_graph):
    values = yolo(85, 4 * CELLS, [32, 16, 8, 4, 0.5, *[0] * 12, 0.8, *[0] * 67])
    card = open_graph(values, shape=(1, 3, 2 * SIDE, 2 * SIDE)).card
    assert Capability.DETECT not in card.capabilities
    assert "With an objectness it is probably YOLOX" in card.missing["DETECT"]
    assert '{"objectness": true, "colours": "BGR", "scale": "0..255"}' in card.missing["DETECT"]


def test_decoded_rows_whose_names_leave_an_objectness_are_those_of_yolox(open_graph):
    values = yolo(7, CELLS, [32, 16, 8, 4, 0.5, 0.1, 0.8])
    detector = open_graph(values, names={0: "hen", 1: "cow"})
    (boxes,) = detector.detect(BRIGHT, 0.2)
    assert_boxes(boxes, [87.5, 21.875, 112.5, 28.125])
    assert (boxes.labels.tolist(), boxes.scores.tolist()) == ([1], [pytest.approx(0.4)])
    reading = json.loads(detector.card.reading)
    assert (reading["objectness"], reading["colours"], reading["scale"]) == (True, "BGR", "0..255")
