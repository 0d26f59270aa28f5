"""Logistic fits of scores between 0 and 1 to how much masks keep of each region.

A score near 0 or 1 bends where a straight line goes on, so a logistic curve explains more of it.

Source: Papke, Wooldridge, Econometric methods for fractional response variables, 1996.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.families.weighted_sums import solve
from xai_core.types import Doubles, Floats

FOLDS = 5  # fits, each without every fifth mask
STEPS = 4  # of Newton's method; more bring nothing
STEEPEST = 15.0  # the largest logit, either way
FAINTEST = 1e-9  # the least slope of the curve, so that a score of exactly 0 divides by no zero


@dataclass(frozen=True)
class CurvedFits:
    """Scores as sigmoid(level + regions @ slopes): levels (FOLDS, T), slopes (FOLDS, regions, T).

    Fit k has not seen the masks whose number is k modulo `FOLDS`.
    """

    levels: Doubles
    slopes: Doubles

    @classmethod
    def of(cls, regions: Floats, scores: Floats, ridge: float) -> CurvedFits:
        """Fit scores (n, T) under masks 0, 1, 2, ... to regions (n, R); ridge: masks added to each fit."""
        rows = np.concatenate([np.ones((len(regions), 1), np.float32), regions], axis=1)
        numbers = np.arange(len(rows)) % FOLDS
        fits = np.stack([_fitted(rows[numbers != fold], scores[numbers != fold], ridge) for fold in range(FOLDS)])
        return cls(fits[:, 0], fits[:, 1:])

    def of_own(self, regions: Floats, first: int) -> Doubles:
        """Return the scores (n, T) that fits without these masks predict; masks are numbered from `first`."""
        scores = np.empty((len(regions), self.levels.shape[1]))
        for fold in range(FOLDS):
            own = slice((fold - first) % FOLDS, None, FOLDS)
            scores[own] = self._predicted(regions[own], fold)
        return scores

    def of_all(self, regions: Floats, shares: Doubles) -> Doubles:
        """Return the mean prediction (n, T) of all fits, with these shares (FOLDS,)."""
        predictions = (share * self._predicted(regions, fold) for fold, share in enumerate(shares))
        return np.asarray(sum(predictions))

    def _predicted(self, regions: Floats, fold: int) -> Doubles:
        return _sigmoid(self.levels[fold] + regions @ self.slopes[fold].astype(np.float32))


def _fitted(rows: Floats, scores: Floats, ridge: float) -> Doubles:
    """Return the coefficients (1 + R, T), level first, by iteratively reweighted least squares."""
    return np.stack([_fitted_to_one(rows, own.astype(np.float64), ridge) for own in scores.T], axis=1)


def _fitted_to_one(rows: Floats, scores: Doubles, ridge: float) -> Doubles:
    mean = float(np.clip(scores.mean(), _sigmoid(-STEEPEST), _sigmoid(STEEPEST)))
    fit = np.zeros(rows.shape[1])
    fit[0] = np.log(mean / (1 - mean))
    penalty = np.diag([0.0] + [ridge * mean * (1 - mean)] * (len(fit) - 1))
    for _ in range(STEPS):
        linear = np.clip(rows @ fit, -STEEPEST, STEEPEST)
        expected = _sigmoid(linear)
        slope = np.maximum(expected * (1 - expected), FAINTEST)
        weighted = rows * slope[:, None].astype(np.float32)
        right = weighted.T @ linear + rows.T @ (scores - expected)
        fit = solve((weighted.T @ rows).astype(np.float64) + penalty, right[:, None])[:, 0]
    return fit


def _sigmoid(values: Doubles | float) -> Doubles:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * np.asarray(values))))
