"""Maps on another grid."""

from __future__ import annotations

import numpy as np

from xai_core.types import Floats


def resized(maps: Floats, size: tuple[int, int]) -> Floats:
    """Return maps (T, h, w) stretched to `size`, (T, H, W), bilinearly; values at the border continue beyond it.

    The same as OpenCV's INTER_LINEAR. Made smaller, a map loses what lies between the places that are looked at.
    """
    if maps.shape[1:] == size:
        return maps
    down, across = (stretch(old, new) for old, new in zip(maps.shape[1:], size, strict=True))
    return np.asarray(np.einsum("ih,thw,jw->tij", down, maps, across, optimize=True), np.float32)


def stretch(old: int, new: int) -> Floats:
    """Return the bilinear interpolation from `old` values on a line to `new`, as a matrix (new, old)."""
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    return np.asarray(np.maximum(0, 1 - np.abs(at[:, None] - np.arange(old))), np.float32)
