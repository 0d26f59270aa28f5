"""Keep the best of the boxes that a detector proposes."""

from __future__ import annotations

import numpy as np

from model_adapters.onnx.detection.outputs import FINAL, Rows
from model_adapters.onnx.detection.readings import Reading
from xai_core.detection.targets import overlaps
from xai_core.detector import Detections
from xai_core.params import Size
from xai_core.types import Floats, Indices

MOST_COMPARED = 1000  # boxes per picture; those with lower scores are dropped


def detections(rows: Rows, reading: Reading, floor: float, size: Size) -> Detections:
    """Return the boxes with a score of at least `floor` that no better one suppresses, in pixels of a picture.

    size: the picture's height and width. Boxes are clipped to the picture; those outside are dropped.
    """
    sides = np.array([size[1], size[0], size[1], size[0]], np.float32)
    kept = np.flatnonzero(rows.scores >= floor)
    kept = kept[np.argsort(-rows.scores[kept], kind="stable")][:MOST_COMPARED]
    if reading.form not in FINAL:
        kept = kept[suppressed(rows.corners[kept] * sides, rows.labels[kept], rows.scores[kept], reading.overlap)]
    corners = np.clip(rows.corners[kept] * sides, 0, sides)
    seen = (corners[:, 2:] > corners[:, :2]).all(axis=1)
    scores = (np.clip(each[kept[seen]], 0, 1) for each in (rows.scores, rows.class_scores, rows.objectness))
    return Detections.of(corners[seen], rows.labels[kept[seen]], *scores)


def suppressed(corners: Floats, labels: Indices, scores: Floats, overlap: float) -> Indices:
    """Return the indices of the boxes that are kept, the best first.

    A box is dropped if a better one of its class overlaps it by more than `overlap` (intersection over union, 0 to 1).
    corners: (n, 4). labels, scores: (n,). The same as torchvision.ops.batched_nms.
    """
    order = np.argsort(-scores, kind="stable")
    stays = []
    while len(order):
        best, order = order[0], order[1:]
        stays.append(best)
        shares = overlaps(corners[order], corners[best][None])[:, 0]
        order = order[(labels[order] != labels[best]) | (shares <= overlap)]
    return np.array(stays, np.int64)
