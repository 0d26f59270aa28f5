"""How far a map's sum is from the score difference it should add up to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-5  # of a score in float32, after a whole network


def completeness_errors(
    totals: NDArray[np.floating], score: NDArray[np.floating], start: NDArray[np.floating]
) -> tuple[float | None, ...]:
    """Return |total - (score - start)| / |score - start| per target, all (T,); None where the difference is rounding.

    Source: the completeness axiom of Sundararajan, Taly, Yan, 2017, arXiv 1703.01365.
    """
    rise = score.astype(np.float64) - start
    least = ROUNDING * np.maximum(np.abs(score), np.abs(start))
    judged: Sequence[tuple[float, float, float]] = list(zip(totals, rise, least, strict=True))
    return tuple(float(abs(t - r) / abs(r)) if abs(r) > limit else None for t, r, limit in judged)
