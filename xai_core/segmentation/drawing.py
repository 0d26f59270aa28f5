"""Draw a segmentation over its photo, and the outline of a region."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.labels import BACKGROUND
from xai_core.segmentation.segments import NO_CLASS, Classes
from xai_core.types import Flags

Photo = NDArray[np.uint8]
Colour = tuple[int, int, int]
GOLDEN = 0.618034  # of a turn; hues so far apart stay distinct however many there are
FIRST_HUE, SATURATION, VALUES = 0.58, 0.75, (0.95, 0.7)
COVER = 0.55
DARK, BRIGHT = (0, 0, 0), (255, 255, 255)
THICKNESS = 240  # pixels of the photo's longer side for one pixel of the line


def colour_of(index: int) -> Colour:
    """Return the colour of a class, the same for every picture and model."""
    hue, value = (FIRST_HUE + index * GOLDEN) % 1, VALUES[index % len(VALUES)]
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, SATURATION, value))
    return red, green, blue


def is_background(label: str) -> bool:
    """Whether a class is called like a background, which gets no colour."""
    return label.strip().casefold() in BACKGROUND


def tinted(photo: Photo, classes: Classes, labels: Sequence[str]) -> Photo:
    """Return a photo (h, w, 3) tinted by its classes (H, W), which have the same field of view."""
    spread = _as_photo(classes, photo)
    colours = np.array([colour_of(index) for index in range(len(labels))], np.float32)
    shown = np.array([not is_background(label) for label in labels])
    cover = COVER * (shown[spread] & (spread != NO_CLASS))[..., None]
    return np.asarray(np.rint(photo * (1 - cover) + colours[spread] * cover), np.uint8)


def outlined(photo: Photo, region: Flags) -> Photo:
    """Return a photo (h, w, 3) with a region (H, W), of the same field of view, outlined in black and white."""
    from scipy import ndimage  # slow to import, and rarely needed

    inside = _as_photo(region.astype(np.int32), photo) > 0
    thick = max(1, round(max(photo.shape[:2]) / THICKNESS))
    grown, shrunk = ndimage.binary_dilation(inside, iterations=thick), ndimage.binary_erosion(inside, iterations=thick)
    drawn = photo.copy()
    drawn[grown & ~inside], drawn[inside & ~shrunk] = DARK, BRIGHT
    return drawn


def _as_photo(values: Classes, photo: Photo) -> Classes:
    """Return values (H, W) at the size of a photo, each pixel with the nearest one."""
    size = photo.shape[1], photo.shape[0]
    return np.asarray(Image.fromarray(values.astype(np.int32)).resize(size, Image.Resampling.NEAREST), np.int32)
