"""Decide one class by a threshold on its probability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xai_core.bias.predictions import Predictions
from xai_core.errors import DataError


def with_threshold(predictions: Predictions, label: int, threshold: float) -> Predictions:
    """Return predictions in which a picture is predicted as a class if its probability is at least `threshold`.

    All other pictures go to the most probable of the remaining classes, the first of equals. Raises DataError without
    probabilities, or with fewer than two classes.
    """
    if predictions.probabilities is None or predictions.classes < 2:
        raise DataError("A threshold needs probabilities for at least two classes; this table has none.")
    others = predictions.probabilities.copy()
    others[:, label] = -1
    above = predictions.probabilities[:, label] >= np.float32(threshold)
    return replace(predictions, predicted=np.where(above, label, others.argmax(axis=1)).astype(np.int64))
