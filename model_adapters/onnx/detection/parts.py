"""Find the arrays that hold boxes and scores among a graph's outputs, without a framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_adapters.common.output_shapes import Outputs
from xai_core.types import Floats

LEAST_COLUMNS = 5  # a box and one class
FINAL_COLUMNS = 6  # a box, its score and its label


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
    usable = {name: value for name, value in outputs.items() if value.dtype.kind == "f" and as_rows(value).ndim == 3}
    boxes = _first({name: value for name, value in usable.items() if value.shape[-1] == 4}, "box", "loc")
    if boxes is None:
        return None
    shape = as_rows(outputs[boxes]).shape[:2]
    others = {n: v for n, v in usable.items() if n != boxes and as_rows(v).shape[:2] == shape}
    scores = _first(others, "score", "logit", "conf", "class", "prob")
    return None if scores is None else (boxes, scores)


def part_of_grid(outputs: Outputs) -> str | None:
    """Return the name of a map (N, 5 + K, h, w)."""
    return _largest({n: v for n, v in outputs.items() if v.ndim == 4 and v.shape[1] > LEAST_COLUMNS})


def part_of_yolo(outputs: Outputs) -> str | None:
    """Return the name of rows (N, n, 4 + K), or (N, n, 5 + K) with objectness, possibly transposed."""
    return _largest({n: v for n, v in outputs.items() if v.ndim == 3 and min(v.shape[1:]) >= LEAST_COLUMNS})


def part_of_final(outputs: Outputs) -> str | None:
    """Return the name of rows (N, n, 6 or more), or (n, 7 or more) with the number of the picture first."""
    least = {3: FINAL_COLUMNS, 2: FINAL_COLUMNS + 1}
    fitting = {n: v for n, v in outputs.items() if v.dtype.kind == "f" and v.shape[-1:] >= (least.get(v.ndim, np.inf),)}
    return _largest(fitting)


def in_rows(value: Any, columns: int = 0) -> Floats:
    """Return rows (N, n, C) of a box and its scores, which may be transposed. columns: C, if known."""
    return np.asarray(value if is_rows(value, columns) else value.transpose(0, 2, 1), np.float32)


def is_rows(value: Any, columns: int = 0) -> bool:
    """Whether an array holds rows (N, n, C) and not columns (N, C, n).

    columns: C, if known; otherwise there are more boxes than columns. If n = C as well, it holds columns, as exports
    without objectness do.
    """
    _, first, second = value.shape
    if columns in (first, second):
        return bool(first != columns)
    return bool(first >= second)


def as_rows(value: Any) -> Any:
    """Return (N, n, 1, C) as (N, n, C), and any other shape unchanged."""
    return value[:, :, 0] if value.ndim == 4 and value.shape[2] == 1 else value


def _first(outputs: Outputs, *words: str) -> str | None:
    """Return the first name that contains one of the words, or else the first name."""
    return next((name for name in outputs if _is_called(name, *words)), next(iter(outputs), None))


def _is_called(name: str, *words: str) -> bool:
    return any(word in name.lower() for word in words)


def _largest(outputs: Outputs) -> str | None:
    return max(outputs, key=lambda name: outputs[name].size, default=None)
