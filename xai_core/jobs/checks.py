"""Checks of what a worker sends, as a worker may lie.

A check that fails raises `frames.BadFrame`, after which nothing more is read from that worker.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numpy as np

from xai_core.jobs.frames import Arrays, BadFrame
from xai_core.types import Floats

LONGEST_TEXT = 500  # characters
MOST_TEXTS = 100_000
Value = TypeVar("Value")


def field(values: Any, name: str) -> Any:
    """Return a field of a JSON object."""
    if not isinstance(values, Mapping) or name not in values:
        raise BadFrame(f"{name} is missing.")
    return values[name]


def text(value: Any) -> str:
    """Return the text, cut to a length that fits a page, with spaces for its control characters."""
    if not isinstance(value, str):
        raise BadFrame("Expected a text.")
    return "".join(c if c.isprintable() else " " for c in value[:LONGEST_TEXT])


def texts(values: Any) -> tuple[str, ...]:
    """Return a list of texts."""
    return tuple(map(text, listed(values, MOST_TEXTS)))


def listed(values: Any, most: int) -> list[Any]:
    """Return a list of at most `most` values."""
    if not isinstance(values, list) or len(values) > most:
        raise BadFrame(f"Expected a list of at most {most} values.")
    return values


def one_of(allowed: tuple[str, ...], value: Any) -> str:
    """Return the value if it is one of the allowed ones."""
    if value not in allowed:
        raise BadFrame(f"Expected one of {allowed}.")
    return cast(str, value)


def optional(read: Callable[[Any], Value], value: Any) -> Value | None:
    """Return None for null, and `read(value)` otherwise."""
    return None if value is None else read(value)


def whole(value: Any, most: int, least: int = 1) -> int:
    """Return an integer between `least` and `most`."""
    if type(value) is not int or not least <= value <= most:
        raise BadFrame(f"Expected a whole number from {least} to {most}.")
    return value


def number(value: Any) -> float:
    """Return a finite number."""
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:  # an integer beyond all floats
        pass
    raise BadFrame("Expected a finite number.")


def finite(array: Any, shape: tuple[int, ...]) -> Floats:
    """Return the array if it is float32, finite and of `shape`."""
    if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
        raise BadFrame(f"Expected finite float32 {shape}; got {array.dtype} {array.shape}.")
    return cast(Floats, array)


def finite_arrays(arrays: Arrays, *shapes: tuple[int, ...]) -> list[Floats]:
    """Return the arrays if there is one for each shape, and each passes `finite`."""
    if len(arrays) != len(shapes):
        raise BadFrame(f"Expected {len(shapes)} arrays; got {len(arrays)}.")
    return [finite(array, shape) for array, shape in zip(arrays, shapes, strict=True)]
