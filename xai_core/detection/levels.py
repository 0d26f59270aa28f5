"""The levels of a feature pyramid on one grid over the picture: sums, and their first principal component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.detection.model import DetectionModel
from xai_core.families.cam import first_component
from xai_core.params import Size
from xai_core.pictures.resampling import resized, stretch
from xai_core.types import Floats

Grid = Annotated[
    Literal["coarsest", "middle", "finest"],
    "The level on whose grid the others are laid: finer ones show smaller parts and take longer; the literature takes "
    "the coarsest.",
]
Magnitudes = Annotated[
    bool,
    "Look at how far each channel is from zero, not at its sign, as the literature does for feature pyramids.",
]
Doubles = NDArray[np.float64]
FEW = 64  # channels


def pyramid(model: DetectionModel, image: Floats, levels: Sequence[str], magnitudes: bool) -> list[Floats]:
    """Return the feature maps (h, w, K) at some levels, without their signs where `magnitudes` says so."""
    maps = model.pyramid(image, levels)
    return [np.abs(map) for map in maps] if magnitudes else maps


def grid_of(maps: Sequence[Floats], grid: str) -> Size:
    """Return the height and width of the coarsest, middle or finest of feature maps (h, w, K)."""
    sizes = sorted(((map.shape[0], map.shape[1]) for map in maps), key=lambda size: size[0] * size[1])
    return sizes[{"coarsest": 0, "middle": len(sizes) // 2, "finest": -1}[grid]]


def added(coarse: Iterable[Floats], size: Size) -> Floats:
    """Return the sum (T, H, W) of maps (T, h, w) of several levels, each stretched to `size`."""
    return np.asarray(sum(resized(map, size) for map in coarse), np.float32)


def first_component_on(maps: Sequence[Floats], size: Size) -> Floats:
    """Return the first principal component (H, W) of the channels of all levels (h, w, K), stretched to a grid.

    A component has no sign of its own; here the place that is farthest from the mean is positive, so that what stands
    out from most of the picture is, be its features strong or weak. The stretched channels are never held together
    where the grid has more places than there are channels: their Gram matrix follows from the levels as they are.
    Source: Muhammad, Yeasin, Eigen-CAM, 2020, arXiv 2008.00299; the levels side by side, as pytorch-grad-cam has it.
    """
    small = [_resized_channels(map, size) if map.shape[0] * map.shape[1] > size[0] * size[1] else map for map in maps]
    if size[0] * size[1] <= sum(map.shape[-1] for map in small):
        together = np.concatenate([_resized_channels(map, size) for map in small], axis=-1)
        return _outstanding(first_component(together, towards=together[..., 0]))
    centred = [map - _mean_on(map, size) for map in small]
    return _outstanding(_projected(centred, _strongest(_gram(centred, size)), size))


def _outstanding(map: Floats) -> Floats:
    return -map if -map.min() > map.max() else map


def _resized_channels(map: Floats, size: Size) -> Floats:
    """Return a feature map (h, w, K) on a grid, as `resized` makes it, without going through its many zeros."""
    for axis in (0, 1):
        map = _along_an_axis(map, size[axis], axis)
    return map


def _along_an_axis(map: Floats, new: int, axis: int) -> Floats:
    old = map.shape[axis]
    if new == old:
        return map
    at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    before = np.floor(at).astype(np.int64)
    share = np.asarray(at - before, np.float32).reshape([-1 if axis == n else 1 for n in range(3)])
    after = np.minimum(before + 1, old - 1)
    return np.asarray(np.take(map, before, axis) * (1 - share) + np.take(map, after, axis) * share, np.float32)


def _mean_on(map: Floats, size: Size) -> Floats:
    """Return the mean (K,) that a feature map (h, w, K) has when it is stretched to a grid."""
    rows, columns = (stretch(old, new).mean(axis=0) for old, new in zip(map.shape[:2], size, strict=True))
    return np.asarray(np.einsum("h,hwk,w->k", rows, map, columns, optimize=True), np.float32)


def _gram(maps: Sequence[Floats], size: Size) -> Doubles:
    """Return the products (K, K) of all channels with each other, summed over the places of the grid."""
    starts = np.cumsum([0, *(map.shape[-1] for map in maps)])
    gram = np.empty((starts[-1], starts[-1]))
    for one in range(len(maps)):
        for other in range(one + 1):
            block = _products(maps[one], maps[other], size)
            rows, columns = (slice(starts[level], starts[level + 1]) for level in (one, other))
            gram[rows, columns], gram[columns, rows] = block, block.T
    return gram


def _products(one: Floats, other: Floats, size: Size) -> Doubles:
    """Return the products (K, L) of the channels of two levels, summed over the places of the grid."""
    if one.size > other.size:
        return np.asarray(_products(other, one, size).T)
    stretches = [(stretch(a, new), stretch(b, new)) for a, b, new in zip(one.shape, other.shape, size, strict=False)]
    rows, columns = (a.T @ b for a, b in stretches)
    seen = other if one.shape == other.shape == (*size, other.shape[-1]) else _along(rows, columns, other)
    return np.asarray(one.reshape(-1, one.shape[-1]).T @ seen.reshape(-1, seen.shape[-1]), np.float64)


def _along(rows: Floats, columns: Floats, map: Floats) -> Floats:
    """Return rows (a, h) and columns (b, w) applied to a feature map (h, w, K): (a, b, K)."""
    return np.asarray(np.matmul(columns, np.tensordot(rows, map, axes=1)), np.float32)


def _strongest(gram: Doubles) -> Floats:
    """Return the eigenvector (K,) of the largest eigenvalue; the others need not be found, which takes seconds."""
    from scipy.sparse.linalg import eigsh

    if len(gram) < FEW:
        return np.asarray(np.linalg.eigh(gram)[1][:, -1], np.float32)
    return np.asarray(eigsh(gram, k=1, which="LA", v0=gram.sum(axis=1))[1][:, 0], np.float32)


def _projected(maps: Sequence[Floats], direction: Floats, size: Size) -> Floats:
    """Return the places (H, W) of the grid projected on a direction in the space of all channels."""
    parts = np.split(direction, np.cumsum([map.shape[-1] for map in maps])[:-1])
    return np.asarray(added([(map @ part)[None] for map, part in zip(maps, parts, strict=True)], size)[0])
