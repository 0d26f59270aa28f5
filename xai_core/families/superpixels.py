"""Superpixels: regions of similar colour, found without the model.

scikit-image is imported on first use, as that takes a while.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from xai_core.families.segments import Segments
from xai_core.params import Range
from xai_core.pictures.resampling import resized
from xai_core.types import Floats

Algorithm = Annotated[
    Literal["slic", "quickshift", "felzenszwalb", "grid"],
    "How the picture is cut: even patches (slic), by colour (quickshift), along edges (felzenszwalb), or in squares.",
]
Count = Annotated[int, Range(2, 200), "Approximate number of superpixels: more are finer and need more samples."]

LARGEST_AREA = 256**2  # pixels: larger pictures are segmented at this size, which does not show in the outlines
Labels = NDArray[np.integer]


def superpixels(algorithm: str, image: Floats, count: int) -> Segments:
    """Cut an image (H, W, 3) in [0, 1] into about `count` superpixels, the same each time.

    A picture without any structure, such as a black one, is cut into a grid, and a note says so.
    Sources: Achanta and others, SLIC, 2012; Vedaldi, Soatto, Quick Shift, 2008; Felzenszwalb, Huttenlocher, 2004.
    """
    if algorithm == "grid":
        return _squares(image, count)
    labels = ALGORITHMS[algorithm](_reduced(image, LARGEST_AREA), count)
    segments = Segments.of(_at_full_size(labels, image.shape[:2]))
    return segments if segments.count > 1 else _squares(image, count, algorithm)


def _squares(image: Floats, count: int, instead_of: str = "") -> Segments:
    height, width = image.shape[:2]
    rows = min(max(1, round((count * height / width) ** 0.5)), count)
    columns = max(1, round(count / rows))
    note = f"{instead_of} found no regions in this picture, so it was cut into {rows * columns} rectangles."
    return Segments.grid(image.shape[:2], rows, columns, (note,) if instead_of else ())


def _slic(image: Floats, count: int) -> Labels:
    from skimage.segmentation import slic

    return np.asarray(slic(image, n_segments=count, compactness=10, sigma=1, start_label=0, channel_axis=-1))


def _quickshift(image: Floats, count: int) -> Labels:
    """Modes of colour and place; their number falls with the square of the kernel's size, which is corrected once.

    Time grows with the fourth power of that size, so the picture is reduced when few superpixels are wanted.
    """
    from skimage.segmentation import quickshift

    def with_kernel(size: float) -> Labels:
        options = {"ratio": 0.2, "kernel_size": size, "max_dist": float(sum(image.shape[:2])), "rng": 0}
        options |= {} if image.shape[2] == 3 else {"convert2lab": False}
        return np.asarray(quickshift(image.astype(float), **options))  # type: ignore[no-untyped-call]

    image = _reduced(image, count * PIXELS_A_MODE * LARGEST_KERNEL**2)
    first = max(1.0, (image.shape[0] * image.shape[1] / count / PIXELS_A_MODE) ** 0.5)
    labels = with_kernel(first)
    second = min(max(1.0, first * (_number(labels) / count) ** 0.5), 1.5 * first)
    return (
        labels if second == first else min(labels, with_kernel(second), key=lambda labels: abs(_number(labels) - count))
    )


def _felzenszwalb(image: Floats, count: int) -> Labels:
    """Regions without strong inner edges; bisection finds the scale that gives about `count` of them."""
    from skimage.segmentation import felzenszwalb

    smallest = max(1, image.shape[0] * image.shape[1] // (8 * count))

    def with_scale(scale: float) -> Labels:
        with warnings.catch_warnings(action="ignore"):  # about more than three channels
            return np.asarray(felzenszwalb(image, scale=scale, sigma=0.8, min_size=smallest))

    low, high = SCALES
    tried = []
    for _ in range(8):
        middle = (low * high) ** 0.5
        tried.append(with_scale(middle))
        low, high = (middle, high) if _number(tried[-1]) > count else (low, middle)
    return min(tried, key=lambda labels: abs(_number(labels) - count))


ALGORITHMS: dict[str, Callable[[Floats, int], Labels]] = {
    "slic": _slic,
    "quickshift": _quickshift,
    "felzenszwalb": _felzenszwalb,
}
PIXELS_A_MODE = 72  # of quickshift with a kernel of one pixel, measured on photos
LARGEST_KERNEL = 6  # pixels
SCALES = (1.0, 30000.0)  # of felzenszwalb, from a superpixel for every few pixels to one for all of a photo


def _number(labels: Labels) -> int:
    return len(np.unique(labels))


def _reduced(image: Floats, area: int) -> Floats:
    height, width = image.shape[:2]
    share = min(1.0, (area / (height * width)) ** 0.5)
    size = (max(1, round(height * share)), max(1, round(width * share)))
    return np.ascontiguousarray(resized(image.transpose(2, 0, 1), size).transpose(1, 2, 0))


def _at_full_size(labels: Labels, size: tuple[int, ...]) -> Labels:
    rows, columns = (np.arange(new) * old // new for old, new in zip(labels.shape, size, strict=True))
    return np.asarray(labels[rows[:, None], columns])
