"""Numbers as people write them: with a decimal comma, or as a percentage."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xai_core.types import Doubles

Column = NDArray[Any]
_WRITTEN = re.compile(r"\s*([-+]?\d*)(?:[.,](\d+))?([eE][-+]?\d+)?\s*(%?)\s*")
PER_CENT = 100
_LOOKED_AT = 1000  # rows


def numbers_of(column: Column) -> Doubles:
    """Return a column (n,) as numbers: "0,5" is a half, and so is "50%"; NaN where there is no number."""
    numbers = np.array(pd.to_numeric(pd.Series(column), errors="coerce"), np.float64)
    if column.dtype.kind in "fiub":
        return numbers
    for place in np.flatnonzero(np.isnan(numbers)):
        numbers[place] = _number(column[place])
    return numbers


def has_percent_signs(column: Column) -> bool:
    """Whether a number in a column is followed by a percent sign."""
    if column.dtype.kind in "fiub":
        return False
    return any(isinstance(value, str) and value.rstrip().endswith("%") for value in column.tolist())


def is_mostly_numbers(column: Column) -> bool:
    """Whether the first rows of a column have numbers, or mostly so, in which case the others are faults."""
    start = column[:_LOOKED_AT]
    return column.dtype.kind in "fiu" or bool(len(start) and np.isfinite(numbers_of(start)).mean() > 0.5)


def _number(value: object) -> float:
    match = _WRITTEN.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if match is None or not (match[1].strip("+-") or match[2]):
        return float("nan")
    number = float(f"{match[1] or '0'}.{match[2] or '0'}{match[3] or ''}")
    return number / PER_CENT if match[4] else number
