"""The cells of a YOLO head, in whose terms some exports leave their boxes."""

from __future__ import annotations

import numpy as np

from xai_core.params import Size
from xai_core.types import Floats

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))  # of the grids, in pixels


def cell_counts(size: Size) -> set[int]:
    """Return how many cells the heads of common YOLO versions have for an input of this height and width."""
    return {_count(strides, size) for strides in STRIDES}


def cells(count: int, size: Size) -> Floats | None:
    """Return the column, row and stride of each cell, (count, 3), finest grid first; None if no head has as many."""
    strides = next((strides for strides in STRIDES if _count(strides, size) == count), None)
    return None if strides is None else np.concatenate([_grid(stride, size) for stride in strides])


def _count(strides: tuple[int, ...], size: Size) -> int:
    return sum((size[0] // stride) * (size[1] // stride) for stride in strides)


def _grid(stride: int, size: Size) -> Floats:
    rows, columns = np.divmod(np.arange((size[0] // stride) * (size[1] // stride)), size[1] // stride)
    return np.stack([columns, rows, np.full_like(rows, stride)], axis=1).astype(np.float32)
