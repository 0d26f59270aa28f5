"""Which classes are taken for which: the confusion matrix, and where it is worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xai_core.types import Doubles, Indices

Normalised = Literal["counts", "rows", "columns"]


@dataclass(frozen=True)
class Confusion:
    """Pictures of the class `actual` that were taken for `predicted`: how many, and which share of the class."""

    actual: int
    predicted: int
    count: int
    rate: float


def confusion(truth: Indices, predicted: Indices, classes: int) -> Indices:
    """Return how often each true class (row) was taken for each class (column), (K, K)."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def normalised(counts: Indices, by: Normalised) -> Doubles:
    """Return counts (K, K), or their shares of each row or column; NaN where that is empty."""
    if by == "counts":
        return counts.astype(np.float64)
    whole = counts.sum(axis=1 if by == "rows" else 0, keepdims=True)
    shares: Doubles = np.divide(counts, whole, out=np.full(counts.shape, np.nan), where=whole > 0)
    return shares


def most_mispredicted(counts: Indices, most: int) -> list[int]:
    """Return the classes with the least recall, the worst first; of equal ones the one with more errors.

    Classes without samples are left out.
    """
    samples, right = counts.sum(axis=1), np.diag(counts)
    present = [int(one) for one in np.flatnonzero(samples)]
    return sorted(present, key=lambda one: (right[one] / samples[one], right[one] - samples[one], one))[:most]


def among(counts: Indices, chosen: Sequence[int]) -> Indices:
    """Return the matrix of some classes with a last column for all others, (m, m + 1); rows keep their sums."""
    part = counts[np.ix_(list(chosen), list(chosen))]
    rest = counts[list(chosen)].sum(axis=1) - part.sum(axis=1)
    return np.concatenate([part, rest[:, None]], axis=1)


def top_confusions(counts: Indices, most: int) -> list[Confusion]:
    """Return the pairs of classes that are confused most often, by count and then by rate."""
    samples = counts.sum(axis=1)
    wrong = [(int(i), int(j)) for i, j in np.argwhere(counts) if i != j]
    found = [Confusion(i, j, int(counts[i, j]), float(counts[i, j] / samples[i])) for i, j in wrong]
    return sorted(found, key=lambda one: (-one.count, -one.rate, one.actual, one.predicted))[:most]
