"""Sums from which weighted linear fits are made: their size does not grow with the number of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xai_core.families.segments import Kept
from xai_core.types import Doubles, Floats

GROUPS = 20
ENOUGH = 4  # samples for each segment
ROUNDING = 1e-10  # of the mean diagonal: what makes an equation with too few samples solvable, and moves no others


class WeightedSums:
    """Weighted sums over samples of the products of (1, kept segments, scores) with themselves, in `GROUPS` groups.

    A group is left out at a time to see how much a fit depends on the draw (the jackknife).
    """

    def __init__(self, segments: int, targets: int) -> None:
        self.segments = segments
        self._sums = np.zeros((GROUPS, 1 + segments + targets, 1 + segments + targets))
        self._counts = np.zeros(GROUPS, np.int64)

    def notes(self) -> tuple[str, ...]:
        """Return a sentence where there are too few samples for a fit to mean much."""
        samples, enough = int(self._counts.sum()), ENOUGH * self.segments
        if samples >= enough:
            return ()
        return (f"{samples} samples are few for {self.segments} superpixels; take {enough} or more, or cut fewer.",)

    def add(self, kept: Kept, scores: Floats, weights: Doubles, groups: NDArray[np.integer]) -> None:
        """Take samples: kept (n, segments), scores (n, T), weights (n,) and any whole numbers for groups (n,)."""
        rows = np.concatenate([np.ones((len(kept), 1)), kept, scores], axis=1)
        for group in np.unique(groups % GROUPS):
            chosen = groups % GROUPS == group
            self._sums[group] += np.einsum("ni,nj->ij", weights[chosen, None] * rows[chosen], rows[chosen])
            self._counts[group] += chosen.sum()

    @property
    def whole(self) -> Doubles:
        """The sums over all samples, (m, m) with m = 1 + segments + T."""
        return np.asarray(self._sums.sum(axis=0))

    @property
    def without_each(self) -> Doubles:
        """The sums without one group of samples, (groups, m, m); none where fewer than two groups have any."""
        some = self._sums[self._counts > 0]
        return self.whole - some if len(some) > 1 else self._sums[:0]


def jackknife(left_out: Doubles) -> Doubles | None:
    """Return the standard error of a fit from fits (groups, ...) that each leave out one group; None without any."""
    groups = len(left_out)
    return np.sqrt((groups - 1) * left_out.var(axis=0)) if groups else None


def solve(matrices: Doubles, right: Doubles) -> Doubles:
    """Return x with matrices (..., d, d) @ x = right (..., d, T), close to the smallest x where there are many."""
    side = matrices.shape[-1]
    scale = np.trace(matrices, axis1=-2, axis2=-1)[..., None, None] / side
    return np.linalg.solve(matrices + np.eye(side) * np.maximum(ROUNDING * scale, np.finfo(float).tiny), right)
