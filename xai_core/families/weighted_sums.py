"""Sums for weighted linear fits; their size does not grow with the number of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xai_core.families.noise import MASKS, Stopping
from xai_core.families.segments import Kept
from xai_core.types import Doubles, Floats

GROUPS = 20
ENOUGH = 4  # samples for each segment
ROUNDING = 1e-10  # of the mean diagonal: makes equations with too few samples solvable without moving others


class WeightedSums:
    """Weighted sums over samples of the products of (1, kept segments, scores) with themselves, in `GROUPS` groups.

    Leaving out one group at a time shows how much a fit depends on the draw (the jackknife).
    """

    def __init__(self, segments: int, targets: int) -> None:
        self.segments = segments
        self._sums = np.zeros((GROUPS, 1 + segments + targets, 1 + segments + targets))
        self._counts = np.zeros(GROUPS, np.int64)

    def notes(self) -> tuple[str, ...]:
        """Return a sentence if there are too few samples for a meaningful fit."""
        samples, enough = int(self._counts.sum()), ENOUGH * self.segments
        if samples >= enough:
            return ()
        return (f"{samples} samples are too few for {self.segments} superpixels; use {enough} or cut fewer.",)

    def add(self, kept: Kept | Floats, scores: Floats, weights: Doubles, groups: NDArray[np.integer]) -> None:
        """Take samples: kept (n, segments), scores (n, T), weights (n,) and any whole numbers for groups (n,)."""
        rows = np.concatenate([np.ones((len(kept), 1)), kept, scores], axis=1)
        for group in np.unique(groups % GROUPS):
            chosen = groups % GROUPS == group
            self._sums[group] += np.einsum("ni,nj->ij", weights[chosen, None] * rows[chosen], rows[chosen])
            self._counts[group] += chosen.sum()

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many samples each group has, (groups,)."""
        return self._counts

    @property
    def whole(self) -> Doubles:
        """The sums over all samples, (m, m) with m = 1 + segments + T."""
        return np.asarray(self._sums.sum(axis=0))

    @property
    def without_each(self) -> Doubles:
        """The sums without one group of samples, (groups, m, m); none if fewer than two groups have any."""
        filled = self._sums[self._counts > 0]
        return self.whole - filled if len(filled) > 1 else self._sums[:0]


def of_fits(percent: float, total: int, segments: int, first: int = 0) -> Stopping:
    """Return the stopping rule of a run that fits `segments` values, which needs enough samples for that many."""
    return Stopping(percent, total, unit=MASKS, least=-(-ENOUGH * segments // MASKS), first=first)


def jackknife(left_out: Doubles) -> Doubles | None:
    """Return the standard error of a fit from fits (groups, ...) that each leave out one group; None without any."""
    groups = len(left_out)
    return np.sqrt((groups - 1) * left_out.var(axis=0)) if groups else None


def solve(matrices: Doubles, right: Doubles) -> Doubles:
    """Return x with matrices (..., d, d) @ x = right (..., d, T), close to the smallest x if there are many."""
    side = matrices.shape[-1]
    scale = np.trace(matrices, axis1=-2, axis2=-1)[..., None, None] / side
    return np.linalg.solve(matrices + np.eye(side) * np.maximum(ROUNDING * scale, np.finfo(float).tiny), right)


def ridge_fit(sums: Doubles, segments: int, ridge: float) -> tuple[Doubles, Doubles]:
    """Return weights (..., segments, T) and weighted R² (..., T) of the fits to these `WeightedSums`.

    The intercept is not shrunk. R² is 0 where the scores do not differ.
    """
    mass = np.maximum(sums[..., :1, :1], np.finfo(float).tiny)
    centred = sums[..., 1:, 1:] - sums[..., 1:, :1] * sums[..., :1, 1:] / mass
    inner, with_scores = centred[..., :segments, :segments], centred[..., :segments, segments:]
    weights = solve(inner + ridge * np.eye(segments), with_scores)
    spread = np.diagonal(centred[..., segments:, segments:], axis1=-2, axis2=-1)
    explained = np.einsum("...it,...it->...t", weights, 2 * with_scores - inner @ weights)
    return weights, np.divide(explained, spread, out=np.zeros_like(explained), where=spread > 0)
