"""Read pictures from NPY files: (h, w), (h, w, C) or (C, h, w) with 1, 3 or 4 channels, or a stack of these."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from xai_core.errors import DataError, ImageError
from xai_core.pictures.depth import eight_bit
from xai_core.untrusted.npz import MAGIC, single_array

CHANNELS = (1, 3, 4)
EXPECTED = "Expected an array (height, width), (height, width, 3) or (3, height, width) of numbers, or a stack of these"


def is_npy(data: bytes) -> bool:
    """Whether a file is an array that NumPy saved."""
    return data.startswith(MAGIC)


class ArrayPicture:
    """An array as a picture. size: width and height. pages: how many pictures it has. Raises ImageError."""

    def __init__(self, data: bytes) -> None:
        try:
            values = single_array(data)
        except DataError as error:
            raise ImageError(str(error)) from error
        if values.dtype.kind not in "biuf" or not values.size:
            raise ImageError(f"{EXPECTED}; got {values.dtype} of shape {values.shape}.")
        self._stack = _stack(values)
        self.pages, height, width, _ = self._stack.shape
        self.size = (width, height)

    def image(self, page: int, notes: list[str]) -> Image.Image:
        """Return one of the pictures in 8 bits, and note how it was made. Raises ImageError for NaN."""
        values = self._stack[page]
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * 255
        elif values.dtype != np.uint8:
            values, sentence = eight_bit(values)
            notes.append(sentence)
        return Image.fromarray(np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values))


def _stack(values: NDArray[Any]) -> NDArray[Any]:
    """Return an array as (n, h, w, C)."""
    if values.ndim == 2:
        return values[None, ..., None]
    if values.ndim == 3 and values.shape[-1] in CHANNELS:
        return values[None]
    if values.ndim == 3 and values.shape[0] in CHANNELS:
        return values.transpose(1, 2, 0)[None]
    if values.ndim == 3:
        return values[..., None]
    if values.ndim == 4 and values.shape[-1] in CHANNELS:
        return values
    if values.ndim == 4 and values.shape[1] in CHANNELS:
        return values.transpose(0, 2, 3, 1)
    raise ImageError(f"{EXPECTED}; got the shape {values.shape}.")
