"""Turn the outputs of a detector's graph into boxes, as a reading says, without a framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_adapters.common.output_shapes import Outputs, shown
from model_adapters.onnx.detection.cells import cells
from model_adapters.onnx.detection.parts import (
    LEAST_COLUMNS,
    as_rows,
    in_rows,
    is_numbers,
    part_of_final,
    part_of_grid,
    part_of_yolo,
    parts_of_listed,
    parts_of_separate,
)
from model_adapters.onnx.detection.readings import Form, Reading
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.params import Size
from xai_core.types import Floats, Indices

FINAL_BOXES: Form = "boxes, labels, scores"
FINAL_ROWS: Form = "final rows"
FINAL = (FINAL_BOXES, FINAL_ROWS)  # overlaps are removed already
TOO_FEW_CLASSES = (
    "The model named class {found} of {classes}. Specify the number of classes in the settings of the outputs."
)
OTHER_BATCH = "The model answers {count} pictures with {found} answers. Export it for one picture at a time."
NO_CELLS = (
    "The model gives {count} boxes for {width} x {height} pixels, but offsets within cells need one box for each cell "
    "of a YOLO head. Choose a different layout."
)
NO_NUMBERS = "The detector returned values that are not numbers; nothing is drawn."


@dataclass(frozen=True, eq=False)
class Rows:
    """What a detector finds in one picture, before any box is dropped.

    corners: (n, 4) left, top, right, bottom in shares of the picture's sides. labels: (n,), background not counted.
    scores: (n,). class_scores: (n, K). objectness: (n,).
    """

    corners: Floats
    labels: Indices
    scores: Floats
    class_scores: Floats
    objectness: Floats


def names_read(arrays: Mapping[str, Any], reading: Reading) -> tuple[str, ...]:
    """Return the names of the outputs that a reading uses."""
    single: dict[Form, Callable[[Any], str | None]] = {
        "grid": part_of_grid, "yolo rows": part_of_yolo, FINAL_ROWS: part_of_final,
    }  # fmt: skip
    if reading.form in single:
        name = single[reading.form](arrays)
        return () if name is None else (name,)
    return (parts_of_listed(arrays) if reading.form == FINAL_BOXES else parts_of_separate(arrays)) or ()


def rows(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    """Return the boxes in each of `count` pictures.

    size: height and width of the input, in pixels. Raises UnsupportedModel if the outputs have a different form, and
    ModelError if they are not numbers.
    """
    plain = {name: value for name, value in outputs.items() if is_numbers(value)}
    all_rows = READERS[reading.form](plain, reading, size, count)
    if len(all_rows) != count:
        raise UnsupportedModel(OTHER_BATCH.format(count=count, found=len(all_rows)))
    if not all(np.isfinite(picture_rows.scores).all() for picture_rows in all_rows):
        raise ModelError(NO_NUMBERS)
    return all_rows


def _listed(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    names = parts_of_listed(outputs)
    if names is None or (count > 1 and outputs[names[1]].ndim == 1):
        raise _misfit(reading.form, "boxes n x 4, labels n and scores n", outputs)
    boxes, labels, scores = (np.asarray(outputs[name]).reshape(count, -1) for name in names)
    return _final(np.asarray(boxes, np.float32).reshape(count, -1, 4), labels, scores, reading, size)


def _final_rows(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    name = part_of_final(outputs)
    if name is None or (count > 1 and outputs[name].ndim == 2):
        raise _misfit(reading.form, "rows N x n x 6 of a box, its score and its label", outputs)
    values = np.asarray(outputs[name], np.float32)
    values = values[None, :, 1:] if values.ndim == 2 else values
    score, label = (4, 5) if reading.row_order == "score, label" else (5, 4)
    return _final(values[..., :4], values[..., label], values[..., score], reading, size)


def _final(boxes: Floats, labels: Any, scores: Any, reading: Reading, size: Size) -> list[Rows]:
    """Return the rows of each picture from boxes (N, n, 4), labels and scores (N, n) that are final."""
    if not np.isfinite(labels).all():
        raise ModelError(NO_NUMBERS)
    classes = np.rint(labels).astype(np.int64) - reading.background
    if classes.size and classes.max() >= reading.classes:
        raise ModelError(TOO_FEW_CLASSES.format(found=classes.max() + reading.background, classes=reading.classes))
    corners = _corners(boxes, reading, size)
    return [_of_labels(*each, reading.classes) for each in zip(corners, classes, scores, strict=True)]


def _of_labels(corners: Floats, labels: Indices, scores: Floats, classes: int) -> Rows:
    real = labels >= 0
    corners, labels, scores = corners[real], labels[real], np.asarray(scores[real], np.float32)
    class_scores = np.zeros((len(labels), classes), np.float32)
    class_scores[np.arange(len(labels)), labels] = scores
    return Rows(corners, labels, scores, class_scores, np.ones_like(scores))


def _separate(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    names = parts_of_separate(outputs)
    if names is None or outputs[names[1]].shape[-1] <= reading.background + reading.no_object:
        raise _misfit(reading.form, "boxes N x n x 4 and scores N x n x classes", outputs)
    boxes, scores = (as_rows(np.asarray(outputs[name], np.float32)) for name in names)
    return _combined(_corners(boxes, reading, size), _activated(scores, reading))


def _grid(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    name = part_of_grid(outputs)
    if name is None or outputs[name].shape[1] <= LEAST_COLUMNS + reading.background:
        raise _misfit(reading.form, "one output N x (5 + classes) x height x width", outputs)
    maps = np.asarray(outputs[name], np.float32)
    cells = maps.reshape(*maps.shape[:2], -1).transpose(0, 2, 1)
    objectness = _sigmoid(cells[..., 0]) if reading.activation != "none" else cells[..., 0]
    centres, sides = _cell_boxes(cells[..., 1:5], maps.shape[2:])
    corners = np.concatenate([centres - sides / 2, centres + sides / 2], axis=-1)
    class_scores = _activated(cells[..., 5:], reading)
    scores = np.maximum(objectness, 0) ** 0.6 * np.maximum(class_scores.max(axis=-1), 0) ** 0.4
    return _combined(corners, class_scores, objectness, scores)


def _cell_boxes(values: Floats, grid: tuple[int, ...]) -> tuple[Floats, Floats]:
    down, across = np.divmod(np.arange(grid[0] * grid[1], dtype=np.int64), grid[1])
    places = np.stack([across, down], axis=-1)
    whole = np.array(grid[::-1], np.float32)
    return np.asarray((np.tanh(values[..., :2]) + places) / whole, np.float32), _sigmoid(values[..., 2:])


def _yolo(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    name = part_of_yolo(outputs)
    first = 4 + reading.objectness
    known = first + reading.classes + reading.background + reading.beyond if reading.classes else 0
    values = None if name is None else in_rows(outputs[name], known)
    if values is None or values.shape[-1] - reading.beyond <= first + reading.background:
        raise _misfit(reading.form, f"one output N x n x ({first} + classes)", outputs)
    sure = values[..., 4] if reading.objectness else None
    if sure is not None and reading.activation != "none":
        sure = _sigmoid(sure)
    scores = values[..., first : values.shape[-1] - reading.beyond]
    return _combined(_corners(values[..., :4], reading, size), _activated(scores, reading), sure)


READERS: Mapping[Form, Callable[[Outputs, Reading, Size, int], list[Rows]]] = {
    FINAL_BOXES: _listed,
    "boxes and class scores": _separate,
    "grid": _grid,
    "yolo rows": _yolo,
    FINAL_ROWS: _final_rows,
}


def _combined(
    corners: Floats, class_scores: Floats, objectness: Floats | None = None, scores: Floats | None = None
) -> list[Rows]:
    """Return the boxes of each picture; scores default to the best class's score times the objectness."""
    best, labels = class_scores.max(axis=-1), class_scores.argmax(axis=-1)
    sure = np.ones_like(best) if objectness is None else objectness
    total = best * sure if scores is None else scores
    return [Rows(*each) for each in zip(corners, labels, total, class_scores, sure, strict=True)]


def _corners(boxes: Floats, reading: Reading, size: Size) -> Floats:
    """Return boxes (..., 4), laid out as the reading says, as left, top, right, bottom in fractions of the sides."""
    height, width = size
    if reading.box_layout == "corners, top first":
        boxes = boxes[..., [1, 0, 3, 2]]
    if reading.box_layout == "cell offsets":
        grid = cells_of(boxes.shape[-2], size)
        boxes = np.concatenate([boxes[..., :2] + grid[:, :2], np.exp(boxes[..., 2:])], axis=-1) * grid[:, 2:]
    if reading.centred:
        half = boxes[..., 2:] / 2
        boxes = np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)
    sides = (width, height, width, height) if reading.in_pixels else (1, 1, 1, 1)
    return np.asarray(boxes / np.array(sides, np.float32), np.float32)


def cells_of(count: int, size: Size) -> Floats:
    """Return the column, row and stride of the cell of each box, (count, 3), or raise UnsupportedModel."""
    grid = cells(count, size)
    if grid is None:
        raise UnsupportedModel(NO_CELLS.format(count=count, width=size[1], height=size[0]))
    return grid


def _activated(scores: Floats, reading: Reading) -> Floats:
    """Return class scores in 0..1, without the background and without "no object"."""
    if reading.activation == "sigmoid":
        scores = _sigmoid(scores)
    elif reading.activation == "softmax":
        raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores = raised / raised.sum(axis=-1, keepdims=True)
    last = scores.shape[-1] - int(reading.no_object)
    return np.asarray(scores[..., int(reading.background) : last], np.float32)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def _misfit(form: Form, expected: str, outputs: Outputs) -> UnsupportedModel:
    came = ", ".join(f"{name[:40]} {shown(value.shape)}" for name, value in list(outputs.items())[:4]) or "no numbers"
    return UnsupportedModel(f"To be read as {form!r}, a model must give {expected}; this one gives {came}.")
