"""Regions of a picture, and the mean of a map over a region."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from xai_core.errors import ParamError
from xai_core.pictures.resampling import stretch
from xai_core.preprocessing import Preprocessing
from xai_core.types import Flags, Floats

EMPTY = "The region holds no pixel of the picture as the model sees it. Choose a larger region, or one farther inside."
Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a picture. mask: flags (H, W) at the model's input size. words: what it is, such as "a box"."""

    mask: Flags
    words: str

    def __post_init__(self) -> None:
        check_region(self.mask)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the mask, in hexadecimal."""
        return digest_of(self.mask)

    @property
    def share(self) -> float:
        """The share of the picture's pixels, 0 to 1."""
        return float(self.mask.mean())

    def to_json(self) -> dict[str, Any]:
        """Return the region for a record: its words, its pixels and their digest."""
        return {"words": self.words, "pixels": int(self.mask.sum()), "share": self.share, "digest": self.digest}


def check_region(mask: Flags) -> None:
    """Raise ParamError if a region holds no pixel."""
    if not mask.any():
        raise ParamError(EMPTY)


def digest_of(mask: Flags) -> str:
    """Return the SHA-256 of a region's shape and pixels, in hexadecimal."""
    return hashlib.sha256(f"{mask.shape}".encode() + np.packbits(mask).tobytes()).hexdigest()


def mean_weights(region: Flags, grid: tuple[int, int]) -> Floats:
    """Return weights (h, w) that turn a map on a grid into its mean over a region (H, W).

    The weighted sum of a map (h, w) is the mean over the region's pixels of the map enlarged bilinearly to (H, W).
    ParamError if the region is empty.
    """
    check_region(region)
    down, across = (stretch(cells, pixels) for cells, pixels in zip(grid, region.shape, strict=True))
    weights = down.T.astype(np.float64) @ region @ across
    return np.asarray(weights / weights.sum(), np.float32)


def polygon_in(preprocessing: Preprocessing, size: tuple[int, int], corners: Sequence[Point]) -> Flags:
    """Return what a polygon in a picture of `size` (height, width) covers of the model's input, (H, W).

    corners: (x, y) in pixels of the picture, at least three.
    """
    from skimage.draw import polygon2mask  # slow to import, and rarely needed

    mask = polygon2mask(size, [(y - 0.5, x - 0.5) for x, y in corners])  # type: ignore[no-untyped-call]
    return mask_in(preprocessing, np.asarray(mask))


def box_in(preprocessing: Preprocessing, size: tuple[int, int], box: tuple[float, float, float, float]) -> Flags:
    """Return what a box in a picture of `size` (height, width) covers of the model's input, (H, W).

    box: left, top, right, bottom in pixels of the picture.
    """
    left, top, right, bottom = (round(side) for side in box)
    mask = np.zeros(size, np.bool_)
    mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return mask_in(preprocessing, mask)


def mask_in(preprocessing: Preprocessing, mask: Flags) -> Flags:
    """Return flags (h, w) of a picture's pixels as the model sees them, (H, W); what lies outside is False."""
    return np.asarray(preprocessing.place_labels(mask.astype(np.uint8), 0) > 0)
