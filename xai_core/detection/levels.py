"""The levels of a feature pyramid on a common grid: their sum and their first principal component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np

from xai_core.detection.model import DetectionModel
from xai_core.families.cam import first_component
from xai_core.params import Size
from xai_core.pictures.resampling import resized, stretch
from xai_core.types import Doubles, Floats

Grid = Annotated[
    Literal["coarsest", "middle", "finest"],
    "The level whose grid is used for all levels. Finer grids show smaller parts and take longer; the literature uses "
    "the coarsest.",
]
Magnitudes = Annotated[
    bool,
    "Use the magnitude of each channel and ignore its sign, as the literature does for feature pyramids.",
]
FEW = 64  # channels


def pyramid(model: DetectionModel, image: Floats, levels: Sequence[str], magnitudes: bool) -> list[Floats]:
    """Return the feature maps (h, w, K) at some levels, or their magnitudes."""
    maps = model.pyramid(image, levels)
    return [np.abs(level_map) for level_map in maps] if magnitudes else maps


def grid_of(maps: Sequence[Floats], grid: str) -> Size:
    """Return the height and width of the coarsest, middle or finest feature map (h, w, K)."""
    sizes = sorted(((level_map.shape[0], level_map.shape[1]) for level_map in maps), key=lambda size: size[0] * size[1])
    return sizes[{"coarsest": 0, "middle": len(sizes) // 2, "finest": -1}[grid]]


def added(coarse: Iterable[Floats], size: Size) -> Floats:
    """Return the sum (T, H, W) of the maps (T, h, w) of several levels, each resized to `size`."""
    return np.asarray(sum(resized(level_map, size) for level_map in coarse), np.float32)


def first_component_on(maps: Sequence[Floats], size: Size) -> Floats:
    """Return the first principal component (H, W) of the channels of all levels (h, w, K), resized to one grid.

    The sign of a component is arbitrary; here the position farthest from the mean is positive, so that whatever stands
    out from most of the picture is positive, whether its features are strong or weak. If the grid has more positions
    than there are channels, the resized channels are never stored: their Gram matrix is computed from the levels.
    Source: Muhammad, Yeasin, Eigen-CAM, 2020, arXiv 2008.00299; levels concatenated, as in pytorch-grad-cam.
    """
    small = [
        _resized_channels(level_map, size) if level_map.shape[0] * level_map.shape[1] > size[0] * size[1] else level_map
        for level_map in maps
    ]
    if size[0] * size[1] <= sum(level_map.shape[-1] for level_map in small):
        together = np.concatenate([_resized_channels(level_map, size) for level_map in small], axis=-1)
        return _outstanding(first_component(together, towards=together[..., 0]))
    centred = [level_map - _mean_on(level_map, size) for level_map in small]
    return _outstanding(_projected(centred, _strongest(_gram(centred, size)), size))


def _outstanding(level_map: Floats) -> Floats:
    return -level_map if -level_map.min() > level_map.max() else level_map


def _resized_channels(level_map: Floats, size: Size) -> Floats:
    """Resize a feature map (h, w, K) as `resized` does, but without multiplying by the zeros of its matrix."""
    for axis in (0, 1):
        level_map = _along_an_axis(level_map, size[axis], axis)
    return level_map


def _along_an_axis(level_map: Floats, new: int, axis: int) -> Floats:
    old = level_map.shape[axis]
    if new == old:
        return level_map
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    before = np.floor(at).astype(np.int64)
    share = np.asarray(at - before, np.float32).reshape([-1 if axis == n else 1 for n in range(3)])
    after = np.minimum(before + 1, old - 1)
    return np.asarray(
        np.take(level_map, before, axis) * (1 - share) + np.take(level_map, after, axis) * share, np.float32
    )


def _mean_on(level_map: Floats, size: Size) -> Floats:
    """Return the mean (K,) of a feature map (h, w, K) after resizing it to a grid."""
    rows, columns = (stretch(old, new).mean(axis=0) for old, new in zip(level_map.shape[:2], size, strict=True))
    return np.asarray(np.einsum("h,hwk,w->k", rows, level_map, columns, optimize=True), np.float32)


def _gram(maps: Sequence[Floats], size: Size) -> Doubles:
    """Return the products (K, K) of all channels with each other, summed over the positions of the grid."""
    starts = np.cumsum([0, *(level_map.shape[-1] for level_map in maps)])
    gram = np.empty((starts[-1], starts[-1]))
    for first in range(len(maps)):
        for second in range(first + 1):
            block = _products(maps[first], maps[second], size)
            rows, columns = (slice(starts[level], starts[level + 1]) for level in (first, second))
            gram[rows, columns], gram[columns, rows] = block, block.T
    return gram


def _products(small: Floats, large: Floats, size: Size) -> Doubles:
    """Return the products (K, L) of the channels of two levels, summed over the positions of the grid."""
    if small.size > large.size:
        return np.asarray(_products(large, small, size).T)
    stretches = [(stretch(a, new), stretch(b, new)) for a, b, new in zip(small.shape, large.shape, size, strict=False)]
    rows, columns = (a.T @ b for a, b in stretches)
    seen = large if small.shape == large.shape == (*size, large.shape[-1]) else _along(rows, columns, large)
    return np.asarray(small.reshape(-1, small.shape[-1]).T @ seen.reshape(-1, seen.shape[-1]), np.float64)


def _along(rows: Floats, columns: Floats, level_map: Floats) -> Floats:
    """Apply the matrices rows (a, h) and columns (b, w) to a feature map (h, w, K): (a, b, K)."""
    return np.asarray(np.matmul(columns, np.tensordot(rows, level_map, axes=1)), np.float32)


def _strongest(gram: Doubles) -> Floats:
    """Return the eigenvector (K,) of the largest eigenvalue, without computing the others, which takes seconds."""
    from scipy.sparse.linalg import eigsh

    if len(gram) < FEW:
        return np.asarray(np.linalg.eigh(gram)[1][:, -1], np.float32)
    return np.asarray(eigsh(gram, k=1, which="LA", v0=gram.sum(axis=1))[1][:, 0], np.float32)


def _projected(maps: Sequence[Floats], direction: Floats, size: Size) -> Floats:
    """Project the positions (H, W) of the grid onto a direction in the space of all channels."""
    parts = np.split(direction, np.cumsum([level_map.shape[-1] for level_map in maps])[:-1])
    return np.asarray(added([(level_map @ part)[None] for level_map, part in zip(maps, parts, strict=True)], size)[0])
