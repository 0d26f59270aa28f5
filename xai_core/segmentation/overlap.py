"""Compare a segmentation with a label map, the true class of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from xai_core.errors import DataError
from xai_core.pictures.label_maps import VOID, LabelMap
from xai_core.preprocessing import Preprocessing
from xai_core.segmentation.segments import Classes

NO_SUCH_CLASS = "The label map holds the class {0}, but the model has the classes 0 to {1}. Renumber it."
OTHER_SHAPE = (
    "The label map has {0} x {1} pixels and the picture {2} x {3}; it was resized to the picture with nearest "
    "neighbours."
)
OTHER_RATIO = (
    "The label map has {0} x {1} pixels and the picture {2} x {3}, so their proportions differ. Use the label map of "
    "this picture."
)
MASK = "The label map holds 0 and 255 only; 255 was read as the class {0}, not as pixels that do not count."
RATIO = 0.02  # by which proportions may differ, since sides are rounded


@dataclass(frozen=True)
class ClassOverlap:
    """The overlap of one class. iou: intersection over union, None if the class is neither true nor predicted here.

    true_share, predicted_share: of the pixels that count.
    """

    index: int
    iou: float | None
    true_share: float
    predicted_share: float


@dataclass(frozen=True)
class Overlap:
    """How well a segmentation agrees with a label map. accuracy: share of pixels with the right class.

    mean_iou: over the classes that are present, true or predicted. notes: sentences.
    """

    accuracy: float
    mean_iou: float
    classes: tuple[ClassOverlap, ...]
    notes: tuple[str, ...] = ()


def compare(
    classes: Classes, label_map: LabelMap, labels: Sequence[str], preprocessing: Preprocessing, size: tuple[int, int]
) -> Overlap:
    """Compare the classes (H, W) of a picture of `size` (height, width) with its label map.

    DataError if the proportions differ, or if the map holds a class that the model does not have.
    """
    numbered = _numbered(label_map, len(labels))
    fitted, notes = _of_size(numbered, size)
    notes = notes if numbered is label_map else (*notes, MASK.format(labels[1]))
    truth = preprocessing.place_labels(fitted, VOID)
    counts = truth != VOID
    if not counts.any():
        raise DataError(
            "No pixel of the label map counts: all are 255, or lie outside what the model sees. Use the label map "
            "of this picture."
        )
    true, predicted = truth[counts].astype(np.int32), classes[counts]
    overlaps = tuple(_overlap(index, true, predicted) for index in range(len(labels)))
    ious = [overlap.iou for overlap in overlaps if overlap.iou is not None]
    return Overlap(float((true == predicted).mean()), float(np.mean(ious)), overlaps, notes)


def _numbered(label_map: LabelMap, count: int) -> LabelMap:
    values = np.unique(label_map)
    if count == 2 and set(values.tolist()) == {0, VOID}:  # a black and white mask
        return np.where(label_map == VOID, 1, 0).astype(np.uint8)
    unknown = values[(values >= count) & (values != VOID)]
    if len(unknown):
        raise DataError(NO_SUCH_CLASS.format(int(unknown[0]), count - 1))
    return label_map


def _of_size(label_map: LabelMap, size: tuple[int, int]) -> tuple[LabelMap, tuple[str, ...]]:
    if label_map.shape == size:
        return label_map, ()
    (height, width), sides = label_map.shape, (*label_map.shape[::-1], *size[::-1])
    if abs(width * size[0] / (height * size[1]) - 1) > RATIO:
        raise DataError(OTHER_RATIO.format(*sides))
    resized = Image.fromarray(label_map).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(resized), (OTHER_SHAPE.format(*sides),)


def _overlap(index: int, true: Classes, predicted: Classes) -> ClassOverlap:
    is_true, is_predicted = true == index, predicted == index
    union = int((is_true | is_predicted).sum())
    iou = int((is_true & is_predicted).sum()) / union if union else None
    return ClassOverlap(index, iou, float(is_true.mean()), float(is_predicted.mean()))
