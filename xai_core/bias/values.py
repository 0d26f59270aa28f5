"""Numbers that can be undefined: NaN in arrays, None in results."""

from __future__ import annotations

import numpy as np

from xai_core.types import Doubles

Value = float | None


def ratio(numerator: object, denominator: object) -> Doubles:
    """Return a quotient, NaN where the denominator is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: Doubles = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
    return quotient


def defined(number: object) -> Value:
    """Return a number as a float, or None if it is NaN or infinite."""
    value = float(np.asarray(number, np.float64))
    return value if np.isfinite(value) else None


def mean_defined(values: Doubles) -> Doubles:
    """Return the mean of the finite values along the last axis, NaN if there are none."""
    finite = np.isfinite(values)
    return ratio(np.where(finite, values, 0).sum(axis=-1), finite.sum(axis=-1))


def std_defined(values: Doubles) -> Doubles:
    """Return the population standard deviation of the finite values along the last axis, NaN if there are none."""
    finite = np.isfinite(values)
    deviations = np.where(finite, values - mean_defined(values)[..., None], 0)
    return np.sqrt(ratio((deviations**2).sum(axis=-1), finite.sum(axis=-1)))
