"""The confusion matrix, and where it is worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xai_core.bias.values import ratio
from xai_core.types import Doubles, Indices

Normalised = Literal["counts", "rows", "columns"]


@dataclass(frozen=True)
class Confusion:
    """Pictures of the class `actual` predicted as `predicted`: how many, and what share of the class."""

    actual: int
    predicted: int
    count: int
    rate: float


def confusion(truth: Indices, predicted: Indices, classes: int) -> Indices:
    """Return how often each true class (row) was predicted as each class (column), (K, K)."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def normalised(counts: Indices, by: Normalised) -> Doubles:
    """Return counts (K, K), or their shares of each row or column; NaN where that is empty."""
    if by == "counts":
        return counts.astype(np.float64)
    return ratio(counts, counts.sum(axis=1 if by == "rows" else 0, keepdims=True))


def most_mispredicted(counts: Indices, limit: int) -> list[int]:
    """Return the classes with the lowest recall, worst first; with equal recall, the one with more errors first.

    Classes without pictures are left out.
    """
    samples, hits = counts.sum(axis=1), np.diag(counts)
    present = [int(label) for label in np.flatnonzero(samples)]
    return sorted(present, key=lambda n: (hits[n] / samples[n], hits[n] - samples[n], n))[:limit]


def among(counts: Indices, chosen: Sequence[int]) -> Indices:
    """Return the matrix of some classes with a last column for all others, (m, m + 1); rows keep their sums."""
    part = counts[np.ix_(list(chosen), list(chosen))]
    rest = counts[list(chosen)].sum(axis=1) - part.sum(axis=1)
    return np.concatenate([part, rest[:, None]], axis=1)


def top_confusions(counts: Indices, limit: int) -> list[Confusion]:
    """Return the pairs of classes that are confused most often, by count and then by rate."""
    samples = counts.sum(axis=1)
    off_diagonal = [(int(i), int(j)) for i, j in np.argwhere(counts) if i != j]
    pairs = [Confusion(i, j, int(counts[i, j]), float(counts[i, j] / samples[i])) for i, j in off_diagonal]
    return sorted(pairs, key=lambda pair: (-pair.count, -pair.rate, pair.actual, pair.predicted))[:limit]
