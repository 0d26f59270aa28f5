"""Thumbnails of all pictures on one sheet, sent to the browser at once."""

from __future__ import annotations

import io
import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_PIXELS = 2_500_000  # of a sheet; about a megabyte
LARGEST, BLOCK = 64, 8  # pixels; JPEG works in blocks, so thumbnails of whole blocks do not bleed into each other


@dataclass(frozen=True)
class SpriteSheet:
    """A JPEG with thumbnails of `width` x `height` pixels in rows of `columns`, in the order of the history."""

    jpeg: bytes
    digest: int
    columns: int
    width: int
    height: int


def sheet_of(pictures: NDArray[np.uint8]) -> SpriteSheet:
    """Return the sheet of pictures (n, h, w, 3), shrunk if there are many."""
    count, height, width, _ = pictures.shape
    shrink = min(LARGEST / max(height, width), math.sqrt(MOST_PIXELS / (count * height * width)), 1.0)
    columns = math.ceil(math.sqrt(count * height / width))
    rows = math.ceil(count / columns)
    whole = np.zeros((rows * columns, height, width, 3), np.uint8)
    whole[:count] = pictures
    whole = whole.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    across, down = _blocks(width * shrink), _blocks(height * shrink)
    image = Image.fromarray(whole).resize((columns * across, rows * down), Image.Resampling.BOX)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=88, subsampling=0)
    encoded = written.getvalue()
    return SpriteSheet(encoded, zlib.crc32(encoded), columns, across, down)


def _blocks(side: float) -> int:
    return max(1, round(side / BLOCK)) * BLOCK
