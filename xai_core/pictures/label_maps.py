"""Read a label map: a picture whose pixels are the numbers of their classes."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from xai_core.errors import DataError

VOID = 255  # marks pixels that do not count, as in Pascal VOC and Cityscapes
FORMATS = ("PNG", "TIFF", "BMP", "GIF")  # of Pillow, which keep numbers as they are
MAX_BYTES = 64 << 20
MOST_PIXELS = 40_000_000
LabelMap = NDArray[np.uint8]
WANTED = (
    "A label map is a PNG whose pixels are class numbers, as gray values or as a palette; 255 marks pixels to ignore."
)
COLOURS = f"{WANTED} This picture holds colours. Convert each colour to the number of its class."
TOO_LARGE = "The label map has {0:,} x {1:,} pixels; at most 40 million can be read. Reduce it with nearest neighbours."
NO_PICTURE = f"{WANTED} This file cannot be read as one; JPEG is not taken, as it changes the numbers."


def read_label_map(data: bytes) -> LabelMap:
    """Return the class number of every pixel (h, w) from the bytes of a picture; DataError if it holds none."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DataError(TOO_LARGE.format(image.width, image.height))
            if image.mode not in ("L", "P", "1", "I;16", "I"):
                raise DataError(COLOURS)
            values = np.asarray(image)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise DataError(NO_PICTURE) from None
    for number in (values.min(), values.max()):
        if not 0 <= number <= VOID:
            raise DataError(f"{WANTED} This one holds the number {int(number)}.")
    return values.astype(np.uint8)
