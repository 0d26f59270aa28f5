"""Resize maps to a different grid."""

from __future__ import annotations

import numpy as np

from xai_core.types import Floats


def resized(maps: Floats, size: tuple[int, int]) -> Floats:
    """Resize maps (T, h, w) to `size`, (T, H, W), bilinearly; border values are extended outwards.

    The same as OpenCV's INTER_LINEAR: a reduced map is sampled, not averaged.
    """
    if maps.shape[1:] == size:
        return maps
    down, across = (stretch(old, new) for old, new in zip(maps.shape[1:], size, strict=True))
    return np.asarray(np.einsum("ih,thw,jw->tij", down, maps, across, optimize=True), np.float32)


def stretch(old: int, new: int) -> Floats:
    """Return the matrix (new, old) that interpolates `old` values on a line linearly to `new` values."""
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(old))), np.float32)
