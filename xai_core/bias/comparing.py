"""Compare one rate between groups.

If the rate is undefined for one group, so is every comparison: the missing rate could be the lowest or the highest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from xai_core.bias.values import Value

Compare = Callable[[Sequence[Value]], Value]


def difference(rates: Sequence[Value]) -> Value:
    """Return the highest rate minus the lowest; None for fewer than two groups or an undefined rate."""
    known = _complete(rates)
    return max(known) - min(known) if known else None


def min_max_ratio(rates: Sequence[Value]) -> Value:
    """Return the lowest rate divided by the highest; None for fewer than two groups, an undefined rate, or all 0."""
    known = _complete(rates)
    return min(known) / max(known) if known and max(known) > 0 else None


def spread(rates: Sequence[Value]) -> Value:
    """Return the population standard deviation of the rates; None for fewer than two groups or an undefined rate."""
    known = _complete(rates)
    return float(np.std(known)) if known else None


def mean(numbers: Sequence[float]) -> float:
    """Return the mean of some numbers, at least one."""
    return sum(numbers) / len(numbers)


def _complete(rates: Sequence[Value]) -> list[float]:
    """Return the rates if there are at least two and all are defined, else nothing."""
    known = [rate for rate in rates if rate is not None]
    return known if len(known) == len(rates) >= 2 else []
