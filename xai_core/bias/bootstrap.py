"""Bootstrap many metrics at once: a bootstrap sample is a weight for each picture.

Source: Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from xai_core.bias.classes import placements
from xai_core.bias.predictions import Mask, Predictions
from xai_core.bias.values import ratio
from xai_core.types import Doubles, Floats, Texts

AT_ONCE = 10_000_000  # weights in memory
EXACT_WORK = 50_000_000  # pictures x classes x bootstrap samples, up to which each AUROC is computed exactly


@dataclass(frozen=True)
class Counts:
    """What the metrics need from a confusion matrix, for B bootstrap samples: each (B, K).

    right: hits of each class. samples: pictures of it. predicted: pictures predicted as it.
    """

    right: Doubles
    samples: Doubles
    predicted: Doubles


def draws(size: int, bootstrap_samples: int, seed: int, strata: Texts | None = None) -> Iterator[Floats]:
    """Yield how often each picture was drawn, (size, some) at a time, `bootstrap_samples` columns in all.

    A column is `size` numbers that default_rng(seed) draws with replacement. With strata (size,), as many are drawn
    from each stratum as it has pictures, the strata in alphabetical order.
    """
    random = np.random.default_rng(seed)
    stratum = np.zeros(size) if strata is None else strata
    members = [np.flatnonzero(stratum == name) for name in np.unique(stratum)]
    step = max(1, AT_ONCE // max(1, size))
    for start in range(0, bootstrap_samples, step):
        rows = np.empty((min(step, bootstrap_samples - start), size), np.float32)
        for row in rows:
            for own in members:
                row[own] = np.bincount(random.integers(0, len(own), len(own)), minlength=len(own))
        yield np.ascontiguousarray(rows.T)


def counted(predictions: Predictions, weights: Floats) -> Counts:
    """Return the counts of each bootstrap sample, for weights (n, B)."""
    truth, predicted, classes = predictions.truth, predictions.predicted, predictions.classes
    hits = np.where(truth == predicted, truth, -1)
    rows = np.concatenate([hits, truth + classes, predicted + 2 * classes])
    known = rows >= 0
    columns = np.tile(np.arange(len(predictions)), 3)[known]
    ones = np.ones(len(columns), np.float32)
    sums = csr_matrix((ones, (rows[known], columns)), (3 * classes, len(predictions))) @ weights
    return Counts(*np.asarray(sums, np.float64).reshape(3, classes, -1).transpose(0, 2, 1))


class Areas:
    """The AUROC of each class against the rest, for bootstrap samples.

    Up to EXACT_WORK it is computed exactly for each sample. Beyond that it follows the tangent at the original
    pictures (its Hájek projection), whose error is of the order of one over the pictures of a class.
    Source: DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988.
    """

    def __init__(self, predictions: Predictions, bootstrap_samples: int) -> None:
        assert predictions.probabilities is not None
        self._truth, self._scores = predictions.truth, predictions.probabilities
        exact = len(predictions) * predictions.classes * bootstrap_samples <= EXACT_WORK
        self._places = None if exact else placements(predictions.truth, predictions.probabilities)

    def drawn(self, weights: Floats) -> Doubles:
        """Return the areas (B, K) for weights (n, B); NaN where one side is empty."""
        if self._places is None:
            classes = range(self._scores.shape[1])
            return np.stack([weighted_area(self._truth == k, self._scores[:, k], weights) for k in classes], axis=1)
        return self._along_the_tangent(self._places, weights)

    def _along_the_tangent(self, places: Floats, weights: Floats) -> Doubles:
        size, classes = places.shape
        everyone = np.arange(size)
        own = places[everyone, self._truth]
        sums = [
            csr_matrix((values, (self._truth, everyone)), (classes, size)) @ weights
            for values in (np.ones(size, np.float32), np.nan_to_num(own))
        ]
        inside, beaten = (np.asarray(total, np.float64) for total in sums)
        outside = weights.sum(axis=0, dtype=np.float64) - inside
        losing = np.asarray(np.nan_to_num(places).T @ weights, np.float64) - beaten
        at_rest = ratio(*(np.bincount(self._truth, w, classes) for w in (own, np.ones(size))))
        return (ratio(beaten, inside) + ratio(losing, outside) - at_rest[:, None]).T


def weighted_area(own: Mask, scores: Floats, weights: Floats) -> Doubles:
    """Return the AUROC of one class (B,) for weights (n, B): how often its pictures (n,) win; ties count half."""
    order = np.argsort(scores, kind="stable")
    ranked, mine = scores[order], np.flatnonzero(own[order])
    sums = np.zeros((len(order) + 1, weights.shape[1]), np.float32)
    np.cumsum(weights[order], axis=0, out=sums[1:])
    first, last = (np.searchsorted(ranked, ranked[mine], side) for side in ("left", "right"))
    mine_weights = weights[order[mine]].astype(np.float64)
    inside = mine_weights.sum(axis=0)
    beaten = (mine_weights * (sums[first] + sums[last]) / 2).sum(axis=0)
    return ratio(beaten - inside**2 / 2, inside * (sums[-1] - inside))
