"""Means of weights times masks, and how certain they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.families.mask_spread import Spread
from xai_core.families.masks import Cells
from xai_core.types import Doubles


class Moments:
    """Mean of values that come in batches, and the variance of that mean."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: Doubles = np.zeros(())
        self._squares: Doubles = np.zeros(())

    def add(self, sums: Doubles, squares: Doubles, count: int) -> None:
        """Take the sums of `count` values and of their squares."""
        self._sums, self._squares = self._sums + sums, self._squares + squares
        self.count += count

    @property
    def mean(self) -> Doubles:
        return np.asarray(self._sums / self.count)

    @property
    def variance(self) -> Doubles:
        """Of the mean; infinite for a single value."""
        if self.count < 2:
            return np.full_like(self._sums, np.inf)
        variances = np.maximum(self._squares - self._sums * self.mean, 0) / (self.count - 1)
        return np.asarray(variances / self.count)


@dataclass(frozen=True)
class Averaged:
    """A mean (T, H, W) over masks, its variance at each pixel, (T, H, W), and that of its level, (T,)."""

    mean: Doubles
    variance: Doubles
    level_variance: Doubles


class MaskMoments:
    """Moments of weights times (mask - origin): at each pixel, (T, H, W), and of levels over the picture, (T,)."""

    def __init__(self, spread: Spread, origin: float) -> None:
        self._spread, self._origin = spread, origin
        self._terms, self._levels = Moments(), Moments()

    def averaged(self) -> Averaged:
        """Return the mean of all terms."""
        return Averaged(self._terms.mean, self._terms.variance, self._levels.variance)

    def add(self, weights: Doubles, cells: Cells) -> None:
        """Take weights (n, T) of the next n masks."""
        sums, squares = self._spread.sums_and_squares(weights, cells, self._origin)
        self._terms.add(sums, squares, len(weights))
        level = weights * self._spread.means(cells, self._origin)[:, None]
        self._levels.add(level.sum(axis=0), (level**2).sum(axis=0), len(weights))
