from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import batched_nms

from model_adapters.onnx.detection.outputs import Rows
from model_adapters.onnx.detection.readings import Reading
from model_adapters.onnx.detection.suppression import detections, suppressed


def boxes(count, seed):
    random = np.random.default_rng(seed)
    corners = random.uniform([0, 0, 20, 20], [10, 10, 40, 40], (count, 4)).astype(np.float32)
    return corners, random.integers(0, 3, count), random.random(count, np.float32)


def rows(corners, scores, labels=None):
    labels = np.zeros(len(scores), np.int64) if labels is None else np.array(labels)
    scores = np.array(scores, np.float32)
    class_scores = scores[:, None] * np.eye(2, dtype=np.float32)[labels]
    return Rows(np.array(corners, np.float32).reshape(-1, 4), labels, scores, class_scores, np.ones_like(scores))


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_boxes_stay_as_with_torchvision(overlap, seed):
    corners, labels, scores = boxes(200, seed)
    expected = batched_nms(*map(torch.from_numpy, (corners, scores, labels)), overlap).numpy()
    found = suppressed(corners, labels, scores, overlap)
    assert 0 < len(found) < 200
    np.testing.assert_array_equal(found, expected)


def test_of_no_boxes_none_stay():
    assert len(suppressed(np.empty((0, 4), np.float32), np.empty(0, np.int64), np.empty(0, np.float32), 0.5)) == 0


def test_boxes_of_different_classes_do_not_suppress_each_other():
    same = [[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]]
    assert len(detections(rows(same, [0.9, 0.8], [0, 1]), Reading(), 0.1, (10, 10))) == 2
    assert len(detections(rows(same, [0.9, 0.8], [1, 1]), Reading(), 0.1, (10, 10))) == 1


def test_final_boxes_are_not_suppressed_again():
    same = rows([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]], [0.9, 0.8])
    assert len(detections(same, Reading(form="boxes, labels, scores"), 0.1, (10, 10))) == 2


def test_boxes_come_in_pixels_of_the_picture_the_best_first():
    found = detections(rows([[0, 0, 0.1, 0.1], [0.25, 0.5, 0.75, 1]], [0.4, 0.6]), Reading(), 0, (40, 80))
    np.testing.assert_allclose(found.corners, [[20, 20, 60, 40], [0, 0, 8, 4]])
    np.testing.assert_allclose(found.scores, [0.6, 0.4])


def test_a_box_ends_at_the_border_and_one_outside_goes():
    found = detections(
        rows([[-1, 0.5, 0.5, 2], [1.1, 0, 1.5, 1], [0.5, 0.5, 0.5, 0.9]], [0.9] * 3), Reading(), 0, (10, 10)
    )
    np.testing.assert_allclose(found.corners, [[0, 5, 5, 10]])


def test_boxes_below_the_floor_are_not_told():
    found = detections(rows([[0, 0, 0.2, 0.2], [0.5, 0.5, 1, 1]], [0.3, 0.29]), Reading(), 0.3, (10, 10))
    assert len(found) == 1
