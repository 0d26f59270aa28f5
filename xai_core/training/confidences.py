"""How confident a network was in each prediction, from the probabilities of all classes or of the predicted one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xai_core.training.history import NO_DATA, Confidences
from xai_core.types import Indices

ROUNDING = 1e-3  # by which a probability may lie outside 0..1
AT_ONCE = 1 << 24  # probabilities
Noted = tuple[Confidences | None, tuple[str, ...]]


def of_predictions(probabilities: NDArray[np.generic], predictions: Indices, classes: int, name: str) -> Noted:
    """Return the probability (n, E) of each prediction (n, E), NaN where there is none, and notes.

    probabilities: (n, E, K) of all classes, or (n, E) of the predicted one. name: what the file calls them. If they do
    not fit they are dropped, and a note says why.
    """
    shape = (*predictions.shape, classes)
    if probabilities.shape not in (shape, predictions.shape) or probabilities.dtype.kind != "f":
        got = f"{probabilities.shape} of {probabilities.dtype}"
        return None, (f"{name} was dropped: expected floats {shape}, pictures, epochs and classes; got {got}.",)
    known = predictions != NO_DATA
    if probabilities.ndim == 2:
        confidence, differing = np.where(known, probabilities, np.nan).astype(np.float32), 0
    else:
        confidence, differing = _of_predicted(probabilities, predictions)
    if _out_of_range(confidence):
        return None, (f"{name} was dropped: probabilities must lie between 0 and 1.",)
    note = f"In {differing} predictions, {name} gives a different class the highest probability; predictions are used."
    return np.clip(confidence, 0, 1), (note,) if differing else ()


def of_columns(columns: Sequence[NDArray[np.float64] | None], predicted: Indices, name: str) -> Noted:
    """Return the probability (m,) of the predicted class of each row (m,), NaN where unknown, and notes.

    columns: (m,) probabilities of each class, None without such a column.
    """
    confidence = np.full(len(predicted), np.nan)
    for label, values in enumerate(columns):
        if values is not None:
            confidence = np.where(predicted == label, values, confidence)
    if _out_of_range(confidence):
        return None, (f"{name} were dropped: probabilities must lie between 0 and 1.",)
    return np.clip(confidence, 0, 1).astype(np.float32), ()


def _out_of_range(confidence: NDArray[np.float32] | NDArray[np.float64]) -> bool:
    return bool(((confidence < -ROUNDING) | (confidence > 1 + ROUNDING)).any())


def _of_predicted(probabilities: NDArray[np.generic], predictions: Indices) -> tuple[Confidences, int]:
    """Return the probability of each prediction, and how many predictions are not the most probable class."""
    confidence, differing = np.full(predictions.shape, np.nan, np.float32), 0
    step = max(1, AT_ONCE // max(1, probabilities.shape[1] * probabilities.shape[2]))
    for start in range(0, len(predictions), step):
        part, predicted = probabilities[start : start + step], predictions[start : start + step]
        own = np.take_along_axis(part, np.maximum(predicted, 0)[..., None], axis=2)[..., 0].astype(np.float32)
        known = (predicted != NO_DATA) & np.isfinite(own)
        differing += int((known & (own < part.max(axis=2).astype(np.float32))).sum())
        confidence[start : start + step] = np.where(known, own, np.nan)
    return confidence, differing
