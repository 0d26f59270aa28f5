"""Pictures on their way to a detector, and the size of the maps that come back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.params import Size
from xai_core.types import Floats

LONGEST_IMAGE = 1344  # pixels; what the usual detectors look at
LONGEST_MAP = 480


def shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) as a detector gets it: no side longer than 1344 pixels."""
    size = within(pixels.shape[:2], LONGEST_IMAGE)
    if size == pixels.shape[:2]:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=3.0))


def image_of(pixels: NDArray[np.uint8]) -> Floats:
    """Return a picture (H, W, 3) of whole numbers as an image in [0, 1]."""
    return np.asarray(pixels, np.float32) / np.float32(255)


def map_size(image: Floats) -> Size:
    """Return the height and width of the maps for an image (H, W, 3): those of the image, at most 480 a side."""
    return within(image.shape[:2], LONGEST_MAP)


def within(size: tuple[int, ...], longest: int) -> Size:
    """Return a height and width of the same proportions, no side longer than `longest` pixels."""
    height, width = size
    share = min(1.0, longest / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))
