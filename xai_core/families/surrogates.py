"""Surrogates of a score under random masks: what they predict, and the expected value of that times a mask."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xai_core.families.curved_fits import FOLDS, CurvedFits
from xai_core.families.mask_moments import Averaged, MaskMoments
from xai_core.families.mask_spread import Spread
from xai_core.families.masks import Cells, Masks
from xai_core.families.weighted_sums import GROUPS, WeightedSums, ridge_fit
from xai_core.types import Doubles, Floats

# Masks of mean variance added to each fit, so that a fit to few masks does not follow their noise.
RIDGE, CURVED_RIDGE = 20.0, 40.0
FREE = 6000  # masks without a pass, over which curved fits are averaged
JUDGED = 1000  # of these, whose spread stands for that of all


@dataclass(frozen=True)
class LinearFits:
    """Scores as level + regions @ slopes, from all groups but one: levels (G, T), slopes (G, regions, T).

    shares: of each group in all masks, (G,).
    """

    levels: Doubles
    slopes: Doubles
    shares: Doubles

    def predicted(self, regions: Floats, first: int) -> Doubles:
        """Return the scores (n, T) that fits without these masks predict; masks are numbered from `first`."""
        scores = np.empty((len(regions), self.levels.shape[1]))
        for group, (level, slopes) in enumerate(zip(self.levels, self.slopes, strict=True)):
            own = slice((group - first) % GROUPS, None, GROUPS)
            scores[own] = level + regions[own] @ slopes
        return scores

    def expected(self, spread: Spread, origin: float) -> Doubles:
        """Return the exact expected value (T, H, W) of the predicted scores times (mask - origin)."""
        level, slopes = self._mean
        return spread.covariances(slopes.T) + level[:, None, None] * (spread.expected - origin)

    def mean_predicted(self, regions: Floats) -> Doubles:
        """Return the mean prediction (n, T) of all fits."""
        level, slopes = self._mean
        return np.asarray(level + regions @ slopes)

    @property
    def _mean(self) -> tuple[Doubles, Doubles]:
        return self.shares @ self.levels, np.einsum("g,grt->rt", self.shares, self.slopes)


class FreeMasks:
    """Masks that need no pass, drawn independently of a run's own."""

    def __init__(self, masks: Masks, spread: Spread) -> None:
        self._masks, self.spread = masks, spread

    @cached_property
    def cells(self) -> Cells:
        return self._masks.independent().cells(FREE)

    @cached_property
    def regions(self) -> Floats:
        """How much more than expected they keep of each region, (FREE, regions)."""
        return self.spread.regions(self.cells)


@dataclass(frozen=True)
class Bend:
    """What curved fits predict beyond the linear ones, times `weight`.

    Its mean over free masks stays uncertain however many masks are drawn, so its weight falls with their number.
    """

    linear: LinearFits
    curved: CurvedFits
    free: FreeMasks
    weight: float

    @classmethod
    def of(cls, linear: LinearFits, free: FreeMasks, regions: Floats, scores: Floats, count: int) -> Bend:
        """Fit curves to the first of `count` scores, (n, T), each between 0 and 1, under masks that keep `regions`."""
        curved = CurvedFits.of(regions, scores, CURVED_RIDGE * free.spread.variance)
        return cls(linear, curved, free, FREE / (FREE + count))

    def predicted(self, regions: Floats, first: int) -> Doubles:
        """Return the bend (n, T) that fits without these masks predict; masks are numbered from `first`."""
        return self.weight * (self.curved.of_own(regions, first) - self.linear.predicted(regions, first))

    def over_free_masks(self, origin: float) -> Averaged:
        """Return the mean of the bend times (mask - origin) over free masks."""
        spread, regions, cells = self.free.spread, self.free.regions, self.free.cells
        shares = self.linear.shares.reshape(-1, FOLDS).sum(axis=0)
        bend = self.weight * (self.curved.of_all(regions, shares) - self.linear.mean_predicted(regions))
        judged = MaskMoments(spread, origin)
        judged.add(bend[:JUDGED], cells.first(JUDGED))
        few, part = judged.averaged(), JUDGED / FREE
        return Averaged(spread.sums(bend, cells, origin) / FREE, few.variance * part, few.level_variance * part)


class LinearSurrogate:
    """The sums behind linear fits of the scores, in groups of which each fit leaves out one."""

    def __init__(self, spread: Spread, targets: int) -> None:
        self._spread, self._count = spread, 0
        self._sums = WeightedSums(spread.regions_count, targets)

    def add(self, scores: Floats, cells: Cells) -> None:
        """Take the scores (n, T) under the next n masks."""
        numbers = np.arange(self._count, self._count + len(scores))
        self._sums.add(self._spread.regions(cells), scores, np.ones(len(scores)), numbers)
        self._count += len(scores)

    def fits(self) -> LinearFits | None:
        """Return the fits to all groups but one each; None where there are too few masks for any."""
        sums, regions = self._sums.without_each, self._sums.segments
        if len(sums) < GROUPS:
            return None
        slopes, _ = ridge_fit(sums, regions, RIDGE * self._spread.variance)
        means = sums[:, 0, 1:] / sums[:, 0, :1]
        levels = means[:, regions:] - np.einsum("gr,grt->gt", means[:, :regions], slopes)
        return LinearFits(levels, slopes, self._sums.counts / self._count)
