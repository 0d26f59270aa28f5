"""What would be predicted if one class were decided by a threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from xai_core.bias.predictions import Predictions
from xai_core.errors import DataError


def with_threshold(found: Predictions, one: int, threshold: float) -> Predictions:
    """Return predictions in which a picture is taken for a class if its probability is at least `threshold`.

    All others are taken for the most probable of the remaining classes, of equal ones the first. Raises DataError
    where there are no probabilities, or no other class.
    """
    if found.probabilities is None or found.classes < 2:
        raise DataError("A threshold needs probabilities of at least two classes; this table has none.")
    others = found.probabilities.copy()
    others[:, one] = -1
    taken = found.probabilities[:, one] >= np.float32(threshold)
    return replace(found, predicted=np.where(taken, one, others.argmax(axis=1)).astype(np.int64))
