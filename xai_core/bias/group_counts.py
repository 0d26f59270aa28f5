"""Count, for each group of pictures and each class, what was right and what was predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from xai_core.bias.predictions import Mask, Predictions
from xai_core.types import Doubles, Indices, Texts
from xai_core.wording import natural


@dataclass(frozen=True, eq=False)
class Counts:
    """The confusion table of a class against the rest, one a group; arrays of one shape.

    true_positives: pictures of the class that were predicted as it. actual: pictures of the class. predicted: pictures
    predicted as the class. pictures: all pictures of the group. probability: the probability of the class, summed over
    the group's pictures; None without probabilities.
    """

    true_positives: Doubles
    actual: Doubles
    predicted: Doubles
    pictures: Doubles
    probability: Doubles | None = None

    @property
    def false_positives(self) -> Doubles:
        return self.predicted - self.true_positives

    @property
    def false_negatives(self) -> Doubles:
        return self.actual - self.true_positives

    @property
    def true_negatives(self) -> Doubles:
        return self.pictures - self.actual - self.false_positives

    def of_class(self, number: int) -> Counts:
        """Return one column, (groups,), of counts (groups, classes)."""
        probability = None if self.probability is None else self.probability[:, number]
        hits, actual, predicted = self.true_positives[:, number], self.actual[:, number], self.predicted[:, number]
        return Counts(hits, actual, predicted, self.pictures[:, number], probability)


class GroupCounts:
    """Counts of all groups, which are called `names`, in natural order."""

    def __init__(self, predictions: Predictions, groups: Texts) -> None:
        self.names: tuple[str, ...] = tuple(sorted(map(str, np.unique(groups)), key=natural))
        places = {name: place for place, name in enumerate(self.names)}
        self._predictions = predictions
        self._rows = np.array([places[name] for name in groups.tolist()], np.int64)

    @cached_property
    def all_classes(self) -> Counts:
        """The counts of every class against the rest, (groups, classes), without probabilities."""
        truth, predicted = self._predictions.truth, self._predictions.predicted
        actual = self._table(truth)
        pictures = np.repeat(actual.sum(axis=1, keepdims=True), actual.shape[1], axis=1)
        return Counts(self._table(truth, truth == predicted), actual, self._table(predicted), pictures)

    def of_class(self, number: int) -> Counts:
        """Return the counts of one class against the rest, (groups,)."""
        counts, probabilities = self.all_classes.of_class(number), self._predictions.probabilities
        if probabilities is None:
            return counts
        sums = np.bincount(self._rows, probabilities[:, number].astype(np.float64), len(self.names))
        return replace(counts, probability=np.asarray(sums, np.float64))

    def _table(self, classes: Indices, which: Mask | slice = slice(None)) -> Doubles:
        """Count the pictures of each group and class, (groups, classes)."""
        shape = (len(self.names), self._predictions.classes)
        cells = (self._rows * shape[1] + classes)[which]
        return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
