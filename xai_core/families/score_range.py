"""Whether a score moved at all while the picture was changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xai_core.types import Floats

ROUNDING = 2e-6  # of a score in float32
STILL = (
    "A score stayed the same no matter what was hidden, so its map says nothing; "
    "choose a different fill, or the logit as the score if the probability is close to 0 or 1."
)


class ScoreRange:
    """The lowest and highest score of each of T targets so far."""

    def __init__(self, targets: int) -> None:
        self._low, self._high = np.full(targets, np.inf), np.full(targets, -np.inf)

    def add(self, scores: Floats) -> None:
        """Take scores (n, T)."""
        self._low = np.minimum(self._low, scores.min(axis=0))
        self._high = np.maximum(self._high, scores.max(axis=0))

    @property
    def still(self) -> NDArray[np.bool_]:
        """Whether each target's score, (T,), has not changed by more than rounding."""
        largest = np.maximum(np.abs(self._low), np.abs(self._high))
        return np.asarray(self._high - self._low <= ROUNDING * largest)

    def moved(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values (T, n) with 0 for targets whose score did not move, as theirs are rounding errors."""
        return np.where(self.still[:, None], 0.0, values)

    def notes(self) -> tuple[str, ...]:
        """Return a sentence if a score did not move."""
        return (STILL,) if self.still.any() else ()
