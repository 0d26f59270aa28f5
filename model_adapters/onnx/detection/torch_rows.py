"""Turn the outputs of a detector's twin into boxes, so that their gradients are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from model_adapters.onnx.detection.outputs import FINAL_BOXES, FINAL_ROWS, cells_of
from model_adapters.onnx.detection.parts import is_rows
from model_adapters.onnx.detection.readings import Form, Reading
from xai_core.params import Size

Tensors = Mapping[str, Any]
NEARLY = 1e-9  # keeps the slope of a power finite
GRID_EXPONENTS = (0.4, 0.6)


@dataclass(frozen=True, eq=False)
class TensorRows:
    """The boxes in one picture, before any is dropped; the same as `outputs.Rows`, as tensors with gradients.

    corners: (n, 4) in shares of the picture's sides. class_scores: (n, K). objectness: (n,). exponents: of class score
    and objectness in the score of a box.
    """

    corners: Any
    class_scores: Any
    objectness: Any
    exponents: tuple[float, float] = (1, 1)

    def chance(self, label: int) -> Any:
        """Return the score (n,) of a class."""
        score, sure = self.class_scores[:, label], self.objectness
        if self.exponents == (1, 1):
            return score * sure
        return score.clamp(min=NEARLY) ** self.exponents[0] * sure.clamp(min=NEARLY) ** self.exponents[1]


def tensor_rows(outputs: Tensors, names: tuple[str, ...], reading: Reading, size: Size) -> TensorRows:
    """Return the boxes in the first picture. names: from `outputs.names_read`. size: height and width of the input."""
    first = [outputs[name] for name in names]
    return READERS[reading.form](first, reading, size)


def _separate(parts: list[Any], reading: Reading, size: Size) -> TensorRows:
    boxes, scores = (part[0].reshape(-1, part.shape[-1]) for part in parts)
    return _rows(_corners(boxes, reading, size), _activated(scores, reading))


def _yolo(parts: list[Any], reading: Reading, size: Size) -> TensorRows:
    first = 4 + reading.objectness
    known = first + reading.classes + reading.background + reading.beyond if reading.classes else 0
    values = parts[0][0] if is_rows(parts[0], known) else parts[0][0].T
    scores = _activated(values[:, first : values.shape[1] - reading.beyond], reading)
    sure = values[:, 4] if reading.objectness else None
    if sure is not None and reading.activation != "none":
        sure = sure.sigmoid()
    return _rows(_corners(values[:, :4], reading, size), scores, sure)


def _grid(parts: list[Any], reading: Reading, size: Size) -> TensorRows:
    maps = parts[0][0]
    height, width = maps.shape[1:]
    cells = maps.reshape(len(maps), -1).T
    numbers = torch.arange(height * width, device=maps.device)
    places = torch.stack([numbers % width, torch.div(numbers, width, rounding_mode="floor")], 1)
    centres = (cells[:, 1:3].tanh() + places) / torch.tensor([width, height], device=maps.device)
    half = cells[:, 3:5].sigmoid() / 2
    sure = cells[:, 0].sigmoid() if reading.activation != "none" else cells[:, 0]
    corners = torch.cat([centres - half, centres + half], 1)
    scores = _activated(cells[:, 5:], reading)
    return TensorRows(corners, scores, sure, GRID_EXPONENTS)


def _final_rows(parts: list[Any], reading: Reading, size: Size) -> TensorRows:
    values = parts[0][:, 1:] if parts[0].dim() == 2 else parts[0][0]
    score, label = (4, 5) if reading.row_order == "score, label" else (5, 4)
    return _final(values[:, :4], values[:, label], values[:, score], reading, size)


def _listed(parts: list[Any], reading: Reading, size: Size) -> TensorRows:
    boxes, labels, scores = parts
    return _final(boxes.reshape(-1, 4), labels.reshape(-1), scores.reshape(-1), reading, size)


def _final(boxes: Any, labels: Any, scores: Any, reading: Reading, size: Size) -> TensorRows:
    classes = labels.detach().round().long() - int(reading.background)
    chosen = torch.nn.functional.one_hot(classes.clamp(min=0), max(reading.classes, 1)) * (classes >= 0)[:, None]
    return _rows(_corners(boxes, reading, size), chosen * scores[:, None])


READERS: Mapping[Form, Callable[[list[Any], Reading, Size], TensorRows]] = {
    "boxes and class scores": _separate,
    "yolo rows": _yolo,
    "grid": _grid,
    FINAL_ROWS: _final_rows,
    FINAL_BOXES: _listed,
}


def _rows(corners: Any, class_scores: Any, objectness: Any = None) -> TensorRows:
    sure = torch.ones_like(class_scores[:, 0]) if objectness is None else objectness
    return TensorRows(corners, class_scores, sure)


def _corners(boxes: Any, reading: Reading, size: Size) -> Any:
    height, width = size
    if reading.box_layout == "corners, top first":
        boxes = boxes[:, [1, 0, 3, 2]]
    if reading.box_layout == "cell offsets":
        grid = torch.from_numpy(cells_of(len(boxes), size)).to(boxes)
        boxes = torch.cat([boxes[:, :2] + grid[:, :2], boxes[:, 2:].exp()], 1) * grid[:, 2:]
    if reading.centred:
        half = boxes[:, 2:] / 2
        boxes = torch.cat([boxes[:, :2] - half, boxes[:, :2] + half], 1)
    sides = (width, height, width, height) if reading.in_pixels else (1, 1, 1, 1)
    return boxes / torch.tensor(sides, dtype=boxes.dtype, device=boxes.device)


def _activated(scores: Any, reading: Reading) -> Any:
    if reading.activation != "none":
        scores = scores.sigmoid() if reading.activation == "sigmoid" else scores.softmax(-1)
    return scores[:, int(reading.background) : scores.shape[1] - int(reading.no_object)]
