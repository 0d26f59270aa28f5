"""Choose pictures by class, attribute or confidence, or only the wrong predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from xai_core.bias.groups import UNKNOWN, attribute
from xai_core.bias.predictions import Mask, Predictions
from xai_core.errors import DataError
from xai_core.types import Indices


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which pictures are kept; empty means any.

    actual, predicted: labels of the true and the predicted class. attributes: the accepted values of each attribute.
    least_confidence, most_confidence: closed range of the probability of the predicted class. only_wrong: keep wrong
    predictions only.
    """

    actual: Sequence[str] = ()
    predicted: Sequence[str] = ()
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least_confidence: float = 0.0
    most_confidence: float = 1.0
    only_wrong: bool = False

    def mask(self, predictions: Predictions) -> Mask:
        """Return which pictures are kept, (n,). Raises DataError for an unknown class or attribute."""
        kept = _of_classes(predictions, self.actual, predictions.truth)
        kept &= _of_classes(predictions, self.predicted, predictions.predicted)
        for name, values in self.attributes.items():
            kept &= _with_values(predictions, name, values)
        if self.only_wrong:
            kept &= predictions.predicted != predictions.truth
        return kept & self._confident(predictions)

    def of(self, predictions: Predictions) -> Predictions:
        """Return the predictions of the pictures that are kept."""
        return predictions.chosen(self.mask(predictions))

    def _confident(self, predictions: Predictions) -> Mask:
        if self.least_confidence <= 0 and self.most_confidence >= 1:
            return np.ones(len(predictions), bool)
        confidence = predictions.confidence
        if confidence is None:
            raise DataError("This table has no probabilities, so pictures cannot be filtered by confidence.")
        return (confidence >= self.least_confidence) & (confidence <= self.most_confidence)


def _of_classes(predictions: Predictions, labels: Sequence[str], classes: Indices) -> Mask:
    if unknown := [label for label in labels if label not in predictions.labels]:
        raise DataError(f"This table has no class named {unknown[0]!r}.")
    kept: Mask = np.isin(classes, [predictions.labels.index(label) for label in labels])
    return kept if labels else np.ones(len(predictions), bool)


def _with_values(predictions: Predictions, name: str, values: Sequence[str]) -> Mask:
    accepted = ["" if value == UNKNOWN else value for value in values]
    own = attribute(predictions, name)
    return np.isin(own, accepted) if accepted else np.ones(len(predictions), bool)
