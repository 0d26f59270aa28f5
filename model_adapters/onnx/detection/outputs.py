"""Turn the outputs of a detector's graph into boxes, as a reading says, without a framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_adapters.common.output_shapes import Outputs, shown
from model_adapters.onnx.detection.readings import Form, Reading
from xai_core.errors import ModelError, UnsupportedModel
from xai_core.params import Size
from xai_core.types import Floats, Indices

FINAL_BOXES: Form = "boxes, labels, scores"
LEAST_COLUMNS = 5  # a box and one class
TOO_FEW_CLASSES = (
    "The model named class {found} of {classes}. Specify the number of classes in the settings of the outputs."
)
OTHER_BATCH = "The model answers {count} pictures with {found} answers. Export it for one picture at a time."
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


def is_numbers(value: Any) -> bool:
    """Whether an output is an array of numbers."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def parts_of_listed(outputs: Outputs) -> tuple[str, str, str] | None:
    """Return the names of the boxes (n, 4), labels (n,) and scores (n,); each may start with a batch dimension."""
    flat = {name: value for name, value in outputs.items() if value.ndim in (1, 2)}
    whole = {name: value for name, value in flat.items() if value.dtype.kind in "iu"}
    named = {name: value for name, value in flat.items() if _is_called(name, "label", "class")}
    labels = _first(whole or named, "label", "class")
    if labels is None:
        return None
    shape = outputs[labels].shape
    boxes = _first({n: v for n, v in outputs.items() if v.dtype.kind == "f" and v.shape == (*shape, 4)}, "box")
    alike = {n: v for n, v in flat.items() if n != labels and v.dtype.kind == "f" and v.shape == shape}
    scores = _first(alike, "score", "conf", "prob")
    return None if boxes is None or scores is None else (boxes, labels, scores)


def parts_of_separate(outputs: Outputs) -> tuple[str, str] | None:
    """Return the names of the boxes (N, n, 4) and class scores (N, n, K)."""
    usable = {name: value for name, value in outputs.items() if value.dtype.kind == "f" and _as_rows(value).ndim == 3}
    boxes = _first({name: value for name, value in usable.items() if value.shape[-1] == 4}, "box", "loc")
    if boxes is None:
        return None
    shape = _as_rows(outputs[boxes]).shape[:2]
    others = {n: v for n, v in usable.items() if n != boxes and _as_rows(v).shape[:2] == shape}
    scores = _first(others, "score", "conf", "class", "prob")
    return None if scores is None else (boxes, scores)


def part_of_grid(outputs: Outputs) -> str | None:
    """Return the name of a map (N, 5 + K, h, w)."""
    return _largest({n: v for n, v in outputs.items() if v.ndim == 4 and v.shape[1] > LEAST_COLUMNS})


def part_of_yolo(outputs: Outputs) -> str | None:
    """Return the name of rows (N, n, 4 + K), or (N, n, 5 + K) with objectness, possibly transposed."""
    return _largest({n: v for n, v in outputs.items() if v.ndim == 3 and min(v.shape[1:]) >= LEAST_COLUMNS})


def in_rows(value: Any) -> Floats:
    """Return rows (N, n, C) of a box and its scores; there are more boxes than columns."""
    return np.asarray(value if value.shape[1] >= value.shape[2] else value.transpose(0, 2, 1), np.float32)


def _listed(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    names = parts_of_listed(outputs)
    if names is None or (count > 1 and outputs[names[1]].ndim == 1):
        raise _misfit(reading.form, "boxes n x 4, labels n and scores n", outputs)
    boxes, labels, scores = (np.asarray(outputs[name]).reshape(count, -1) for name in names)
    corners = _corners(np.asarray(boxes, np.float32).reshape(count, -1, 4), reading, size)
    classes = np.rint(labels).astype(np.int64) - reading.background
    if classes.size and classes.max() >= reading.classes:
        raise ModelError(TOO_FEW_CLASSES.format(found=classes.max() + reading.background, classes=reading.classes))
    return [_of_labels(*each, reading.classes) for each in zip(corners, classes, scores, strict=True)]


def _of_labels(corners: Floats, labels: Indices, scores: Floats, classes: int) -> Rows:
    real = labels >= 0
    corners, labels, scores = corners[real], labels[real], np.asarray(scores[real], np.float32)
    class_scores = np.zeros((len(labels), classes), np.float32)
    class_scores[np.arange(len(labels)), labels] = scores
    return Rows(corners, labels, scores, class_scores, np.ones_like(scores))


def _separate(outputs: Outputs, reading: Reading, size: Size, count: int) -> list[Rows]:
    names = parts_of_separate(outputs)
    if names is None or outputs[names[1]].shape[-1] <= reading.background:
        raise _misfit(reading.form, "boxes N x n x 4 and scores N x n x classes", outputs)
    boxes, scores = (_as_rows(np.asarray(outputs[name], np.float32)) for name in names)
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
    if name is None or in_rows(outputs[name]).shape[-1] <= first + reading.background:
        raise _misfit(reading.form, f"one output N x n x ({first} + classes)", outputs)
    values = in_rows(outputs[name])
    sure = values[..., 4] if reading.objectness else None
    if sure is not None and reading.activation != "none":
        sure = _sigmoid(sure)
    return _combined(_corners(values[..., :4], reading, size), _activated(values[..., first:], reading), sure)


READERS: Mapping[Form, Callable[[Outputs, Reading, Size, int], list[Rows]]] = {
    FINAL_BOXES: _listed,
    "boxes and class scores": _separate,
    "grid": _grid,
    "yolo rows": _yolo,
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
    if reading.box_layout == "centre and size":
        half = boxes[..., 2:] / 2
        boxes = np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)
    sides = (width, height, width, height) if reading.box_unit == "pixels" else (1, 1, 1, 1)
    return np.asarray(boxes / np.array(sides, np.float32), np.float32)


def _activated(scores: Floats, reading: Reading) -> Floats:
    """Return class scores in 0..1, without the background."""
    if reading.activation == "sigmoid":
        scores = _sigmoid(scores)
    elif reading.activation == "softmax":
        raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores = raised / raised.sum(axis=-1, keepdims=True)
    return np.asarray(scores[..., int(reading.background) :], np.float32)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def _as_rows(value: Any) -> Any:
    """Return (N, n, 1, C) as (N, n, C), and any other shape unchanged."""
    return value[:, :, 0] if value.ndim == 4 and value.shape[2] == 1 else value


def _first(outputs: Outputs, *words: str) -> str | None:
    """Return the first name that contains one of the words, or else the first name."""
    return next((name for name in outputs if _is_called(name, *words)), next(iter(outputs), None))


def _is_called(name: str, *words: str) -> bool:
    return any(word in name.lower() for word in words)


def _largest(outputs: Outputs) -> str | None:
    return max(outputs, key=lambda name: outputs[name].size, default=None)


def _misfit(form: Form, expected: str, outputs: Outputs) -> UnsupportedModel:
    came = ", ".join(f"{name[:40]} {shown(value.shape)}" for name, value in list(outputs.items())[:4]) or "no numbers"
    return UnsupportedModel(f"To be read as {form!r}, a model must give {expected}; this one gives {came}.")
