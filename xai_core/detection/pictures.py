"""Prepare pictures for a detector, and set the size of its maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from xai_core.params import Size
from xai_core.types import Floats

LONGEST_IMAGE = 1344  # pixels; what the usual detectors look at
LONGEST_MAP = 480


def shrunk(pixels: NDArray[np.uint8], longest: int = LONGEST_IMAGE) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) with no side longer than `longest` pixels; the default is a detector's input."""
    size = within(pixels.shape[:2], longest)
    if size == pixels.shape[:2]:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=3.0))


def image_of(pixels: NDArray[np.uint8]) -> Floats:
    """Return a picture (H, W, 3) uint8 as an image float32 in [0, 1]."""
    return np.asarray(pixels, np.float32) / np.float32(255)


def map_size(image: Floats) -> Size:
    """Return the height and width of the maps for an image (H, W, 3): those of the image, at most 480 per side."""
    return within(image.shape[:2], LONGEST_MAP)


def within(size: tuple[int, ...], longest: int) -> Size:
    """Return a height and width with the same proportions and no side longer than `longest` pixels."""
    height, width = size
    share = min(1.0, longest / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def at_size(corners: Floats, size: tuple[int, ...], wanted: tuple[int, ...]) -> Floats:
    """Convert corners (n, 4) from pixels of a picture of `size` (height, width) to pixels at the `wanted` size."""
    down, across = (new / old for new, old in zip(wanted, size, strict=True))
    return np.asarray(corners * np.array([across, down, across, down]), np.float32)


def outlined(photo: NDArray[np.uint8], corners: Floats) -> NDArray[np.uint8]:
    """Draw the outlines of boxes (n, 4) on a picture (H, W, 3), white between black to stand out anywhere."""
    height, width = photo.shape[:2]
    drawn = Image.fromarray(photo)
    pen = ImageDraw.Draw(drawn)
    line = max(1, round(max(height, width) / 400))
    for box in np.clip(corners, 0, [width - 1, height - 1, width - 1, height - 1]):
        left, right = sorted(map(float, box[::2]))
        top, bottom = sorted(map(float, box[1::2]))
        pen.rectangle((left - line, top - line, right + line, bottom + line), outline="black", width=3 * line)
        pen.rectangle((left, top, right, bottom), outline="white", width=line)
    return np.asarray(drawn)
