"""Where a model looks on average, by class or by group, and where that differs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xai_core.errors import DataError
from xai_core.types import Doubles, Floats, Texts


@dataclass(frozen=True, eq=False)
class MeanMap:
    """The mean of several maps, (H, W) float32 and signed; samples: how many.

    standard_error: of the mean, (H, W) float32; None for fewer than two maps.
    """

    mean: Floats
    standard_error: Floats | None
    samples: int


def mean_maps(maps: Floats, groups: Texts, normalise: bool = True) -> dict[str, MeanMap]:
    """Return the mean of the maps (n, H, W) of each group (n,), by the group's name.

    normalise: divide each map by the sum of its absolute values first, so that all have equal weight; a map of zeros
    stays as it is. Raises DataError without maps.
    """
    if not len(maps):
        raise DataError("There are no maps to average. Explain some pictures first.")
    scaled = _normalised(maps) if normalise else maps.astype(np.float64)
    return {str(name): _mean(scaled[groups == name]) for name in np.unique(groups)}


def difference_map(first: MeanMap, second: MeanMap) -> MeanMap:
    """Return the first mean map minus the second, with the standard error of the difference."""
    error = None
    if first.standard_error is not None and second.standard_error is not None:
        error = np.hypot(first.standard_error, second.standard_error)
    return MeanMap(first.mean - second.mean, error, min(first.samples, second.samples))


def _normalised(maps: Floats) -> Doubles:
    sizes = np.abs(maps).sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    shares: Doubles = np.divide(maps, sizes, out=np.zeros(maps.shape, np.float64), where=sizes > 0)
    return shares


def _mean(maps: Doubles) -> MeanMap:
    error = maps.std(axis=0, ddof=1) / np.sqrt(len(maps)) if len(maps) > 1 else None
    return MeanMap(maps.mean(axis=0).astype(np.float32), None if error is None else error.astype(np.float32), len(maps))
