"""From values of any depth to 8 bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xai_core.errors import ImageError

NOT_NUMBERS = "The picture contains values that are not numbers (NaN or infinity). Save it as an 8-bit picture."
FLOAT_TOPS = (1.0, 255.0, 65535.0)  # what white usually is
BITS = (8, 10, 12, 14, 16)  # that cameras and scanners store in 16


def span(values: NDArray[Any]) -> tuple[float, float]:
    """Return the values that stand for black and white in values (...) of any type. Raises ImageError for NaN."""
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(low) or not math.isfinite(high):
        raise ImageError(NOT_NUMBERS)
    return _usual(low, high, FLOAT_TOPS if values.dtype.kind == "f" else tuple(float(2**bits - 1) for bits in BITS))


def eight_bit(values: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Return values (...) of any type in 8 bits, and a sentence on how they were scaled. Raises ImageError for NaN."""
    low, high = float(values.min()), float(values.max())
    if not math.isfinite(low) or not math.isfinite(high):
        raise ImageError(NOT_NUMBERS)
    if values.dtype.kind == "f":
        black, white = _usual(low, high, FLOAT_TOPS)
        return scaled(values, black, white), f"Values from {black:g} to {white:g} were scaled to 8 bits."
    tops = tuple(float(2**bits - 1) for bits in BITS)
    black, white = _usual(low, high, tops)
    if (black, high > 0) == (0.0, True) and white < tops[-1]:
        bits = BITS[tops.index(white)]
        return scaled(values, black, white), (
            f"Values reach {high:,.0f}, as if {bits} bits were stored in 16: 0 to {white:,.0f} were scaled to 8 bits. "
            "If the picture is really that dark, it looks too bright."
        )
    return scaled(values, black, white), f"Values from {black:g} to {white:g} were scaled to 8 bits."


def scaled(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    """Return values in 8 bits, with 0 for `black` and below, and 255 for `white` and above."""
    kind = np.float64 if values.dtype == np.float64 else np.float32  # half the memory, and exact for 16 bits
    with np.errstate(over="ignore", invalid="ignore"):
        shares = np.subtract(values, black, dtype=kind, casting="unsafe")
        shares *= 255 / (white - black)
        np.clip(np.rint(shares, out=shares), 0, 255, out=shares)
        return np.asarray(shares, np.uint8)


def _usual(low: float, high: float, tops: tuple[float, ...]) -> tuple[float, float]:
    """Return the values for black and white: a common range that contains all values, otherwise their own range."""
    if low >= 0 and high <= tops[-1]:
        return 0.0, next(top for top in tops if high <= top)
    return low, high if high > low else low + 1
