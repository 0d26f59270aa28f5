"""How sure a network was of each prediction, from the probabilities that a file holds of all classes or of one."""

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
    """Return the probability (n, E) of each prediction (n, E), NaN where there is none, and what should be known.

    probabilities: (n, E, K) of all classes, or (n, E) of the predicted one. name: what the file calls them. Such as do
    not fit are left out, and the notes say why.
    """
    shape = (*predictions.shape, classes)
    if probabilities.shape not in (shape, predictions.shape) or probabilities.dtype.kind != "f":
        got = f"{probabilities.shape} of {probabilities.dtype}"
        return None, (f"{name} is left out: expected floats {shape}, pictures, epochs and classes; got {got}.",)
    known = predictions != NO_DATA
    if probabilities.ndim == 2:
        found, apart = np.where(known, probabilities, np.nan).astype(np.float32), 0
    else:
        found, apart = _taken(probabilities, predictions)
    if ((found < -ROUNDING) | (found > 1 + ROUNDING)).any():
        return None, (f"{name} is left out: probabilities lie between 0 and 1, and these do not.",)
    told = f"In {apart} predictions {name} has another class on top; the predictions are believed."
    return np.clip(found, 0, 1), (told,) if apart else ()


def of_columns(columns: Sequence[NDArray[np.float64] | None], predicted: Indices, name: str) -> Noted:
    """Return the probability (m,) of the predicted class of each row (m,), NaN where it is not known.

    columns: (m,) probabilities of each class, None where there is no such column.
    """
    found = np.full(len(predicted), np.nan)
    for label, values in enumerate(columns):
        if values is not None:
            found = np.where(predicted == label, values, found)
    if ((found < -ROUNDING) | (found > 1 + ROUNDING)).any():
        return None, (f"{name} are left out: probabilities lie between 0 and 1, and these do not.",)
    return np.clip(found, 0, 1).astype(np.float32), ()


def _taken(probabilities: NDArray[np.generic], predictions: Indices) -> tuple[Confidences, int]:
    """Return the probability of each prediction, and how many are of another class than the most probable one."""
    found, apart = np.full(predictions.shape, np.nan, np.float32), 0
    rows = max(1, AT_ONCE // max(1, probabilities.shape[1] * probabilities.shape[2]))
    for start in range(0, len(predictions), rows):
        part, said = probabilities[start : start + rows], predictions[start : start + rows]
        own = np.take_along_axis(part, np.maximum(said, 0)[..., None], axis=2)[..., 0].astype(np.float32)
        known = (said != NO_DATA) & np.isfinite(own)
        apart += int((known & (own < part.max(axis=2).astype(np.float32))).sum())
        found[start : start + rows] = np.where(known, own, np.nan)
    return found, apart
