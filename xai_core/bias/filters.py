"""Which pictures are looked at: by class, attribute, confidence, or only where the model is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xai_core.bias.groups import UNKNOWN, attribute
from xai_core.bias.predictions import Mask, Predictions
from xai_core.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What pictures must be to be looked at; empty means any.

    actual, predicted: labels of the true and the predicted class. attributes: the values that are let through, by
    attribute. least_confidence, most_confidence: closed range of the probability of the predicted class.
    """

    actual: Sequence[str] = ()
    predicted: Sequence[str] = ()
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least_confidence: float = 0.0
    most_confidence: float = 1.0
    only_wrong: bool = False

    def mask(self, found: Predictions) -> Mask:
        """Return which pictures are chosen, (n,). Raises DataError for an unknown class or attribute."""
        kept = _among(found, self.actual, found.truth) & _among(found, self.predicted, found.predicted)
        for name, values in self.attributes.items():
            kept &= _with_values(found, name, values)
        if self.only_wrong:
            kept &= found.predicted != found.truth
        return kept & self._confident(found)

    def of(self, found: Predictions) -> Predictions:
        """Return the predictions of the chosen pictures."""
        return found.chosen(self.mask(found))

    def _confident(self, found: Predictions) -> Mask:
        if self.least_confidence <= 0 and self.most_confidence >= 1:
            return np.ones(len(found), bool)
        if found.confidence is None:
            raise DataError("This table has no probabilities, so pictures can not be chosen by confidence.")
        return (found.confidence >= self.least_confidence) & (found.confidence <= self.most_confidence)


def _among(found: Predictions, labels: Sequence[str], classes: Any) -> Mask:
    if unknown := [label for label in labels if label not in found.labels]:
        raise DataError(f"There is no class called {unknown[0]!r} in this table.")
    kept: Mask = np.isin(classes, [found.labels.index(label) for label in labels])
    return kept if labels else np.ones(len(found), bool)


def _with_values(found: Predictions, name: str, values: Sequence[str]) -> Mask:
    own = attribute(found, name)
    wanted = ["" if value == UNKNOWN else value for value in values]
    return np.isin(own, wanted) if wanted else np.ones(len(found), bool)
