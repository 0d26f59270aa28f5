"""What a classifier predicted for labelled pictures: the table that every bias metric is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.types import Floats, Indices, Texts

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Predictions:
    """One model's predictions for n pictures and K classes.

    name: of the model or run. labels: the K class names. truth: (n,) true classes. predicted: (n,) predicted classes.
    probabilities: (n, K) in 0..1, rows add up to 1; None if only classes are known. attributes: (n,) texts each, by
    name; "" where unknown. files: (n,) names of the pictures, or None. heads: logits (n, K) of each output, by name,
    if the model has several. notes: what was corrected or dropped while reading, as sentences.
    """

    name: str
    labels: tuple[str, ...]
    truth: Indices
    predicted: Indices
    probabilities: Floats | None = None
    attributes: Mapping[str, Texts] = field(default_factory=dict)
    files: Texts | None = None
    heads: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def classes(self) -> int:
        return len(self.labels)

    @cached_property
    def confidence(self) -> Floats | None:
        """The probability of the predicted class (n,), None without probabilities."""
        if self.probabilities is None:
            return None
        return np.take_along_axis(self.probabilities, self.predicted[:, None], axis=1)[:, 0]

    def chosen(self, which: Mask | Indices) -> Predictions:
        """Return the predictions for some pictures, by a mask (n,) or by numbers."""

        def part(array: Any) -> Any:
            return None if array is None else array[which]

        return Predictions(
            self.name,
            self.labels,
            self.truth[which],
            self.predicted[which],
            part(self.probabilities),
            {name: part(values) for name, values in self.attributes.items()},
            part(self.files),
            {name: part(logits) for name, logits in self.heads.items()},
            self.notes,
        )
