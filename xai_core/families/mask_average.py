"""The mean of score times random mask, with the noise that a surrogate explains taken out.

A score is nearly a constant plus a linear function of how much a mask keeps of each region. What such a surrogate adds
to the mean follows exactly from how masks are drawn, so only its residuals have to be averaged: it is a control
variate. Where scores lie between 0 and 1, a logistic curve explains more; what it adds to the line is averaged over
masks that need no pass. Each residual comes from fits that have not seen it (cross-fitting), so the expected value
stays that of the plain mean, and the spread of the residuals gives an honest standard error.

Sources: Petsiuk, Das, Saenko, RISE, 2018, arXiv 1806.07421; Owen, Monte Carlo theory, methods and examples, 2013,
section 8.9; Chernozhukov and others, Double/debiased machine learning, 2018, arXiv 1608.00060.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.families.mask_moments import Averaged, MaskMoments
from xai_core.families.mask_spread import Spread
from xai_core.families.masks import Cells, Masks
from xai_core.families.noise import LEVEL_DEVIATION
from xai_core.families.surrogates import Bend, FreeMasks, LinearFits, LinearSurrogate
from xai_core.types import Doubles, Estimate, Floats, Indices

Averages = Literal["steady", "as in the paper"]
Averaging = Annotated[
    Averages,
    "steady: remove the noise that a fit explains; as in the paper: the plain mean, which needs many times the "
    "masks. Both have the same expected value.",
]
CHUNK = 2000  # masks at a time; logistic fits see the first of them
PREVIEW_GROWTH = 1.2  # of the masks between two maps, as each map is computed from all of them


class MaskAverage:
    """E[score * mask] / E[mask] at each pixel, and how certain it is.

    surrogate: whether to take out the noise that a surrogate explains. bounded: whether scores lie between 0 and 1, so
    that the surrogate may be a logistic curve. centred: measure masks from their expected value, which leaves out the
    mean score.

    Masks are kept as their cells, and every map is computed from all of them.
    """

    def __init__(
        self, masks: Masks, targets: int, surrogate: bool = True, centred: bool = False, bounded: bool = False
    ) -> None:
        self._expected, self._origin = masks.preservation, masks.preservation if centred else 0.0
        self._spread = Spread(masks)
        self._linear = LinearSurrogate(self._spread, targets) if surrogate else None
        self._free = FreeMasks(masks, self._spread) if bounded and surrogate else None
        self._draws = _Draws()
        self._shown = 0
        self._latest: Estimate | None = None

    def add(self, scores: Floats, cells: Cells) -> None:
        """Take the scores (n, T) under the next n masks."""
        if self._linear is not None:
            self._linear.add(scores, cells)
        self._draws.add(scores, cells)

    def estimate(self, fraction: float, now: bool = True) -> Estimate:
        """Return the estimate; unless it is needed `now`, the previous one until there are enough new masks.

        Only an estimate that is needed now has the logistic curve, which takes most of the time.
        """
        if self._latest is None or now or len(self._draws) >= PREVIEW_GROWTH * self._shown:
            self._latest, self._shown = self._of_all(curved=now), len(self._draws)
        return replace(self._latest, fraction=fraction)

    def _of_all(self, curved: bool) -> Estimate:
        linear = self._linear.fits() if self._linear else None
        bend = self._bend(linear) if linear and curved else None
        rests = self._rests(linear, bend)
        parts = [rests, bend.over_free_masks(self._origin)] if bend else [rests]
        means = np.sum([part.mean for part in parts], axis=0)
        if linear:
            means = means + linear.expected(self._spread, self._origin)
        maps = np.asarray(means / self._expected, np.float32)
        if len(self._draws) < 2:
            return Estimate(1.0, maps)
        errors = np.sqrt(np.sum([part.variance for part in parts], axis=0)) / self._expected
        levels = np.sqrt(np.sum([part.level_variance for part in parts], axis=0)) / self._expected
        return Estimate(1.0, maps, {LEVEL_DEVIATION: tuple(map(float, levels))}, np.asarray(errors, np.float32))

    def _bend(self, linear: LinearFits) -> Bend | None:
        if self._free is None:
            return None
        _, scores, cells = next(self._draws.chunks())
        return Bend.of(linear, self._free, self._spread.regions(cells), scores, len(self._draws))

    def _rests(self, linear: LinearFits | None, bend: Bend | None) -> Averaged:
        """Return the mean of what the surrogate leaves of each score times (mask - origin)."""
        moments = MaskMoments(self._spread, self._origin)
        for first, scores, cells in self._draws.chunks():
            rests: Doubles = scores.astype(np.float64)
            if linear:
                regions = self._spread.regions(cells)
                rests -= linear.predicted(regions, first)
                rests -= bend.predicted(regions, first) if bend else 0.0
            moments.add(rests, cells)
        return moments.averaged()


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
