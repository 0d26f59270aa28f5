"""The mean of score times random mask, with the noise that a linear surrogate explains taken out.

A score is nearly a constant plus a linear function of how much a mask keeps of each region. What such a surrogate adds
to the mean follows exactly from how masks are drawn, so only its residuals have to be averaged: it is a control
variate. Each residual comes from a fit that has not seen it (cross-fitting), so the expected value stays that of the
plain mean, and the spread of the residuals gives an honest standard error.

Sources: Petsiuk, Das, Saenko, RISE, 2018, arXiv 1806.07421; Owen, Monte Carlo theory, methods and examples, 2013,
section 8.9; Chernozhukov and others, Double/debiased machine learning, 2018, arXiv 1608.00060.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.families.mask_spread import Spread
from xai_core.families.masks import Cells, Masks
from xai_core.families.noise import LEVEL_DEVIATION
from xai_core.families.weighted_sums import GROUPS, WeightedSums, ridge_fit
from xai_core.types import Doubles, Estimate, Floats, Indices

Averages = Literal["steady", "as in the paper"]
Averaging = Annotated[
    Averages,
    "steady: remove the noise that a linear fit explains; as in the paper: the plain mean, which needs many times the "
    "masks. Both have the same expected value.",
]
RIDGE = 20.0  # masks of mean variance added to each fit, so that a fit to few masks does not follow their noise
CHUNK = 2000  # masks at a time
PREVIEW_GROWTH = 1.2  # of the masks between two maps, as each map is computed from all of them


class MaskAverage:
    """E[score * mask] / E[mask] at each pixel, and how certain it is.

    surrogate: whether to take out the noise that a linear surrogate explains. centred: measure masks from their
    expected value, which leaves out the mean score.

    Masks are kept as their cells, and every map is computed from all of them.
    """

    def __init__(self, masks: Masks, targets: int, surrogate: bool = True, centred: bool = False) -> None:
        self._expected, self._origin = masks.preservation, masks.preservation if centred else 0.0
        self._spread = Spread(masks)
        self._surrogates = _Surrogates(self._spread, targets) if surrogate else None
        self._draws = _Draws()
        self._shown = 0
        self._latest: Estimate | None = None

    def add(self, scores: Floats, cells: Cells) -> None:
        """Take the scores (n, T) under the next n masks."""
        if self._surrogates is not None:
            self._surrogates.add(scores, cells)
        self._draws.add(scores, cells)

    def estimate(self, fraction: float, now: bool = True) -> Estimate:
        """Return the estimate; unless it is needed `now`, the previous one until there are enough new masks."""
        if self._latest is None or now or len(self._draws) >= PREVIEW_GROWTH * self._shown:
            self._latest, self._shown = self._of_all(), len(self._draws)
        return replace(self._latest, fraction=fraction)

    def _of_all(self) -> Estimate:
        fits = None if self._surrogates is None else self._surrogates.fits()
        terms, levels = _Moments(), _Moments()
        for first, scores, cells in self._draws.chunks():
            rest: Doubles = scores.astype(np.float64)
            if fits is not None:
                rest -= fits.predicted(self._spread.regions(cells), first)
            sums, squares = self._spread.sums_and_squares(rest, cells, self._origin)
            terms.add(sums, squares, len(rest))
            level = rest * self._spread.means(cells, self._origin)[:, None]
            levels.add(level.sum(axis=0), (level**2).sum(axis=0), len(rest))
        means = terms.mean + (0.0 if fits is None else fits.expected(self._spread, self._origin))
        maps = np.asarray(means / self._expected, np.float32)
        if terms.count < 2:
            return Estimate(1.0, maps)
        figures = {LEVEL_DEVIATION: tuple(map(float, levels.standard_error / self._expected))}
        return Estimate(1.0, maps, figures, np.asarray(terms.standard_error / self._expected, np.float32))


class _Moments:
    """Mean of values that come in batches, and its standard error."""

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
    def standard_error(self) -> Doubles:
        """Of the mean of at least two values."""
        variances = np.maximum(self._squares - self._sums * self.mean, 0) / (self.count - 1)
        return np.asarray(np.sqrt(variances / self.count))


class _Draws:
    """Masks as their cells, eight to a byte, with their scores, in the order in which they came."""

    def __init__(self) -> None:
        self._batches: list[tuple[Floats, NDArray[np.uint8], Indices]] = []
        self._count, self._cells = 0, 0

    def __len__(self) -> int:
        return self._count

    def add(self, scores: Floats, cells: Cells) -> None:
        """Take the scores (n, T) under the next n masks."""
        self._batches.append((scores, np.packbits(cells.kept, axis=1), cells.shifts.astype(np.int32)))
        self._count, self._cells = self._count + len(scores), cells.kept.shape[1]

    def chunks(self) -> Iterator[tuple[int, Floats, Cells]]:
        """Yield the number of the first mask, the scores and the cells of `CHUNK` masks at a time."""
        whole = [np.concatenate(parts) for parts in zip(*self._batches, strict=True)]
        self._batches = [(whole[0], whole[1], whole[2])]
        for first in range(0, self._count, CHUNK):
            scores, bits, shifts = (part[first : first + CHUNK] for part in whole)
            kept = np.unpackbits(bits, axis=1, count=self._cells).astype(bool)
            yield first, scores, Cells(kept, shifts.astype(np.int64))


class _Surrogates:
    """The sums behind linear fits of the scores, in groups of which each fit leaves out one."""

    def __init__(self, spread: Spread, targets: int) -> None:
        self._spread, self._count = spread, 0
        self._sums = WeightedSums(spread.regions_count, targets)

    def add(self, scores: Floats, cells: Cells) -> None:
        """Take the scores (n, T) under the next n masks."""
        numbers = np.arange(self._count, self._count + len(scores))
        self._sums.add(self._spread.regions(cells), scores, np.ones(len(scores)), numbers)
        self._count += len(scores)

    def fits(self) -> _Fits | None:
        """Return the fits to all groups but one each; None where there are too few masks for any."""
        sums, regions = self._sums.without_each, self._sums.segments
        if len(sums) < GROUPS:
            return None
        slopes, _ = ridge_fit(sums, regions, RIDGE * self._spread.variance)
        means = sums[:, 0, 1:] / sums[:, 0, :1]
        levels = means[:, regions:] - np.einsum("gr,grt->gt", means[:, :regions], slopes)
        return _Fits(levels, slopes, self._sums.counts / self._count)


@dataclass(frozen=True)
class _Fits:
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
        levels = self.shares @ self.levels
        slopes = np.einsum("g,grt->tr", self.shares, self.slopes)
        return spread.covariances(slopes) + levels[:, None, None] * (spread.expected - origin)
