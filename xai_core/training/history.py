"""What a classifier predicted for the same pictures after each epoch of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.types import Doubles, Indices, Texts

NO_DATA = -1
Confidences = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class History:
    """Predictions of n pictures over E epochs, with K classes.

    name: of the run. labels: K class names. predictions: (n, E) classes, -1 for no data. actual: (n,) true classes,
    -1 if unknown. ids: (n,) names of the pictures. epochs: E names. images: (n,) files, "" for none. pictures:
    (n, h, w, 3) uint8 RGB thumbnails. curves: (E,) values by name, such as "train_loss" and "test_acc"; NaN for no
    value. confidence: (n, E) probability of each prediction, NaN if unknown; None without probabilities. notes: what
    was corrected or dropped while reading, as sentences.
    """

    name: str
    labels: tuple[str, ...]
    predictions: Indices
    actual: Indices
    ids: Texts
    epochs: tuple[str, ...]
    images: Texts | None = None
    curves: Mapping[str, Doubles] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pictures: NDArray[np.uint8] | None = None
    confidence: Confidences | None = None

    def __len__(self) -> int:
        return len(self.actual)

    def during(self, first: int, last: int) -> History:
        """Return the epochs with the numbers `first` to `last`, inclusive."""
        span = slice(first, last + 1)
        curves = {name: values[span] for name, values in self.curves.items()}
        confidence = None if self.confidence is None else self.confidence[:, span]
        predictions = self.predictions[:, span]
        return replace(self, predictions=predictions, epochs=self.epochs[span], curves=curves, confidence=confidence)

    def chosen(self, which: Any) -> History:
        """Return some of the pictures, by a mask (n,) or by numbers, in that order."""
        return replace(
            self,
            predictions=self.predictions[which],
            actual=self.actual[which],
            ids=self.ids[which],
            images=None if self.images is None else self.images[which],
            pictures=None if self.pictures is None else self.pictures[which],
            confidence=None if self.confidence is None else self.confidence[which],
        )
