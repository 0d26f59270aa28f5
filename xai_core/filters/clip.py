"""Percentile clipping: a few extreme pixels no longer hide the rest."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from xai_core.filter import Filter, filter_
from xai_core.params import Range
from xai_core.types import Floats


@filter_("percentile_clip", title="Percentile clipping")
class PercentileClip(Filter):
    """Limit the largest magnitudes, so that a few extreme pixels do not hide the rest."""

    percentile: Annotated[
        float, Range(50, 100, 0.5, "%"), "Share of the pixels that keep their value; the rest are set to the limit."
    ] = 99.0

    def apply(self, maps: Floats) -> Floats:
        limits = np.percentile(np.abs(maps), self.percentile, axis=(-2, -1), keepdims=True).astype(np.float32)
        return np.clip(maps, -limits, limits)
