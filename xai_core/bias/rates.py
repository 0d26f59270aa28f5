"""Shares of pictures with their Wilson intervals."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from xai_core.bias.settings import INTERVAL_LEVEL
from xai_core.bias.values import Value


@dataclass(frozen=True)
class Rate:
    """A share, 0 to 1, with its confidence interval; None where there is nothing to count."""

    value: Value
    low: Value = None
    high: Value = None


def rate_of(part: float, whole: float, interval_level: float = INTERVAL_LEVEL) -> Rate:
    """Return a share with its Wilson interval."""
    return Rate(part / whole if whole else None, *wilson(part, whole, interval_level))


def wilson(part: float, whole: float, interval_level: float = INTERVAL_LEVEL) -> tuple[Value, Value]:
    """Return the Wilson interval of a share, None where there is nothing to count. Source: Wilson, JASA 22, 1927."""
    if whole == 0:
        return None, None
    z = NormalDist().inv_cdf((1 + interval_level) / 2)
    share, width = part / whole, z * z / whole
    middle = (share + width / 2) / (1 + width)
    half = z * sqrt(share * (1 - share) / whole + width / (4 * whole)) / (1 + width)
    return 0.0 if part == 0 else middle - half, 1.0 if part == whole else middle + half
