"""Figures of pictures that are drawn anew, many times at once: a draw is a weight for each picture.

Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from xai_core.bias.classes import placements, ratio
from xai_core.bias.predictions import Mask, Predictions
from xai_core.types import Doubles, Floats, Texts

AT_ONCE = 10_000_000  # weights in memory
EXACT_WORK = 50_000_000  # pictures x classes x draws, up to which each AUROC is counted anew


@dataclass(frozen=True)
class Counts:
    """What the figures need of a confusion matrix, for B draws of pictures: each (B, K)."""

    right: Doubles
    samples: Doubles
    predicted: Doubles


def draws(size: int, bootstrap_samples: int, seed: int, strata: Texts | None = None) -> Iterator[Floats]:
    """Yield how often each picture was drawn, (size, some) a time, `bootstrap_samples` columns in all.

    A column is `size` numbers that default_rng(seed) draws with replacement; with strata (size,) as many of each
    stratum as it has, the strata in the order of their names.
    """
    random = np.random.default_rng(seed)
    whole = np.zeros(size) if strata is None else strata
    members = [np.flatnonzero(whole == one) for one in np.unique(whole)]
    most = max(1, AT_ONCE // max(1, size))
    for start in range(0, bootstrap_samples, most):
        rows = np.empty((min(most, bootstrap_samples - start), size), np.float32)
        for row in rows:
            for own in members:
                row[own] = np.bincount(random.integers(0, len(own), len(own)), minlength=len(own))
        yield np.ascontiguousarray(rows.T)


def counted(found: Predictions, weights: Floats) -> Counts:
    """Return the counts of each draw, for weights (n, B)."""
    hit = np.where(found.truth == found.predicted, found.truth, -1)
    rows = np.concatenate([hit, found.truth + found.classes, found.predicted + 2 * found.classes])
    known = rows >= 0
    columns = np.tile(np.arange(len(found)), 3)[known]
    ones = np.ones(len(columns), np.float32)
    sums = csr_matrix((ones, (rows[known], columns)), (3 * found.classes, len(found))) @ weights
    right, samples, predicted = np.asarray(sums, np.float64).reshape(3, found.classes, -1).transpose(0, 2, 1)
    return Counts(right, samples, predicted)


class Areas:
    """The AUROC of each class against all others, for draws of pictures.

    Up to EXACT_WORK it is counted anew for each draw. Beyond that it is followed along the straight line that touches
    it at the pictures as they are (its Hájek projection), which is off by parts of the order of one over the pictures
    of a class. Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988.
    """

    def __init__(self, found: Predictions, bootstrap_samples: int) -> None:
        assert found.probabilities is not None
        self._truth, self._scores = found.truth, found.probabilities
        self._exact = len(found) * found.classes * bootstrap_samples <= EXACT_WORK
        self._places = None if self._exact else placements(found.truth, found.probabilities)

    def drawn(self, weights: Floats) -> Doubles:
        """Return the areas (B, K) for weights (n, B); NaN where one side is empty."""
        if self._places is None:
            classes = range(self._scores.shape[1])
            return np.stack([weighted_area(self._truth == k, self._scores[:, k], weights) for k in classes], axis=1)
        return self._along_the_line(self._places, weights)

    def _along_the_line(self, places: Floats, weights: Floats) -> Doubles:
        size, classes = places.shape
        everyone = np.arange(size)
        own = places[everyone, self._truth]
        sums = [
            csr_matrix((values, (self._truth, everyone)), (classes, size)) @ weights
            for values in (np.ones(size, np.float32), np.nan_to_num(own))
        ]
        inside, beaten = (np.asarray(one, np.float64) for one in sums)
        outside = weights.sum(axis=0, dtype=np.float64) - inside
        losing = np.asarray(np.nan_to_num(places).T @ weights, np.float64) - beaten
        at_rest = ratio(*(np.bincount(self._truth, w, classes) for w in (own, np.ones(size))))
        return (ratio(beaten, inside) + ratio(losing, outside) - at_rest[:, None]).T


def weighted_area(own: Mask, scores: Floats, weights: Floats) -> Doubles:
    """Return the AUROC of one class (B,) for weights (n, B): how often its pictures (n,) win, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranked, mine = scores[order], np.flatnonzero(own[order])
    sums = np.zeros((len(order) + 1, weights.shape[1]), np.float32)
    np.cumsum(weights[order], axis=0, out=sums[1:])
    first, last = (np.searchsorted(ranked, ranked[mine], side) for side in ("left", "right"))
    mine_weights = weights[order[mine]].astype(np.float64)
    inside = mine_weights.sum(axis=0)
    beaten = (mine_weights * (sums[first] + sums[last]) / 2).sum(axis=0)
    return ratio(beaten - inside**2 / 2, inside * (sums[-1] - inside))
